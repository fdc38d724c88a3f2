use std::path::PathBuf;

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
    #[error("failed to pack the bundle")]
    Conflict(#[from] Conflict),
    #[error("failed to pack the bundle")]
    Bundle(#[from] BundleError),
    #[error("failed to pack the bundle")]
    Compression(#[from] CompressionError),
    #[error(
        "failed to import `{entry_point}`, as an artifact with a snapshot does when it is built"
    )]
    Import {
        entry_point: String,
        #[source]
        source: SnapshotError,
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
            Self::Syntax { location, .. } => Some(location),
            _ => None,
        }
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve(error) => error.hint(),
            Self::Import { source, .. } => source.hint(),
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
        let text = match source {
            SnapshotError::Failed(failure) => &failure.traceback,
            SnapshotError::Ended { stderr, .. } => stderr,
            _ => return None,
        };
        (text.lines().count() > 1).then_some(text)
    }
}
