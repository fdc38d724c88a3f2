//! What a suite came to, for the person in front of the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::comparison::Comparison;
use super::files::{FileResult, Results};
use super::reason::Reason;
use super::verdict::{Problem, Verdict};
use crate::context::say;
use crate::suite::{Outcome, Suite};

/// What a suite came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) suite: String,
    pub(super) native: Counts,
    pub(super) sandbox: Counts,
    /// How many tests differ, by reason.
    pub(super) reasons: BTreeMap<Reason, usize>,
    pub(super) differs: usize,
    /// How many tests upstream skips in the sandbox only.
    pub(super) skips: usize,
    pub(super) fail_on_both: usize,
    /// By path, for suites of many files.
    pub(super) files: Vec<FileReport>,
    /// A paragraph for each.
    problems: Vec<String>,
}

/// What a test file came to.
#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) path: String,
    pub(super) native: Counts,
    pub(super) sandbox: Counts,
    pub(super) differs: usize,
    /// Why upstream skips all of it in the sandbox.
    pub(super) skipped: Option<String>,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) files: usize,
    pub(super) passed: usize,
    pub(super) xfailed: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
    pub(super) duration: Duration,
}

impl Counts {
    pub(super) fn of(results: &Results) -> Self {
        let files = results.files.values().map(Self::of_file);
        files.fold(Self::default(), |all, file| Self {
            files: all.files + 1,
            passed: all.passed + file.passed,
            xfailed: all.xfailed + file.xfailed,
            skipped: all.skipped + file.skipped,
            failed: all.failed + file.failed,
            duration: all.duration + file.duration,
        })
    }

    fn of_file(file: &FileResult) -> Self {
        let mut counts = Self {
            files: 1,
            duration: file.duration,
            ..Self::default()
        };
        for test in file.tests.values() {
            let count = match test.outcome {
                Outcome::Passed | Outcome::Xpassed => &mut counts.passed,
                Outcome::Xfailed => &mut counts.xfailed,
                Outcome::Skipped => &mut counts.skipped,
                _ => &mut counts.failed,
            };
            *count += 1;
        }
        counts
    }
}

impl FileReport {
    fn new(
        path: &str,
        native: Option<&FileResult>,
        sandbox: &FileResult,
        comparison: &Comparison,
    ) -> Self {
        let ids = native.iter().flat_map(|file| file.tests.keys());
        let ids: BTreeSet<_> = ids.chain(sandbox.tests.keys()).collect();
        let whole = sandbox.tests.get(path);
        Self {
            path: path.to_owned(),
            native: native.map(Counts::of_file).unwrap_or_default(),
            sandbox: Counts::of_file(sandbox),
            differs: ids
                .iter()
                .filter(|id| comparison.differences.contains_key(**id))
                .count(),
            skipped: whole
                .filter(|test| test.outcome == Outcome::Skipped)
                .map(|test| test.message.clone()),
        }
    }
}

impl Report {
    pub(super) fn new(
        suite: &Suite,
        comparison: &Comparison,
        verdict: &Verdict,
        [native, sandbox]: [&Results; 2],
    ) -> Self {
        let mut reasons = BTreeMap::new();
        for id in comparison.differences.keys() {
            let entry = verdict.differs.get(id);
            let reason = entry.map_or(Reason::Unknown, |entry| entry.reason);
            *reasons.entry(reason).or_default() += 1;
        }
        let files = sandbox
            .files
            .iter()
            .map(|(path, file)| FileReport::new(path, native.files.get(path), file, comparison));
        let problems = verdict.judge(comparison);
        Self {
            files: files.collect(),
            suite: suite.name.clone(),
            native: Counts::of(native),
            sandbox: Counts::of(sandbox),
            reasons,
            differs: comparison.differences.len(),
            skips: comparison.skips.values().map(Vec::len).sum(),
            fail_on_both: comparison.fail_on_both,
            problems: problems.iter().map(paragraph).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn of_counts(suite: &str, counts: Counts, reasons: BTreeMap<Reason, usize>) -> Self {
        Self {
            suite: suite.to_owned(),
            native: counts,
            sandbox: counts,
            differs: reasons.values().sum(),
            reasons,
            skips: 0,
            fail_on_both: 0,
            files: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Whether nothing was executed.
    pub(super) fn is_empty(&self) -> bool {
        self.sandbox.files == 0
    }

    pub(super) fn is_as_expected(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn say(&self) {
        say(self.text());
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            let _ = writeln!(text, "{problem}");
        }
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<20} {:>6} {:>7} {:>8} {:>8} {:>7} {:>8}",
            self.suite, "files", "passed", "xfailed", "skipped", "failed", "time"
        );
        for (name, counts) in [("native", &self.native), ("sandbox", &self.sandbox)] {
            let _ = writeln!(
                text,
                "  {name:<18} {:>6} {:>7} {:>8} {:>8} {:>7} {:>7.1}s",
                counts.files,
                counts.passed,
                counts.xfailed,
                counts.skipped,
                counts.failed,
                counts.duration.as_secs_f64(),
            );
        }
        let reasons: Vec<_> = self
            .reasons
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let _ = write!(text, "  {} differ", self.differs);
        if !reasons.is_empty() {
            let _ = write!(text, ": {}", reasons.join(", "));
        }
        let _ = write!(
            text,
            "\n  {} are skipped by upstream in the sandbox only",
            self.skips
        );
        if self.fail_on_both > 0 {
            let _ = write!(text, "\n  {} fail on both sides", self.fail_on_both);
        }
        let _ = match self.problems.len() {
            0 => write!(text, "\n  as expected"),
            count => write!(text, "\n  NOT as expected: {count} problems, above"),
        };
        text
    }
}

/// All suites, a line each.
pub(super) fn overview(reports: &[Report]) -> String {
    let mut text = format!(
        "{:<20} {:>8} {:>8} {:>8}\n",
        "passed", "native", "sandbox", "differ"
    );
    for report in reports {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  {:<18} {:>8} {:>8} {:>8}  {}",
            report.suite,
            report.native.passed + report.native.xfailed,
            report.sandbox.passed + report.sandbox.xfailed,
            report.differs,
            match report.is_as_expected() {
                true => "as expected",
                false => "NOT as expected",
            },
        );
    }
    text
}

fn paragraph(problem: &Problem<'_>) -> String {
    match problem {
        Problem::New(id, difference) => {
            let test = &difference.sandbox;
            format!(
                "DIFFERS {id}\n  {}, natively {}: {}\n{}",
                test.outcome,
                difference.native.map_or("absent", Outcome::as_str),
                first_lines(&test.message, 6),
                indented(&test.detail, 12),
            )
        }
        Problem::Changed(id, entry, difference) => format!(
            "CHANGED {id}\n  is {}: {}\n  but is listed as {}: {}\n{}",
            difference.sandbox.outcome,
            first_lines(&difference.sandbox.message, 6),
            entry.outcome,
            entry.message,
            indented(&difference.sandbox.detail, 12),
        ),
        Problem::Stale(id, entry) => format!(
            "STALE   {id}\n  is listed as {}, and is as natively or not there",
            entry.outcome
        ),
        Problem::Unknown(id) => format!("UNKNOWN {id}\n  has no reason yet"),
        Problem::NewSkip(message, tests) => format!(
            "SKIPPED {} tests, {} among them\n  {message}",
            tests.len(),
            tests.first().map_or("none", String::as_str),
        ),
        Problem::UnusedSkip(message) => {
            format!("STALE   skip\n  nothing is skipped with: {message}")
        }
    }
}

fn first_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().take(count).collect();
    lines.join("\n  ")
}

/// The last lines of a traceback.
fn indented(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| format!("    {line}\n")).collect()
}
