//! An input's bytes, as the sandboxes read them.
//!
//! Whether a file stayed the same while it was read is told by its size, its modification and
//! its change time, before and after; a writer that sets clocks back can deceive that.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use wadup_vfs::ContentSource;

use crate::subcontent::{Piece, PieceSource};

/// An input's bytes. Each execution reads them through a [`ContentSource`] of its own.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Bytes(Arc<[u8]>),
    File(Arc<HashedFile>),
    Piece(Arc<Piece>),
}

/// A file as it was when it was hashed.
#[derive(Debug)]
pub(crate) struct HashedFile {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) stamp: Stamp,
}

/// An input that is ready to be processed.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) content: Content,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}

/// What changes when a file's content does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Content {
    /// To be mounted in a sandbox.
    pub(crate) fn source(&self) -> Box<dyn ContentSource> {
        match self {
            Self::Bytes(bytes) => Box::new(Arc::clone(bytes)),
            Self::File(file) => Box::new(FileSource(Arc::clone(file))),
            Self::Piece(piece) => Box::new(PieceSource(Arc::clone(piece))),
        }
    }

    /// Whether it is no longer what was hashed.
    pub(crate) fn has_changed(&self) -> bool {
        match self {
            Self::Bytes(_) | Self::Piece(_) => false,
            Self::File(file) => file
                .file
                .metadata()
                .map_or(true, |now| Stamp::of(&now) != file.stamp),
        }
    }
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

struct FileSource(Arc<HashedFile>);

impl ContentSource for FileSource {
    fn len(&self) -> u64 {
        self.0.length
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        // A file that has grown meanwhile is read no further.
        let rest = self.0.length.saturating_sub(offset);
        let most = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        self.0.file.read_at(&mut buf[..most], offset)
    }
}
