use std::path::PathBuf;

use clap::Args;

use super::ResolveArgs;
use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup check my-project --locked"))]
pub(crate) struct CheckArgs {
    /// The folder of the project's pyproject.toml
    #[arg(default_value = ".")]
    pub(crate) project: PathBuf,

    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,

    /// Write events as JSON Lines to stdout
    #[arg(long)]
    pub(crate) json: bool,
}
