//! How long after `--timeout` a guest ends that does not want to.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::process::{self, Spread};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

/// What each of them is given, in milliseconds.
const TIMEOUT: f64 = 500.0;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Timeouts {
    pub(crate) guests: Vec<Overrun>,
}

/// How much longer than it should have a guest ran, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Overrun {
    pub(crate) guest: String,
    pub(crate) threat: String,
    pub(crate) median: f64,
    pub(crate) worst: f64,
}

/// A guest of `hostile/` that is to end by its time.
struct Guest {
    path: PathBuf,
    name: String,
    threat: String,
    /// Its options but for the time.
    options: Vec<String>,
}

pub(super) fn measure(
    context: &Context,
    args: &BenchArgs,
    timeouts: &mut Timeouts,
) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let folder = context.scratch()?;
    let python = folder.path().join("python.wasm");
    let guests = guests()?;
    build_python(context, folder.path(), &guests, &python)?;
    let runs = if args.quick { 3 } else { 20 };
    for guest in &guests {
        say(format_args!("  {}", guest.name));
        let input = folder.path().join(&guest.name);
        fs::write(&input, "")?;
        let is_python = guest.path.extension() == Some("py".as_ref());
        let artifact = if is_python { &python } else { &guest.path };
        let mut over = Vec::new();
        for _ in 0..runs {
            context.check()?;
            let database = folder.path().join("out.db");
            let mut command = network(&wadup);
            command.args(["run", "--jobs=1", "--json"]).arg(artifact);
            command.arg("--input").arg(&input);
            command.arg("--output").arg(&database);
            command.args(&guest.options);
            command.arg(format!("--timeout={TIMEOUT}ms"));
            let output = command.output().context("failed to start wadup")?;
            over.push(duration(&output.stdout)? - TIMEOUT);
            fs::remove_file(&database)?;
        }
        timeouts.guests.push(Overrun {
            guest: guest.name.clone(),
            threat: guest.threat.clone(),
            median: Spread::of(&over).median,
            worst: over.into_iter().fold(f64::MIN, f64::max),
        });
    }
    Ok(())
}

fn guests() -> anyhow::Result<Vec<Guest>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hostile");
    let mut guests = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        guests.extend(Guest::read(path)?);
    }
    guests.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(guests)
}

impl Guest {
    /// None if it is to end in another way. The form of the first lines is `hostile/README.md`'s.
    fn read(path: PathBuf) -> anyhow::Result<Option<Self>> {
        let text = fs::read_to_string(&path)?;
        let comments = text
            .lines()
            .map_while(|line| line.strip_prefix(";; ").or(line.strip_prefix("# ")));
        let comments: Vec<&str> = comments.collect();
        let value = |name| comments.iter().find_map(|line| line.strip_prefix(name));
        if value("outcome: ") != Some("limit-exceeded time") {
            return Ok(None);
        }
        let mut words = value("options: ").unwrap_or_default().split_whitespace();
        let mut options = Vec::new();
        while let Some(word) = words.next() {
            match word {
                "--timeout" => drop(words.next()),
                word => options.push(word.to_owned()),
            }
        }
        let name = path.file_stem().unwrap_or_default();
        Ok(Some(Self {
            name: name.to_string_lossy().into_owned(),
            threat: comments.first().copied().unwrap_or_default().to_owned(),
            options,
            path,
        }))
    }
}

/// One artifact of all guests in Python, which an input's name tells apart.
fn build_python(
    context: &Context,
    folder: &Path,
    guests: &[Guest],
    artifact: &Path,
) -> anyhow::Result<()> {
    let package = folder.join("project/src/guests");
    fs::create_dir_all(&package)?;
    for guest in guests {
        if guest.path.extension() == Some("py".as_ref()) {
            fs::copy(&guest.path, package.join(format!("{}.py", guest.name)))?;
        }
    }
    fs::write(
        folder.join("project/pyproject.toml"),
        "[project]\nname = \"hostile\"\nversion = \"1\"\n\n[tool.wadup]\nentry-point = \"app\"\n",
    )?;
    fs::write(
        folder.join("project/src/app.py"),
        "import importlib\n\nimport wadup\n\n\ndef main():\n    \
         importlib.import_module(f\"guests.{wadup.input.name}\").main()\n",
    )?;
    super::orders::build(context, &folder.join("project"), artifact)
}

/// How long the only execution took, of the events.
fn duration(events: &[u8]) -> anyhow::Result<f64> {
    for line in events.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        if event["event"] != "input-finished" {
            continue;
        }
        let outcome = &event["outcomes"][0];
        if outcome["error_kind"] != "time" {
            bail!("it ended in another way: {outcome}");
        }
        return outcome["duration_ms"].as_f64().context("no duration");
    }
    bail!("no input was processed")
}

impl Timeouts {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## After `--timeout`\n\n\
             How much longer than {TIMEOUT} ms the guests of `hostile/` ran that do not end by \
             themselves, in ms, by the clock of `wadup run`.\n\n\
             | guest | | median | worst |\n|---|---|--:|--:|\n"
        );
        for over in &self.guests {
            let (guest, threat) = (&over.guest, &over.threat);
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {guest} | {threat} | {:.1} | {:.1} |",
                over.median, over.worst
            );
        }
        text
    }
}
