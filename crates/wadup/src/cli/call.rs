use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{CompilerArgs, ImportArgs, LimitArgs, ResolveArgs, value};
use crate::{cli::EnvVar, exit_code};

#[derive(Debug, Args)]
#[command(after_help = exit_code::HELP, group = ArgGroup::new("record").required(true))]
pub(crate) struct CallArgs {
    /// An artifact, or a project (built first if need be)
    #[arg(value_name = "ARTIFACT|PROJECT")]
    pub(crate) artifact: PathBuf,

    /// The input: one JSON document, or `-` for the one that stdin has
    #[arg(
        long,
        help_heading = "Input",
        value_name = "JSON",
        group = "record",
        allow_hyphen_values = true
    )]
    pub(crate) json: Option<String>,

    /// The input: a file, or `-` for stdin
    #[arg(
        short,
        long,
        help_heading = "Input",
        value_name = "PATH",
        group = "record"
    )]
    pub(crate) input: Option<PathBuf>,

    /// An environment variable for the guest, which sees none of the host's
    #[arg(long, help_heading = "Input", value_name = "NAME=VALUE", value_parser = value::env_var)]
    pub(crate) env: Vec<EnvVar>,

    #[command(flatten, next_help_heading = "Limits of one input")]
    pub(crate) limits: LimitArgs,

    #[command(flatten, next_help_heading = "When an artifact is compiled first")]
    pub(crate) compiler: CompilerArgs,

    #[command(flatten, next_help_heading = "When a project is built first")]
    pub(crate) resolve: ResolveArgs,

    #[command(flatten, next_help_heading = "When a project is built first")]
    pub(crate) import: ImportArgs,
}
