//! A PEP 751 lock (`pylock.toml`), as far as wheels are concerned.
//! <https://packaging.python.org/en/latest/specifications/pylock-toml/>

mod file;

use std::path::{Path, PathBuf};
use std::{fs, io};

use pep508_rs::pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerTree, PackageName};
use thiserror::Error;

use crate::wheel::WheelFilename;

/// The packages of a lock, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    pub packages: Vec<LockedPackage>,
    /// What a lock that wadup wrote was made from.
    pub inputs: Option<LockInputs>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LockedPackage {
    pub name: PackageName,
    /// Absent for a source tree, whose version only its build backend knows.
    pub version: Option<Version>,
    pub marker: MarkerTree,
    /// Absent when the tool that wrote the lock does not record them.
    pub dependencies: Option<Vec<LockedDependency>>,
    pub source: PackageSource,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum PackageSource {
    /// Wheels, of which one is chosen; none when there is only a source distribution.
    Wheels(Vec<LockedWheel>),
    /// `vcs`, `directory` or `archive`: it would have to be built.
    Source(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub struct LockedWheel {
    pub filename: WheelFilename,
    pub location: WheelLocation,
    /// Hexadecimal, lower case.
    pub sha256: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WheelLocation {
    Url(String),
    /// Absolute, or relative to the lock's folder.
    Path(PathBuf),
}

/// One entry of a package's `dependencies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedDependency {
    pub name: PackageName,
}

/// `[tool.wadup]` of a lock that wadup wrote: it is up to date while these are unchanged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockInputs {
    /// `[project] dependencies` and the extensions' own requirements, sorted.
    pub requirements: Vec<String>,
    /// The versions that recipes provide, sorted.
    pub constraints: Vec<String>,
    /// The interpreter's version.
    pub python: String,
    /// `[tool.uv]` in canonical form; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uv: String,
}

/// Why a lock cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockError {
    #[error("failed to read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not a lock as PEP 751 describes it", path.display())]
    Toml {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error("{} has lock-version {found}; 1.0 is known", path.display())]
    Version { path: PathBuf, found: String },
    #[error("{}: {package}: `{value}` is not a valid {what}: {reason}", path.display())]
    Value {
        path: PathBuf,
        package: PackageName,
        what: &'static str,
        value: String,
        reason: String,
    },
}

impl Lock {
    /// Reads the lock at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not a lock of version 1.x.
    pub fn load(path: &Path) -> Result<Self, LockError> {
        let text = fs::read_to_string(path).map_err(|source| LockError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads a lock's text; errors name `path`.
    ///
    /// # Errors
    ///
    /// When it is not a lock of version 1.x.
    pub fn parse(path: &Path, text: &str) -> Result<Self, LockError> {
        file::read(path, text)
    }

    /// The packages whose markers hold in `environment`.
    pub fn active(&self, environment: &MarkerEnvironment) -> impl Iterator<Item = &LockedPackage> {
        self.packages
            .iter()
            .filter(move |package| package.marker.evaluate(environment, &[]))
    }
}
