use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup sql results.db \"SELECT path, message FROM _wadup_failures\""))]
pub(crate) struct SqlArgs {
    /// A database that `wadup run` wrote
    pub(crate) database: PathBuf,

    /// One statement that reads; without it, the tables and views are listed
    pub(crate) query: Option<String>,

    /// Write one JSON object a row to stdout
    #[arg(long)]
    pub(crate) json: bool,
}
