use std::path::{Path, PathBuf};
use std::process::Command;

use wadup_project::{PackageName, Requirement, Version, VersionOrUrl};
use wadup_toolchain::MissingStep;

/// What a build needs from the toolchain.
pub trait Tools: Sync {
    /// The version of the interpreter in every runtime.
    fn python(&self) -> &Version;

    /// The extensions that a runtime can have, ordered by name.
    fn extensions(&self) -> &[ExtensionRecipe];

    /// The folder for what can be made again.
    fn cache_dir(&self) -> &Path;

    /// The version of uv that [`Tools::uv`] starts.
    fn uv_version(&self) -> &str;

    /// uv, set up for the index that the user has configured, without arguments. It is
    /// provided first where it is missing.
    fn uv(&self, offline: bool) -> Result<Command, ToolError>;

    /// A CPython of the same version for this machine, which is built first where it is
    /// missing. uv wants to see one when it checks a lock.
    fn native_python(&self) -> Result<PathBuf, ToolError>;

    /// The file with this digest, which is downloaded where it is not in the cache.
    fn fetch(&self, download: &Download, offline: bool) -> Result<PathBuf, ToolError>;

    /// Our own Python files, ordered by path: the package `wadup/…`, and the module
    /// `_wadup_compile.py` that compiles sources in the sandbox.
    fn guest_python(&self) -> &[GuestFile];

    /// What has to be built before there is the runtime with these extensions; nothing when it is
    /// in the cache.
    fn missing_steps(&self, extensions: &[PackageName]) -> Result<Vec<MissingStep>, ToolError>;

    /// The runtime with these extensions, which is built where it is not in the cache.
    fn runtime(&self, extensions: &[PackageName], offline: bool) -> Result<Runtime, ToolError>;
}

/// A relative path, with `/` between its parts, and a content.
pub type GuestFile = (String, Vec<u8>);

/// An error of the toolchain, passed through as it is.
pub type ToolError = Box<dyn std::error::Error + Send + Sync>;

/// A native package that a recipe can build into a runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensionRecipe {
    /// The package that has the native code, such as `pydantic-core`.
    pub name: PackageName,
    pub version: Version,
    /// Whether there are older releases without native code: they are packed like any other.
    pub older_are_pure: bool,
    pub provides: Vec<Provided>,
}

impl ExtensionRecipe {
    /// The version of `package` that goes with this recipe: its own, or the one pinned for
    /// the package that it is listed as.
    pub(crate) fn provided_version(&self, package: &PackageName) -> Option<Version> {
        if self.name == *package {
            return Some(self.version.clone());
        }
        let provided = self.provides.iter().find(|p| p.name == *package)?;
        let pinned = provided.requirements.iter().find(|r| r.name == *package)?;
        match &pinned.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
                specifiers.iter().next().map(|s| s.version().clone())
            }
            _ => None,
        }
    }
}

/// What a name in `[tool.wadup] c-extensions` brings: for `pydantic`, itself and what it
/// needs, each in one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Provided {
    pub name: PackageName,
    pub requirements: Vec<Requirement>,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    pub url: String,
    /// Hexadecimal, lower case.
    pub sha256: String,
    /// In bytes, where it is known.
    pub size: Option<u64>,
}

/// A linked interpreter without any user's code, and the Python files that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Names everything below.
    pub digest: String,
    pub wasm: PathBuf,
    /// Folders whose files belong in `/lib/python3.13`.
    pub stdlib: Vec<PathBuf>,
    /// Folders whose files belong in `site-packages`, one for each package.
    pub site_packages: Vec<PathBuf>,
}
