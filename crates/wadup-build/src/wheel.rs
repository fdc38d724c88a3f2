//! Wheels: fetched by digest, checked, and unpacked into memory.
//! <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>

mod archive;
mod error;
mod install;
mod metadata;
mod record;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use wadup_project::WheelLocation;

pub use error::WheelError;
pub(crate) use install::unpack;
pub(crate) use metadata::Metadata;
pub(crate) use record::record_line;

use crate::resolve::{PinnedWheel, ResolveError};
use crate::tools::{Download, Tools};

/// The wheel's file, whose digest is the locked one.
pub(crate) fn fetch(
    tools: &dyn Tools,
    pinned: &PinnedWheel,
    offline: bool,
) -> Result<PathBuf, ResolveError> {
    match &pinned.wheel.location {
        WheelLocation::Path(path) => local(pinned, pinned.folder.join(path)),
        WheelLocation::Url(url) => {
            let download = Download {
                url: url.clone(),
                sha256: pinned.sha256.clone(),
                size: pinned.wheel.size,
            };
            tools
                .fetch(&download, offline)
                .map_err(|source| ResolveError::Fetch {
                    file_name: pinned.wheel.filename.to_string(),
                    source,
                    offline,
                })
        }
    }
}

fn local(pinned: &PinnedWheel, path: PathBuf) -> Result<PathBuf, ResolveError> {
    let bytes = std::fs::read(&path).map_err(|source| WheelError::Open {
        path: path.clone(),
        source,
    })?;
    let found = crate::digest::Digest::of(&bytes);
    if found.as_str() == pinned.sha256 {
        return Ok(path);
    }
    Err(WheelError::Digest {
        path,
        expected: pinned.sha256.clone(),
        found: found.to_string(),
    }
    .into())
}
