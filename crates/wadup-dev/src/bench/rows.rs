//! Rows a second: one large file of JSON Lines, each line a valid record, each record a row.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders;
use super::process::{self, Series, Spread};
use crate::cli::BenchArgs;
use crate::context::{Context, say};
use crate::suite::{Native, NativeBuild, Suite};

const PYPROJECT: &str = include_str!("../../works/rows/pyproject.toml");
const ROWS: &str = include_str!("../../works/rows/src/rows.py");
const READING: &str = include_str!("../../works/rows/src/reading.py");
const NATIVE: &str = include_str!("../../works/native_rows.py");

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) rows: u32,
    /// The whole process, its start included.
    pub(crate) wadup: Series,
    pub(crate) native: Series,
}

pub(super) fn measure(context: &Context, args: &BenchArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let folder = context.scratch()?;
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("project/src"))?;
    fs::write(at("project/pyproject.toml"), PYPROJECT)?;
    fs::write(at("project/src/rows.py"), ROWS)?;
    fs::write(at("project/src/reading.py"), READING)?;
    fs::write(at("native_rows.py"), NATIVE)?;
    orders::build(context, &at("project"), &at("rows.wasm"))?;
    let suite = Suite::load(context, "pydantic-core")?;
    let native = Native::new(context, &suite, NativeBuild::Built)?;

    let (count, passes) = match args.quick {
        true => (100_000, 1),
        false => (1_000_000, 3),
    };
    rows.rows = count;
    let input = at("input.jsonl");
    write_input(&input, count).context("failed to write the input")?;
    let database = at("rows.db");
    for pass in 1..=passes {
        say(format_args!("  pass {pass} of {passes}"));
        let mut sandboxed = network(&wadup);
        sandboxed.arg("run").arg(at("rows.wasm"));
        sandboxed.arg("--input").arg(&input);
        sandboxed.arg("--output").arg(&database);
        // A million rows are more than one input may deliver, and longer, unless it is said.
        sandboxed.args(["--max-rows=1GiB", "--timeout=10m"]);
        let mut alone = network(native.python());
        alone.args(["-s", "-B"]).arg(at("native_rows.py"));
        alone.arg(&database).arg(&input);
        alone.env("PYTHONPATH", native.path_with(&at("project/src"))?);
        for (command, series) in [
            (&mut sandboxed, &mut rows.wadup),
            (&mut alone, &mut rows.native),
        ] {
            let took = measured(context, command, &database, count)?;
            series.push(&took);
        }
    }
    Ok(())
}

fn measured(
    context: &Context,
    command: &mut Command,
    database: &Path,
    count: u32,
) -> anyhow::Result<process::Took> {
    let took = process::run(context, command, false)?;
    let counted: u32 = rusqlite::Connection::open(database)?
        .query_row("SELECT count(DISTINCT id) FROM reading", [], |row| {
            row.get(0)
        })
        .context("failed to count the rows")?;
    // A fast run that lost rows is no result.
    if counted != count {
        bail!("there are {counted} rows of {count}");
    }
    fs::remove_file(database)?;
    Ok(took)
}

/// So many readings, about 120 bytes each.
fn write_input(path: &Path, count: u32) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..count {
        let note = if number.is_multiple_of(3) {
            "\"a note\""
        } else {
            "null"
        };
        writeln!(
            file,
            r#"{{"id":{number},"sensor":"roof-{}","celsius":{:.2},"indoors":{},"at":"2026-11-{:02}T{:02}:{:02}:00Z","note":{note}}}"#,
            number % 1000,
            f64::from(number % 4000) / 100.0 - 10.0,
            number.is_multiple_of(2),
            number % 28 + 1,
            number % 24,
            number % 60,
        )?;
    }
    file.flush()
}

impl Rows {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## Rows of one file\n\n\
             {} lines of JSON, each validated and one row of six columns, in one input: \
             `insert_many` beside native CPython with `sqlite3.executemany`; turn by turn. The whole \
             process counts. `median (best)`.\n\n\
             | | runs | rows / s | wall time, s | CPU time, s |\n|---|--:|--:|--:|--:|\n",
            self.rows
        );
        let rows = f64::from(self.rows);
        for (name, series) in [("wadup", &self.wadup), ("native CPython", &self.native)] {
            let (wall, cpu) = (Spread::of(series.wall()), Spread::of(series.cpu()));
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {name} | {} | {:.0} ({:.0}) | {:.2} ({:.2}) | {:.2} ({:.2}) |",
                series.wall().len(),
                rows / wall.median * 1e3,
                rows / wall.min * 1e3,
                wall.median / 1e3,
                wall.min / 1e3,
                cpu.median / 1e3,
                cpu.min / 1e3,
            );
        }
        let best = |series: &Series| (Spread::of(series.wall()).min, Spread::of(series.cpu()).min);
        let (wadup, native) = (best(&self.wadup), best(&self.native));
        let _ = writeln!(
            text,
            "\nwadup takes {:.2} times as long, and {:.2} times the CPU time (of the best runs).",
            wadup.0 / native.0,
            wadup.1 / native.1,
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ratios_are_of_the_best_runs() {
        let series = |seconds: &[u64]| {
            let mut series = Series::default();
            for &seconds in seconds {
                series.push(&process::Took {
                    wall: Duration::from_secs(seconds),
                    cpu: Duration::from_secs(2 * seconds),
                    ..process::Took::default()
                });
            }
            series
        };
        let rows = Rows {
            rows: 1000,
            wadup: series(&[9, 3, 4]),
            native: series(&[2, 5, 4]),
        };
        let text = rows.markdown();
        assert!(
            text.contains("| wadup | 3 | 250 (333) | 4.00 (3.00) | 8.00 (6.00) |"),
            "{text}"
        );
        assert!(
            text.contains("takes 1.50 times as long, and 1.50 times"),
            "{text}"
        );
    }

    #[test]
    fn every_line_is_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.jsonl");
        write_input(&path, 100).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let records: Vec<serde_json::Value> = records.collect();
        assert_eq!(records.len(), 100);
        assert_eq!(records[27]["at"], "2026-11-28T03:27:00Z");
    }
}
