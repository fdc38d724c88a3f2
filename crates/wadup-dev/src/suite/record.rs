//! What a run of a suite tells.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::statistics::median;

/// A line of the runner's.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Record {
    Collected {
        id: String,
    },
    Outcome {
        id: String,
        outcome: String,
        message: Option<String>,
    },
    Benchmark {
        id: String,
        #[serde(flatten)]
        measured: Measured,
    },
    /// pytest's exit code.
    End {
        code: i32,
    },
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
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) collected: Vec<String>,
    /// Tests that neither passed nor failed as expected: outcome and message.
    pub(crate) other: BTreeMap<String, (String, Option<String>)>,
    pub(crate) benchmarks: BTreeMap<String, Measured>,
    pub(crate) code: Option<i32>,
}

impl Run {
    pub(crate) fn parse<'l>(lines: impl IntoIterator<Item = &'l str>) -> anyhow::Result<Self> {
        let mut run = Self::default();
        for line in lines {
            let record = serde_json::from_str(line)
                .with_context(|| format!("the suite's runner wrote what is no record: {line}"))?;
            run.add(record);
        }
        Ok(run)
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Collected { id } => self.collected.push(id),
            Record::Outcome { outcome, .. } if outcome == "passed" => {}
            Record::Outcome {
                id,
                outcome,
                message,
            } => {
                self.other.insert(id, (outcome, message));
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
        let run = Run::parse([
            r#"{"kind": "collected", "id": "a"}"#,
            r#"{"kind": "benchmark", "id": "a", "min_ns": 1.5, "median_ns": 2, "loops": 3}"#,
            r#"{"kind": "outcome", "id": "a", "outcome": "passed", "message": null}"#,
            r#"{"kind": "outcome", "id": "b", "outcome": "failed", "message": "it did"}"#,
            r#"{"kind": "end", "code": 1}"#,
        ]);
        let run = run.unwrap();
        assert_eq!(run.collected, ["a"]);
        assert_eq!(run.benchmarks["a"].min_ns, 1.5);
        assert_eq!(
            run.other["b"],
            ("failed".to_owned(), Some("it did".to_owned()))
        );
        assert_eq!(run.other.len(), 1);
        assert_eq!(run.code, Some(1));
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        assert!(Run::parse(["{}"]).is_err());
    }
}
