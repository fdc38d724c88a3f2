use std::path::PathBuf;
use std::time::Duration;

use crate::product::Product;

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
    /// Fail when importing the entry module did what its snapshot freezes.
    pub deny_impure: bool,
    pub import_limits: ImportLimits,
    /// What is made of the project.
    pub product: Product,
}

/// What importing the entry module for a snapshot may use. To be those of an input: an artifact
/// must not need more to be made than to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLimits {
    /// Wall-clock time.
    pub timeout: Option<Duration>,
    /// Linear memory in bytes.
    pub memory: u64,
}

impl Default for ImportLimits {
    /// 60 s and 512 MiB.
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(60)),
            memory: 512 << 20,
        }
    }
}

impl Default for BuildSettings {
    fn default() -> Self {
        Self {
            output: None,
            locked: false,
            offline: false,
            precompile: true,
            deny_impure: false,
            import_limits: ImportLimits::default(),
            product: Product::Artifact,
        }
    }
}
