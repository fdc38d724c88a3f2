//! What can be made again, by the digest of what it was made from.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::digest::Digest;

/// The build's part of the cache folder. Entries appear whole or not at all, so that builds
/// may run at once and be killed at any moment.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// A file could not be written.
#[derive(Debug, Error)]
#[error("failed to write {}", path.display())]
pub struct WriteError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl Cache {
    pub(crate) fn new(cache_dir: &Path) -> Self {
        Self {
            root: cache_dir.join(wadup_toolchain::derived::BUILDS),
        }
    }

    pub(crate) fn path(&self, kind: &str, digest: &Digest) -> PathBuf {
        self.root.join(kind).join(digest.as_str())
    }

    pub(crate) fn read(&self, kind: &str, digest: &Digest) -> Option<Vec<u8>> {
        fs::read(self.path(kind, digest)).ok()
    }

    pub(crate) fn write(
        &self,
        kind: &str,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        write_atomically(&self.path(kind, digest), bytes)
    }

    /// A folder for temporary files, in the cache's file system.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir, WriteError> {
        let failed = |source| WriteError {
            path: self.root.clone(),
            source,
        };
        fs::create_dir_all(&self.root).map_err(failed)?;
        tempfile::tempdir_in(&self.root).map_err(failed)
    }
}

/// Writes a file that others see whole or not at all. It has the permissions that an
/// ordinary new file has.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    try_write(path, bytes).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

/// Copies a file, so that others see the copy whole or not at all.
pub(crate) fn copy_atomically(from: &Path, to: &Path) -> io::Result<()> {
    let folder = folder_of(to);
    fs::create_dir_all(folder)?;
    let mut copy = new_file(folder)?;
    io::copy(&mut fs::File::open(from)?, copy.as_file_mut())?;
    copy.persist(to)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = new_file(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// `tempfile` makes files that only their owner can read; what is written here is as public
/// as the umask says.
fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wadup-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
