//! The tables of `docs/inside/conformance.md`: a line for each suite, replaced when the suite is
//! executed with `--update`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::reason::Reason;
use super::report::{Counts, Report};

const DOCUMENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/inside/conformance.md"
);

const SUITES_HEAD: &str = "\
| suite | files | passed natively | passed in the sandbox | skipped natively | skipped in the sandbox | fail on both | differ | why |
|---|--:|--:|--:|--:|--:|--:|--:|---|
";

/// Replaces the lines of the suites that were executed.
pub(super) fn update(reports: &[Report]) -> anyhow::Result<()> {
    let path = PathBuf::from(DOCUMENT);
    let old =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut new = with_suites(&old, reports)?;
    for report in reports {
        if new.contains(&begin(&report.suite)) {
            new = replaced(&new, &report.suite, |_| files(report))?;
        }
    }
    let new = replaced(&new, "reasons", |_| reasons())?;
    fs::write(&path, new).with_context(|| format!("failed to write {}", path.display()))
}

fn with_suites(document: &str, reports: &[Report]) -> anyhow::Result<String> {
    replaced(document, "suites", |old| {
        let executed = |line: &&str| {
            reports
                .iter()
                .any(|report| line.starts_with(&key(&report.suite)))
        };
        // After the head, and the line below it.
        let kept = old.lines().filter(|line| line.starts_with('|')).skip(2);
        let mut lines: Vec<String> = kept
            .filter(|line| !executed(line))
            .map(str::to_owned)
            .collect();
        lines.extend(reports.iter().map(line));
        lines.sort();
        format!("{SUITES_HEAD}{}\n", lines.join("\n"))
    })
}

/// What the line of a suite begins with.
fn key(suite: &str) -> String {
    format!("| {suite} |")
}

fn line(report: &Report) -> String {
    let (native, sandbox) = (&report.native, &report.sandbox);
    let reasons = report.reasons.iter();
    let reasons: Vec<_> = reasons
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let good = |counts: &Counts| counts.passed + counts.xfailed;
    format!(
        "{} {} | {} | {} | {} | {} | {} | {} | {} |",
        key(&report.suite),
        sandbox.files,
        good(native),
        good(sandbox),
        native.skipped,
        sandbox.skipped,
        report.fail_on_both,
        report.differs,
        reasons.join(", "),
    )
}

/// The table of a suite's files, for suites that have a place for it.
fn files(report: &Report) -> String {
    let mut text = String::from(
        "| test file | passed natively | in the sandbox | skipped natively | in the sandbox | differ | \
         skipped as a whole |\n|---|--:|--:|--:|--:|--:|---|\n",
    );
    for file in &report.files {
        let (native, sandbox) = (&file.native, &file.sandbox);
        let skipped = file.skipped.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            file.path,
            native.passed + native.xfailed,
            sandbox.passed + sandbox.xfailed,
            native.skipped,
            sandbox.skipped,
            file.differs,
            skipped.replace('|', "\\|").replace('\n', " "),
        ));
    }
    text
}

fn reasons() -> String {
    let mut text = String::from("| reason | |\n|---|---|\n");
    for reason in Reason::ALL {
        text.push_str(&format!("| `{reason}` | {} |\n", reason.sentence()));
    }
    text
}

fn begin(name: &str) -> String {
    format!("<!-- begin {name} -->\n")
}

/// Replaces what is between `<!-- begin NAME -->` and `<!-- end NAME -->`.
fn replaced(
    document: &str,
    name: &str,
    make: impl FnOnce(&str) -> String,
) -> anyhow::Result<String> {
    let begin = begin(name);
    let end = format!("<!-- end {name} -->");
    let parts = document
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?)));
    let Some((before, (old, after))) = parts else {
        bail!("docs/inside/conformance.md has no place for {name}");
    };
    Ok(format!("{before}{begin}{}{end}{after}", make(old)))
}

#[cfg(test)]
mod tests {
    use super::super::report::FileReport;
    use super::*;
    use std::collections::BTreeMap;

    fn report(suite: &str, passed: usize) -> Report {
        let counts = Counts {
            passed,
            files: 2,
            ..Counts::default()
        };
        Report::of_counts(suite, counts, BTreeMap::from([(Reason::NoThreads, 3)]))
    }

    const EMPTY: &str = "# Title\n<!-- begin suites -->\n<!-- end suites -->\nprose\n";

    #[test]
    fn suites_have_a_line_each_whatever_their_order() {
        let (a, b) = (report("a", 1), report("b", 2));
        let ab = with_suites(EMPTY, &[report("a", 1), report("b", 2)]).unwrap();
        let ba = with_suites(EMPTY, &[b, a]).unwrap();
        assert_eq!(ab, ba);
        assert!(
            ab.contains("| a | 2 | 1 | 1 | 0 | 0 | 0 | 3 | 3 no-threads |\n"),
            "{ab}"
        );
        assert!(ab.ends_with("<!-- end suites -->\nprose\n"), "{ab}");
    }

    #[test]
    fn what_was_not_executed_stays() {
        let both = with_suites(EMPTY, &[report("a", 1), report("b", 2)]).unwrap();
        let new = with_suites(&both, &[report("a", 5)]).unwrap();
        let expected = with_suites(EMPTY, &[report("a", 5), report("b", 2)]).unwrap();
        assert_eq!(new, expected);
        assert_eq!(with_suites(&new, &[]).unwrap(), new);
    }

    #[test]
    fn a_document_without_a_place_is_an_error() {
        assert!(with_suites("# Title\n", &[]).is_err());
    }

    #[test]
    fn a_suite_with_a_place_for_it_has_a_line_for_each_file() {
        let mut report = report("a", 1);
        report.files.push(FileReport {
            path: "test_a.py".to_owned(),
            native: report.native,
            sandbox: Counts::default(),
            differs: 0,
            skipped: Some("no | here".to_owned()),
        });
        let table = files(&report);
        let line = table.lines().last().unwrap();
        assert_eq!(line, r"| test_a.py | 1 | 0 | 0 | 0 | 0 | no \| here |");
    }
}
