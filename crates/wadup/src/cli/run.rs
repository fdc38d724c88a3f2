use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use super::{ImportArgs, ResolveArgs, value};
use crate::{cli::EnvVar, exit_code};

const EXAMPLES: &str = "\
wadup run my-project --input samples --output results.db
find inbox -name '*.json' -print0 | wadup run app.wasm --input-list - -o results.db";

#[derive(Debug, Clone, Args)]
#[command(after_help = exit_code::help(EXAMPLES))]
pub(crate) struct RunArgs {
    /// Artifacts, projects (built first if need be), folders of artifacts
    #[arg(
        value_name = "ARTIFACT|PROJECT|FOLDER",
        required_unless_present = "modules"
    )]
    pub(crate) artifacts: Vec<PathBuf>,

    /// A folder of artifacts
    #[arg(long, value_name = "DIR")]
    pub(crate) modules: Vec<PathBuf>,

    /// Files, folders (read recursively), or `-` for stdin
    #[arg(short, long, help_heading = "Inputs", value_name = "PATH", num_args = 1.., required_unless_present = "input_list")]
    pub(crate) input: Vec<PathBuf>,

    /// A file of paths, each ended by a NUL byte (`find -print0`); `-` for stdin
    #[arg(long, help_heading = "Inputs", value_name = "FILE")]
    pub(crate) input_list: Option<PathBuf>,

    /// Of the files in folders, take only those whose name matches; may be repeated
    #[arg(long, help_heading = "Inputs", value_name = "PATTERN")]
    pub(crate) glob: Vec<String>,

    /// An environment variable for the guest, which sees none of the host's
    #[arg(long, help_heading = "Inputs", value_name = "NAME=VALUE", value_parser = value::env_var)]
    pub(crate) env: Vec<EnvVar>,

    /// The SQLite database to write; a run is added to one that wadup wrote
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Go on from earlier runs in FILE: pass over inputs that they are done with, and replace the rows
    /// of those that have changed or that they did not finish
    #[arg(long)]
    pub(crate) resume: bool,

    /// With --resume, process inputs that failed again
    #[arg(long, requires = "resume")]
    pub(crate) retry_failed: bool,

    /// Build and run again when the project or an input changes, until Ctrl-C: like --resume and
    /// --retry-failed, each time
    #[arg(short, long, conflicts_with = "input_list")]
    pub(crate) watch: bool,

    /// Inputs to process at once [default: all cores, as far as --max-memory of each fits the memory
    /// that is available]
    #[arg(short, long, visible_alias = "threads", value_name = "N", value_parser = value::count)]
    pub(crate) jobs: Option<NonZeroU32>,

    /// A new instance for every input, or one for all inputs of a job: faster, but an input then
    /// finds what another one left in memory
    #[arg(long, value_name = "HOW", default_value = "fresh")]
    pub(crate) isolation: IsolationArg,

    #[command(flatten, next_help_heading = "Limits of one input")]
    pub(crate) limits: LimitArgs,

    #[command(flatten, next_help_heading = "When an artifact is compiled first")]
    pub(crate) compiler: CompilerArgs,

    #[command(flatten, next_help_heading = "When a project is built first")]
    pub(crate) resolve: ResolveArgs,

    #[command(flatten, next_help_heading = "When a project is built first")]
    pub(crate) import: ImportArgs,

    /// Tell of every input, also of those that completed
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,

    /// Write events as JSON Lines to stdout
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// `--isolation`
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum IsolationArg {
    Fresh,
    Reuse,
}

/// What one input may use. Sizes are plain bytes or have a unit (`256MiB`), durations have a unit
/// (`3s`, `500ms`).
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct LimitArgs {
    /// Linear memory of the guest [default: 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_memory: Option<ByteSize>,

    /// Native stack for WebAssembly calls; the artifact's own stack (8 MiB, in its memory) is
    /// another matter [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_stack: Option<ByteSize>,

    /// Units of work, about one a WebAssembly instruction [default: no limit]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) fuel: Option<u64>,

    /// Wall-clock time [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) timeout: Option<Duration>,

    /// Space in the sandbox's file system, such as /tmp [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_files: Option<ByteSize>,

    /// What is kept of stdout and of stderr each; the rest is dropped, and the input goes on
    /// [default: 64KiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_output: Option<ByteSize>,

    /// Rows [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_rows: Option<ByteSize>,

    /// Tables that it defines [default: 256]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_tables: Option<u32>,

    /// What is read of stdin [default: 4GiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_stdin: Option<ByteSize>,

    /// How deep sub-content may nest [default: 8]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_depth: Option<u32>,

    /// Pieces of sub-content below one file, at all depths together [default: 100000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_subcontent: Option<u64>,

    /// Bytes of sub-content below one file, at all depths together [default: 4GiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) max_subcontent_size: Option<ByteSize>,

    /// Bytes of sub-content below one file for each of its own, once they are more than 64 MiB
    /// [default: 200]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) max_subcontent_ratio: Option<u32>,
}

/// What compiling one artifact may use, which happens when the cache does not have its code.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct CompilerArgs {
    /// Wall-clock time of compiling one artifact [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) compile_timeout: Option<Duration>,

    /// Memory of compiling one artifact, and the most code that may come of it [default: 2GiB]
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(crate) compile_memory: Option<ByteSize>,
}
