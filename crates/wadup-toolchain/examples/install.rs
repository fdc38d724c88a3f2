//! Installs the toolchain and says how long each step took:
//! `cargo run --release -p wadup-toolchain --example install`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use wadup_toolchain::{Event, Reporter, Settings, Toolchain, ToolchainError};

#[derive(Debug)]
struct Printer;

impl Reporter for Printer {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Planned { steps } => eprintln!("{steps} steps to build"),
            Event::Started { step } => eprintln!("  begin {step}"),
            Event::Waiting { step } => eprintln!("   wait {step}: another process builds it"),
            Event::Fetching { file } => eprintln!("  fetch {file}"),
            Event::Finished { step, duration } => eprintln!("   done {step} in {duration:.1?}"),
            Event::Failed { step, duration } => eprintln!(" FAILED {step} after {duration:.1?}"),
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let toolchain = Toolchain::open(Settings::from_env()?, Arc::new(Printer))?;
    if let Err(error) = toolchain.install() {
        show(&error);
        std::process::exit(1);
    }
    println!("installed in {:.3?}", begun.elapsed());
    let runtime = toolchain.runtime(&["pydantic-core"])?;
    println!("runtime {}\n  {}", runtime.digest, runtime.wasm.display());
    Ok(())
}

fn show(error: &ToolchainError) {
    if let ToolchainError::Step(step) = error {
        eprintln!("{}", step.tail.join("\n"));
    }
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  cause: {error}");
        cause = error.source();
    }
    if let Some(hint) = error.hint() {
        eprintln!("hint: {hint}");
    }
}
