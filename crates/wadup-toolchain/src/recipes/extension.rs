//! `extensions/*.toml`: a native Python package, built from its sdist.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A native Python package that can be linked into a runtime.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExtensionRecipe {
    /// The package's normalised name (PEP 503).
    pub name: String,
    /// The only version that there is a recipe for.
    pub version: String,
    /// Whether there are older releases without native code, which a project may ask for
    /// instead.
    #[serde(default, skip_serializing)]
    pub older_are_pure: bool,
    pub(crate) source: String,
    /// The Python modules that are native code.
    #[serde(rename = "module")]
    pub modules: Vec<ExtensionModule>,
    pub(crate) python: PythonHalf,
    pub(crate) rust: RustHalf,
    /// What a project's `c-extensions` can ask for.
    #[serde(default)]
    pub provides: Vec<Provision>,
}

/// A Python module that is native code.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionModule {
    /// The dotted name that it is imported by.
    pub name: String,
    /// The C function that initialises it, `PyInit_…`.
    pub init: String,
}

impl ExtensionModule {
    /// What [`Self::init`] is called where it is linked with others. CPython knows the last
    /// part of a module's name only, and modules of several packages may have it in common.
    pub(crate) fn symbol(&self) -> String {
        format!("PyInit.{}", self.name)
    }
}

/// What one entry of `c-extensions` brings.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// The entry's name.
    pub name: String,
    /// Requirements (PEP 508) to add to a project's dependencies.
    pub requirements: Vec<String>,
}

/// The files of the package that are Python.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct PythonHalf {
    /// The folder in the sdist that corresponds to site-packages.
    pub(crate) root: String,
    /// The packages below it.
    pub(crate) packages: Vec<String>,
    /// Other files: paths in site-packages, and in the sdist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, String>,
    /// Files that its build backend writes: paths in site-packages, and contents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) written: BTreeMap<String, String>,
    pub(crate) licenses: Vec<String>,
}

/// The crate that becomes a static library.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RustHalf {
    pub(crate) manifest: String,
    /// The file that cargo makes.
    pub(crate) library: String,
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// An indexed profile of LLVM, relative to `recipes/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
}
