use std::collections::BTreeMap;

use crate::Error;
use crate::limits::{CHUNK_OVERHEAD, HEAD_OVERHEAD, Ledger};

/// Bytes of one chunk at most. A file of one short chunk takes no more than its length.
pub(crate) const CHUNK: u64 = 64 << 10;
const SMALLEST: usize = 64;

/// The bytes of a file, in chunks; what no chunk holds is a hole and reads as zeros.
///
/// A chunk is a `Vec` with at most [`CHUNK`] bytes; beyond its length it is zeros too. Most files
/// have but the first one.
#[derive(Debug, Default)]
pub(crate) struct Sparse {
    len: u64,
    /// What the chunks were charged.
    charged: u64,
    head: Vec<u8>,
    /// The chunks from number 1 on.
    tail: BTreeMap<u64, Vec<u8>>,
}

impl Sparse {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn charged(&self) -> u64 {
        self.charged
    }

    pub(crate) fn from_vec(bytes: Vec<u8>, ledger: &mut Ledger) -> Result<Self, Error> {
        let len = bytes.len() as u64;
        ledger.check_file_size(len)?;
        let mut data = Self::default();
        if len <= CHUNK {
            let charge = charge_of(0, &bytes);
            ledger.charge(charge)?;
            return Ok(Self {
                len,
                charged: charge,
                head: bytes,
                ..data
            });
        }
        let written = data.write_at(0, &bytes, ledger);
        if matches!(written, Ok(n) if n == bytes.len()) {
            return Ok(data);
        }
        ledger.release(data.charged);
        Err(Error::NoSpace)
    }

    fn chunk(&self, index: u64) -> &[u8] {
        match index {
            0 => &self.head,
            _ => self.tail.get(&index).map_or(&[], Vec::as_slice),
        }
    }

    /// Fills `buf` from `offset` on; returns how many bytes there were.
    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let available = self.len.saturating_sub(offset);
        let wanted = (buf.len() as u64).min(available) as usize;
        let mut rest = &mut buf[..wanted];
        let mut at = offset;
        while !rest.is_empty() {
            let (index, start) = (at / CHUNK, (at % CHUNK) as usize);
            let (now, later) = rest.split_at_mut(rest.len().min(CHUNK as usize - start));
            let chunk = self.chunk(index).get(start..).unwrap_or(&[]);
            let stored = chunk.len().min(now.len());
            now[..stored].copy_from_slice(&chunk[..stored]);
            now[stored..].fill(0);
            at += now.len() as u64;
            rest = later;
        }
        wanted
    }

    /// Stores as much of `bytes` as the ledger allows; returns how much that was.
    pub(crate) fn write_at(
        &mut self,
        offset: u64,
        bytes: &[u8],
        ledger: &mut Ledger,
    ) -> Result<usize, Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let end = offset
            .saturating_add(bytes.len() as u64)
            .min(ledger.limits.file_size);
        if end <= offset {
            ledger.check_file_size(offset.saturating_add(1))?;
        }
        let bytes = &bytes[..(end - offset) as usize];
        let mut written = 0;
        while written < bytes.len() {
            let at = offset + written as u64;
            let start = (at % CHUNK) as usize;
            let now = &bytes[written..bytes.len().min(written + CHUNK as usize - start)];
            match self.grow(at / CHUNK, start + now.len(), ledger) {
                Ok(chunk) => chunk[start..start + now.len()].copy_from_slice(now),
                Err(refused) if written == 0 => return Err(refused),
                Err(_) => break,
            }
            written += now.len();
            self.len = self.len.max(offset + written as u64);
        }
        Ok(written)
    }

    /// The chunk `index`, at least `len` bytes long.
    fn grow(&mut self, index: u64, len: usize, ledger: &mut Ledger) -> Result<&mut Vec<u8>, Error> {
        let held = if index == 0 {
            Some(&self.head)
        } else {
            self.tail.get(&index)
        };
        let (capacity, paid) =
            held.map_or((0, 0), |chunk| (chunk.capacity(), charge_of(index, chunk)));
        let mut wanted = capacity;
        if capacity < len {
            wanted = len.next_power_of_two().clamp(SMALLEST, CHUNK as usize);
            let mut cost = wanted as u64 + overhead(index) - paid;
            if !ledger.try_charge(cost) {
                wanted = len;
                cost = wanted as u64 + overhead(index) - paid;
                ledger.charge(cost)?;
            }
            self.charged += cost;
        }
        let chunk = if index == 0 {
            &mut self.head
        } else {
            self.tail.entry(index).or_default()
        };
        chunk.reserve_exact(wanted - chunk.len());
        if chunk.len() < len {
            chunk.resize(len, 0);
        }
        Ok(chunk)
    }

    /// Cuts the file, or lengthens it by a hole.
    pub(crate) fn set_len(&mut self, len: u64, ledger: &mut Ledger) -> Result<(), Error> {
        ledger.check_file_size(len)?;
        if len < self.len {
            let boundary = len / CHUNK;
            let within = (len % CHUNK) as usize;
            let mut cut = self.tail.split_off(&boundary.max(1));
            if within > 0
                && let Some(mut kept) = cut.remove(&boundary)
            {
                kept.truncate(within);
                self.tail.insert(boundary, kept);
            }
            let mut freed = cut
                .iter()
                .map(|(index, chunk)| charge_of(*index, chunk))
                .sum();
            if len == 0 {
                freed += charge_of(0, &std::mem::take(&mut self.head));
            } else if boundary == 0 {
                self.head.truncate(within);
            }
            ledger.release(freed);
            self.charged -= freed;
        }
        self.len = len;
        Ok(())
    }

    /// Gives every byte of the range a place, so that later writes to it cannot run out of space.
    pub(crate) fn allocate(
        &mut self,
        offset: u64,
        len: u64,
        ledger: &mut Ledger,
    ) -> Result<(), Error> {
        let end = offset.checked_add(len).ok_or(Error::FileTooLarge)?;
        ledger.check_file_size(end)?;
        let missing = end.div_ceil(CHUNK) - offset / CHUNK;
        if missing.saturating_mul(CHUNK_OVERHEAD) > ledger.limits.bytes {
            return ledger.charge(u64::MAX);
        }
        for index in offset / CHUNK..end.div_ceil(CHUNK) {
            let upto = (end - index * CHUNK).min(CHUNK);
            self.grow(index, upto as usize, ledger)?;
        }
        self.len = self.len.max(end);
        Ok(())
    }

    /// The bytes as one piece; the single chunk of a short file is moved, not copied.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        let len = self.len as usize;
        if self.tail.is_empty() && self.len <= CHUNK {
            self.head.resize(len, 0);
            return self.head;
        }
        // Chunk by chunk, so that hardly more than one of them is there twice.
        let mut bytes = std::mem::take(&mut self.head);
        bytes.reserve_exact(len.saturating_sub(bytes.len()));
        for (index, chunk) in self.tail {
            bytes.resize((index * CHUNK) as usize, 0);
            bytes.extend(chunk);
        }
        bytes.resize(len, 0);
        bytes
    }

    /// What it occupies, as [`charged`](Self::charged) has it for a file that is charged.
    pub(crate) fn footprint(&self) -> u64 {
        let tail = self.tail.iter();
        let tail: u64 = tail.map(|(index, chunk)| charge_of(*index, chunk)).sum();
        charge_of(0, &self.head) + tail
    }

    /// A copy that is not charged to anyone.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            len: self.len,
            charged: 0,
            head: self.head.clone(),
            tail: self.tail.clone(),
        }
    }
}

fn overhead(index: u64) -> u64 {
    if index == 0 {
        HEAD_OVERHEAD
    } else {
        CHUNK_OVERHEAD
    }
}

/// What a chunk was charged; one without an allocation nothing.
fn charge_of(index: u64, chunk: &Vec<u8>) -> u64 {
    match chunk.capacity() {
        0 => 0,
        capacity => capacity as u64 + overhead(index),
    }
}
