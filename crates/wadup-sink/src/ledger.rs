//! What earlier runs wrote, for a run that goes on from there.

use std::ffi::OsStr;

use crate::record::ArtifactRecord;
use crate::sink::SinkError;

/// Answers what earlier runs did, from several threads at once.
pub trait Ledger: Send + Sync {
    /// All earlier runs.
    ///
    /// # Errors
    ///
    /// When the sink cannot be read.
    fn runs(&self) -> Result<Vec<PastRun>, SinkError>;

    /// What earlier runs have of the input that was given as `path`, oldest first.
    ///
    /// # Errors
    ///
    /// When the sink cannot be read.
    fn entries(&self, path: &OsStr) -> Result<Vec<Entry>, SinkError>;

    /// Whether an outcome of an entry, or of what descends from it, is a failure.
    ///
    /// # Errors
    ///
    /// When the sink cannot be read.
    fn has_failed(&self, entry: i64) -> Result<bool, SinkError>;
}

/// An earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    pub id: i64,
    pub artifacts: Vec<ArtifactRecord>,
    /// As they were in [`RunStart::settings`](crate::RunStart).
    pub settings: serde_json::Value,
}

/// What an earlier run wrote for an input that was given to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: i64,
    /// [`PastRun::id`].
    pub run: i64,
    /// `None` if it could not be read.
    pub sha256: Option<[u8; 32]>,
    /// Whether all that descends from it is there.
    pub is_complete: bool,
}
