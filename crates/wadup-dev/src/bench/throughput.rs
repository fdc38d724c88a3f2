//! Inputs a second, end to end, and the CPU time of each.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders::Orders;
use super::process::{self, Spread, Took};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) inputs: u32,
    pub(crate) passes: u32,
    pub(crate) ways: Vec<Way>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) name: String,
    /// Of the whole process, its start and the finding of the inputs included.
    pub(crate) inputs_per_second: Spread,
    /// User and system time of all threads, in microseconds, for one input.
    pub(crate) cpu_us: Spread,
    /// The same in wall-clock time.
    pub(crate) wall_us: Spread,
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

impl How {
    fn name(self) -> String {
        match self {
            Self::Wadup { jobs, isolation } => format!("wadup, {isolation}, {jobs} job(s)"),
            Self::Native => "native CPython, one process, no sandbox".to_owned(),
        }
    }
}

pub(super) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Throughput> {
    let wadup = process::wadup()?;
    let orders = Orders::new(context)?;
    let count = if args.quick { 2_000 } else { 20_000 };
    let passes = if args.quick { 2 } else { 5 };
    let folder = orders.inputs(count)?;
    let database = orders.scratch().join("rows.db");
    let mut results: Vec<(How, Vec<Took>)> =
        ways().into_iter().map(|how| (how, Vec::new())).collect();
    for pass in 1..=passes {
        for (how, took) in &mut results {
            say(format_args!("  pass {pass} of {passes}, {}", how.name()));
            let mut command = match *how {
                How::Wadup { jobs, isolation } => {
                    let mut command = network(&wadup);
                    command
                        .arg("run")
                        .arg(&orders.artifact)
                        .arg("--input")
                        .arg(&folder);
                    command.args(["--jobs", &jobs.to_string(), "--isolation", isolation]);
                    command.arg("--output").arg(&database);
                    command
                }
                How::Native => orders.native(&database, &folder)?,
            };
            took.push(process::run(context, &mut command, false)?);
            check_rows(&database, count)?;
            fs::remove_file(&database)?;
        }
    }
    Ok(Throughput {
        inputs: count,
        passes,
        ways: results
            .iter()
            .map(|(how, took)| Way::of(*how, took, count))
            .collect(),
    })
}

fn ways() -> Vec<How> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut ways = Vec::new();
    for isolation in ["fresh", "reuse"] {
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

impl Way {
    fn of(how: How, took: &[Took], inputs: u32) -> Self {
        let inputs = f64::from(inputs);
        let rates: Vec<f64> = took
            .iter()
            .map(|it| inputs / it.wall.as_secs_f64())
            .collect();
        let per_input = |seconds: f64| seconds * 1e6 / inputs;
        let cpu: Vec<f64> = took
            .iter()
            .map(|it| per_input(it.cpu.as_secs_f64()))
            .collect();
        let wall: Vec<f64> = took
            .iter()
            .map(|it| per_input(it.wall.as_secs_f64()))
            .collect();
        Self {
            name: how.name(),
            inputs_per_second: Spread::of(&rates),
            cpu_us: Spread::of(&cpu),
            wall_us: Spread::of(&wall),
        }
    }
}

impl Throughput {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## Inputs per second\n\n\
             {} inputs of 1 KB in a folder, one model and one row each, rows in SQLite; {} passes, \
             turn by turn. The whole process counts. `median (best)`.\n\n\
             | | inputs / s | wall time, µs / input | CPU time, µs / input |\n|---|--:|--:|--:|\n",
            self.inputs, self.passes
        );
        for way in &self.ways {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.0} ({:.0}) |",
                way.name,
                way.inputs_per_second.median,
                way.inputs_per_second.p99,
                way.wall_us.median,
                way.wall_us.min,
                way.cpu_us.median,
                way.cpu_us.min,
            );
        }
        text
    }
}
