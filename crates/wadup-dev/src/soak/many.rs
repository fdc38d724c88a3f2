//! Memory and time as the number of inputs grows, and of a run that finds all of them done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use wadup_toolchain::network;

use super::watched;
use crate::bench::process;
use crate::context::{Context, say};

const GUEST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/wat-line-count/line-count.wat"
);
/// How many files there are in one folder, if not all of them.
const IN_A_FOLDER: u32 = 1000;
/// A million inputs may take so many bytes more than ten thousand: what waits for a sink that is
/// behind, and some.
const GROWTH: u64 = (128 + 16) << 20;

pub(super) fn soak(context: &Context) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let scratch = context.scratch()?;
    let scratch = scratch.path();
    say(format_args!("resident at most, in MiB"));
    for (layout, in_a_folder) in [("folders of 1000", IN_A_FOLDER), ("one folder", u32::MAX)] {
        let mut least = u64::MAX;
        for count in [10_000, 100_000, 1_000_000] {
            let inputs = inputs(context, scratch, count, in_a_folder)?;
            let database = scratch.join("rows.db");
            let mut command = run(&wadup, &inputs, &database);
            let first = watched::run(context, &mut command)?;
            let again = watched::run(context, command.arg("--resume"))?;
            for run in [&first, &again] {
                ensure!(run.status.success(), "wadup run ended with {}", run.status);
            }
            say(format_args!(
                "{count} inputs in {layout}: {} in {:.1} s; resumed with nothing to do: {} in {:.1} s",
                first.peak.resident >> 20,
                first.wall.as_secs_f64(),
                again.peak.resident >> 20,
                again.wall.as_secs_f64(),
            ));
            check(&database, count)?;
            fs::remove_file(&database)?;
            fs::remove_dir_all(&inputs)?;
            least = least.min(first.peak.resident);
            let most = first.peak.resident.max(again.peak.resident);
            let names = match in_a_folder {
                IN_A_FOLDER => 0,
                // Those of one folder are sorted.
                _ => u64::from(count) * 32,
            };
            ensure!(
                most < least + GROWTH + names,
                "memory grows with the number of inputs"
            );
        }
    }
    Ok(())
}

/// Files with a few lines. Most are hard links, as only their number counts.
fn inputs(
    context: &Context,
    scratch: &Path,
    count: u32,
    in_a_folder: u32,
) -> anyhow::Result<PathBuf> {
    /// ext4 has 65,000 links at most.
    const LINKS: u32 = 50_000;
    let root = scratch.join("inputs");
    fs::create_dir(&root)?;
    let mut original = PathBuf::new();
    for number in 0..count {
        let folder = root.join((number / in_a_folder).to_string());
        if number % in_a_folder == 0 {
            context.check()?;
            fs::create_dir(&folder)?;
        }
        let path = folder.join(format!("{number:07}.txt"));
        if number % LINKS == 0 {
            fs::write(&path, "line\n".repeat((number / LINKS + 1) as usize))?;
            original = path;
        } else {
            fs::hard_link(&original, path)?;
        }
    }
    Ok(root)
}

fn run(wadup: &Path, inputs: &Path, database: &Path) -> Command {
    let mut command = network(wadup);
    command.arg("run").arg(GUEST).arg("--input").arg(inputs);
    command.arg("--output").arg(database);
    command
}

/// A run that lost something is no result.
fn check(database: &Path, expected: u32) -> anyhow::Result<()> {
    let database = rusqlite::Connection::open(database)?;
    let rows = "SELECT count(*) FROM lines JOIN _wadup_inputs ON id = input_id WHERE lines > 0";
    let rows: u32 = database.query_row(rows, [], |row| row.get(0))?;
    ensure!(
        rows == expected,
        "there are {rows} rows for {expected} inputs"
    );
    Ok(())
}
