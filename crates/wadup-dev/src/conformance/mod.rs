//! `cargo dev conformance`: upstream's own test suites in the sandbox, against the same natively.
//!
//! - [`files`]: runs a suite's test files, one fresh instance (or process) each.
//! - [`comparison`]: what differs.
//! - [`verdict`]: what may differ, and for which [`Reason`](reason::Reason).
//! - [`report`]: what is shown; [`document`]: the tables of `docs/inside/conformance.md`.

mod comparison;
mod document;
mod files;
mod progress;
mod reason;
mod report;
mod verdict;

use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::bail;

use self::comparison::Comparison;
use self::files::{Results, Side};
use self::progress::Progress;
use self::report::Report;
use self::verdict::Verdict;
use crate::cli::ConformanceArgs;
use crate::context::{Context, say};
use crate::suite::{Native, NativeBuild, Request, Sandbox, SandboxOptions, Suite};

/// The folder of verdicts.
const VERDICTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance");

pub(crate) fn conformance(context: &Context, args: &ConformanceArgs) -> anyhow::Result<()> {
    let names = chosen(args)?;
    let mut reports = Vec::new();
    for name in names {
        let suite = Suite::load(context, &name)?;
        reports.push(run(context, args, &suite)?);
    }
    if args.update {
        document::update(&reports)?;
    }
    if let Some(filter) = &args.filter
        && reports.iter().all(Report::is_empty)
    {
        bail!("no test has {filter:?} in its id");
    }
    if reports.len() > 1 {
        say(report::overview(&reports));
    }
    let bad: Vec<&str> = reports
        .iter()
        .filter(|report| !report.is_as_expected())
        .map(|report| &*report.suite)
        .collect();
    if !bad.is_empty() {
        bail!("not as expected: {}", bad.join(", "));
    }
    Ok(())
}

fn chosen(args: &ConformanceArgs) -> anyhow::Result<Vec<String>> {
    let known = Suite::names()?;
    if args.suites.is_empty() {
        return Ok(known);
    }
    if let Some(unknown) = args.suites.iter().find(|name| !known.contains(name)) {
        bail!(
            "there is no suite {unknown}; there are: {}",
            known.join(", ")
        );
    }
    Ok(args.suites.clone())
}

/// Runs a suite, compares, and judges.
fn run(context: &Context, args: &ConformanceArgs, suite: &Suite) -> anyhow::Result<Report> {
    say(format_args!("suite {}", suite.name));
    let filter = args.filter.as_deref();
    let [native, sandbox] = on_both_sides(context, suite, filter, args.quick)?;
    let comparison = Comparison::new(&native, &sandbox, filter, args.quick);
    let path = PathBuf::from(VERDICTS).join(format!("{}.toml", suite.name));
    let mut verdict = Verdict::load(&path)?;
    if args.update {
        verdict = verdict.updated(&comparison);
        verdict.write(&path, &suite.name)?;
    }
    let report = Report::new(suite, &comparison, &verdict, [&native, &sandbox]);
    report.say();
    Ok(report)
}

/// What the suite comes to natively and in the sandbox, of which only the files that `filter`
/// asks for.
fn on_both_sides(
    context: &Context,
    suite: &Suite,
    filter: Option<&str>,
    quick: bool,
) -> anyhow::Result<[Results; 2]> {
    let jobs = cores();
    let native = Native::new(context, suite, NativeBuild::Published)?;
    let mut requests = suite.requests()?;
    if quick {
        requests = quick_ones(suite, requests)?;
    }
    let native = run_native(&native, jobs, requests.clone())?;

    let requests = wanted(requests, filter, &native);
    let options = SandboxOptions {
        timeout: Some(suite.definition.timeout()),
        jobs,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::new(context, suite, options)?;
    let sandbox = run_in_sandbox(&sandbox, requests)?;
    Ok([native, sandbox])
}

fn quick_ones(suite: &Suite, requests: Vec<Request>) -> anyhow::Result<Vec<Request>> {
    let mut quick = Vec::new();
    for request in requests {
        if suite.definition.is_quick(&request.path)? {
            quick.push(request);
        }
    }
    Ok(quick)
}

fn cores() -> NonZeroU32 {
    let cores = std::thread::available_parallelism().ok();
    let cores = cores.and_then(|cores| NonZeroU32::try_from(cores).ok());
    cores.unwrap_or(NonZeroU32::MIN)
}

fn run_native(
    native: &Native<'_>,
    jobs: NonZeroU32,
    requests: Vec<Request>,
) -> anyhow::Result<Results> {
    let progress = Progress::new(Side::Native, requests.len());
    files::run(requests, |requests| {
        native.execute(requests, jobs, &|request, execution| {
            progress.ended(request, execution);
        })
    })
}

fn run_in_sandbox(sandbox: &Sandbox<'_>, requests: Vec<Request>) -> anyhow::Result<Results> {
    let progress = Progress::new(Side::Sandbox, requests.len());
    files::run(requests, |requests| {
        sandbox.execute(requests, &|request, execution| {
            progress.ended(request, execution);
        })
    })
}

/// The files that have tests that match `filter`.
fn wanted(requests: Vec<Request>, filter: Option<&str>, native: &Results) -> Vec<Request> {
    let Some(filter) = filter else {
        return requests;
    };
    let mut wanted = requests;
    wanted.retain(|request| {
        let tests = native.files.get(&request.path);
        request.path.contains(filter)
            || tests.is_some_and(|file| file.tests.keys().any(|id| id.contains(filter)))
    });
    for request in &mut wanted {
        request.filter = Some(filter.to_owned());
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::suite::Outcome;

    /// Tests that end their process, one that starts one, and those beside them.
    const FRAGILE: &str = "\
import os, subprocess, sys

def test_before(): pass
def test_aborts(): os.abort()
def test_between(): pass
def test_exits(): os._exit(3)
def test_exits_well(): os._exit(0)
def test_raises_system_exit(): sys.exit(4)
def test_process(): subprocess.run([sys.executable, '-c', ''], check=True)
def test_after(): pass
";

    const SPINNING: &str = "\
def test_before(): pass
def test_spins():
    while True: pass
def test_after(): pass
";

    const BROKEN: &str = "\
import sys
if sys.platform == 'wasi':
    raise ImportError('not on wasi')
def test_it(): pass
";

    /// On both sides, a test that kills costs itself only; what differs is what the verdict
    /// says, and the verdict bites.
    #[test]
    fn a_test_that_kills_its_instance_costs_that_test() {
        let context = Context::open().unwrap();
        let files = [
            ("tests/test_broken.py", BROKEN),
            ("tests/test_fragile.py", FRAGILE),
            ("tests/test_spinning.py", SPINNING),
        ];
        let mut suite = Suite::with_files(&context, "annotated-types", &files).unwrap();
        suite.definition.timeout = 10;
        let sides = on_both_sides(&context, &suite, None, false).unwrap();
        let fragile = [
            ("test_aborts", Outcome::Trapped),
            ("test_after", Outcome::Passed),
            ("test_before", Outcome::Passed),
            ("test_between", Outcome::Passed),
            ("test_exits", Outcome::Exited),
            ("test_exits_well", Outcome::Exited),
        ];
        let spinning = [
            ("test_after", Outcome::Passed),
            ("test_before", Outcome::Passed),
            ("test_spins", Outcome::LimitExceeded),
        ];
        for side in &sides {
            let ended = |file: &str, name: &str| {
                let tests = &side.files[file].tests;
                tests[&format!("{file}::{name}")].outcome
            };
            for (name, outcome) in fragile {
                assert_eq!(ended("tests/test_fragile.py", name), outcome, "{name}");
            }
            let exit = ended("tests/test_fragile.py", "test_raises_system_exit");
            assert_eq!(exit, Outcome::Failed);
            for (name, outcome) in spinning {
                assert_eq!(ended("tests/test_spinning.py", name), outcome, "{name}");
            }
        }

        let [native, sandbox] = sides;
        let comparison = Comparison::new(&native, &sandbox, None, false);
        let differences: Vec<_> = comparison.differences.keys().map(String::as_str).collect();
        let expected = [
            "tests/test_broken.py",
            "tests/test_fragile.py::test_process",
        ];
        assert_eq!(differences, expected);

        let mut verdict = Verdict::default().updated(&comparison);
        for entry in verdict.differs.values_mut() {
            entry.reason = reason::Reason::NoProcesses;
        }
        let judge = |verdict: &Verdict| {
            Report::new(&suite, &comparison, verdict, [&native, &sandbox]).is_as_expected()
        };
        assert!(judge(&verdict));
        for id in expected {
            let mut differs = verdict.differs.clone();
            differs.remove(id);
            let skips = BTreeMap::new();
            assert!(!judge(&Verdict { differs, skips }), "{id}");
        }
        let mut differs = verdict.differs.clone();
        let entry = differs["tests/test_broken.py"].clone();
        differs.insert("tests/test_fragile.py::test_after".to_owned(), entry);
        let skips = BTreeMap::new();
        assert!(!judge(&Verdict { differs, skips }));
    }
}
