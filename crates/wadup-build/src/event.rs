use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::audit::Impurities;
use crate::output::Warning;

/// Hears how a build goes on.
pub trait Reporter: Sync {
    fn event(&self, event: BuildEvent);
}

/// A reporter that says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: BuildEvent) {}
}

#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BuildEvent {
    Started(Step),
    Finished {
        step: Step,
        elapsed: Duration,
    },
    LockWritten(PathBuf),
    Warning(Warning),
    /// The entry module has printed this when it was imported for this artifact.
    Printed {
        stdout: String,
        stderr: String,
    },
    /// Importing the entry module did this, which the artifact has frozen.
    Impure {
        entry_point: String,
        impurities: Impurities,
    },
}

/// A part of a build that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The lock is made or checked.
    Resolve,
    /// Wheels are downloaded.
    Fetch,
    /// The runtime with the project's extensions is built, or found.
    Runtime,
    /// Packages are unpacked and compiled to bytecode.
    Bundle,
    /// The interpreter starts and imports the entry point.
    Initialize,
    /// The artifact is written, checked and put in place.
    Artifact,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Fetch => "fetch",
            Self::Runtime => "runtime",
            Self::Bundle => "bundle",
            Self::Initialize => "initialize",
            Self::Artifact => "artifact",
        })
    }
}
