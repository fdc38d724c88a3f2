//! `conformance/SUITE.toml`: what differs, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::comparison::{Comparison, Difference};
use super::reason::Reason;
use crate::suite::Outcome;

/// What is known to differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// By id.
    pub(super) differs: BTreeMap<String, Entry>,
    /// By upstream's reason for a skip: why it is one.
    pub(super) skips: BTreeMap<String, Reason>,
}

/// How one test differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) outcome: Outcome,
    /// A piece of what it shows.
    pub(super) message: String,
    pub(super) reason: Reason,
}

/// Something that is not as the verdict says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem<'v> {
    /// A test differs.
    New(&'v str, &'v Difference),
    /// A test differs in another way.
    Changed(&'v str, &'v Entry, &'v Difference),
    /// A test is as natively, or there is no such test.
    Stale(&'v str, &'v Entry),
    /// Nobody has said why.
    Unknown(&'v str),
    /// Upstream skips tests for another reason.
    NewSkip(&'v str, &'v [String]),
    /// Upstream skips nothing for this reason.
    UnusedSkip(&'v str),
}

/// The file as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    differs: Vec<DifferenceEntry>,
    #[serde(default)]
    skips: Vec<SkipEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DifferenceEntry {
    test: String,
    outcome: Outcome,
    message: String,
    reason: Reason,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkipEntry {
    message: String,
    reason: Reason,
}

impl Verdict {
    /// Of no file: nothing differs.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                Self::parse(&text).with_context(|| format!("failed to read {}", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let document: Document = toml::from_str(text)?;
        let mut verdict = Self::default();
        for it in document.differs {
            let entry = Entry {
                outcome: it.outcome,
                message: it.message,
                reason: it.reason,
            };
            if verdict.differs.insert(it.test.clone(), entry).is_some() {
                bail!("{} is listed twice", it.test);
            }
        }
        for it in document.skips {
            if verdict
                .skips
                .insert(it.message.clone(), it.reason)
                .is_some()
            {
                bail!("the skip {:?} is listed twice", it.message);
            }
        }
        Ok(verdict)
    }

    /// All that is not as it says. Of a part of a suite, entries of the rest are not judged.
    pub(super) fn judge<'v>(&'v self, comparison: &'v Comparison) -> Vec<Problem<'v>> {
        let mut problems = Vec::new();
        for (id, difference) in &comparison.differences {
            match self.differs.get(id) {
                None => problems.push(Problem::New(id, difference)),
                Some(entry) if !entry.describes(difference) => {
                    problems.push(Problem::Changed(id, entry, difference));
                }
                Some(entry) if entry.reason == Reason::Unknown => {
                    problems.push(Problem::Unknown(id));
                }
                Some(_) => {}
            }
        }
        for (id, entry) in &self.differs {
            if !comparison.leaves_out(id) && !comparison.differences.contains_key(id) {
                problems.push(Problem::Stale(id, entry));
            }
        }
        for (message, tests) in &comparison.skips {
            match self.skips.get(message) {
                None => problems.push(Problem::NewSkip(message, tests)),
                Some(Reason::Unknown) => problems.push(Problem::Unknown(message)),
                Some(_) => {}
            }
        }
        let unused = self.skips.keys();
        let unused = unused.filter(|_| comparison.is_whole());
        let unused = unused.filter(|message| !comparison.skips.contains_key(*message));
        problems.extend(unused.map(|message| Problem::UnusedSkip(message)));
        problems
    }

    /// With what differs now; reasons that are known stay.
    pub(super) fn updated(&self, comparison: &Comparison) -> Self {
        let differs = comparison.differences.iter().map(|(id, difference)| {
            let old = self.differs.get(id);
            let entry = match old {
                Some(old) if old.describes(difference) => old.clone(),
                _ => Entry {
                    outcome: difference.sandbox.outcome,
                    message: piece(&difference.sandbox.message),
                    reason: old.map_or(Reason::Unknown, |old| old.reason),
                },
            };
            (id.clone(), entry)
        });
        let skips = comparison.skips.keys().map(|message| {
            let reason = self.skips.get(message).copied();
            (message.clone(), reason.unwrap_or(Reason::Unknown))
        });
        Self {
            differs: differs.collect(),
            skips: skips.collect(),
        }
    }

    pub(super) fn write(&self, path: &Path, suite: &str) -> anyhow::Result<()> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(path, self.to_toml(suite)))
            .with_context(|| format!("failed to write {}", path.display()))
    }

    /// An entry a line.
    fn to_toml(&self, suite: &str) -> String {
        let mut text = format!(
            "# What differs from native CPython in the tests of {suite}: `cargo dev conformance`, \
             see docs/inside/conformance.md.\n\
             # `--update` rewrites this file and keeps the reasons.\n"
        );
        // Writing to a string does not fail.
        text.push_str("\n# Each test with a piece of what it shows.\ndiffers = [\n");
        for (test, entry) in &self.differs {
            let _ = writeln!(
                text,
                "  {{ test = {}, outcome = \"{}\", reason = \"{}\", message = {} }},",
                quoted(test),
                entry.outcome,
                entry.reason,
                quoted(&entry.message),
            );
        }
        text.push_str("]\n\n# What upstream itself skips in the sandbox only.\nskips = [\n");
        for (message, reason) in &self.skips {
            let _ = writeln!(
                text,
                "  {{ reason = \"{reason}\", message = {} }},",
                quoted(message),
            );
        }
        text.push_str("]\n");
        text
    }
}

impl Entry {
    fn describes(&self, difference: &Difference) -> bool {
        let test = &difference.sandbox;
        self.outcome == test.outcome
            && (test.message.contains(&self.message) || test.detail.contains(&self.message))
    }
}

/// How much of a message an entry has.
const PIECE: usize = 100;

/// A piece of a message that is the same next time: of its first line, without addresses.
fn piece(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default();
    let line = line.split("0x").next().unwrap_or(line);
    let piece: String = line.chars().take(PIECE).collect();
    piece.trim().to_owned()
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Test;

    /// One test that fails for want of processes, one skip.
    fn comparison() -> Comparison {
        let sandbox = Test::new(
            Outcome::Failed,
            "OSError: [Errno 58] wasi does not support processes.",
        );
        let native = Some(Outcome::Passed);
        Comparison {
            differences: BTreeMap::from([("f::a".to_owned(), Difference { native, sandbox })]),
            skips: BTreeMap::from([("Skipped: wasi".to_owned(), vec!["f::b".to_owned()])]),
            ..Comparison::default()
        }
    }

    const VERDICT: &str = "differs = [\n  { test = \"f::a\", outcome = \"failed\", reason = \"no-processes\", \
                           message = \"does not support processes\" },\n]\n\
                           skips = [\n  { reason = \"upstream-wasi\", message = \"Skipped: wasi\" },\n]\n";

    fn verdict(from: &str, to: &str) -> Verdict {
        assert!(VERDICT.contains(from), "{from}");
        Verdict::parse(&VERDICT.replace(from, to)).unwrap()
    }

    #[test]
    fn what_is_listed_is_as_expected() {
        assert_eq!(verdict("", "").judge(&comparison()), []);
    }

    #[test]
    fn a_removed_entry_fails() {
        let verdict = Verdict {
            differs: BTreeMap::new(),
            ..verdict("", "")
        };
        let comparison = comparison();
        let problems = verdict.judge(&comparison);
        assert!(
            matches!(problems[..], [Problem::New("f::a", _)]),
            "{problems:?}"
        );
    }

    #[test]
    fn an_entry_for_a_passing_test_fails() {
        let mut comparison = comparison();
        comparison.differences.clear();
        let verdict = verdict("", "");
        let problems = verdict.judge(&comparison);
        assert!(
            matches!(problems[..], [Problem::Stale("f::a", _)]),
            "{problems:?}"
        );
    }

    #[test]
    fn another_message_or_outcome_fails() {
        let comparison = comparison();
        for (from, to) in [
            ("does not support", "has no"),
            ("\"failed\"", "\"trapped\""),
        ] {
            let verdict = verdict(from, to);
            let problems = verdict.judge(&comparison);
            assert!(
                matches!(problems[..], [Problem::Changed("f::a", ..)]),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_message_may_be_a_piece_of_the_traceback() {
        let mut comparison = comparison();
        let difference = comparison.differences.get_mut("f::a").unwrap();
        difference.sandbox.detail = std::mem::take(&mut difference.sandbox.message);
        assert_eq!(verdict("", "").judge(&comparison), []);
    }

    #[test]
    fn an_unknown_reason_fails() {
        let comparison = comparison();
        let unknown = verdict("no-processes", "unknown");
        assert_eq!(unknown.judge(&comparison), [Problem::Unknown("f::a")]);
        let unknown = verdict("upstream-wasi", "unknown");
        assert_eq!(
            unknown.judge(&comparison),
            [Problem::Unknown("Skipped: wasi")]
        );
    }

    #[test]
    fn a_reason_that_is_not_in_the_list_is_an_error() {
        assert!(Verdict::parse(&VERDICT.replace("no-processes", "bad-luck")).is_err());
    }

    #[test]
    fn skips_fail_when_they_are_new_and_when_nothing_is_skipped() {
        let verdict = verdict("Skipped: wasi", "Skipped: emscripten");
        let comparison = comparison();
        let problems = verdict.judge(&comparison);
        let tests = ["f::b".to_owned()];
        let expected = [
            Problem::NewSkip("Skipped: wasi", &tests),
            Problem::UnusedSkip("Skipped: emscripten"),
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn what_a_filter_leaves_out_is_not_judged() {
        let part = Comparison {
            filter: Some("f::c".to_owned()),
            ..Comparison::default()
        };
        assert_eq!(verdict("", "").judge(&part), []);
        let part = Comparison {
            filter: Some("f::".to_owned()),
            ..Comparison::default()
        };
        let verdict = verdict("", "");
        assert!(matches!(
            verdict.judge(&part)[..],
            [Problem::Stale("f::a", _)]
        ));
    }

    #[test]
    fn an_update_keeps_what_is_known() {
        let comparison = comparison();
        let updated = verdict("", "").updated(&comparison);
        assert_eq!(updated, verdict("", ""));

        let updated = Verdict::default().updated(&comparison);
        assert_eq!(updated.differs["f::a"].reason, Reason::Unknown);
        assert_eq!(updated.skips["Skipped: wasi"], Reason::Unknown);

        let updated = verdict("does not support", "has no").updated(&comparison);
        let entry = &updated.differs["f::a"];
        assert_eq!(entry.reason, Reason::NoProcesses);
        assert_eq!(
            entry.message,
            "OSError: [Errno 58] wasi does not support processes."
        );

        let nothing = verdict("", "").updated(&Comparison::default());
        assert_eq!(nothing, Verdict::default());
    }

    #[test]
    fn what_is_written_is_read() {
        let mut verdict = verdict("", "");
        let entry = verdict.differs["f::a"].clone();
        let odd = "f::b[\"quoted\\back'\u{1b}\n]";
        verdict.differs.insert(odd.to_owned(), entry);
        let text = verdict.to_toml("it");
        assert_eq!(Verdict::parse(&text).unwrap(), verdict);
        // An entry a line.
        assert_eq!(
            text.lines().filter(|line| line.contains("test = ")).count(),
            2,
            "{text}"
        );
    }

    #[test]
    fn a_test_that_is_listed_twice_is_an_error() {
        let (entry, _) = VERDICT.split_once("]\n").unwrap();
        let line = entry.lines().nth(1).unwrap();
        let twice = VERDICT.replace(line, &format!("{line}\n{line}"));
        assert!(Verdict::parse(&twice).is_err());
    }

    #[test]
    fn pieces_have_no_addresses() {
        assert_eq!(
            piece("\nassert <A object at 0x1f00> == 1\nmore"),
            "assert <A object at"
        );
    }
}
