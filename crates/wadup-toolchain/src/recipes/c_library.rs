//! `c-libraries/*.toml`: a C library from the sources that a crate carries.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CLibraryRecipe {
    pub(crate) name: String,
    /// The crate that carries the sources.
    pub(crate) source: String,
    /// The sources' folder in the crate; all other paths are relative to it.
    pub(crate) root: String,
    /// The file name of the static library, `libNAME.a`.
    pub(crate) archive: String,
    pub(crate) sources: Vec<String>,
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// Patterns of the headers to install.
    pub(crate) headers: Vec<String>,
    /// What of a header's path is left out when it is installed.
    #[serde(default)]
    pub(crate) header_root: String,
    #[serde(default)]
    pub(crate) defines: Vec<String>,
    /// Not part of the serialised form: what is meant for one target is no input
    /// of the others.
    #[serde(default, skip_serializing)]
    target: Targets,
    /// None of a library that CPython does not use.
    pub(crate) cpython: Option<CpythonUse>,
}

/// How CPython's configure is told of the library.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CpythonUse {
    /// The prefix of the variables `…_CFLAGS` and `…_LIBS`.
    pub(crate) variable: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    #[serde(default)]
    native: TargetFlags,
    #[serde(default)]
    wasm: TargetFlags,
}

/// What differs from target to target.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetFlags {
    #[serde(default)]
    pub(crate) defines: Vec<String>,
    /// Libraries of the system that go with it.
    #[serde(default)]
    pub(crate) link: Vec<String>,
}

impl CLibraryRecipe {
    pub(crate) fn native(&self) -> &TargetFlags {
        &self.target.native
    }

    pub(crate) fn wasm(&self) -> &TargetFlags {
        &self.target.wasm
    }

    /// The library's name as `-l` wants it.
    pub(crate) fn link_name(&self) -> &str {
        let name = self.archive.strip_prefix("lib").unwrap_or(&self.archive);
        name.strip_suffix(".a").unwrap_or(name)
    }
}
