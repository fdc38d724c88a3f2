//! Memory of the host while 64 guests take all that they can get, and flood it.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use rusqlite::Connection;
use wadup_host::{Caps, HostSettings};
use wadup_toolchain::network;

use super::watched::{self, Watched};
use crate::bench::{orders, process};
use crate::context::{Context, say};

const JOBS: u32 = 64;

const GUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hostile");

/// Those that take memory or hand over too much, in Python.
const FLOODS: &[&str] = &[
    "big_integer",
    "columns",
    "disk",
    "long_string",
    "memory",
    "memory_caught",
    "nulls",
    "piece_names",
    "rows",
    "tables",
    "wide_tables",
    "zip_bomb",
    "zip_bomb_emitted",
];

const PROJECT: &str = "[project]\nname = \"hostile\"\nversion = \"1\"\n\n\
                       [tool.wadup]\nentry-point = \"app\"\nc-extensions = [\"pydantic\"]\n";
/// An input's name says which guest is to run.
const APP: &str = "import importlib\nimport wadup\n\n\ndef main():\n    \
                   importlib.import_module(f\"guests.{wadup.input.name.split('-')[0]}\").main()\n";

/// A run and its limits.
struct Scene<'s> {
    name: &'s str,
    artifacts: Vec<PathBuf>,
    inputs: PathBuf,
    settings: HostSettings,
}

pub(super) fn soak(context: &Context) -> anyhow::Result<()> {
    let scratch = context.scratch()?;
    let scratch = scratch.path();
    let wadup = process::wadup()?;
    for scene in [gluttons(scratch)?, floods(context, scratch)?] {
        scene.play(context, &wadup, scratch)?;
    }
    Ok(())
}

/// All limits of one input exhausted at once, by all.
fn gluttons(scratch: &Path) -> anyhow::Result<Scene<'static>> {
    let inputs = scratch.join("gluttons");
    fs::create_dir(&inputs)?;
    for number in 0..2 * JOBS {
        fs::write(inputs.join(number.to_string()), "")?;
    }
    Ok(Scene {
        name: "gluttons",
        artifacts: vec![guest("glutton.wat")],
        inputs,
        settings: settings(1, 32, 16, 4, 2000),
    })
}

/// Each guest in its own way, in Python and in WebAssembly.
fn floods(context: &Context, scratch: &Path) -> anyhow::Result<Scene<'static>> {
    let (project, inputs) = (scratch.join("project"), scratch.join("floods"));
    orders::copy(Path::new(GUESTS), &project.join("src/guests"))?;
    fs::write(project.join("pyproject.toml"), PROJECT)?;
    fs::write(project.join("src/app.py"), APP)?;
    let python = scratch.join("hostile.wasm");
    orders::build(context, &project, &python)?;
    fs::create_dir(&inputs)?;
    for number in 0..JOBS {
        let name = FLOODS[number as usize % FLOODS.len()];
        fs::write(inputs.join(format!("{name}-{number}")), "")?;
    }
    let artifacts = vec![python, guest("empty-files.wat"), guest("stdout-flood.wat")];
    Ok(Scene {
        name: "floods",
        artifacts,
        inputs,
        settings: settings(3, 128, 32, 16, 10_000),
    })
}

fn guest(name: &str) -> PathBuf {
    Path::new(GUESTS).join(name)
}

/// Sizes in MiB.
fn settings(artifacts: u32, memory: u64, files: u64, rows: u64, subcontent: u64) -> HostSettings {
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    HostSettings {
        jobs: number(JOBS),
        artifacts: number(artifacts),
        max_memory: memory << 20,
        caps: Caps {
            files: files << 20,
            rows: rows << 20,
            subcontent,
            ..Caps::default()
        },
        ..HostSettings::default()
    }
}

impl Scene<'_> {
    fn play(&self, context: &Context, wadup: &Path, scratch: &Path) -> anyhow::Result<()> {
        let database = scratch.join(self.name).with_extension("db");
        let mut command = network(wadup);
        command.arg("run").args(&self.artifacts);
        command.arg("--input").arg(&self.inputs);
        command.arg("--output").arg(&database);
        // Enough for all of them on two cores, and none goes on for long.
        command.args(["--timeout", "30s"]);
        let (settings, caps) = (&self.settings, &self.settings.caps);
        let options = [
            ("--jobs", u64::from(settings.jobs.get())),
            ("--max-memory", settings.max_memory),
            ("--max-files", caps.files),
            ("--max-rows", caps.rows),
            ("--max-subcontent", caps.subcontent),
        ];
        for (option, value) in options {
            command.arg(option).arg(value.to_string());
        }
        // So that compiling is not counted, on one input.
        let mut before = network(wadup);
        before.arg("run").args(&self.artifacts);
        before.arg("--input").arg(self.first()?);
        before.arg("--output").arg(scratch.join("before.db"));
        watched::run(context, &mut before)?;

        let Watched { status, wall, peak } = watched::run(context, &mut command)?;
        ensure!(status.code() == Some(3), "wadup run ended with {status}");
        let bound = settings.memory_bound();
        say(format_args!(
            "{}: {JOBS} at once in {:.0} s; resident at most {} MiB, of which {} MiB are not of a \
             file; documented bound {} MiB",
            self.name,
            wall.as_secs_f64(),
            peak.resident >> 20,
            peak.anonymous >> 20,
            bound >> 20,
        ));
        outcomes(&database)?;
        ensure!(peak.resident < bound, "that is more than the bound");
        Ok(())
    }

    fn first(&self) -> anyhow::Result<PathBuf> {
        let entry = fs::read_dir(&self.inputs)?.next();
        entry.map_or_else(
            || anyhow::bail!("there are no inputs"),
            |entry| Ok(entry?.path()),
        )
    }
}

/// How they ended.
fn outcomes(database: &Path) -> anyhow::Result<()> {
    let database = Connection::open(database)?;
    let mut statement = database.prepare(
        "SELECT artifact || ': ' || status || coalesce(' ' || error_kind, ''), count(*)
         FROM _wadup_outcomes GROUP BY 1 ORDER BY 1",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (what, count): (String, i64) = (row.get(0)?, row.get(1)?);
        say(format_args!("  {count} {what}"));
    }
    Ok(())
}
