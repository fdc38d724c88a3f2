//! The project that most sections run: one model validated, one row inserted, 1 KB of input.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use tempfile::TempDir;
use wadup_build::{BuildSettings, Silent, ToolchainTools};
use wadup_project::Project;
use wadup_toolchain::network;

use crate::context::{Context, say};
use crate::suite::{Native, NativeBuild, Suite, key};

const PYPROJECT: &str = include_str!("../../works/orders/pyproject.toml");
const ORDERS: &str = include_str!("../../works/orders/src/orders.py");
const MODELS: &str = include_str!("../../works/orders/src/models.py");
const NATIVE: &str = include_str!("../../works/native_orders.py");

/// A folder with the project, its artifact, and inputs.
#[derive(Debug)]
pub(super) struct Orders {
    /// Goes when this does.
    folder: TempDir,
    inputs: PathBuf,
    pub(super) artifact: PathBuf,
    /// The native interpreter, and where it imports from.
    python: PathBuf,
    python_path: OsString,
}

impl Orders {
    pub(super) fn new(context: &Context) -> anyhow::Result<Self> {
        let folder = context.scratch()?;
        let project = folder.path().join("project");
        write_project(&project, "")?;
        fs::write(folder.path().join("native_orders.py"), NATIVE)?;
        let artifact = folder.path().join("orders.wasm");
        build(context, &project, &artifact)?;
        // Only for its interpreter and packages.
        let suite = Suite::load(context, "pydantic-core")?;
        let native = Native::new(context, &suite, NativeBuild::Built)?;
        Ok(Self {
            folder,
            inputs: context
                .cache_dir()
                .join(format!("inputs-{}", key(&[&order(0)]))),
            artifact,
            python: native.python().to_owned(),
            python_path: native.path_with(&project.join("src"))?,
        })
    }

    /// A folder for what is made while measuring.
    pub(super) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// A folder with so many inputs of 1 KB, each another order.
    pub(super) fn inputs(&self, count: u32) -> anyhow::Result<PathBuf> {
        let folder = self.inputs.join(count.to_string());
        if folder.is_dir() {
            return Ok(folder);
        }
        say(format_args!("  writing {count} inputs"));
        fs::create_dir_all(&self.inputs)?;
        let scratch = tempfile::tempdir_in(&self.inputs)?;
        for number in 0..count {
            let file = scratch.path().join(format!("{number:06}.json"));
            fs::write(file, order(number))?;
        }
        // Another process may have been faster.
        if fs::rename(scratch.path(), &folder).is_ok() {
            let _moved = scratch.keep();
        }
        Ok(folder)
    }

    /// One input.
    pub(super) fn input(&self) -> anyhow::Result<PathBuf> {
        Ok(self.inputs(1)?.join("000000.json"))
    }

    /// Does the same natively, in one process.
    pub(super) fn native(&self, database: &Path, input: &Path) -> Command {
        let mut command = network(&self.python);
        command
            .args(["-s", "-B"])
            .arg(self.folder.path().join("native_orders.py"));
        command.arg(database).arg(input);
        command.env("PYTHONPATH", &self.python_path);
        command
    }
}

/// Lays out the project; `more` is added to the entry module.
pub(super) fn write_project(folder: &Path, more: &str) -> anyhow::Result<()> {
    let write = |name: &str, content: &str| fs::write(folder.join(name), content);
    fs::create_dir_all(folder.join("src"))
        .and_then(|()| write("pyproject.toml", PYPROJECT))
        .and_then(|()| write("src/orders.py", &format!("{ORDERS}{more}")))
        .and_then(|()| write("src/models.py", MODELS))
        .with_context(|| format!("failed to write the project {}", folder.display()))
}

/// Builds a project in this process.
pub(crate) fn build(context: &Context, project: &Path, output: &Path) -> anyhow::Result<()> {
    let project = Project::load(project)?;
    let tools = ToolchainTools::new(&context.toolchain)?;
    let settings = BuildSettings {
        output: Some(output.to_owned()),
        ..BuildSettings::default()
    };
    wadup_build::build(&project, &settings, &tools, &Silent)?;
    Ok(())
}

/// Copies a project, as a build writes into it.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// An order of 1 KB.
fn order(number: u32) -> String {
    let total = f64::from(number % 1000) + 0.25;
    let day = number % 28 + 1;
    let start = format!(
        r#"{{"id":{number},"customer":"customer {number}","day":"2026-11-{day:02}","total":{total},"express":{},"tags":["a","b","c"],"note":""#,
        number.is_multiple_of(2),
    );
    let note = "a note of some length; ".repeat(64);
    format!("{start}{}\"}}", &note[..SIZE - start.len() - 2])
}

/// The size of an input in bytes.
const SIZE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_kilobyte_of_json() {
        for number in [0, 123_456] {
            let order = order(number);
            assert_eq!(order.len(), SIZE);
            let value: serde_json::Value = serde_json::from_str(&order).unwrap();
            assert_eq!(value["id"], number);
            assert!(value["note"].as_str().is_some_and(|note| note.len() > 800));
        }
    }
}
