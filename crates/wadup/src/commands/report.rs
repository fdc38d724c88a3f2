use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anstyle::Style;
use wadup_report::{Limits, Report};

use crate::{
    cli::ReportArgs,
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
    reporters,
};

/// `wadup report`
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let path = &args.database;
    let mut results = wadup_sink::read_results(path)
        .map_err(|error| Failure::database("read the results in", path, &error))?;
    let output = args.output.clone().unwrap_or_else(|| beside(path));
    if is_same_file(path, &output) {
        return Err(Failure::new(
            ExitCode::Usage,
            format_args!("write a report to {}", display_path(&output)),
        )
        .because_of("that is the database itself"));
    }
    let limits = Limits {
        rows: args.rows,
        ..Limits::default()
    };
    let title = path.file_name().unwrap_or(path.as_os_str());
    let report = Report::read(&mut results, title.to_string_lossy(), limits).map_err(|error| {
        let action = format_args!("read the results in {}", display_path(path));
        Failure::new(ExitCode::Database, action).because(&error)
    })?;
    let page = report.to_html();
    if output == Path::new("-") {
        reporters::write_data(&page);
    } else {
        fs::write(&output, page).map_err(|error| {
            let action = format_args!("write {}", display_path(&output));
            let missing = error.kind() == io::ErrorKind::NotFound;
            Failure::new(ExitCode::Database, action)
                .because(&error)
                .hint(missing.then_some("make the folder first"))
        })?;
        let bold = Style::new().bold();
        let output = display_path(&output);
        reporters::print(&format!("{bold}report{bold:#} in {output}\n"));
    }
    Ok(ExitCode::Success)
}

/// `results.db` to `results.html`
fn beside(database: &Path) -> PathBuf {
    database.with_extension("html")
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
