//! What a run came to, in words.

use std::{fmt::Write as _, path::Path};

use indicatif::HumanCount;
use wadup_host::{ErrorGroup, RunSummary};
use wadup_sink::Status;

use super::console::{BAD, DIM, GOOD, counted, shown};
use crate::diagnostics::{OneLine, barred, columns, display_path, outside, wrapped};

/// How many kinds of failure are shown; the others are in the database.
const MOST_GROUPS: usize = 8;
const MOST_TABLES: usize = 8;
/// Of how many of them the traceback is shown.
const MOST_TRACEBACKS: usize = 3;
/// What is said of a kind of failure is below its name.
const DETAIL: &str = "    ";

/// What there is to know beside the summary itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Results<'a> {
    pub(crate) database: &'a Path,
    /// The folder that a project's packages are in, where it is all that ran.
    pub(crate) sources: Option<&'a Path>,
    /// Whether to say how to look at the rows.
    pub(crate) advice: bool,
}

/// How many inputs, how fast, what failed and why, where the rows are.
pub(super) fn render(summary: &RunSummary, results: &Results<'_>) -> String {
    let mut text = headline(summary);
    failures(&mut text, summary, results.sources);
    rows(&mut text, summary, results);
    text
}

fn headline(summary: &RunSummary) -> String {
    let mut text = String::new();
    let seconds = summary.duration.as_secs_f64();
    let rate = if seconds > 0.0 {
        summary.inputs as f64 / seconds
    } else {
        0.0
    };
    if summary.inputs == 0 && summary.unchanged > 0 && !summary.cancelled {
        let _ = writeln!(
            text,
            "nothing new in {}: {}",
            shown(summary.duration),
            unchanged(summary)
        );
        return text;
    }
    if summary.cancelled {
        let _ = write!(text, "{BAD}interrupted{BAD:#} after ");
    }
    let _ = write!(
        text,
        "{} in {} ({rate:.0} inputs/s): {}",
        counted(summary.inputs, "input"),
        shown(summary.duration),
        statuses(summary),
    );
    text = wrapped(&text, 0, columns());
    text.push('\n');
    if summary.unchanged > 0 {
        let _ = writeln!(text, "  {}", unchanged(summary));
    }
    if summary.children > 0 {
        let _ = writeln!(
            text,
            "  {} of them sub-content",
            HumanCount(summary.children)
        );
    }
    text
}

/// What earlier runs were done with.
fn unchanged(summary: &RunSummary) -> String {
    let mut text = format!(
        "{} done by earlier runs",
        counted(summary.unchanged, "input")
    );
    if summary.unchanged_failed > 0 {
        let failed = HumanCount(summary.unchanged_failed);
        let _ = write!(text, ", {BAD}{failed} failed{BAD:#} (--retry-failed)");
    }
    text
}

/// `395 completed, 5 failed`, in colour.
fn statuses(summary: &RunSummary) -> String {
    let completed = summary.inputs - summary.failed_inputs;
    let mut text = format!("{GOOD}{} completed{GOOD:#}", HumanCount(completed));
    if summary.failed_inputs > 0 {
        let _ = write!(
            text,
            ", {BAD}{} failed{BAD:#}",
            HumanCount(summary.failed_inputs)
        );
    }
    text
}

fn failures(text: &mut String, summary: &RunSummary, sources: Option<&Path>) {
    for (number, group) in summary.errors.iter().take(MOST_GROUPS).enumerate() {
        let traceback = group.traceback.as_deref();
        let is_raised = group.status == Status::Raised;
        let traceback = traceback.filter(|_| is_raised && number < MOST_TRACEBACKS);
        failure(text, group, traceback, sources);
    }
    let more = summary.errors.len().saturating_sub(MOST_GROUPS);
    if more > 0 {
        let _ = writeln!(
            text,
            "  and {}, in _wadup_outcomes",
            counted(more as u64, "other kind")
        );
    }
    if summary.rows_dropped > 0 {
        let rows = counted(summary.rows_dropped, "row");
        let _ = writeln!(text, "  {rows} of inputs that failed were dropped");
    }
}

fn failure(text: &mut String, group: &ErrorGroup, traceback: Option<&str>, sources: Option<&Path>) {
    let count = HumanCount(group.count);
    let _ = match (group.status, &group.kind) {
        (Status::Raised, Some(kind)) => writeln!(text, "  {count} raised {}", OneLine(kind)),
        (status, Some(kind)) => writeln!(text, "  {count} {status} ({})", OneLine(kind)),
        (status, None) => writeln!(text, "  {count} {status}"),
    };
    // A traceback of Python's ends with it.
    let is_said = traceback.is_some_and(|traceback| traceback.contains(&group.message));
    if let Some(traceback) = traceback {
        let traceback = match sources {
            Some(sources) => outside(traceback, sources),
            None => traceback.to_owned(),
        };
        text.push_str(&barred(traceback.lines(), DETAIL, columns()));
    }
    if !group.message.is_empty() && !is_said {
        let message = OneLine(&group.message).to_string();
        let message = wrapped(&message, DETAIL.len(), columns());
        let _ = writeln!(text, "{DETAIL}{message}");
    }
    let example = display_path(Path::new(&group.example));
    let _ = writeln!(text, "{DETAIL}{DIM}such as{DIM:#} {example}");
}

fn rows(text: &mut String, summary: &RunSummary, results: &Results<'_>) {
    let database = display_path(results.database).to_string();
    let noun = if summary.unchanged > 0 {
        "new row"
    } else {
        "row"
    };
    let total = counted(summary.total_rows(), noun);
    let line = format!("{total} in {database}{}", tables(summary));
    let _ = writeln!(text, "{}", wrapped(&line, 0, columns()));
    if results.advice {
        if summary.cancelled {
            let _ = writeln!(text, "{DIM}go on with{DIM:#} the same command and --resume");
        }
        let (database, query) = (quoted(&database), query(summary));
        let _ = writeln!(text, "{DIM}try{DIM:#} wadup sql {database}{query}");
        let _ = writeln!(text, "{DIM} or{DIM:#} wadup report {database}");
    }
}

fn tables(summary: &RunSummary) -> String {
    let mut text = String::new();
    for (number, (table, rows)) in summary.rows.iter().take(MOST_TABLES).enumerate() {
        let separator = if number == 0 { ":" } else { "," };
        let _ = write!(text, "{separator} {} {}", OneLine(table), HumanCount(*rows));
    }
    if summary.rows.len() > MOST_TABLES {
        text.push_str(", …");
    }
    text
}

/// A query for a shell: of the table with the most rows, else of the failures, if there are any.
fn query(summary: &RunSummary) -> String {
    let plain = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(plain)
    };
    let tables = summary.rows.iter();
    let fullest = tables
        .filter(|(name, rows)| plain(name) && **rows > 0)
        .max_by_key(|(_, rows)| **rows);
    match fullest {
        Some((name, _)) => format!(" 'SELECT * FROM {name} LIMIT 5'"),
        None if summary.failed_inputs > 0 => {
            " 'SELECT path, error_kind, message FROM _wadup_failures'".to_owned()
        }
        None => String::new(),
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
