//! From the start of the process to the first row, with and without compiled code in the cache.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders::Orders;
use super::process::{self, Series};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Start {
    /// `wadup run ARTIFACT` with one input.
    pub(crate) warm: Series,
    /// The same; the cache has no compiled code.
    pub(crate) cold: Series,
    /// Native CPython with the same models, one process for one input.
    pub(crate) native: Series,
}

pub(super) fn measure(
    context: &Context,
    args: &BenchArgs,
    start: &mut Start,
) -> anyhow::Result<()> {
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
    say(format_args!(
        "  {runs} warm starts, and as many of native Python"
    ));
    for _ in 0..runs {
        fs::remove_file(&database)?;
        let took = process::run(context, &mut wadup_run(network(&wadup)), false)?;
        start.warm.push(&took);
        fs::remove_file(&database)?;
        let took = process::run(context, &mut orders.native(&database, &input), false)?;
        start.native.push(&took);
    }
    for run in 1..=if args.quick { 1 } else { 3 } {
        say(format_args!("  cold start {run}"));
        let cache = scratch.join("cache");
        let command = process::with_cache(&wadup, &cache);
        fs::remove_file(&database)?;
        start
            .cold
            .push(&process::run(context, &mut wadup_run(command), false)?);
        fs::remove_dir_all(&cache)?;
    }
    Ok(())
}

impl Start {
    pub(super) fn markdown(&self) -> String {
        let rows = [
            ("`wadup run`, warm cache", &self.warm),
            ("`wadup run`, no compiled code", &self.cold),
            ("native CPython, no sandbox", &self.native),
        ];
        let rows = rows.map(|(name, series)| series.line(name));
        format!(
            "\n## Process start to first row\n\n\
             One input of 1 KB, one model, one row, a new database; milliseconds.\n\n{}{}",
            Series::HEAD,
            rows.concat()
        )
    }
}
