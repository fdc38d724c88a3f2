//! An artifact that is ready to run.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wadup_engine::{LoadError, Program};

/// A module under a name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artifact {
    name: String,
    program: Program,
}

/// Why an artifact cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    #[error("read {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not a regular file", .path.display())]
    NotAFile { path: PathBuf },
    #[error("{} has {length} bytes, more than the {MAX_LENGTH} that an artifact may have", .path.display())]
    TooLong { path: PathBuf, length: u64 },
    #[error("load {}", .path.display())]
    Load { path: PathBuf, source: LoadError },
}

impl ArtifactError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } | Self::TooLong { .. } => None,
            Self::NotAFile { .. } => Some("name a WebAssembly module, as `wadup build` makes it"),
            Self::Load { source, .. } => source.hint(),
        }
    }
}

impl Artifact {
    /// A program under a name of the caller's choice, which must be unique in a run.
    pub fn new(name: impl Into<String>, program: Program) -> Self {
        Self {
            name: name.into(),
            program,
        }
    }

    /// What the database calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The compiled module.
    pub fn program(&self) -> &Program {
        &self.program
    }
}

/// The longest module that is read: 1 GiB.
const MAX_LENGTH: usize = 1 << 30;

/// A module's file, its length, and what to call it unless its manifest says so: the file's name
/// without its extension.
pub(crate) fn open(path: &Path) -> Result<(File, usize, String), ArtifactError> {
    let failed = |source| ArtifactError::Read {
        path: path.to_path_buf(),
        source,
    };
    // Asked before it is opened: opening a FIFO waits for a writer.
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(ArtifactError::NotAFile {
            path: path.to_path_buf(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    match usize::try_from(length) {
        Ok(length) if length <= MAX_LENGTH => {
            Ok((file, length, stem.to_string_lossy().into_owned()))
        }
        _ => Err(ArtifactError::TooLong {
            path: path.to_path_buf(),
            length,
        }),
    }
}

/// The bytes of a module's file.
///
/// # Errors
///
/// When it cannot be read, or cannot be a module: it is no regular file, or too long.
pub fn read_module(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    let (mut file, length, _) = open(path)?;
    let mut bytes = Vec::with_capacity(length);
    let read = file.read_to_end(&mut bytes);
    read.map_err(|source| ArtifactError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(bytes)
}
