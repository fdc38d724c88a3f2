use std::path::PathBuf;

use clap::Args;

use super::{CompilerArgs, ResolveArgs, SandboxArgs};
use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::HELP)]
pub(crate) struct TestArgs {
    /// The folder of the project's pyproject.toml
    #[arg(default_value = ".")]
    pub(crate) project: PathBuf,

    /// Arguments of pytest
    #[arg(last = true, value_name = "PYTEST ARGS")]
    pub(crate) pytest: Vec<String>,

    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,

    #[command(flatten, next_help_heading = "When an interpreter is made first")]
    pub(crate) compiler: CompilerArgs,

    #[command(flatten, next_help_heading = "When an interpreter is made first")]
    pub(crate) resolve: ResolveArgs,
}
