use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a wheel cannot be packed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WheelError {
    #[error("failed to open {}", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} has the sha256 {found}, but {expected} is locked", path.display())]
    Digest {
        path: PathBuf,
        expected: String,
        found: String,
    },
    #[error("{wheel} is not a ZIP archive that can be read")]
    Zip {
        wheel: String,
        #[source]
        source: zip::result::ZipError,
    },
    #[error("{wheel} has two entries of one name, or in one place")]
    Ambiguous { wheel: String },
    #[error("{wheel} has an entry `{entry}` that cannot be unpacked: {problem}")]
    Entry {
        wheel: String,
        entry: String,
        problem: &'static str,
    },
    #[error("{wheel} is too large: {problem}")]
    TooLarge {
        wheel: String,
        problem: &'static str,
    },
    #[error("{wheel} has no folder `*.dist-info` of its own")]
    NoDistInfo { wheel: String },
    #[error("{wheel}: `{entry}` does not match its RECORD: {problem}")]
    Record {
        wheel: String,
        entry: String,
        problem: &'static str,
    },
    #[error("{wheel}: METADATA cannot be read: {problem}")]
    Metadata { wheel: String, problem: String },
}
