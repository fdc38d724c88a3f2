//! `cargo dev`: what the developers of wadup run, and its users do not.
//!
//! - [`bench`]: measures wadup side by side with native CPython.
//! - [`suite`]: runs the tests that upstream packages ship, in the sandbox and natively.
//!   Benchmarks are some of them.

mod bench;
mod cli;
mod context;
mod statistics;
mod suite;

use std::process::ExitCode;

use clap::Parser;

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
    let context = Context::open()?;
    context.heed_interrupts()?;
    match command {
        Command::Bench(args) => bench::bench(&context, &args),
    }
}
