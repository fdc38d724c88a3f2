//! The read-only file tree inside an artifact, and how the interpreter is to be started.

use serde::{Deserialize, Serialize};

use crate::manifest::Start;

/// Mount point of the standard library and `site-packages`.
pub const LIB_DIR: &str = "/lib";
/// Where the standard library is.
pub const STDLIB_DIR: &str = "/lib/python3.13";
/// Where packages are.
pub const SITE_PACKAGES_DIR: &str = "/lib/python3.13/site-packages";
/// Mount point of the project's own package files; first on `sys.path`.
pub const APP_DIR: &str = "/app";

/// What the interpreter is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The Python module whose `main()` handles an input; also `sys.argv[0]`.
    pub entry_point: String,
    pub start: Start,
    /// The seed of `hash()`, fixed for the life of the artifact.
    pub hash_seed: u32,
}
