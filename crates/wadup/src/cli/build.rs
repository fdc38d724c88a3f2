use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use clap::Args;

use super::value;
use crate::exit_code;

const EXAMPLES: &str = "\
wadup build my-project --locked
wadup build my-project --dry-run";

#[derive(Debug, Clone, Args)]
#[command(after_help = exit_code::help(EXAMPLES))]
pub(crate) struct BuildArgs {
    /// The folder of the project's pyproject.toml
    #[arg(default_value = ".")]
    pub(crate) project: PathBuf,

    /// Where to write the artifact [default: PROJECT/dist/NAME-VERSION.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) resolve: ResolveArgs,

    #[command(flatten)]
    pub(crate) import: ImportArgs,

    /// Wall-clock time that importing the entry point may take [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) timeout: Option<Duration>,

    /// Linear memory that importing the entry point may use [default: 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_memory: Option<ByteSize>,

    /// Tell what would be done, and do nothing of it
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,

    /// Build again when the project changes, until Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,

    /// List the files and packages that went into the artifact
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Write events as JSON Lines to stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// What importing the entry point may do, as its effects are frozen in the artifact.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ImportArgs {
    /// Fail if importing the entry point reads a clock, random numbers or the environment, or
    /// leaves files behind, instead of warning
    #[arg(long)]
    pub(crate) deny_impure: bool,
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
