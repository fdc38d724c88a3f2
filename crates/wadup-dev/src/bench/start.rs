//! From the start of the process to the first row, with and without compiled code in the cache.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders::Orders;
use super::process::{self, Spread, Took};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) runs: usize,
    /// `wadup run ARTIFACT` with one input.
    pub(crate) warm: Times,
    /// The same; the cache has no compiled code.
    pub(crate) cold: Times,
    /// Native CPython with the same models, one process for one input.
    pub(crate) native: Times,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Times {
    /// Until wadup says that the row is committed; native Python does not.
    pub(crate) first_row: Option<Spread>,
    pub(crate) end: Spread,
    /// User and system time, all threads.
    pub(crate) cpu: Spread,
}

impl Times {
    pub(super) fn of(took: &[Took]) -> Self {
        let first: Option<Vec<_>> = took.iter().map(|it| it.first_row).collect();
        Self {
            first_row: first.map(Spread::milliseconds),
            end: Spread::milliseconds(took.iter().map(|it| it.wall)),
            cpu: Spread::milliseconds(took.iter().map(|it| it.cpu)),
        }
    }

    /// A line of a table: first row, end, CPU time.
    pub(super) fn row(&self, name: &str) -> String {
        let pair = |it: Spread| format!("{:.1} ({:.1})", it.median, it.p99);
        let first = self.first_row.map_or_else(|| "–".to_owned(), pair);
        format!(
            "| {name} | {first} | {} | {:.1} |\n",
            pair(self.end),
            self.cpu.median
        )
    }
}

pub(super) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Start> {
    let wadup = process::wadup()?;
    let orders = Orders::new(context)?;
    let input = orders.input()?;
    let scratch = orders.scratch();
    let database = scratch.join("rows.db");
    let wadup_run = |mut command: Command| {
        command.arg("run").arg(&orders.artifact).arg("--json");
        command
            .arg("--input")
            .arg(&input)
            .arg("--output")
            .arg(&database);
        command
    };
    let runs = if args.quick { 10 } else { 50 };
    // Compiles, and reads everything once.
    process::run(context, &mut wadup_run(network(&wadup)), false)?;
    let (mut warm, mut native, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    say(format_args!(
        "  {runs} warm starts, and as many of native Python"
    ));
    for _ in 0..runs {
        fs::remove_file(&database)?;
        warm.push(process::run(
            context,
            &mut wadup_run(network(&wadup)),
            false,
        )?);
        fs::remove_file(&database)?;
        native.push(process::run(
            context,
            &mut orders.native(&database, &input)?,
            false,
        )?);
    }
    for run in 1..=if args.quick { 1 } else { 3 } {
        say(format_args!("  cold start {run}"));
        let cache = scratch.join("cache");
        let command = process::with_cache(&wadup, &cache);
        fs::remove_file(&database)?;
        cold.push(process::run(context, &mut wadup_run(command), false)?);
        fs::remove_dir_all(&cache)?;
    }
    Ok(Start {
        runs,
        warm: Times::of(&warm),
        cold: Times::of(&cold),
        native: Times::of(&native),
    })
}

impl Start {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## Process start to first row\n\n\
             One input of 1 KB, one model, one row, a new database; {} runs, in milliseconds.\n\n\
             | | first row, median (p99) | end, median (p99) | CPU time |\n|---|--:|--:|--:|\n",
            self.runs
        );
        let rows = [
            ("`wadup run`, warm cache", &self.warm),
            ("`wadup run`, no compiled code", &self.cold),
            ("native CPython, no sandbox", &self.native),
        ];
        for (name, times) in rows {
            text.push_str(&times.row(name));
        }
        text
    }
}
