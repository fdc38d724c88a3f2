use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup doctor --registries"))]
pub(crate) struct DoctorArgs {
    /// Also have each package registry deliver a small file, through the client that is configured
    /// for it
    #[arg(long)]
    pub(crate) registries: bool,

    /// Write one JSON object a finding to stdout
    #[arg(long)]
    pub(crate) json: bool,
}
