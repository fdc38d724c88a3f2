use std::path::{Path, PathBuf};

use thiserror::Error;
use wadup_project::Location;
use wadup_protocol::bundle::BundleError;

use crate::artifact::InvalidArtifact;
use crate::bytecode::CompileError;
use crate::cache::WriteError;
use crate::compression::CompressionError;
use crate::resolve::ResolveError;
use crate::sandbox::SandboxError;
use crate::snapshot::SnapshotError;
use crate::tools::ToolError;
use crate::tree::{Conflict, ReadError};
use crate::wheel::WheelError;

/// Why an artifact was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    #[error("failed to resolve the dependencies")]
    Resolve(#[source] Box<ResolveError>),
    #[error("failed to provide the runtime")]
    Runtime(#[source] ToolError),
    #[error("failed to unpack a package")]
    Wheel(#[from] WheelError),
    #[error("failed to compile to bytecode")]
    Compile(#[from] CompileError),
    #[error("line {line} is not valid Python: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        message: String,
        location: Box<Location>,
    },
    #[error("{}: not valid Python: {message}", place(path, *line))]
    Module {
        /// Relative to the folder of the packages.
        path: String,
        /// From 1, where it is known.
        line: Option<usize>,
        message: String,
        location: Box<Location>,
    },
    #[error("the entry module `{entry_point}` needs a function `main()`, and it has none")]
    NoMain {
        entry_point: String,
        /// Its file, relative to the project.
        file: PathBuf,
        location: Box<Location>,
    },
    #[error("failed to pack the bundle")]
    Conflict(#[from] Conflict),
    #[error("failed to pack the bundle")]
    Bundle(#[from] BundleError),
    #[error("failed to pack the bundle")]
    Compression(#[from] CompressionError),
    #[error("failed to import `{entry_point}`")]
    Import {
        entry_point: String,
        /// Its file, relative to the project.
        file: PathBuf,
        /// Where the project names it.
        location: Box<Location>,
        #[source]
        source: Box<SnapshotError>,
    },
    #[error("importing `{entry_point}` did what its snapshot freezes, which is denied")]
    Impure { entry_point: String },
    #[error("failed to put the bundle into the runtime")]
    Load(#[source] SnapshotError),
    #[error("failed to start the sandbox")]
    Sandbox(#[from] SandboxError),
    #[error("the artifact is not as it must be")]
    Invalid(#[from] InvalidArtifact),
    #[error("failed to read an input")]
    Read(#[from] ReadError),
    #[error("failed to write a result")]
    Write(#[from] WriteError),
    #[error("failed to copy the artifact to {}", path.display())]
    Place {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

fn no_main_hint(file: &Path) -> String {
    let file = file.display();
    format!("write `def main():` in {file}: it is called for every input")
}

/// How an import becomes pure.
pub(crate) const IMPURE_HINT: &str = "move it into main(), or into a function registered with \
     @wadup.on_start, which runs in every instance";

impl From<ResolveError> for BuildError {
    fn from(error: ResolveError) -> Self {
        Self::Resolve(Box::new(error))
    }
}

impl BuildError {
    /// Where it is written, when a file of the project says it.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Resolve(error) => error.location(),
            Self::Syntax { location, .. }
            | Self::Module { location, .. }
            | Self::NoMain { location, .. } => Some(location),
            // Anything else has its place in the traceback.
            Self::Import {
                location, source, ..
            } if source.is_no_main() => Some(location),
            _ => None,
        }
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve(error) => error.hint(),
            Self::NoMain { file, .. } => Some(no_main_hint(file)),
            Self::Import { file, source, .. } if source.is_no_main() => Some(no_main_hint(file)),
            Self::Import { source, .. } => source.hint(),
            Self::Syntax { .. } => Some("wadup's Python is CPython 3.13".to_owned()),
            Self::Impure { .. } => Some(IMPURE_HINT.to_owned()),
            Self::Sandbox(error) => error.hint().map(str::to_owned),
            Self::Conflict(_) => Some(
                "two packages cannot be in one artifact when they ship the same file: do \
                 without one of them"
                    .to_owned(),
            ),
            Self::Invalid(_) => {
                Some("this is a defect of wadup or of its toolchain, not of the project".to_owned())
            }
            _ => None,
        }
    }

    /// The Python traceback, when it was the project's code that failed; else what it printed
    /// until then. None when that is no more than the error says.
    pub fn traceback(&self) -> Option<&str> {
        let Self::Import { source, .. } = self else {
            return None;
        };
        let text = match &**source {
            SnapshotError::Failed(_) if source.is_no_main() => return None,
            SnapshotError::Failed(failure) => &failure.traceback,
            SnapshotError::Ended { stderr, .. } => stderr,
            _ => return None,
        };
        (text.lines().count() > 1).then_some(text)
    }
}

/// `app.py:3`.
fn place(path: &str, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{path}:{line}"),
        None => path.to_owned(),
    }
}
