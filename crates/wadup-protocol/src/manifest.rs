//! What an artifact says of itself, as JSON in the custom section [`SECTION`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name of the custom section.
pub const SECTION: &str = "wadup:manifest";
/// The export of a *runtime* that reads the bundle and starts the interpreter. It runs once,
/// at build time; an artifact does not have it.
pub const INITIALIZE_EXPORT: &str = "wadup_initialize";
/// The export that processes one input: no parameters, an `i32` result, 0 for success.
pub const PROCESS_EXPORT: &str = "process";

/// The content of the custom section [`SECTION`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub abi_version: u32,
    /// `[project] name`, normalised.
    pub name: String,
    pub version: String,
    /// The Python module whose `main()` handles an input.
    pub entry_point: String,
    /// Digest (sha256, hex) of the runtime that the artifact was made from.
    pub runtime: String,
    /// The interpreter's version, such as `3.13.5`.
    pub python: String,
    /// What start of the interpreter is in the artifact.
    pub start: Start,
    /// Normalised name to version, of every package inside.
    pub packages: BTreeMap<String, String>,
    /// Normalised names of the native packages that the runtime is linked with.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The seed of `hash()`.
    #[serde(default)]
    pub hash_seed: Option<u32>,
}

/// How far the interpreter has come when an instance is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Not started: every instance starts the interpreter and imports the entry module.
    Cold,
    /// A snapshot: started, and the entry module imported.
    Snapshot,
}
