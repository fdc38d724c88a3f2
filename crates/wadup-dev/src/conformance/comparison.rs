//! What differs between the two sides.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{FileResult, Results};
use crate::suite::{Outcome, Test};

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// By id: what is not as natively.
    pub(super) differences: BTreeMap<String, Difference>,
    /// By the reason that upstream gives: what is skipped in the sandbox only.
    pub(super) skips: BTreeMap<String, Vec<String>>,
    /// How many tests fail natively as well.
    pub(super) fail_on_both: usize,
    /// Whether only a part of the suite was executed.
    pub(super) filter: Option<String>,
    /// If only some of the test files were executed: the ids of their tests.
    pub(super) executed: Option<BTreeSet<String>>,
}

/// A test that is not as natively.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// None if there is no such test.
    pub(super) native: Option<Outcome>,
    pub(super) sandbox: Test,
}

impl Comparison {
    /// Compares all files of `sandbox`; of their tests, those whose id has `filter` in it.
    pub(super) fn new(
        native: &Results,
        sandbox: &Results,
        filter: Option<&str>,
        quick: bool,
    ) -> Self {
        let mut comparison = Self {
            filter: filter.map(str::to_owned),
            executed: quick.then(BTreeSet::new),
            ..Self::default()
        };
        let nothing = FileResult::default();
        for (path, sandbox) in &sandbox.files {
            let native = native.files.get(path).unwrap_or(&nothing);
            comparison.file(path, native, sandbox);
        }
        comparison
    }

    fn file(&mut self, path: &str, native: &FileResult, sandbox: &FileResult) {
        let filter = self.filter.clone();
        let wanted = |id: &str| filter.as_deref().is_none_or(|filter| id.contains(filter));
        let common = common_ids(native, sandbox);
        let by_common_id = |file: &'_ FileResult| -> BTreeMap<String, Test> {
            let tests = file.tests.iter();
            let id = |id: &String| common.get(id).unwrap_or(id).clone();
            tests.map(|(it, test)| (id(it), test.clone())).collect()
        };
        let (native, sandbox) = (by_common_id(native), by_common_id(sandbox));
        if let Some(executed) = &mut self.executed {
            executed.insert(path.to_owned());
            executed.extend(native.keys().chain(sandbox.keys()).cloned());
        }
        // If the file could not be executed, that is what differs.
        let is_executed = !sandbox.contains_key(path);
        for (id, test) in &native {
            let is_absent = is_executed && !stands_for(&sandbox, id);
            if is_absent && wanted(id) && test.outcome.is_good() {
                let difference = Difference {
                    native: Some(test.outcome),
                    sandbox: Test::new(Outcome::Missing, ""),
                };
                self.differences.insert(id.clone(), difference);
            }
        }
        for (id, test) in &sandbox {
            // A file that could not be executed had none of its tests to be filtered.
            if wanted(id) || id == path {
                self.take(id, native.get(id), test);
            }
        }
    }

    /// Whether a run of all files would judge this test, and this one does not.
    pub(super) fn leaves_out(&self, id: &str) -> bool {
        let filter = self.filter.as_deref();
        let executed = self.executed.as_ref();
        !filter.is_none_or(|filter| id.contains(filter))
            || !executed.is_none_or(|executed| executed.contains(id))
    }

    /// Whether this is of all tests.
    pub(super) fn is_whole(&self) -> bool {
        self.filter.is_none() && self.executed.is_none()
    }

    fn take(&mut self, id: &str, native: Option<&Test>, sandbox: &Test) {
        let native = native.map(|test| test.outcome);
        let was_good = native.is_some_and(Outcome::is_good);
        let is_difference = match sandbox.outcome {
            Outcome::Passed | Outcome::Xpassed => false,
            Outcome::Xfailed => native == Some(Outcome::Passed),
            Outcome::Skipped => {
                // A file that is skipped as a whole has no outcome of its own natively.
                if was_good || native.is_none() {
                    let tests = self.skips.entry(sandbox.message.clone()).or_default();
                    tests.push(id.to_owned());
                }
                false
            }
            _ if native.is_none_or(|native| native.is_good() || native == Outcome::Skipped) => true,
            _ => {
                self.fail_on_both += 1;
                false
            }
        };
        if is_difference {
            let sandbox = sandbox.clone();
            self.differences
                .insert(id.to_owned(), Difference { native, sandbox });
        }
    }
}

/// Ids that have addresses in them, folders, or sets of strings, are not the same on both sides
/// (or the next time). Of parameters of one test that only one side knows, the first is taken for
/// the first of the other side, and so on, if there are as many. Such an id becomes
/// `test[#7]`: the number among all parameters of the test natively.
fn common_ids(native: &FileResult, sandbox: &FileResult) -> BTreeMap<String, String> {
    let unknown = |file: &FileResult, other: &FileResult| {
        let mut functions: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for id in &file.order {
            let Some((function, _)) = id.split_once('[') else {
                continue;
            };
            let number = counts.entry(function).or_default();
            if !other.tests.contains_key(id) {
                let unknown = functions.entry(function.to_owned()).or_default();
                unknown.push((id.clone(), *number));
            }
            *number += 1;
        }
        functions
    };
    let mut common = BTreeMap::new();
    let in_sandbox = unknown(sandbox, native);
    for (function, natively) in unknown(native, sandbox) {
        let Some(in_sandbox) = in_sandbox.get(&function) else {
            continue;
        };
        if natively.len() == in_sandbox.len() {
            for ((native, number), (sandbox, _)) in natively.iter().zip(in_sandbox) {
                let id = format!("{function}[#{number}]");
                common.insert(native.clone(), id.clone());
                common.insert(sandbox.clone(), id);
            }
        }
    }
    common
}

/// Whether a test is there, or a class or module that it is in: one that is skipped, or cannot
/// be set up, has no tests of its own.
fn stands_for(tests: &BTreeMap<String, Test>, id: &str) -> bool {
    let ends = id.match_indices('.').map(|(end, _)| end);
    ends.chain([id.len()])
        .any(|end| tests.contains_key(&id[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(tests: &[(&str, Outcome)]) -> Results {
        let named =
            |(id, outcome): &(&str, Outcome)| ((*id).to_owned(), Test::new(*outcome, "why"));
        let file = FileResult {
            tests: tests.iter().map(named).collect(),
            order: tests.iter().map(|(id, _)| (*id).to_owned()).collect(),
            ..FileResult::default()
        };
        Results {
            files: BTreeMap::from([("f".to_owned(), file)]),
        }
    }

    fn differences(native: &[(&str, Outcome)], sandbox: &[(&str, Outcome)]) -> Vec<String> {
        let comparison = Comparison::new(&results(native), &results(sandbox), None, false);
        let differences = comparison.differences.iter();
        differences
            .map(|(id, it)| format!("{id} {}", it.sandbox.outcome))
            .collect()
    }

    #[test]
    fn what_passed_natively_and_does_not_here_differs() {
        use Outcome::*;
        let differs =
            |native, sandbox| !differences(&[("f::a", native)], &[("f::a", sandbox)]).is_empty();
        for sandbox in [Failed, Error, Trapped, LimitExceeded, Exited, Xfailed] {
            assert!(differs(Passed, sandbox), "{sandbox}");
        }
        assert!(differs(Xfailed, Failed));
        assert!(differs(Skipped, Failed));
        assert!(!differs(Passed, Passed));
        assert!(!differs(Passed, Skipped));
        assert!(!differs(Xfailed, Xfailed));
        assert!(!differs(Failed, Passed));
        assert!(!differs(Failed, Error));
        assert!(!differs(Skipped, Passed));
    }

    #[test]
    fn a_test_that_is_not_there_differs() {
        use Outcome::*;
        assert_eq!(differences(&[("f::a", Passed)], &[]), ["f::a missing"]);
        assert!(differences(&[("f::a", Failed)], &[]).is_empty());
        assert_eq!(differences(&[], &[("f::a", Failed)]), ["f::a failed"]);
    }

    #[test]
    fn a_file_that_cannot_be_imported_is_one_difference() {
        use Outcome::*;
        let native = [("f::a", Passed), ("f::b", Passed)];
        assert_eq!(differences(&native, &[("f", Error)]), ["f error"]);
        let skipped = Comparison::new(&results(&native), &results(&[("f", Skipped)]), None, false);
        assert!(skipped.differences.is_empty());
        assert_eq!(skipped.skips["why"], ["f"]);
    }

    #[test]
    fn skips_are_collected_by_their_reason() {
        use Outcome::*;
        let native = [("f::a", Passed), ("f::b", Passed), ("f::c", Skipped)];
        let sandbox = [("f::a", Skipped), ("f::b", Skipped), ("f::c", Skipped)];
        let comparison = Comparison::new(&results(&native), &results(&sandbox), None, false);
        assert_eq!(comparison.skips["why"], ["f::a", "f::b"]);
    }

    #[test]
    fn ids_with_addresses_are_paired_by_their_order() {
        use Outcome::*;
        let native = [
            ("f::t[1]", Passed),
            ("f::t[0x7f]", Passed),
            ("f::t[0x70]", Failed),
        ];
        let sandbox = [
            ("f::t[1]", Passed),
            ("f::t[0x2]", Error),
            ("f::t[0x1]", Failed),
        ];
        assert_eq!(differences(&native, &sandbox), ["f::t[#1] error"]);
        // Not if one of them is not there.
        let sandbox = [("f::t[1]", Passed), ("f::t[0x2]", Passed)];
        assert_eq!(differences(&native, &sandbox), ["f::t[0x7f] missing"]);
    }

    #[test]
    fn a_filter_leaves_the_others_out() {
        use Outcome::*;
        let native = results(&[("f::a", Passed), ("f::b", Passed)]);
        let sandbox = results(&[("f::a", Failed)]);
        let comparison = Comparison::new(&native, &sandbox, Some("::a"), false);
        let ids: Vec<_> = comparison.differences.keys().collect();
        assert_eq!(ids, ["f::a"]);
    }

    #[test]
    fn a_class_that_is_skipped_stands_for_its_tests() {
        use Outcome::*;
        let native = [("m.C.a", Passed), ("m.C.b", Passed), ("m.D.a", Passed)];
        let sandbox = [("m.C", Skipped)];
        assert_eq!(differences(&native, &sandbox), ["m.D.a missing"]);
        let skipped = Comparison::new(&results(&native), &results(&sandbox), None, false);
        assert_eq!(skipped.skips["why"], ["m.C"]);
    }

    #[test]
    fn what_is_not_quick_is_left_out() {
        use Outcome::*;
        let native = results(&[("f::a", Passed)]);
        let sandbox = results(&[("f::a", Failed)]);
        let all = Comparison::new(&native, &sandbox, None, false);
        assert!(all.is_whole() && !all.leaves_out("g::a"));
        let quick = Comparison::new(&native, &sandbox, None, true);
        assert!(!quick.is_whole() && quick.leaves_out("g::a"));
        assert!(!quick.leaves_out("f::a") && !quick.leaves_out("f"));
    }
}
