//! What can be typed. No meaning is worked out here: see [`crate::settings`].

mod build;
mod inspect;
mod run;
mod toolchain;
mod value;

use clap::{Parser, Subcommand};

pub(crate) use build::{BuildArgs, ImportArgs, ResolveArgs};
pub(crate) use inspect::InspectArgs;
pub(crate) use run::{IsolationArg, LimitArgs, RunArgs};
pub(crate) use toolchain::{ToolchainArgs, ToolchainCommand};
pub(crate) use value::EnvVar;

use crate::exit_code;

/// Turn Python projects into sandboxed WebAssembly artifacts, and files into rows of SQL tables.
#[derive(Debug, Parser)]
#[command(name = "wadup", version, after_help = exit_code::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a Python project into one self-contained WebAssembly file
    Build(BuildArgs),
    /// Run inputs through artifacts and collect their rows in a SQLite database
    Run(Box<RunArgs>),
    /// Show what is in an artifact
    Inspect(InspectArgs),
    /// Manage what `build` needs: compilers, CPython and extensions for WebAssembly
    Toolchain(ToolchainArgs),
}

impl Command {
    /// Whether stdout is for a program.
    pub(crate) fn writes_json(&self) -> bool {
        match self {
            Self::Build(args) => args.json,
            Self::Run(args) => args.json,
            Self::Inspect(args) => args.json,
            Self::Toolchain(args) => args.command.writes_json(),
        }
    }
}
