use std::fmt;
use std::io;
use std::sync::Arc;

use crate::sparse::Sparse;

/// Read-only content that the host provides, read on demand straight into the guest's buffer.
pub trait ContentSource: Send {
    /// Length in bytes; must not change.
    fn len(&self) -> u64;

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads up to `buf.len()` bytes from `offset` on; returns how many, 0 at the end. May read
    /// fewer than asked for.
    ///
    /// # Errors
    ///
    /// The guest sees any error as `EIO`; the host finds it in
    /// [`Vfs::content_error`](crate::Vfs::content_error).
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

impl ContentSource for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(read_slice(self, offset, buf))
    }
}

impl ContentSource for Arc<[u8]> {
    fn len(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(read_slice(self, offset, buf))
    }
}

fn read_slice(bytes: &[u8], offset: u64, buf: &mut [u8]) -> usize {
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|at| bytes.get(at..))
        .unwrap_or(&[]);
    let n = rest.len().min(buf.len());
    buf[..n].copy_from_slice(&rest[..n]);
    n
}

/// A file that was taken out of a [`Vfs`](crate::Vfs), holes and all. It is charged to no one
/// any more, and can be mounted in another file system as it is.
#[derive(Default)]
pub struct TakenFile(pub(crate) Sparse);

impl TakenFile {
    /// Length in bytes, holes included.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it occupies, in bytes, in the units of [`Limits::bytes`](crate::Limits::bytes).
    pub fn footprint(&self) -> u64 {
        self.0.footprint()
    }

    /// The bytes in one piece. A short file is moved, a longer one copied once. Holes become
    /// zeros: mind [`len`](Self::len), which
    /// [`Limits::file_size`](crate::Limits::file_size) bounds.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.into_vec()
    }

    /// Fills `buf` from `offset` on; returns how many bytes there were.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        self.0.read_at(offset, buf)
    }
}

impl fmt::Debug for TakenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenFile")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl ContentSource for TakenFile {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.read_at(offset, buf))
    }
}
