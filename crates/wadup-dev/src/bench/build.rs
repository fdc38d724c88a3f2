//! `wadup build` warm and cold, from saving a file to its first row, and what an artifact has in it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::memory::megabytes;
use super::orders::{Orders, build, copy, write_project};
use super::process::{self, Series};
use crate::cli::BenchArgs;
use crate::context::{Context, say};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Builds {
    /// Nothing changed.
    pub(crate) unchanged: Series,
    /// A line of the entry module changed.
    pub(crate) changed: Series,
    /// `wadup run PROJECT` after such a change, and the first row.
    pub(crate) change_to_row: Series,
    /// Nothing in the cache but the toolchain: packages are downloaded, the standard library is
    /// compiled to bytecode, the runtime to machine code.
    pub(crate) cold: Series,
    /// Of the artifact of `examples/crate-manifests`: parts and bytes.
    pub(crate) parts: Vec<(String, u64)>,
}

pub(super) fn measure(
    context: &Context,
    args: &BenchArgs,
    builds: &mut Builds,
) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let orders = Orders::new(context)?;
    let scratch = orders.scratch();
    let (project, artifact) = (scratch.join("other"), scratch.join("other.wasm"));
    let (input, database) = (orders.input()?, scratch.join("rows.db"));
    let wadup_build = |mut command: std::process::Command| {
        command
            .arg("build")
            .arg(&project)
            .arg("--output")
            .arg(&artifact);
        command
    };
    let mut number = std::process::id();
    let mut change = || {
        number += 1;
        let now = std::time::SystemTime::now();
        write_project(&project, &format!("\n# Change {number} of {now:?}.\n"))
    };
    let runs = if args.quick { 3 } else { 10 };
    change()?;
    process::run(context, &mut wadup_build(network(&wadup)), false)?;
    say(format_args!(
        "  {runs} builds of a changed project, and as many of the same"
    ));
    for _ in 0..runs {
        change()?;
        for series in [&mut builds.changed, &mut builds.unchanged] {
            let mut command = wadup_build(network(&wadup));
            series.push(&process::run(context, &mut command, false)?);
        }
    }
    say(format_args!("  {runs} changes to their first row"));
    for _ in 0..runs {
        change()?;
        let mut command = network(&wadup);
        command.arg("run").arg(&project).arg("--json");
        command.arg("--input").arg(&input);
        command.arg("--output").arg(&database);
        let took = process::run(context, &mut command, false)?;
        builds.change_to_row.push(&took);
        fs::remove_file(&database)?;
    }
    builds.parts = parts(context, scratch)?;
    for run in 1..=if args.quick { 1 } else { 3 } {
        say(format_args!("  cold build {run}"));
        let cache = scratch.join("cache");
        link_toolchain(context.toolchain.cache_dir(), &cache)?;
        let _ = fs::remove_file(project.join("pylock.wadup.toml"));
        let command = process::with_cache(&wadup, &cache);
        let took = process::run(context, &mut wadup_build(command), false)?;
        builds.cold.push(&took);
        fs::remove_dir_all(&cache)?;
    }
    Ok(())
}

/// A cache with the toolchain's results, and nothing else.
fn link_toolchain(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for folder in ["steps", "sources"] {
        symlink(from.join(folder), to.join(folder))?;
    }
    Ok(())
}

/// The artifact of `examples/crate-manifests`, as `wadup inspect --size` divides it.
fn parts(context: &Context, scratch: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/crate-manifests");
    let project = scratch.join("crate-manifests");
    copy(&example, &project)?;
    let artifact = scratch.join("crate-manifests.wasm");
    build(context, &project, &artifact)?;
    let inspection = wadup_build::inspect(&fs::read(&artifact)?)?;
    let parts = inspection.parts.into_iter();
    let parts = parts.map(|part| (part.name, part.size));
    Ok(parts.chain([("all".to_owned(), inspection.size)]).collect())
}

impl Builds {
    pub(super) fn markdown(&self) -> String {
        let rows = [
            ("`wadup build`, nothing changed", &self.unchanged),
            (
                "`wadup build`, a line of the entry module changed",
                &self.changed,
            ),
            (
                "`wadup run PROJECT` after such a change",
                &self.change_to_row,
            ),
            ("`wadup build`, only the toolchain in the cache", &self.cold),
        ];
        let rows = rows.map(|(name, series)| series.line(name));
        let mut text = format!(
            "\n## Building\n\n\
             A project with pydantic and two files; milliseconds.\n\n{}{}\n\
             The artifact of `examples/crate-manifests`, in MB:\n\n| part | |\n|---|--:|\n",
            Series::HEAD,
            rows.concat()
        );
        for (name, size) in &self.parts {
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {name} | {} |", megabytes(*size));
        }
        text
    }
}
