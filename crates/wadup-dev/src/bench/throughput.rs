//! Inputs a second, end to end, and the CPU time of each.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders::Orders;
use super::process::{self, Series, Spread};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) inputs: u32,
    /// Names, and whole processes: their start and the finding of the inputs included.
    pub(crate) ways: Vec<(String, Series)>,
}

/// How inputs are processed.
#[derive(Debug, Clone, Copy)]
enum How {
    Wadup {
        jobs: usize,
        isolation: &'static str,
    },
    Native,
}

const ISOLATIONS: [&str; 2] = ["fresh", "reuse"];

impl How {
    fn name(self) -> String {
        match self {
            Self::Wadup { jobs, isolation } => format!("wadup, {isolation}, {jobs} job(s)"),
            Self::Native => "native CPython, one process, no sandbox".to_owned(),
        }
    }
}

pub(super) fn measure(
    context: &Context,
    args: &BenchArgs,
    throughput: &mut Throughput,
) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let orders = Orders::new(context)?;
    let count = if args.quick { 2_000 } else { 20_000 };
    let passes = if args.quick { 2 } else { 5 };
    let folder = orders.inputs(count)?;
    let database = orders.scratch().join("rows.db");
    let ways = ways();
    throughput.inputs = count;
    throughput.ways = ways
        .iter()
        .map(|how| (how.name(), Series::default()))
        .collect();
    for pass in 1..=passes {
        for (how, (name, series)) in ways.iter().zip(&mut throughput.ways) {
            say(format_args!("  pass {pass} of {passes}, {name}"));
            let mut command = match *how {
                How::Wadup { jobs, isolation } => {
                    let mut command = network(&wadup);
                    command.arg("run").arg(&orders.artifact);
                    command.arg("--input").arg(&folder);
                    command.args(["--jobs", &jobs.to_string(), "--isolation", isolation]);
                    command.arg("--output").arg(&database);
                    command
                }
                How::Native => orders.native(&database, &folder),
            };
            let took = process::run(context, &mut command, false)?;
            check_rows(&database, count)?;
            series.push(&took);
            fs::remove_file(&database)?;
        }
    }
    Ok(())
}

fn ways() -> Vec<How> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut ways = Vec::new();
    for isolation in ISOLATIONS {
        ways.push(How::Wadup { jobs: 1, isolation });
        if cores > 1 {
            ways.push(How::Wadup {
                jobs: cores,
                isolation,
            });
        }
    }
    ways.push(How::Native);
    ways
}

/// A fast run that lost rows is no result.
fn check_rows(database: &Path, expected: u32) -> anyhow::Result<()> {
    let read = || {
        let database = rusqlite::Connection::open(database)?;
        database.query_row("SELECT count(DISTINCT id) FROM orders", [], |row| {
            row.get::<_, u32>(0)
        })
    };
    let rows = read().context("failed to count the rows")?;
    if rows != expected {
        bail!("there are {rows} rows for {expected} inputs");
    }
    Ok(())
}

impl Throughput {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## Inputs per second\n\n\
             {} inputs of 1 KB in a folder, one model and one row each, rows in SQLite; turn by \
             turn. The whole process counts. `median (best)`.\n\n\
             | | runs | inputs / s | wall time, µs / input | CPU time, µs / input |\n\
             |---|--:|--:|--:|--:|\n",
            self.inputs
        );
        let inputs = f64::from(self.inputs);
        for (name, series) in &self.ways {
            let (wall, cpu) = (Spread::of(series.wall()), Spread::of(series.cpu()));
            let rate = |milliseconds: f64| inputs / milliseconds * 1e3;
            let each = |milliseconds: f64| milliseconds * 1e3 / inputs;
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {name} | {} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.0} ({:.0}) |",
                series.wall().len(),
                rate(wall.median),
                rate(wall.min),
                each(wall.median),
                each(wall.min),
                each(cpu.median),
                each(cpu.min),
            );
        }
        for isolation in ISOLATIONS {
            text += &self.scaling(isolation).unwrap_or_default();
        }
        text
    }

    /// How much faster as many jobs are as there are cores, if there are several.
    fn scaling(&self, isolation: &str) -> Option<String> {
        let start = format!("wadup, {isolation}, ");
        let mut ways = self
            .ways
            .iter()
            .filter(|(name, _)| name.starts_with(&start));
        let ((one, alone), (all, together)) = (ways.next()?, ways.next()?);
        let best = |series: &Series| series.wall().iter().copied().reduce(f64::min);
        let factor = best(alone)? / best(together)?;
        Some(format!(
            "\n{all}: {factor:.2} times as fast as {one}, the best of each, which took turns.\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::process::Took;

    #[test]
    fn rates_are_inputs_by_wall_time() {
        let mut series = Series::default();
        for seconds in [4, 2, 5] {
            series.push(&Took {
                wall: Duration::from_secs(seconds),
                cpu: Duration::from_secs(1),
                ..Took::default()
            });
        }
        let throughput = Throughput {
            inputs: 1000,
            ways: vec![("it".to_owned(), series)],
        };
        let line = "| it | 3 | 250 (500) | 4000 (2000) | 1000 (1000) |\n";
        assert!(throughput.markdown().ends_with(line));
    }

    #[test]
    fn jobs_are_compared_by_their_best() {
        let way = |jobs, seconds| {
            let isolation = ISOLATIONS[0];
            let mut series = Series::default();
            for seconds in [9, seconds] {
                series.push(&Took {
                    wall: Duration::from_secs(seconds),
                    ..Took::default()
                });
            }
            (How::Wadup { jobs, isolation }.name(), series)
        };
        let throughput = Throughput {
            inputs: 1,
            ways: vec![way(1, 6), way(2, 4)],
        };
        let scaling = throughput.scaling(ISOLATIONS[0]).unwrap();
        let expected = "wadup, fresh, 2 job(s): 1.50 times as fast as wadup, fresh, 1 job(s)";
        assert!(scaling.trim().starts_with(expected), "{scaling}");
        assert_eq!(throughput.scaling(ISOLATIONS[1]), None);
    }
}
