//! `cargo dev conformance`: upstream's own test suites in the sandbox, against the same natively.
//!
//! - [`files`]: runs a suite's test files, one fresh instance (or process) each.
//! - [`comparison`]: what differs.
//! - [`verdict`]: what may differ, and for which [`Reason`](reason::Reason).
//! - [`report`]: what is shown; [`document`]: the tables of `docs/conformance.md`.

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

/// Runs a suite on both sides, compares, and judges.
fn run(context: &Context, args: &ConformanceArgs, suite: &Suite) -> anyhow::Result<Report> {
    let jobs = std::thread::available_parallelism().map_or(NonZeroU32::MIN, |cores| {
        u32::try_from(cores.get())
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN)
    });
    say(format_args!("suite {}", suite.name));
    let native = Native::new(context, suite, NativeBuild::Published)?;
    let requests = suite.requests()?;
    let native = run_native(&native, jobs, requests.clone())?;

    let requests = wanted(requests, args.filter.as_deref(), &native);
    let options = SandboxOptions {
        timeout: Some(suite.definition.timeout()),
        jobs,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::new(context, suite, options)?;
    let sandbox = run_in_sandbox(&sandbox, requests)?;

    let comparison = Comparison::new(&native, &sandbox, args.filter.as_deref());
    let path = PathBuf::from(VERDICTS).join(format!("{}.toml", suite.name));
    let mut verdict = Verdict::load(&path)?;
    if args.update {
        verdict = verdict.updated(&comparison);
        verdict.write(&path, &suite.name)?;
    }
    let report = Report::new(suite, comparison, &verdict, [&native, &sandbox]);
    report.say();
    Ok(report)
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
