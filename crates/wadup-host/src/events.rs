//! What a run tells while it goes on.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use wadup_engine::{CacheProblem, Origin};
use wadup_sink::OutcomeRecord;

/// Is told what happens, from several threads at once. It should be quick: a worker waits for
/// it.
pub trait Reporter: Sync {
    /// Something happened.
    fn report(&self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: &Event<'_>) {}
}

impl<F: Fn(&Event<'_>) + Sync> Reporter for F {
    fn report(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An artifact is ready to run.
    ArtifactLoaded { name: &'a str, origin: Origin },
    /// The cache of compiled code had to be passed over.
    CacheProblem(&'a CacheProblem),
    /// A directory entry is not an input.
    Skipped { path: &'a Path, reason: SkipReason },
    /// All inputs that were given are known.
    Discovered { inputs: u64 },
    /// An input is about to be processed.
    InputStarted { number: u64, path: &'a OsStr },
    /// An input was processed by all artifacts; not committed yet.
    InputFinished {
        number: u64,
        parent: Option<u64>,
        path: &'a OsStr,
        size: Option<u64>,
        /// Since it was started.
        duration: Duration,
        /// One for each artifact, in the order in which they were given.
        outcomes: &'a [OutcomeRecord],
        /// How many pieces of sub-content are now to be processed.
        children: u64,
    },
    /// An earlier run is done with an input, and it has not changed.
    Unchanged {
        number: u64,
        path: &'a OsStr,
        /// Whether it failed then.
        failed: bool,
    },
    /// A batch is in the sink.
    Committed { inputs: u64, rows: u64 },
}

/// Why a directory entry is not an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Symbolic links in folders are not followed.
    SymbolicLink,
    /// Its name does not match the patterns.
    Filtered,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SymbolicLink => "a symbolic link in a folder",
            Self::Filtered => "its name does not match",
        })
    }
}
