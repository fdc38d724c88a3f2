use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup man --output ~/.local/share/man/man1"))]
pub(crate) struct ManArgs {
    /// The folder to write a page for each command to; without it, that of `wadup` itself goes to
    /// stdout
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}
