//! One outcome in words, for `--verbose`.

use std::{ffi::OsStr, fmt::Write as _};

use wadup_sink::{OutcomeRecord, Status};

use super::console::{BAD, DIM, GOOD, counted, shown};
use crate::diagnostics::{Lines, OneLine, display_path};

/// How it ended, why, and what the guest printed.
pub(super) fn render(path: &OsStr, artifact: Option<&str>, outcome: &OutcomeRecord) -> String {
    let completed = outcome.status == Status::Completed;
    let style = if completed { GOOD } else { BAD };
    let path = display_path(path.as_ref());
    let mut text = format!("{style}{}{style:#} {path}", outcome.status);
    if let Some(artifact) = artifact {
        let _ = write!(text, " {DIM}by{DIM:#} {}", OneLine(artifact));
    }
    let _ = writeln!(text, " {DIM}({}){DIM:#}", cost_and_yield(outcome));
    if !completed {
        indented(&mut text, "  ", why(outcome));
    }
    indented(&mut text, "  stdout: ", &outcome.stdout);
    indented(&mut text, "  stderr: ", beside_the_traceback(outcome));
    text
}

/// How an input failed, and why.
pub(super) fn failure(path: &OsStr, outcome: &OutcomeRecord) -> String {
    let path = display_path(path.as_ref());
    let took = shown(outcome.duration);
    let mut text = format!(
        "{BAD}{}{BAD:#} {path} {DIM}({took}){DIM:#}\n",
        outcome.status
    );
    indented(&mut text, "  ", why(outcome));
    text
}

/// What is on stderr and was not shown yet: CPython writes the traceback there as well.
pub(super) fn beside_the_traceback(outcome: &OutcomeRecord) -> &str {
    let stderr = outcome.stderr.trim_end();
    let traceback = outcome.traceback.as_deref().unwrap_or_default();
    stderr.strip_suffix(traceback.trim_end()).unwrap_or(stderr)
}

/// `3.2 ms, 5 rows`
fn cost_and_yield(outcome: &OutcomeRecord) -> String {
    let duration = shown(outcome.duration);
    match (outcome.status, outcome.rows_dropped) {
        (Status::Completed, _) => format!("{duration}, {}", counted(outcome.rows.len(), "row")),
        (_, 0) => duration,
        (_, dropped) => format!("{duration}, {} dropped", counted(dropped, "row")),
    }
}

/// The traceback where there is one: it ends with the message.
fn why(outcome: &OutcomeRecord) -> &str {
    let traceback = outcome.traceback.as_deref().filter(|text| !text.is_empty());
    traceback.or(outcome.message.as_deref()).unwrap_or_default()
}

fn indented(text: &mut String, start: &str, lines: &str) {
    for line in lines.trim_end().lines() {
        let _ = writeln!(text, "{start}{}", Lines(line));
    }
}
