//! What `fuzz/` calls, and no part of the interface.

use std::collections::BTreeMap;
use std::path::Path;

use wadup_project::WheelFilename;

use crate::wheel::{Metadata, WheelError};

/// The files of a wheel by their paths in `site-packages`.
///
/// # Errors
///
/// When it would not be packed.
pub fn unpack_wheel(
    file: &Path,
    filename: &WheelFilename,
) -> Result<BTreeMap<String, Vec<u8>>, WheelError> {
    crate::wheel::unpack(file, filename)
}

/// Reads a wheel's METADATA.
///
/// # Errors
///
/// When it cannot be read.
pub fn wheel_metadata(file: &Path, filename: &WheelFilename) -> Result<(), WheelError> {
    Metadata::of_wheel(file, filename).map(drop)
}

/// The line of a file in a RECORD.
pub fn record_line(path: &str, content: &[u8]) -> String {
    crate::wheel::record_line(path, content)
}

/// Whether `module` could be what a build made.
pub fn check_artifact(module: &[u8]) -> bool {
    crate::artifact::check(module, crate::artifact::STACK_SIZE).is_ok()
}
