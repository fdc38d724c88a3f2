//! What a run of a suite tells: JSON texts in a stream ([RFC 7464]), so that a run that dies has
//! told what it came to before.
//!
//! [RFC 7464]: https://www.rfc-editor.org/rfc/rfc7464

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::statistics::median;

/// What a record begins with; it ends with the line.
const SEPARATOR: char = '\u{1e}';

/// One record of the runner's.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Record {
    Collected {
        id: String,
    },
    Started {
        id: String,
    },
    Outcome {
        id: String,
        #[serde(flatten)]
        test: Test,
    },
    Benchmark {
        id: String,
        #[serde(flatten)]
        measured: Measured,
    },
    /// The exit code of what ran the tests.
    End {
        code: i32,
    },
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Test {
    pub(crate) outcome: Outcome,
    /// Why: an exception, the reason of a skip.
    #[serde(default)]
    pub(crate) message: String,
    /// A traceback, for people.
    #[serde(default)]
    pub(crate) detail: String,
}

/// How a test can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Passed,
    /// It failed, as is expected.
    Xfailed,
    /// It passed, which is not expected.
    Xpassed,
    Skipped,
    Failed,
    /// What is around it failed: a fixture, the import of its file.
    Error,
    /// A trap in the sandbox; natively a signal.
    Trapped,
    LimitExceeded,
    /// The process or instance ended in the middle of it.
    Exited,
    /// There is no such test on this side.
    Missing,
}

impl Outcome {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Xfailed => "xfailed",
            Self::Xpassed => "xpassed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Trapped => "trapped",
            Self::LimitExceeded => "limit-exceeded",
            Self::Exited => "exited",
            Self::Missing => "missing",
        }
    }

    /// Passed, or failed as is expected.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Self::Passed | Self::Xfailed | Self::Xpassed)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Test {
    pub(crate) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            detail: String::new(),
        }
    }
}

/// One call of a benchmarked function, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) min_ns: f64,
    pub(crate) median_ns: f64,
    /// Calls in a round.
    pub(crate) loops: u64,
}

impl Measured {
    /// Several runs of the same: the least of all, and the middle one's middle.
    pub(crate) fn over(runs: &[Self]) -> Option<Self> {
        let medians: Vec<f64> = runs.iter().map(|run| run.median_ns).collect();
        Some(Self {
            min_ns: runs.iter().map(|run| run.min_ns).reduce(f64::min)?,
            median_ns: median(&medians)?,
            loops: runs.first()?.loops,
        })
    }
}

/// All that one run told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    /// If only that was asked for.
    pub(crate) collected: Vec<String>,
    /// By id.
    pub(crate) tests: BTreeMap<String, Test>,
    /// Their ids in the order in which they began.
    pub(crate) order: Vec<String>,
    pub(crate) benchmarks: BTreeMap<String, Measured>,
    /// The test that began and has no outcome.
    pub(crate) running: Option<String>,
    /// None if the run did not come to its end.
    pub(crate) code: Option<i32>,
}

impl Run {
    /// Reads a stream; what is in it beside records is returned as well.
    pub(crate) fn parse(stream: &str) -> anyhow::Result<(Self, String)> {
        let mut run = Self::default();
        let mut parts = stream.split(SEPARATOR);
        let mut output = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // A record that a crash cut off was not told.
            let Some((line, text)) = part.split_once('\n') else {
                continue;
            };
            let record = serde_json::from_str(line)
                .with_context(|| format!("the suite's runner wrote what is no record: {line}"))?;
            run.add(record);
            output.push_str(text);
        }
        Ok((run, output))
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Collected { id } => self.collected.push(id),
            Record::Started { id } => {
                self.order.push(id.clone());
                self.running = Some(id);
            }
            Record::Outcome { id, test } => {
                if self.running.take_if(|running| *running == id).is_none() {
                    self.order.push(id.clone());
                }
                self.tests.insert(id, test);
            }
            Record::Benchmark { id, measured } => {
                self.benchmarks.insert(id, measured);
            }
            Record::End { code } => self.code = Some(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_sorted_by_kind() {
        let stream = "\u{1e}{\"kind\": \"collected\", \"id\": \"a\"}\nnoise\n\
             \u{1e}{\"kind\": \"benchmark\", \"id\": \"a\", \"min_ns\": 1.5, \"median_ns\": 2, \"loops\": 3}\n\
             ..\u{1e}{\"kind\": \"outcome\", \"id\": \"a\", \"outcome\": \"passed\"}\n\
             \u{1e}{\"kind\": \"outcome\", \"id\": \"b\", \"outcome\": \"failed\", \"message\": \"it did\"}\n\
             \u{1e}{\"kind\": \"end\", \"code\": 1}\nend";
        let (run, output) = Run::parse(stream).unwrap();
        assert_eq!(run.collected, ["a"]);
        assert_eq!(run.benchmarks["a"].min_ns, 1.5);
        assert_eq!(run.tests["a"], Test::new(Outcome::Passed, ""));
        assert_eq!(run.tests["b"], Test::new(Outcome::Failed, "it did"));
        assert_eq!((run.code, run.running), (Some(1), None));
        assert_eq!(output, "noise\n..end");
    }

    #[test]
    fn a_run_that_died_has_told_which_test_it_was_in() {
        let stream = "\u{1e}{\"kind\": \"started\", \"id\": \"a\"}\n\
             \u{1e}{\"kind\": \"outcome\", \"id\": \"a\", \"outcome\": \"passed\"}\n\
             \u{1e}{\"kind\": \"started\", \"id\": \"b\"}\n\u{1e}{\"kind\": \"out";
        let (run, _) = Run::parse(stream).unwrap();
        assert_eq!(run.tests.len(), 1);
        assert_eq!(run.running.as_deref(), Some("b"));
        assert_eq!(run.code, None);
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        assert!(Run::parse("\u{1e}{}\n").is_err());
        assert!(
            Run::parse("\u{1e}{\"kind\": \"outcome\", \"id\": \"a\", \"outcome\": \"odd\"}\n")
                .is_err()
        );
    }
}
