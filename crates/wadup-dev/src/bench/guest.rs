//! Speed of guest code: upstream's own benchmarks of pydantic_core, in the sandbox and natively.

use std::fmt::Write as _;

use super::comparison::{Comparison, Row, compare, earlier, microseconds, request, shown};
use crate::cli::BenchArgs;
use crate::context::{Context, say};
use crate::suite::{Native, NativeBuild, Sandbox, SandboxOptions, Suite};

const SUITE: &str = "pydantic-core";

/// Where upstream keeps them in the sdist.
const BENCHMARKS: &str = "tests/benchmarks";

/// Prints the ids.
pub(crate) fn list(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    let suite = Suite::load(context, SUITE)?;
    let native = Native::new(context, &suite, NativeBuild::Published)?;
    let mut request = request(args, BENCHMARKS);
    request.options.push("--collect-only".to_owned());
    let run = native.run(&request)?;
    let lines = run.collected.iter().map(|id| format!("{id}\n"));
    super::print(&lines.collect::<String>());
    Ok(())
}

/// Runs the sandbox for `perf` to look at.
pub(crate) fn profile(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    let suite = Suite::load(context, SUITE)?;
    let options = SandboxOptions {
        perf_map: true,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::new(context, &suite, options)?;
    let mut request = request(args, BENCHMARKS);
    // Seconds for one benchmark, a minute for all of them.
    let target_ns = if args.filter.is_some() {
        500_000_000
    } else {
        50_000_000
    };
    if let Some(rounds) = &mut request.benchmark {
        rounds.target_ns = target_ns;
    }
    sandbox.run(&request)?;
    say("the guest's part: `perf report --comm wadup-worker-0 --percentage relative`");
    Ok(())
}

pub(super) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Comparison> {
    let suite = Suite::load(context, SUITE)?;
    let earlier = earlier(args, |report| report.guest.as_ref())?;
    compare(context, args, (&suite, BENCHMARKS), earlier)
}

pub(super) fn markdown(comparison: &Comparison) -> String {
    let ranked = comparison.ranked();
    let above = |limit: f64| ranked.iter().filter(|(_, _, ratio)| *ratio > limit).count();
    let summary = &comparison.summary;
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
        comparison.benchmarks.len(),
        comparison.passes,
        shown(summary.sandbox_by_native),
        shown(summary.sandbox_by_published),
        shown(summary.native_by_published),
        shown(summary.worst_sandbox_by_native),
        above(2.5),
        above(2.0),
        above(1.5),
    );
    if let Some(date) = &comparison.native_from {
        let _ = write!(text, "\nThe native figures are those of {date}.\n");
    }
    text.push_str("\n### The worst ten\n\n");
    table(&mut text, &ranked[..ranked.len().min(10)]);
    text.push_str("\n### All\n\n");
    table(&mut text, &ranked);
    comparison.write_not_measured(&mut text);
    text
}

/// Columns: times in microseconds, and ratios.
fn table(text: &mut String, rows: &[(&str, &Row, f64)]) {
    text.push_str(
        "| benchmark | sandbox µs | native µs | PyPI's wheel µs | sandbox / native | sandbox / wheel |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for (id, row, ratio) in rows {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {ratio:.2} | {} |",
            short(id),
            microseconds(row.sandbox),
            microseconds(row.native),
            microseconds(row.published),
            shown(row.by_published()),
        );
    }
}

/// The id without the folder that all have in common.
fn short(id: &str) -> &str {
    let id = id.strip_prefix(BENCHMARKS).unwrap_or(id);
    id.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::comparison::{NotMeasured, Summary};
    use super::*;
    use crate::suite::Measured;

    fn row(sandbox: f64, native: f64, published: f64) -> Row {
        let measured = |min_ns| {
            Some(Measured {
                min_ns,
                median_ns: min_ns,
                loops: 1,
            })
        };
        Row {
            sandbox: measured(sandbox),
            native: measured(native),
            published: measured(published),
            wasi_python: None,
        }
    }

    #[test]
    fn the_report_ranks_by_ratio() {
        let rows = [
            ("tests/benchmarks/a.py::fast", row(100.0, 100.0, 50.0)),
            ("tests/benchmarks/a.py::slow", row(4000.0, 1000.0, 1000.0)),
        ];
        let mut comparison = Comparison {
            passes: 3,
            summary: Summary::default(),
            native_from: None,
            benchmarks: rows.map(|(id, row)| (id.to_owned(), row)).into(),
            not_measured: vec![NotMeasured {
                side: "sandbox".to_owned(),
                id: "tests/benchmarks/a.py::deep".to_owned(),
                outcome: "skipped".to_owned(),
                message: Some("no stack".to_owned()),
            }],
        };
        comparison.summary = comparison.summarize();
        insta::assert_snapshot!(markdown(&comparison));
    }
}
