//! Why a bundle cannot be written or read.

use thiserror::Error;

/// An error of [`super::BundleWriter`] or [`super::Bundle::parse`].
#[derive(Debug, Error)]
pub enum BundleError {
    #[error("`{path}` is not a path of the bundle: {problem}")]
    Path { path: String, problem: &'static str },
    #[error("`{path}` is in the bundle already, with another content")]
    Duplicate { path: String },
    #[error("`{path}` is both a file and a directory")]
    FileAndDirectory { path: String },
    #[error("the bundle is too large: {part} would take more than 4 GiB")]
    TooLarge { part: &'static str },
    #[error("this is not a bundle: {problem}")]
    Malformed { problem: &'static str },
    #[error("the bundle has format version {found}, this runtime reads version {expected}")]
    Version { found: u32, expected: u32 },
    #[error("the bundle's boot configuration cannot be read")]
    Boot(#[source] serde_json::Error),
}
