//! The recipes of the toolchains, uv, CPython and the runtime's link.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CToolchainRecipe {
    pub(crate) target: String,
    /// For every C file that is compiled for the target.
    pub(crate) flags: Vec<String>,
    pub(crate) debian: DebianC,
}

/// Debian's packages, and where the parts are in them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DebianC {
    pub(crate) packages: Vec<String>,
    pub(crate) libraries: Vec<String>,
    pub(crate) programs: String,
    pub(crate) linker: String,
    pub(crate) sysroot: String,
    pub(crate) resources: String,
    pub(crate) builtins: String,
    pub(crate) builtins_expected: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RustToolchainRecipe {
    pub(crate) target: String,
    pub(crate) debian: DebianRust,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DebianRust {
    pub(crate) packages: Vec<String>,
    pub(crate) host: String,
    pub(crate) version: String,
    pub(crate) libraries: Vec<String>,
    pub(crate) programs: String,
    pub(crate) sysroot: String,
    pub(crate) library: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct UvRecipe {
    pub(crate) version: String,
    /// By platform, `OS-ARCHITECTURE`.
    pub(crate) wheels: BTreeMap<String, String>,
    pub(crate) pip: DebianPip,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DebianPip {
    pub(crate) package: String,
    pub(crate) wheels: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CpythonRecipe {
    pub(crate) version: String,
    /// `MAJOR.MINOR`.
    pub(crate) series: String,
    pub(crate) source: String,
    pub(crate) source_date_epoch: u64,
    pub(crate) patches: Vec<String>,
    pub(crate) c_libraries: Vec<String>,
    pub(crate) tzdata: String,
    pub(crate) native: NativePython,
    pub(crate) wasm: WasmPython,
    pub(crate) stdlib: StandardLibrary,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct NativePython {
    pub(crate) configure: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WasmPython {
    pub(crate) configure: Vec<String>,
    /// What configure is told instead of finding it out, in CPython's sources.
    pub(crate) config_site: String,
    /// The same, relative to `recipes/`, which comes after it.
    pub(crate) own_config_site: String,
    /// A header that comes before every file, relative to `recipes/`.
    pub(crate) header: String,
    /// The static libraries, in link order.
    pub(crate) archives: Vec<String>,
    pub(crate) sysconfigdata: String,
    /// An indexed profile of LLVM, relative to `recipes/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StandardLibrary {
    pub(crate) exclude: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RuntimeRecipe {
    pub(crate) flags: Vec<String>,
    /// What the guest calls, beside CPython's libraries.
    pub(crate) c_libraries: Vec<String>,
}
