//! What a run comes to.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::time::Duration;

use wadup_sink::{InputRecord, OutcomeRecord, Status};

/// How many different errors a summary tells apart.
const MAX_GROUPS: usize = 1000;
/// How many bytes of a kind or message they are told by: a guest can write megabytes.
const MAX_TEXT: usize = 500;

/// What was committed by a run.
#[derive(Debug, Clone, Default)]
pub struct RunSummary {
    /// Inputs, sub-content included.
    pub inputs: u64,
    /// Of those, how many were sub-content.
    pub children: u64,
    /// Inputs of which at least one outcome is not [`Status::Completed`].
    pub failed_inputs: u64,
    /// Outcomes by status; one for each input and artifact.
    pub outcomes: BTreeMap<Status, u64>,
    /// Bytes of all inputs.
    pub bytes: u64,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows that failed executions had handed over.
    pub rows_dropped: u64,
    /// Sub-content that failed executions had handed over.
    pub subcontent_dropped: u64,
    /// Failures, those with the same kind and message together, most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// Entries of folders that were passed over: symbolic links.
    pub skipped: u64,
    /// Inputs that an earlier run was done with, and so this one passed over.
    pub unchanged: u64,
    /// Of those, how many failed then.
    pub unchanged_failed: u64,
    /// Wall-clock time.
    pub duration: Duration,
    /// Whether the run was ended before all inputs were processed.
    pub cancelled: bool,
}

/// Failures that look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorGroup {
    pub status: Status,
    pub kind: Option<String>,
    /// The message of the first of them, up to its first line's end or 500 bytes.
    pub message: String,
    pub count: u64,
    /// The path of the first of them.
    pub example: OsString,
    /// The traceback of the first of them, without lines in its middle if it has many.
    pub traceback: Option<String>,
}

/// How many lines of a traceback are kept at either end: those of the program are first, what
/// went wrong is last.
const MAX_LINES: usize = 8;

/// Both ends of a traceback.
fn ends(traceback: &str) -> String {
    let lines: Vec<&str> = traceback.trim_end().lines().collect();
    let kept = |lines: &[&str]| lines.iter().map(|line| start(line)).collect::<Vec<_>>();
    let lines = match lines.len().checked_sub(2 * MAX_LINES) {
        None | Some(0 | 1) => kept(&lines),
        Some(left_out) => {
            let (first, last) = (&lines[..MAX_LINES], &lines[lines.len() - MAX_LINES..]);
            let note = format!("  [… {left_out} more lines …]");
            [kept(first), vec![note], kept(last)].concat()
        }
    };
    lines.join("\n")
}

/// What a text is told by.
fn start(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

impl RunSummary {
    /// Whether all inputs completed, in this run or in earlier ones.
    pub fn is_success(&self) -> bool {
        self.failed() == 0 && !self.cancelled
    }

    /// Inputs that failed, in this run or in earlier ones.
    pub fn failed(&self) -> u64 {
        self.failed_inputs + self.unchanged_failed
    }

    /// Rows of all tables.
    pub fn total_rows(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// Adds up what is committed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    summary: RunSummary,
    groups: HashMap<(Status, Option<String>, String), usize>,
}

impl Tally {
    /// Counts an input that is in the sink.
    pub(crate) fn input(&mut self, input: &InputRecord) {
        let summary = &mut self.summary;
        summary.inputs += 1;
        summary.children += u64::from(input.parent.is_some());
        summary.bytes += input.size.unwrap_or(0);
        let failed = |outcome: &OutcomeRecord| outcome.status != Status::Completed;
        summary.failed_inputs += u64::from(input.outcomes.iter().any(failed));
        for outcome in &input.outcomes {
            self.outcome(input, outcome);
        }
    }

    fn outcome(&mut self, input: &InputRecord, outcome: &OutcomeRecord) {
        let summary = &mut self.summary;
        *summary.outcomes.entry(outcome.status).or_default() += 1;
        summary.rows_dropped += outcome.rows_dropped;
        summary.subcontent_dropped += outcome.subcontent_dropped;
        for table in outcome.rows.tables() {
            summary.rows.entry(table.name.clone()).or_default();
        }
        for row in outcome.rows.iter() {
            let name = &outcome.rows.tables()[row.table()].name;
            if let Some(count) = summary.rows.get_mut(name) {
                *count += 1;
            }
        }
        if outcome.status != Status::Completed {
            self.error(input, outcome);
        }
    }

    fn error(&mut self, input: &InputRecord, outcome: &OutcomeRecord) {
        let message = outcome.message.as_deref().unwrap_or_default();
        let message = message.lines().next().unwrap_or_default();
        let (kind, message) = (outcome.error_kind.as_deref().map(start), start(message));
        let key = (outcome.status, kind.clone(), message.clone());
        if let Some(&group) = self.groups.get(&key) {
            self.summary.errors[group].count += 1;
        } else if self.groups.len() < MAX_GROUPS {
            self.groups.insert(key, self.summary.errors.len());
            self.summary.errors.push(ErrorGroup {
                status: outcome.status,
                kind,
                message,
                count: 1,
                example: input.path.clone(),
                traceback: outcome
                    .traceback
                    .as_deref()
                    .filter(|it| !it.is_empty())
                    .map(ends),
            });
        }
    }

    pub(crate) fn finish(mut self) -> RunSummary {
        self.summary
            .errors
            .sort_by_key(|group| std::cmp::Reverse(group.count));
        self.summary
    }
}
