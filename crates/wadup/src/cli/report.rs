use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup report results.db --output report.html"))]
pub(crate) struct ReportArgs {
    /// A database that `wadup run` wrote
    pub(crate) database: PathBuf,

    /// The page to write; `-` for stdout [default: the database's name with `.html`]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// How many rows of each table, and how many inputs, the page has; counts and charts are of all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) rows: u32,
}
