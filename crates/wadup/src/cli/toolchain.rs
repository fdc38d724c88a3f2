use clap::{Args, Subcommand};

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup toolchain install"))]
pub(crate) struct ToolchainArgs {
    #[command(subcommand)]
    pub(crate) command: ToolchainCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ToolchainCommand {
    /// Show each step and whether it is done
    Status {
        /// Write one JSON object a step to stdout
        #[arg(long)]
        json: bool,
    },
    /// Do every step that is not done yet
    Install {
        /// Use only what is in the cache
        #[arg(long)]
        offline: bool,
        /// Show each step's log as it grows
        #[arg(short, long)]
        verbose: bool,
        /// Write events as JSON Lines to stdout
        #[arg(long)]
        json: bool,
    },
    /// Print the folder that it is in
    Path,
    /// Remove it, and what was made with it: artifacts, bytecode, compiled code, wheels
    Clean {
        /// Only what this version of wadup does not use
        #[arg(long)]
        unused: bool,
    },
}

impl ToolchainCommand {
    pub(super) fn writes_json(&self) -> bool {
        match self {
            Self::Status { json } | Self::Install { json, .. } => *json,
            Self::Path | Self::Clean { .. } => false,
        }
    }
}
