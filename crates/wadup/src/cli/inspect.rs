use std::path::PathBuf;

use clap::Args;

use crate::exit_code;

#[derive(Debug, Args)]
#[command(after_help = exit_code::help("wadup inspect dist/my-project-0.1.0.wasm --size"))]
pub(crate) struct InspectArgs {
    /// A WebAssembly module, made by wadup or not
    pub(crate) artifact: PathBuf,

    /// Show what the file's bytes are for
    #[arg(long)]
    pub(crate) size: bool,

    /// Write one JSON object to stdout
    #[arg(long)]
    pub(crate) json: bool,
}
