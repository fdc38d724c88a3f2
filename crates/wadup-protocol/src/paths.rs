//! Where a guest finds its input and leaves its results. All paths are absolute in the
//! guest's file system.

/// The input's content, read-only.
pub const DATA: &str = "/data.bin";
/// The path (raw bytes, not NUL-terminated, need not be UTF-8) that the input had on the host
/// or inside its parent.
pub const INPUT_PATH: &str = "/input/path";
/// A file `*.json` that is closed here hands over tables and rows: [`crate::metadata::Metadata`].
pub const METADATA_DIR: &str = "/metadata";
/// `N.bin`, then `N.json` ([`crate::metadata::SubContent`]), hand over sub-content.
pub const SUBCONTENT_DIR: &str = "/subcontent";
/// Written by a guest that fails by an exception, before `process` returns non-zero:
/// [`crate::metadata::Failure`].
pub const FAILURE: &str = "/metadata/failure.error";
/// Scratch space, empty at the start of every input.
pub const TMP_DIR: &str = "/tmp";
/// Read by [`crate::manifest::INITIALIZE_EXPORT`] at build time only: [`crate::bundle`].
pub const BUNDLE: &str = "/bundle";
/// Written by [`crate::manifest::INITIALIZE_EXPORT`] when it has imported the entry module:
/// [`crate::audit::Audit`].
pub const AUDIT: &str = "/metadata/import.audit";
