use std::path::PathBuf;

/// How a project is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSettings {
    /// Where the artifact goes; without it, it stays in the cache.
    pub output: Option<PathBuf>,
    /// Fail when the lock is missing or does not fit the project, instead of writing it.
    pub locked: bool,
    /// Use the network for nothing.
    pub offline: bool,
    /// Ship bytecode. Without it, sources only (`WADUP_SKIP_PRECOMPILE=1`).
    pub precompile: bool,
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self {
            output: None,
            locked: false,
            offline: false,
            precompile: true,
        }
    }
}
