//! What a run came to, in words.

use std::{fmt::Write as _, path::Path};

use indicatif::HumanCount;
use wadup_host::{ErrorGroup, RunSummary};
use wadup_sink::Status;

use super::console::{BAD, DIM, GOOD, counted, shown};
use crate::diagnostics::{OneLine, display_path};

/// How many kinds of failure are shown; the others are in the database.
const MOST_GROUPS: usize = 8;
const MOST_TABLES: usize = 8;

/// How many inputs, how fast, what failed and why, where the rows are.
pub(super) fn render(summary: &RunSummary, database: &Path) -> String {
    let mut text = headline(summary);
    failures(&mut text, summary);
    rows(&mut text, summary, database);
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
    if summary.cancelled {
        let _ = write!(text, "{BAD}interrupted{BAD:#} after ");
    }
    let _ = writeln!(
        text,
        "{} in {} ({rate:.0} inputs/s): {}",
        counted(summary.inputs, "input"),
        shown(summary.duration),
        statuses(summary),
    );
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
    let mut text = format!("{} done by earlier runs", HumanCount(summary.unchanged));
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

fn failures(text: &mut String, summary: &RunSummary) {
    for group in summary.errors.iter().take(MOST_GROUPS) {
        failure(text, group);
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

fn failure(text: &mut String, group: &ErrorGroup) {
    let count = HumanCount(group.count);
    let _ = match (group.status, &group.kind) {
        (Status::Raised, Some(kind)) => writeln!(text, "  {count} raised {}", OneLine(kind)),
        (status, Some(kind)) => writeln!(text, "  {count} {status} ({})", OneLine(kind)),
        (status, None) => writeln!(text, "  {count} {status}"),
    };
    if !group.message.is_empty() {
        let _ = writeln!(text, "    {}", OneLine(&group.message));
    }
    let example = display_path(Path::new(&group.example));
    let _ = writeln!(text, "    {DIM}such as{DIM:#} {example}");
}

fn rows(text: &mut String, summary: &RunSummary, database: &Path) {
    let database = display_path(database).to_string();
    let total = counted(summary.total_rows(), "row");
    let _ = writeln!(text, "{total} in {database}{}", tables(summary));
    let query = query(summary);
    let _ = writeln!(
        text,
        "{DIM}try{DIM:#} sqlite3 -box {} {query}",
        quoted(&database)
    );
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

/// A query for a shell: of the table with the most rows, else of the failures.
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
        Some((name, _)) => format!("'SELECT * FROM {name} LIMIT 5'"),
        None => "'SELECT status, error_kind, message FROM _wadup_outcomes LIMIT 5'".to_owned(),
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
