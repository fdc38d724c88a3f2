//! What each command does, told in a few lines; the work is in the libraries.

mod build;
mod inspect;
mod interrupt;
mod run;
mod toolchain;

use crate::{cli::Command, diagnostics::Failure, exit_code::ExitCode};

pub(crate) fn execute(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Build(args) => build::build(args),
        Command::Run(args) => run::run(*args),
        Command::Inspect(args) => inspect::inspect(args),
        Command::Toolchain(args) => toolchain::toolchain(args.command),
    }
}
