//! `wadup`: packs Python projects into WebAssembly artifacts and runs inputs through them.
//!
//! This binary reads what was typed ([`cli`]), works out what it means ([`settings`]), calls the
//! libraries that do the work ([`commands`]), tells people and programs how it goes
//! ([`reporters`]), and explains what went wrong ([`diagnostics`]).

mod cli;
mod commands;
mod diagnostics;
mod exit_code;
mod reporters;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, reporters::JsonLines};

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let json = command.writes_json();
    match commands::execute(command) {
        Ok(code) => code,
        Err(failure) => {
            diagnostics::print(&failure);
            if json {
                JsonLines::to_stdout().write(&failure.to_event());
            }
            failure.exit_code().into()
        }
    }
}
