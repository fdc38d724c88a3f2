use std::{fs, io, path::Path};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::{
    cli::{Cli, ManArgs},
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
    reporters,
};

/// `wadup man`
pub(super) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let Some(folder) = &args.output else {
        reporters::write_data(&page());
        return Ok(ExitCode::Success);
    };
    write_pages(folder).map_err(|error| {
        let action = format!("write the manual pages to {}", display_path(folder));
        Failure::new(ExitCode::Usage, action).because(&error)
    })?;
    let shown = display_path(folder);
    reporters::print(&format!(
        "wrote the manual pages to {shown}: `man wadup` finds them\n"
    ));
    Ok(ExitCode::Success)
}

/// That of `wadup` itself.
fn page() -> String {
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = Man::new(Cli::command()).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

/// `wadup.1`, `wadup-build.1` …
fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
