use std::{ffi::OsString, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use clap::Args;

use super::{CompilerArgs, LimitArgs, ResolveArgs, value};
use crate::{cli::EnvVar, exit_code};

#[derive(Debug, Args)]
#[command(
    override_usage = "wadup python [OPTIONS] [FILE | -c CODE | -m MODULE] [ARGS]...",
    after_help = exit_code::PROGRAM_HELP
)]
pub(crate) struct PythonArgs {
    /// A script of the host's, or `-` for one on stdin, and what follows in `sys.argv`; without one,
    /// a session on a terminal, else a script on stdin
    #[arg(value_name = "FILE", trailing_var_arg = true)]
    pub(crate) program: Vec<OsString>,

    /// A program as text; all that follows is its `sys.argv`
    #[arg(short = 'c', value_name = "CODE", num_args = 1.., allow_hyphen_values = true, conflicts_with_all = ["program", "module"])]
    pub(crate) code: Option<Vec<OsString>>,

    /// A module, as a script; all that follows is its `sys.argv`
    #[arg(short = 'm', value_name = "MODULE", num_args = 1.., allow_hyphen_values = true, conflicts_with = "program")]
    pub(crate) module: Option<Vec<OsString>>,

    /// The project whose package and dependencies are there [default: the current folder's]
    #[arg(long, help_heading = "Packages", value_name = "PATH")]
    pub(crate) project: Option<PathBuf>,

    /// No project: wadup's own package only
    #[arg(long, help_heading = "Packages", conflicts_with = "project")]
    pub(crate) no_project: bool,

    /// With --no-project, a package to have, such as `attrs>=23`; may be repeated
    #[arg(
        long,
        help_heading = "Packages",
        value_name = "REQUIREMENT",
        requires = "no_project"
    )]
    pub(crate) with: Vec<String>,

    /// A file that `wadup.input` reads
    #[arg(short, long, help_heading = "Sandbox", value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,

    #[command(flatten, next_help_heading = "When an interpreter is made first")]
    pub(crate) compiler: CompilerArgs,

    #[command(flatten, next_help_heading = "When an interpreter is made first")]
    pub(crate) resolve: ResolveArgs,
}

/// What a sandbox may use whose output is seen at once.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sandbox")]
pub(crate) struct SandboxArgs {
    /// An environment variable for the guest, which sees none of the host's
    #[arg(long, value_name = "NAME=VALUE", value_parser = value::env_var)]
    pub(crate) env: Vec<EnvVar>,

    /// Wall-clock time; in a session, of each statement [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    timeout: Option<Duration>,

    /// Units of work, about one a WebAssembly instruction [default: no limit]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    fuel: Option<u64>,

    /// Linear memory [default: 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    max_memory: Option<ByteSize>,

    /// Native stack for WebAssembly calls [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    max_stack: Option<ByteSize>,

    /// Space in the sandbox's file system, such as /tmp [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    max_files: Option<ByteSize>,
}

impl SandboxArgs {
    /// The same as limits of an input.
    pub(crate) fn limits(&self) -> LimitArgs {
        LimitArgs {
            max_memory: self.max_memory,
            max_stack: self.max_stack,
            fuel: self.fuel,
            timeout: self.timeout,
            max_files: self.max_files,
            ..LimitArgs::default()
        }
    }
}
