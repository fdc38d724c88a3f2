//! What can be typed. No meaning is worked out here: see [`crate::settings`].

mod build;
mod call;
mod check;
mod completions;
mod doctor;
mod inspect;
mod man;
mod new;
mod python;
#[cfg(test)]
mod reference;
mod report;
mod run;
mod sql;
mod test;
mod toolchain;
mod value;
mod wheel;

use clap::{Parser, Subcommand};

pub(crate) use build::{BuildArgs, ImportArgs, ResolveArgs};
pub(crate) use call::CallArgs;
pub(crate) use check::CheckArgs;
pub(crate) use completions::CompletionsArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use man::ManArgs;
pub(crate) use new::NewArgs;
pub(crate) use python::{PythonArgs, SandboxArgs};
pub(crate) use report::ReportArgs;
pub(crate) use run::{CompilerArgs, IsolationArg, LimitArgs, RunArgs};
pub(crate) use sql::SqlArgs;
pub(crate) use test::TestArgs;
pub(crate) use toolchain::{ToolchainArgs, ToolchainCommand};
pub(crate) use value::EnvVar;
pub(crate) use wheel::WheelArgs;

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
    /// Make a project that runs at once: a model, a test and samples
    New(NewArgs),
    /// Look for what is wrong with a project, without building it
    Check(CheckArgs),
    /// Build a Python project into one self-contained WebAssembly file
    Build(BuildArgs),
    /// Run inputs through artifacts and collect their rows in a SQLite database
    Run(Box<RunArgs>),
    /// Give an artifact one record, and print the rows that it yields
    Call(Box<CallArgs>),
    /// Run a project's tests with pytest, in the sandbox
    Test(Box<TestArgs>),
    /// Python in the sandbox, with a project's packages: a program, or a session
    Python(Box<PythonArgs>),
    /// Make one page of HTML of the results in a database
    Report(ReportArgs),
    /// Ask a database of results
    Sql(SqlArgs),
    /// Show what is in an artifact
    Inspect(InspectArgs),
    /// Write the Python package `wadup`, for editors, type checkers and debugging
    Wheel(WheelArgs),
    /// Manage what `build` needs: compilers, CPython and extensions for WebAssembly
    Toolchain(ToolchainArgs),
    /// Look at the machine, and say what to install
    Doctor(DoctorArgs),
    /// Write a script that completes commands and options in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// What `run` starts to compile an artifact
    #[command(name = COMPILE, hide = true)]
    Compile,
}

/// The command that compiles an artifact in a process of its own.
pub(crate) const COMPILE: &str = "compile-for-parent";

impl Command {
    /// Whether stdout is for a program.
    pub(crate) fn writes_json(&self) -> bool {
        match self {
            Self::Check(args) => args.json,
            Self::Build(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Run(args) => args.json,
            Self::Call(_) | Self::Test(_) | Self::Python(_) | Self::Report(_) => false,
            Self::Sql(args) => args.json,
            Self::Inspect(args) => args.json,
            Self::New(_) | Self::Wheel(_) => false,
            Self::Toolchain(args) => args.command.writes_json(),
            Self::Completions(_) | Self::Man(_) | Self::Compile => false,
        }
    }
}
