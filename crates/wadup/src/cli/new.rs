use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup new my-project"))]
pub(crate) struct NewArgs {
    /// The folder to make; its name is the project's
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
}
