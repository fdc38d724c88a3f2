use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::HELP)]
pub(crate) struct BuildArgs {
    /// The folder of the project's pyproject.toml
    #[arg(default_value = ".")]
    pub(crate) project: PathBuf,

    /// Where to write the artifact [default: PROJECT/dist/NAME-VERSION.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,

    /// List the files and packages that went into the artifact
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Write events as JSON Lines to stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// How dependencies are resolved, as in uv.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ResolveArgs {
    /// Fail if the project's lock is missing or out of date, instead of writing it
    #[arg(long)]
    pub(crate) locked: bool,

    /// Use only what is in the cache
    #[arg(long)]
    pub(crate) offline: bool,
}
