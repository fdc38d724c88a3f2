//! `cargo dev`: what the developers of wadup run, and its users do not.
//!
//! - [`bench`]: measures wadup side by side with native CPython.
//! - [`conformance`]: runs upstream's own test suites in the sandbox, against the same natively.
//! - [`profile`]: makes the profiles that the guest's native code is compiled with.
//! - [`soak`]: runs that are long, large, hostile or killed, and what must hold of them.
//! - [`suite`]: the tests that upstream packages ship, in the sandbox and natively. Benchmarks
//!   are some of them.

mod bench;
mod cli;
mod conformance;
mod context;
mod profile;
mod soak;
mod statistics;
mod suite;

use std::process::ExitCode;

use clap::Parser;
use wadup_toolchain::Profiling;

use crate::cli::{Cli, Command};
use crate::context::Context;

fn main() -> ExitCode {
    let result = execute(Cli::parse().command);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<()> {
    let context = match command {
        Command::Bench(_) | Command::Conformance(_) | Command::Soak(_) => Context::open()?,
        Command::Profile(_) => Context::with(Profiling::Collect)?,
    };
    context.heed_interrupts()?;
    match command {
        Command::Bench(args) => bench::bench(&context, &args),
        Command::Conformance(args) => conformance::conformance(&context, &args),
        Command::Profile(args) => profile::profile(&context, &args),
        Command::Soak(args) => soak::soak(&context, &args),
    }
}
