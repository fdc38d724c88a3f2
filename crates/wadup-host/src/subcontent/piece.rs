//! The bytes of one piece of sub-content, in memory or in a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use wadup_vfs::{ContentSource, TakenFile};

use super::Reserved;

/// How much is copied at a time.
const CHUNK: usize = 1 << 16;

/// The bytes of a piece.
#[derive(Debug)]
pub(crate) struct Piece {
    place: Place,
    length: u64,
}

#[derive(Debug)]
enum Place {
    Memory {
        file: TakenFile,
        _reserved: Reserved,
    },
    Spool {
        spool: Arc<Spool>,
        offset: u64,
    },
}

/// A file that is written at its end only, and that is gone with its last piece.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    end: Mutex<u64>,
}

impl Spool {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            end: Mutex::new(0),
        })
    }

    fn append(&self, content: &TakenFile) -> io::Result<u64> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let start = *end;
        let mut buffer = vec![0; CHUNK];
        let mut offset = 0;
        while offset < content.len() {
            let read = content.read_at(offset, &mut buffer);
            if read == 0 {
                break;
            }
            self.file.write_all_at(&buffer[..read], start + offset)?;
            offset += read as u64;
        }
        *end = start + content.len();
        Ok(start)
    }

    /// What it takes of the disk.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        self.file.metadata().unwrap().blocks()
    }

    #[cfg(target_os = "linux")]
    fn release(&self, offset: u64, length: u64) -> bool {
        use rustix::fs::{FallocateFlags, fallocate};
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.file, hole, offset, length).is_ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn release(&self, _offset: u64, _length: u64) -> bool {
        false
    }
}

impl Piece {
    pub(super) fn in_memory(file: TakenFile, reserved: Reserved) -> Self {
        Self {
            length: file.len(),
            place: Place::Memory {
                file,
                _reserved: reserved,
            },
        }
    }

    pub(super) fn spooled(file: &TakenFile, spool: &Arc<Spool>) -> io::Result<Self> {
        Ok(Self {
            length: file.len(),
            place: Place::Spool {
                offset: spool.append(file)?,
                spool: Arc::clone(spool),
            },
        })
    }

    #[cfg(test)]
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::Memory { .. })
    }

    /// Gives the disk its place back; the piece is not read any more. Whether it takes no place
    /// then (one in memory goes when it is dropped).
    pub(super) fn release(&self) -> bool {
        match &self.place {
            Place::Memory { .. } => true,
            Place::Spool { spool, offset } => spool.release(*offset, self.length),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match &self.place {
            Place::Memory { file, .. } => Ok(file.read_at(offset, buf)),
            Place::Spool {
                spool,
                offset: start,
            } => {
                let rest = self.length.saturating_sub(offset);
                let most = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
                spool.file.read_at(&mut buf[..most], start + offset)
            }
        }
    }
}

/// A piece as the content of an input.
pub(crate) struct PieceSource(pub(crate) Arc<Piece>);

impl ContentSource for PieceSource {
    fn len(&self) -> u64 {
        self.0.length
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }
}
