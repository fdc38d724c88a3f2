//! What was measured, and on what.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::context::{Context, output};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    /// Those that this process may use.
    pub(crate) cores: usize,
    pub(crate) memory: String,
    /// Name, release, architecture.
    pub(crate) kernel: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) wadup: String,
    /// The commit, with `+` where files differ from it.
    pub(crate) commit: String,
    pub(crate) wasmtime: String,
    pub(crate) cpython: String,
    pub(crate) rustc: String,
    /// The digest of the runtime with pydantic_core.
    pub(crate) runtime: String,
}

impl Machine {
    pub(crate) fn probe() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores,
            memory: field("/proc/meminfo", "MemTotal"),
            kernel: output(Command::new("uname").arg("-srm"))
                .unwrap_or_default()
                .trim()
                .to_owned(),
        }
    }
}

impl Versions {
    pub(crate) fn probe(context: &Context) -> anyhow::Result<Self> {
        let toolchain = &context.toolchain;
        let rustc = toolchain.wasi_rust()?.rustc;
        Ok(Self {
            wadup: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit(),
            wasmtime: locked("wasmtime"),
            cpython: toolchain.native_python()?.version,
            rustc: output(Command::new(rustc).arg("-V"))?.trim().to_owned(),
            runtime: toolchain.runtime(&["pydantic-core"])?.digest,
        })
    }
}

/// The load averages over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let numbers: Vec<_> = text.split_whitespace().take(3).collect();
    numbers.join(" ")
}

/// The first `NAME : VALUE` of a file; empty where there is none.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let value = fields.find(|(key, _)| key.trim() == name);
    value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn commit() -> String {
    let git = |args: &[&str]| output(Command::new("git").args(args)).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let mark = if changed.trim().is_empty() { "" } else { "+" };
    format!("{}{mark}", git(&["rev-parse", "--short=10", "HEAD"]).trim())
}

/// The version in the lock that this program was built with.
fn locked(name: &str) -> String {
    let lock: toml::Table = include_str!("../../../../Cargo.lock")
        .parse()
        .unwrap_or_default();
    let packages = lock
        .get("package")
        .and_then(|it| it.as_array())
        .into_iter()
        .flatten();
    let mut versions = packages
        .filter(|package| package.get("name").and_then(|it| it.as_str()) == Some(name))
        .filter_map(|package| package.get("version")?.as_str());
    versions.next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_tells_of_wasmtime() {
        assert!(locked("wasmtime").starts_with("48."));
        assert_eq!(locked("no-such-crate"), "");
    }
}
