//! What a sink is given.

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::rows::Rows;

/// A run, when it begins.
#[derive(Debug, Clone)]
pub struct RunStart {
    pub started_at: SystemTime,
    pub wadup_version: String,
    /// In the order in which [`OutcomeRecord::artifact`] counts them.
    pub artifacts: Vec<ArtifactRecord>,
    /// The settings that can change results, by name.
    pub settings: serde_json::Value,
}

/// An artifact of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Unique within a run.
    pub name: String,
    pub version: Option<String>,
    /// BLAKE3 of the module, in hex.
    pub digest: String,
    /// What it says of itself: packages, interpreter, snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<serde_json::Value>,
}

/// A run, when it ends.
#[derive(Debug, Clone)]
pub struct RunEnd {
    pub finished_at: SystemTime,
    /// Whether it ended before all inputs were processed.
    pub cancelled: bool,
}

/// What is kept together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub inputs: Vec<InputRecord>,
    /// Numbers of inputs that were given of which the whole tree, down to the last sub-content,
    /// is in the sink with this batch.
    pub complete_trees: Vec<u64>,
}

/// An input and all of its outcomes.
#[derive(Debug, Clone)]
pub struct InputRecord {
    /// Counts the inputs of a run from 0; a parent's is smaller than its children's.
    pub number: u64,
    /// The number of the input that emitted this one.
    pub parent: Option<u64>,
    /// As it was given, or as its parent called it. Need not be UTF-8.
    pub path: OsString,
    /// In bytes; `None` if the input could not be read.
    pub size: Option<u64>,
    pub sha256: Option<[u8; 32]>,
    /// When the last of its executions ended.
    pub finished_at: SystemTime,
    /// What earlier runs wrote for this input, by [`Entry::id`](crate::Entry): it is deleted,
    /// with all that descends from it and all rows of that.
    pub replaces: Vec<i64>,
    /// One for each artifact of the run.
    pub outcomes: Vec<OutcomeRecord>,
}

/// How one artifact's execution on one input ended.
#[derive(Debug, Clone)]
pub struct OutcomeRecord {
    /// Index into [`RunStart::artifacts`].
    pub artifact: usize,
    pub status: Status,
    /// What kind of error: an exception's type, a trap's name, a limit.
    pub error_kind: Option<String>,
    pub message: Option<String>,
    pub traceback: Option<String>,
    pub stdout: String,
    pub stderr: String,
    /// Bytes of stdout and stderr beyond the cap, which were dropped.
    pub output_dropped: u64,
    pub duration: Duration,
    /// Of linear memory, in bytes.
    pub peak_memory: u64,
    /// Empty unless completed.
    pub rows: Rows,
    /// Rows that were handed over by an execution that then failed.
    pub rows_dropped: u64,
    /// Pieces of sub-content that were handed over by an execution that then failed.
    pub subcontent_dropped: u64,
}

/// How an execution ended. The names are part of the database's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The entry returned 0 or nothing, or the guest exited with 0.
    Completed,
    /// `proc_exit` with another code, or a non-zero result without a failure file.
    Exited,
    /// A non-zero result with a failure file: an exception.
    Raised,
    /// A WebAssembly trap.
    Trapped,
    /// Time, fuel, memory or another limit.
    LimitExceeded,
    /// The guest ended well, but what it handed over broke the protocol.
    Rejected,
    /// The input could not be read.
    Unreadable,
}

impl Status {
    /// All of them, in the order in which a summary shows them.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::Exited,
        Self::Raised,
        Self::Trapped,
        Self::LimitExceeded,
        Self::Rejected,
        Self::Unreadable,
    ];

    /// As it is written to the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Exited => "exited",
            Self::Raised => "raised",
            Self::Trapped => "trapped",
            Self::LimitExceeded => "limit-exceeded",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
