//! Going on from what earlier runs did: which inputs are done.
//!
//! An input that was given is *done* if an earlier run with the same artifacts has its whole
//! tree, under the same path, with the same content, and with settings under which it would
//! come to the same. What is not done is processed, and replaces what there is of it in the same
//! transaction.
//!
//! Of the settings, the limits that end an execution matter only to those that met them: with
//! a higher one, what completed is done and what failed is not. All others have to be equal.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use wadup_sink::{ArtifactRecord, Entry, Ledger, PastRun, SinkError};

use crate::host::RunError;

/// How a run goes on from earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Whether inputs that failed are processed again.
    pub retry_failed: bool,
}

/// What is to be done about an input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Done {
        /// Whether it, or what descends from it, failed then.
        failed: bool,
    },
    /// It is to be processed, and replaces these entries.
    Process { replaces: Vec<i64> },
}

/// What earlier runs did.
pub(crate) struct Past {
    ledger: Box<dyn Ledger>,
    /// Those with this run's artifacts, by name.
    runs: HashMap<i64, Standing>,
    retry_failed: bool,
    /// Entries that stand for an input of this run: a path that is given twice has two.
    claimed: Mutex<Claimed>,
}

/// Ids, of which there may be as many as there are inputs, in a bit each: those of a run are
/// close together.
#[derive(Debug, Default)]
struct Claimed(HashMap<i64, u64>);

/// What an earlier run's results are worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They would be the same.
    Valid,
    /// Limits are higher now: those of executions that completed would be the same.
    ValidIfCompleted,
    Outdated,
}

impl Past {
    /// Compares earlier runs with this one.
    pub(crate) fn new(
        resume: Resume,
        ledger: Box<dyn Ledger>,
        artifacts: &[ArtifactRecord],
        settings: &Value,
    ) -> Result<Self, RunError> {
        let mut runs = HashMap::new();
        for run in ledger.runs()? {
            if is_of(&run, artifacts)? {
                runs.insert(run.id, standing(&run, artifacts, settings));
            }
        }
        Ok(Self {
            ledger,
            runs,
            retry_failed: resume.retry_failed,
            claimed: Mutex::default(),
        })
    }

    /// What is to be done about an input. Each call stands for another input.
    pub(crate) fn decide(
        &self,
        path: &OsStr,
        sha256: Option<[u8; 32]>,
    ) -> Result<Decision, SinkError> {
        let mut entries = self.ledger.entries(path)?;
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| self.runs.contains_key(&entry.run) && !claimed.contains(entry.id));
        for entry in entries.iter().filter(|entry| entry.sha256 == sha256) {
            if let Some(failed) = self.valid(entry)? {
                claimed.insert(entry.id);
                return Ok(Decision::Done { failed });
            }
        }
        let replaces: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        for entry in &replaces {
            claimed.insert(*entry);
        }
        Ok(Decision::Process { replaces })
    }

    /// Whether an entry that is valid failed; `None` if it is not valid.
    fn valid(&self, entry: &Entry) -> Result<Option<bool>, SinkError> {
        let retry_failed = match self.runs.get(&entry.run) {
            Some(Standing::Valid) => self.retry_failed,
            Some(Standing::ValidIfCompleted) => true,
            Some(Standing::Outdated) | None => return Ok(None),
        };
        if !entry.is_complete {
            return Ok(None);
        }
        let failed = self.ledger.has_failed(entry.id)?;
        Ok((!failed || !retry_failed).then_some(failed))
    }
}

impl Claimed {
    fn place(id: i64) -> (i64, u64) {
        (id >> 6, 1 << (id & 63))
    }

    fn contains(&self, id: i64) -> bool {
        let (word, bit) = Self::place(id);
        self.0.get(&word).is_some_and(|bits| bits & bit != 0)
    }

    fn insert(&mut self, id: i64) {
        let (word, bit) = Self::place(id);
        *self.0.entry(word).or_default() |= bit;
    }
}

/// Whether an earlier run was of the same artifacts, by name.
///
/// Rows are known by their input, not by their artifact: where artifacts ran together, the rows
/// of one cannot be replaced alone.
fn is_of(run: &PastRun, artifacts: &[ArtifactRecord]) -> Result<bool, RunError> {
    let now = names(artifacts);
    let then = names(&run.artifacts);
    if now.is_disjoint(&then) {
        Ok(false)
    } else if now == then {
        Ok(true)
    } else {
        let names = then.into_iter().map(str::to_owned).collect();
        Err(RunError::OtherArtifacts { names })
    }
}

fn names(artifacts: &[ArtifactRecord]) -> BTreeSet<&str> {
    artifacts
        .iter()
        .map(|artifact| artifact.name.as_str())
        .collect()
}

fn standing(run: &PastRun, artifacts: &[ArtifactRecord], settings: &Value) -> Standing {
    let is_there = |artifact: &ArtifactRecord| {
        let same = |then: &ArtifactRecord| {
            (&then.name, &then.digest) == (&artifact.name, &artifact.digest)
        };
        run.artifacts.iter().any(same)
    };
    if !artifacts.iter().all(is_there) {
        return Standing::Outdated;
    }
    match compare(&run.settings, settings) {
        Some(Ordering::Equal) => Standing::Valid,
        Some(Ordering::Less) => Standing::ValidIfCompleted,
        Some(Ordering::Greater) | None => Standing::Outdated,
    }
}

/// How settings relate: less, if only limits that end an execution differ and each of those is
/// lower or the same.
fn compare(then: &Value, now: &Value) -> Option<Ordering> {
    let (then_limits, then_rest) = parts(then)?;
    let (now_limits, now_rest) = parts(now)?;
    if then_rest != now_rest || !then_limits.keys().eq(now_limits.keys()) {
        return None;
    }
    let mut ordering = Ordering::Equal;
    for (then, now) in then_limits.values().zip(now_limits.values()) {
        match (limit(then)?.cmp(&limit(now)?), ordering) {
            (Ordering::Equal, _) => {}
            (other, Ordering::Equal) => ordering = other,
            (other, so_far) if other == so_far => {}
            _ => return None,
        }
    }
    Some(ordering)
}

/// The limits that end an execution, and all other settings.
fn parts(settings: &Value) -> Option<(serde_json::Map<String, Value>, Value)> {
    let mut rest = settings.as_object()?.clone();
    let limits = rest.remove("limits")?;
    Some((limits.as_object()?.clone(), Value::Object(rest)))
}

/// A limit; none is the highest.
fn limit(value: &Value) -> Option<u64> {
    match value {
        Value::Null => Some(u64::MAX),
        value => value.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{self, AtomicUsize};

    use serde_json::json;

    use super::*;

    /// A ledger of the tests' own making.
    #[derive(Debug, Clone, Default)]
    struct Written {
        runs: Vec<PastRun>,
        entries: Arc<Vec<Entry>>,
        failed: Vec<i64>,
        /// How often it was asked whether one has.
        asked: Arc<AtomicUsize>,
    }

    impl Ledger for Written {
        fn runs(&self) -> Result<Vec<PastRun>, SinkError> {
            Ok(self.runs.clone())
        }

        fn entries(&self, _path: &OsStr) -> Result<Vec<Entry>, SinkError> {
            Ok(self.entries.to_vec())
        }

        fn has_failed(&self, entry: i64) -> Result<bool, SinkError> {
            self.asked.fetch_add(1, atomic::Ordering::Relaxed);
            Ok(self.failed.contains(&entry))
        }
    }

    const CONTENT: [u8; 32] = [7; 32];
    const DONE: Decision = Decision::Done { failed: false };

    fn artifact(name: &str, digest: &str) -> ArtifactRecord {
        ArtifactRecord {
            name: name.to_owned(),
            version: None,
            manifest: None,
            digest: digest.to_owned(),
        }
    }

    fn settings(timeout: Option<u64>) -> Value {
        json!({"env": [], "limits": {"timeout_ms": timeout, "rows": 10}})
    }

    fn run(id: i64, artifacts: &[(&str, &str)], settings: Value) -> PastRun {
        let artifacts = artifacts.iter();
        PastRun {
            id,
            artifacts: artifacts
                .map(|(name, digest)| artifact(name, digest))
                .collect(),
            settings,
        }
    }

    fn entry(id: i64, run: i64) -> Entry {
        Entry {
            id,
            run,
            sha256: Some(CONTENT),
            is_complete: true,
        }
    }

    /// What comes of `times` inputs with the same path and content.
    fn decide(written: &Written, retry_failed: bool, times: usize) -> Vec<Decision> {
        let past = Past::new(
            Resume { retry_failed },
            Box::new(written.clone()),
            &[artifact("a", "1")],
            &settings(Some(60)),
        );
        let past = past.unwrap();
        let decide = || past.decide(OsStr::new("path"), Some(CONTENT)).unwrap();
        std::iter::repeat_with(decide).take(times).collect()
    }

    fn written(then: PastRun, entries: Vec<Entry>) -> Written {
        Written {
            runs: vec![then],
            entries: Arc::new(entries),
            ..Written::default()
        }
    }

    fn process(replaces: &[i64]) -> Decision {
        Decision::Process {
            replaces: replaces.to_vec(),
        }
    }

    #[test]
    fn claims_are_of_single_ids() {
        let mut claimed = Claimed::default();
        for id in [0, 1, 63, 64, -1, i64::MAX] {
            assert!(!claimed.contains(id));
            claimed.insert(id);
            assert!(claimed.contains(id));
        }
        assert!(
            ![2, 62, 65, -2, i64::MIN]
                .map(|id| claimed.contains(id))
                .contains(&true)
        );
    }

    #[test]
    fn what_is_there_is_done() {
        let past = written(run(1, &[("a", "1")], settings(Some(60))), vec![entry(5, 1)]);
        assert_eq!(decide(&past, false, 1), [DONE]);
    }

    #[test]
    fn a_path_that_is_given_twice_needs_two_entries() {
        let then = run(1, &[("a", "1")], settings(Some(60)));
        let once = written(then.clone(), vec![entry(5, 1)]);
        assert_eq!(decide(&once, false, 2), [DONE, process(&[])]);
        let twice = written(then, vec![entry(5, 1), entry(6, 1)]);
        assert_eq!(decide(&twice, false, 2), [DONE, DONE]);
    }

    #[test]
    fn each_entry_of_a_path_is_examined_once() {
        let then = run(1, &[("a", "1")], settings(Some(60)));
        let past = written(then, (0..2000).map(|id| entry(id, 1)).collect());
        assert!(decide(&past, false, 2000).iter().all(|made| *made == DONE));
        assert_eq!(past.asked.load(atomic::Ordering::Relaxed), 2000);
    }

    #[test]
    fn what_is_not_whole_or_has_changed_is_replaced() {
        let then = run(1, &[("a", "1")], settings(Some(60)));
        let mut partial = entry(5, 1);
        partial.is_complete = false;
        let mut changed = entry(6, 1);
        changed.sha256 = Some([8; 32]);
        let past = written(then, vec![partial, changed]);
        assert_eq!(decide(&past, false, 2), [process(&[5, 6]), process(&[])]);
    }

    #[test]
    fn another_digest_of_an_artifact_outdates_its_results() {
        let past = written(
            run(1, &[("a", "other")], settings(Some(60))),
            vec![entry(5, 1)],
        );
        assert_eq!(decide(&past, false, 1), [process(&[5])]);
    }

    #[test]
    fn results_of_other_artifacts_stay() {
        let past = written(run(1, &[("b", "1")], settings(Some(60))), vec![entry(5, 1)]);
        assert_eq!(decide(&past, false, 1), [process(&[])]);
    }

    #[test]
    fn artifacts_that_ran_together_cannot_be_told_apart() {
        let past = written(run(1, &[("a", "1"), ("b", "1")], json!({})), Vec::new());
        let error = Past::new(
            Resume {
                retry_failed: false,
            },
            Box::new(past),
            &[artifact("a", "1")],
            &json!({}),
        );
        assert!(matches!(error, Err(RunError::OtherArtifacts { names }) if names == ["a", "b"]));
    }

    #[test]
    fn a_failure_is_done_unless_it_is_to_be_retried_or_limits_are_higher() {
        let same = run(1, &[("a", "1")], settings(Some(60)));
        let mut past = written(same, vec![entry(5, 1)]);
        past.failed = vec![5];
        assert_eq!(decide(&past, false, 1), [Decision::Done { failed: true }]);
        assert_eq!(decide(&past, true, 1), [process(&[5])]);
        past.runs = vec![run(1, &[("a", "1")], settings(Some(30)))];
        assert_eq!(decide(&past, false, 1), [process(&[5])]);
        past.failed.clear();
        assert_eq!(decide(&past, true, 1), [DONE]);
    }

    #[test]
    fn settings_are_compared_limit_by_limit() {
        let with = |timeout: Value, rows: u64, env: &str| json!({"env": env, "limits": {"timeout_ms": timeout, "rows": rows}});
        let now = with(json!(60), 10, "");
        assert_eq!(compare(&now, &now), Some(Ordering::Equal));
        let compare = |then| super::compare(&then, &now);
        assert_eq!(compare(with(json!(30), 10, "")), Some(Ordering::Less));
        assert_eq!(compare(with(json!(30), 9, "")), Some(Ordering::Less));
        assert_eq!(compare(with(json!(null), 10, "")), Some(Ordering::Greater));
        assert_eq!(compare(with(json!(30), 11, "")), None);
        assert_eq!(compare(with(json!(60), 10, "A=1")), None);
        assert_eq!(compare(json!(null)), None);
    }
}
