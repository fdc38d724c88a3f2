//! The buffers of reads and writes, which a caller scatters over memory.
#![expect(unsafe_code, reason = "they are the caller's pointers")]

use wasip1::{Ciovec, Iovec, Size};

/// Where a read puts its bytes.
pub(crate) struct Scatter<'a> {
    buffers: &'a [Iovec],
    /// How much of the first one is filled.
    filled: usize,
}

impl Scatter<'_> {
    /// # Safety
    /// `buffers` points to `count` buffers that can be written, while this lives.
    pub(super) unsafe fn new(buffers: *const Iovec, count: usize) -> Self {
        let buffers = match count {
            0 => &[],
            // SAFETY: as this function's.
            count => unsafe { core::slice::from_raw_parts(buffers, count) },
        };
        Self { buffers, filled: 0 }
    }

    /// How many bytes can still be put.
    pub(crate) fn room(&self) -> usize {
        let len: usize = self.buffers.iter().map(|buffer| buffer.buf_len).sum();
        len - self.filled
    }

    /// Puts bytes after those that have been put, as many as there is room for.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let mut left = bytes;
        while let [buffer, rest @ ..] = self.buffers {
            let (now, later) = left.split_at(left.len().min(buffer.buf_len - self.filled));
            // SAFETY: the buffer holds `buf_len` bytes, which this does not exceed. It is the
            // caller's, so nothing of ours is in it.
            unsafe {
                let place = buffer.buf.add(self.filled);
                place.copy_from_nonoverlapping(now.as_ptr(), now.len());
            }
            left = later;
            self.filled += now.len();
            if self.filled < buffer.buf_len {
                break;
            }
            (self.buffers, self.filled) = (rest, 0);
        }
        bytes.len() - left.len()
    }
}

/// Where a write takes its bytes from.
pub(crate) struct Gather<'a> {
    buffers: &'a [Ciovec],
}

impl Gather<'_> {
    /// # Safety
    /// `buffers` points to `count` buffers that can be read, while this lives.
    pub(super) unsafe fn new(buffers: *const Ciovec, count: usize) -> Self {
        let buffers = match count {
            0 => &[],
            // SAFETY: as this function's.
            count => unsafe { core::slice::from_raw_parts(buffers, count) },
        };
        Self { buffers }
    }

    pub(crate) fn len(&self) -> Size {
        self.buffers.iter().map(|buffer| buffer.buf_len).sum()
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let full = self.buffers.iter().filter(|buffer| buffer.buf_len != 0);
        // SAFETY: the buffer has `buf_len` bytes.
        full.map(|buffer| unsafe { core::slice::from_raw_parts(buffer.buf, buffer.buf_len) })
    }
}
