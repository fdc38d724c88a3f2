use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wadup_protocol::manifest::Manifest;

use crate::audit::Impurities;
use crate::event::Step;

/// A build's result.
#[derive(Debug, Clone)]
pub struct BuildOutput {
    /// The artifact: [`BuildSettings::output`](crate::BuildSettings::output), or its place in
    /// the cache.
    pub artifact: PathBuf,
    /// In bytes.
    pub size: u64,
    pub manifest: Manifest,
    /// Whether an artifact that was made before was taken.
    pub cached: bool,
    /// Every file inside, ordered by path.
    pub files: Vec<PackedFile>,
    pub timings: Vec<(Step, Duration)>,
    pub warnings: Vec<Warning>,
    /// What importing the entry module did that the artifact has frozen.
    pub impurities: Impurities,
}

/// A file inside an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedFile {
    /// Absolute, as the guest sees it.
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub kind: FileKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    Source,
    Bytecode,
    Data,
}

/// What does not stop a build, but should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// A native library in a package of the project was left out.
    NativeLibrary { path: String },
    /// A source of the project is no valid Python, such as a template or a test of a parser. It
    /// was packed as it is.
    NotPython { path: String },
}

impl FileKind {
    pub(crate) fn of(path: &str) -> Self {
        match path.rsplit_once('.') {
            Some((_, "py")) => Self::Source,
            Some((_, "pyc")) => Self::Bytecode,
            _ => Self::Data,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NativeLibrary { path } => {
                write!(f, "{path} is native code and was left out")
            }
            Self::NotPython { path } => write!(
                f,
                "{path} is not valid Python: it was packed, and importing it will fail"
            ),
        }
    }
}
