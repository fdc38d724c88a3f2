//! One input of 20 GB, of which a guest reads parts.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::ensure;
use rusqlite::Connection;
use wadup_toolchain::network;

use super::watched::{self, Watched};
use crate::bench::{orders, process};
use crate::context::{Context, say};

const LENGTH: u64 = 20_000_000_000;
/// Where there is something in the file; all else is a hole.
const MARKS: [u64; 5] = [0, 1 << 31, (1 << 32) - 4, 12_345_678_901, LENGTH - 8];
/// What the host may take, in bytes.
const MOST: u64 = 256 << 20;

const PROJECT: &str = "[project]\nname = \"large\"\nversion = \"1\"\n\n\
                       [tool.wadup]\nentry-point = \"app\"\n";
const APP: &str = "
import os
import wadup


def main():
    wadup.define_table('marks', [('at', 'Int64'), ('text', 'String')])
    wadup.define_table('ends', [('size', 'Int64'), ('told', 'Int64'), ('rest', 'Int64')])
    with wadup.input.open() as file:
        for at in MARKS:
            file.seek(at)
            wadup.insert_row('marks', [at, file.read(8).decode()])
        told = file.seek(0, os.SEEK_END)
        file.seek(-4, os.SEEK_END)
        wadup.insert_row('ends', [wadup.input.size, told, len(file.read(100))])
";

pub(super) fn soak(context: &Context) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let scratch = context.scratch()?;
    let scratch = scratch.path();
    let (project, artifact) = (scratch.join("project"), scratch.join("large.wasm"));
    fs::create_dir_all(project.join("src"))?;
    fs::write(project.join("pyproject.toml"), PROJECT)?;
    let app = APP.replace("MARKS", &format!("{MARKS:?}"));
    fs::write(project.join("src/app.py"), app)?;
    orders::build(context, &project, &artifact)?;
    let input = scratch.join("input");
    let file = File::create(&input)?;
    file.set_len(LENGTH)?;
    for (number, at) in MARKS.iter().enumerate() {
        file.write_all_at(mark(number).as_bytes(), *at)?;
    }

    let database = scratch.join("rows.db");
    let mut command = network(&wadup);
    command.arg("run").arg(&artifact).arg("--input").arg(&input);
    command.arg("--output").arg(&database);
    let Watched { status, wall, peak } = watched::run(context, &mut command)?;
    ensure!(status.success(), "wadup run ended with {status}");
    say(format_args!(
        "{LENGTH} bytes in {:.1} s, most of which goes to hashing them; resident at most {} MiB",
        wall.as_secs_f64(),
        peak.resident >> 20
    ));
    check(&database)?;
    ensure!(peak.resident < MOST, "that is too much");
    Ok(())
}

fn mark(number: usize) -> String {
    format!("{number:08}")
}

fn check(database: &Path) -> anyhow::Result<()> {
    let database = Connection::open(database)?;
    for (number, at) in MARKS.iter().enumerate() {
        let text: String = database.query_row(
            "SELECT text FROM marks WHERE at = ?1",
            [i64::try_from(*at)?],
            |row| row.get(0),
        )?;
        ensure!(text == mark(number), "{text} is at {at}");
    }
    let ends: (i64, i64, i64) =
        database.query_row("SELECT size, told, rest FROM ends", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let length = i64::try_from(LENGTH)?;
    ensure!(ends == (length, length, 4), "the guest was told {ends:?}");
    Ok(())
}
