use crate::Error;

/// What the host spends on an inode, apart from its content: its slot (which doubles when the
/// table grows) and the first node of its index. `tests/accounting.rs` holds this against the
/// allocator.
pub(crate) const INODE_OVERHEAD: u64 = 512;
/// What a directory costs above an ordinary inode.
pub(crate) const DIRECTORY_OVERHEAD: u64 = 768;
/// What a directory entry costs, apart from its name.
pub(crate) const ENTRY_OVERHEAD: u64 = 192;
/// What the first chunk of a file costs, apart from its bytes.
pub(crate) const HEAD_OVERHEAD: u64 = 32;
/// What each further chunk of a file costs, apart from its bytes: its place in an index, whose
/// first node alone takes most of this.
pub(crate) const CHUNK_OVERHEAD: u64 = 416;

/// How much may be stored. Exceeding [`bytes`](Self::bytes) or [`inodes`](Self::inodes) is
/// `ENOSPC`, exceeding [`file_size`](Self::file_size) is `EFBIG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of host memory: file content, and a fixed charge for each inode (512, a directory
    /// 1280), name (192 and its length) and chunk of 64 KiB (416; the first 32).
    pub bytes: u64,
    /// Files, directories, symbolic links and devices.
    pub inodes: u64,
    /// Length of one file in bytes, holes included.
    pub file_size: u64,
}

impl Limits {
    /// `bytes` for everything, so also for the length of one file.
    pub fn bytes(bytes: u64) -> Self {
        Self {
            bytes,
            inodes: bytes / INODE_OVERHEAD,
            file_size: bytes,
        }
    }
}

impl Default for Limits {
    /// 256 MiB.
    fn default() -> Self {
        Self::bytes(256 << 20)
    }
}

/// What is stored now, in the units of [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub bytes: u64,
    pub inodes: u64,
    /// The highest value that `bytes` ever had.
    pub peak_bytes: u64,
}

/// Which limits a guest has run into, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals {
    pub bytes: bool,
    pub inodes: bool,
    pub file_size: bool,
}

impl Refusals {
    /// Whether anything was refused.
    pub fn any(self) -> bool {
        self.bytes || self.inodes || self.file_size
    }
}

/// The account that every allocation is charged to.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) limits: Limits,
    pub(crate) usage: Usage,
    pub(crate) refusals: Refusals,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            usage: Usage::default(),
            refusals: Refusals::default(),
        }
    }

    /// Charges `bytes`, or changes nothing and remembers that it refused.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Error> {
        if self.try_charge(bytes) {
            return Ok(());
        }
        self.refusals.bytes = true;
        Err(Error::NoSpace)
    }

    /// Charges `bytes` if there is room; no refusal is noted, the caller can do with less.
    pub(crate) fn try_charge(&mut self, bytes: u64) -> bool {
        let Some(sum) = self.usage.bytes.checked_add(bytes) else {
            return false;
        };
        if sum > self.limits.bytes {
            return false;
        }
        self.usage.bytes = sum;
        self.usage.peak_bytes = self.usage.peak_bytes.max(sum);
        true
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        self.usage.bytes -= bytes;
    }

    /// Charges one inode and `bytes`.
    pub(crate) fn charge_inode(&mut self, bytes: u64) -> Result<(), Error> {
        if self.usage.inodes >= self.limits.inodes {
            self.refusals.inodes = true;
            return Err(Error::NoSpace);
        }
        self.charge(bytes)?;
        self.usage.inodes += 1;
        Ok(())
    }

    pub(crate) fn release_inode(&mut self, bytes: u64) {
        self.release(bytes);
        self.usage.inodes -= 1;
    }

    pub(crate) fn check_file_size(&mut self, size: u64) -> Result<(), Error> {
        if size > self.limits.file_size {
            self.refusals.file_size = true;
            return Err(Error::FileTooLarge);
        }
        Ok(())
    }
}
