//! Speed of guest code: upstream's own benchmarks of pydantic_core, in the sandbox and natively.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::cli::{BenchArgs, Only};
use crate::context::{Context, say};
use crate::statistics::geometric_mean;
use crate::suite::{Measured, Native, NativeBuild, Request, Run, Sandbox, SandboxOptions, Suite};

/// Where upstream keeps them in the sdist.
const BENCHMARKS: &str = "tests/benchmarks";

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Guest {
    /// How often each side ran all benchmarks, turn by turn.
    pub(crate) passes: u32,
    /// The date of the report that the native figures were taken from, if they were.
    pub(crate) native_from: Option<String>,
    pub(crate) benchmarks: BTreeMap<String, Row>,
    /// Side, benchmark, how it ended and why, of what gave no figure.
    pub(crate) not_measured: Vec<(String, String, String, Option<String>)>,
}

/// One benchmark: the least over all passes, and the middle pass.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) sandbox: Option<Measured>,
    /// Native, of the same sdist with the same optimisation.
    pub(crate) native: Option<Measured>,
    /// Native, the wheel on PyPI.
    pub(crate) published: Option<Measured>,
}

impl Row {
    /// Sandbox by native: the least of one by the least of the other.
    fn by_native(&self) -> Option<f64> {
        Some(self.sandbox?.min_ns / self.native?.min_ns)
    }

    fn by_published(&self) -> Option<f64> {
        Some(self.sandbox?.min_ns / self.published?.min_ns)
    }

    fn native_by_published(&self) -> Option<f64> {
        Some(self.native?.min_ns / self.published?.min_ns)
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

/// Runs all benchmarks once, on one side.
type Runner<'r> = Box<dyn Fn() -> anyhow::Result<Run> + 'r>;

/// Prints the ids.
pub(crate) fn list(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    let suite = Suite::pydantic_core()?;
    let native = Native::new(context, &suite, NativeBuild::Published)?;
    let mut request = request(args);
    request.args.push("--collect-only".to_owned());
    let run = native.run(&request)?;
    super::print(
        &run.collected
            .iter()
            .map(|id| format!("{id}\n"))
            .collect::<String>(),
    );
    Ok(())
}

/// Runs the sandbox for `perf` to look at.
pub(crate) fn profile(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    let suite = Suite::pydantic_core()?;
    let sandbox = Sandbox::new(context, &suite, SandboxOptions { perf_map: true })?;
    let mut request = request(args);
    // Seconds for one benchmark, a minute for all of them.
    request.target_ns = if args.filter.is_some() {
        500_000_000
    } else {
        50_000_000
    };
    sandbox.run(&request)?;
    say("the guest's part: `perf report --comm wadup-worker-0 --percentage relative`");
    Ok(())
}

pub(crate) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Guest> {
    let suite = Suite::pydantic_core()?;
    let request = request(args);
    let mut guest = Guest::default();
    let earlier = match args.only {
        Some(Only::Sandbox) => Some(native_figures(args)?),
        None => None,
    };
    let sandbox = Sandbox::new(context, &suite, SandboxOptions::default())?;
    let mut runners: Vec<(Side, Runner<'_>)> =
        vec![(Side::Sandbox, Box::new(|| sandbox.run(&request)))];
    let builds = [
        (Side::Native, NativeBuild::Built),
        (Side::Published, NativeBuild::Published),
    ];
    for (side, build) in builds {
        if earlier.is_none() {
            let native = Native::new(context, &suite, build)?;
            let request = &request;
            runners.push((side, Box::new(move || native.run(request))));
        }
    }

    let mut passes = BTreeMap::<(Side, String), Vec<Measured>>::new();
    for pass in 1..=passes_of(args) {
        for (side, run) in &runners {
            if context.cancel.is_requested() {
                break;
            }
            say(format_args!(
                "guest: pass {pass} of {}, {}",
                passes_of(args),
                side.name()
            ));
            match run() {
                Ok(run) => guest.take(*side, run, &mut passes),
                Err(_) if context.cancel.is_requested() => break,
                Err(error) => return Err(error),
            }
        }
        if !context.cancel.is_requested() {
            guest.passes = pass;
        }
    }
    guest.merge(&passes);
    if let Some((date, figures)) = earlier {
        guest.native_from = Some(date);
        guest.fill(&figures);
    }
    if guest.benchmarks.is_empty() && !context.cancel.is_requested() {
        bail!("no benchmark was measured: see `cargo dev bench --list`");
    }
    Ok(guest)
}

fn passes_of(args: &BenchArgs) -> u32 {
    if args.quick { 2 } else { 5 }
}

fn request(args: &BenchArgs) -> Request {
    Request {
        args: vec!["-q".to_owned(), BENCHMARKS.to_owned()],
        filter: args.filter.clone(),
        target_ns: if args.quick { 2_000_000 } else { 5_000_000 },
        rounds: if args.quick { 3 } else { 5 },
    }
}

/// The newest report that has native figures, and its date.
fn native_figures(args: &BenchArgs) -> anyhow::Result<(String, BTreeMap<String, Row>)> {
    let has_native = |report: &Report| {
        let guest = report
            .guest
            .iter()
            .flat_map(|guest| guest.benchmarks.values());
        guest.into_iter().any(|row| row.native.is_some())
    };
    let report = Report::newest(&args.output, has_native);
    let report = report.with_context(|| {
        let folder = args.output.display();
        format!("no report in {folder} has native figures: run once without `--only`")
    })?;
    let guest = report.guest.unwrap_or_default();
    Ok((guest.native_from.unwrap_or(report.date), guest.benchmarks))
}

impl Guest {
    fn take(&mut self, side: Side, run: Run, passes: &mut BTreeMap<(Side, String), Vec<Measured>>) {
        for (id, measured) in run.benchmarks {
            passes.entry((side, id)).or_default().push(measured);
        }
        for (id, (outcome, message)) in run.other {
            let entry = (side.name().to_owned(), id, outcome, message);
            if !self.not_measured.contains(&entry) {
                self.not_measured.push(entry);
            }
        }
    }

    fn merge(&mut self, passes: &BTreeMap<(Side, String), Vec<Measured>>) {
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

    fn mean(&self, ratio: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        geometric_mean(self.benchmarks.values().filter_map(ratio))
    }

    /// By sandbox/native, the worst first.
    fn ranked(&self) -> Vec<(&str, &Row, f64)> {
        let rows = self.benchmarks.iter();
        let mut ranked: Vec<_> = rows
            .filter_map(|(id, row)| Some((short(id), row, row.by_native()?)))
            .collect();
        ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
        ranked
    }

    pub(crate) fn markdown(&self) -> String {
        let ranked = self.ranked();
        let above = |limit: f64| ranked.iter().filter(|(_, _, ratio)| *ratio > limit).count();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n## Speed of guest code: pydantic_core's own benchmarks\n\n\
             {} benchmarks, {} passes, the sides turn by turn. Ratios of times, each the least \
             that was measured.\n\n\
             | geometric mean | |\n|---|---|\n\
             | **sandbox / native**, same sdist, same optimisation | **{}** |\n\
             | sandbox / native, PyPI's wheel (PGO) | {} |\n\
             | native, ours / PyPI's wheel | {} |\n\
             | worst sandbox / native | {} |\n\
             | above 2.5; above 2; above 1.5 | {}; {}; {} |\n",
            self.benchmarks.len(),
            self.passes,
            shown(self.mean(Row::by_native)),
            shown(self.mean(Row::by_published)),
            shown(self.mean(Row::native_by_published)),
            shown(ranked.first().map(|(_, _, ratio)| *ratio)),
            above(2.5),
            above(2.0),
            above(1.5),
        );
        if let Some(date) = &self.native_from {
            let _ = write!(text, "\nThe native figures are those of {date}.\n");
        }
        text.push_str("\n### The worst ten\n\n");
        table(&mut text, &ranked[..ranked.len().min(10)]);
        text.push_str("\n### All\n\n");
        table(&mut text, &ranked);
        if !self.not_measured.is_empty() {
            text.push_str("\n### Not measured\n\n");
        }
        for (side, id, outcome, message) in &self.not_measured {
            let message = message.as_deref().unwrap_or_default();
            let last = message.lines().last().unwrap_or_default();
            let _ = writeln!(text, "- {side}: `{}` {outcome}: {last}", short(id));
        }
        text
    }
}

/// Columns: times in microseconds, and ratios.
fn table(text: &mut String, rows: &[(&str, &Row, f64)]) {
    text.push_str(
        "| benchmark | sandbox µs | native µs | PyPI's wheel µs | sandbox / native | sandbox / wheel |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    let time = |measured: Option<Measured>| {
        measured.map_or_else(|| "–".to_owned(), |it| format!("{:.3}", it.min_ns / 1e3))
    };
    for (id, row, ratio) in rows {
        let _ = writeln!(
            text,
            "| `{id}` | {} | {} | {} | {ratio:.2} | {} |",
            time(row.sandbox),
            time(row.native),
            time(row.published),
            shown(row.by_published()),
        );
    }
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// The id without the folder that all have in common.
fn short(id: &str) -> &str {
    let id = id.strip_prefix(BENCHMARKS).unwrap_or(id);
    id.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(min_ns: f64) -> Option<Measured> {
        Some(Measured {
            min_ns,
            median_ns: min_ns,
            loops: 1,
        })
    }

    fn row(sandbox: f64, native: f64, published: f64) -> Row {
        Row {
            sandbox: measured(sandbox),
            native: measured(native),
            published: measured(published),
        }
    }

    #[test]
    fn the_report_ranks_by_ratio() {
        let rows = [
            ("tests/benchmarks/a.py::fast", row(100.0, 100.0, 50.0)),
            ("tests/benchmarks/a.py::slow", row(4000.0, 1000.0, 1000.0)),
        ];
        let guest = Guest {
            passes: 3,
            native_from: None,
            benchmarks: rows.map(|(id, row)| (id.to_owned(), row)).into(),
            not_measured: vec![(
                "sandbox".to_owned(),
                "tests/benchmarks/a.py::deep".to_owned(),
                "skipped".to_owned(),
                Some("no stack".to_owned()),
            )],
        };
        insta::assert_snapshot!(guest.markdown());
    }

    #[test]
    fn a_side_that_is_missing_has_no_ratio() {
        let row = Row {
            native: None,
            ..row(1.0, 1.0, 1.0)
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
