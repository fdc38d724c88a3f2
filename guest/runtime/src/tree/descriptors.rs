//! The open files and directories of the tree.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wadup_protocol::bundle::{Bundle, Kind, Node};
use wasip1::{ERRNO_BADF, ERRNO_ISDIR, ERRNO_MFILE, ERRNO_NOTCAPABLE, ERRNO_NOTDIR, Errno};

use super::tree;

/// Descriptors from here on are of the tree; the host's are small numbers.
pub(super) const FIRST_FD: u32 = 0x4000_0000;
/// How many files of the tree can be open at a time.
const LIMIT: usize = 4096;

/// Whether `fd` is of the tree.
pub(super) fn is_ours(fd: u32) -> bool {
    fd >= FIRST_FD
}

static DESCRIPTORS: Mutex<Descriptors> = Mutex::new(Descriptors { open: Vec::new() });

/// The one table of descriptors.
pub(super) fn descriptors() -> MutexGuard<'static, Descriptors> {
    DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(super) struct Descriptors {
    open: Vec<Option<Open>>,
}

/// What a descriptor stands for.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: u32,
    /// Of the next read, in bytes.
    position: u64,
    /// A mount point cannot be closed: wasi-libc would go on using its number.
    mount: bool,
}

impl Descriptors {
    /// Makes `fd` stand for `node`, for good.
    pub(super) fn mount(&mut self, fd: u32, node: Node<'_>) {
        let index = (fd - FIRST_FD) as usize;
        if self.open.len() <= index {
            self.open.resize(index + 1, None);
        }
        self.open[index] = Some(Open {
            node: node.id(),
            position: 0,
            mount: true,
        });
    }

    /// Opens `node` at the lowest free number.
    pub(super) fn open(&mut self, node: Node<'_>) -> Result<u32, Errno> {
        let index = match self.open.iter().position(Option::is_none) {
            Some(index) => index,
            None if self.open.len() < LIMIT => {
                self.open.push(None);
                self.open.len() - 1
            }
            None => return Err(ERRNO_MFILE),
        };
        self.open[index] = Some(Open {
            node: node.id(),
            position: 0,
            mount: false,
        });
        Ok(FIRST_FD + index as u32)
    }

    pub(super) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        let index = index(fd)?;
        let slot = self.open.get_mut(index).ok_or(ERRNO_BADF)?;
        match slot {
            None => Err(ERRNO_BADF),
            Some(open) if open.mount => Err(ERRNO_NOTCAPABLE),
            Some(_) => {
                *slot = None;
                Ok(())
            }
        }
    }

    /// The file or directory that `fd` stands for.
    pub(super) fn node(&self, fd: u32) -> Result<Node<'static>, Errno> {
        let open = self.open.get(index(fd)?).copied().flatten();
        open.and_then(|open| mounted()?.node(open.node))
            .ok_or(ERRNO_BADF)
    }

    pub(super) fn directory(&self, fd: u32) -> Result<Node<'static>, Errno> {
        let node = self.node(fd)?;
        match node.kind() {
            Kind::Directory => Ok(node),
            Kind::File => Err(ERRNO_NOTDIR),
        }
    }

    /// The content of the file that `fd` stands for, and where its next read starts.
    pub(super) fn file(&mut self, fd: u32) -> Result<(&'static [u8], &mut u64), Errno> {
        let content = self.node(fd)?.content().ok_or(ERRNO_ISDIR)?;
        match self.open.get_mut(index(fd)?) {
            Some(Some(open)) => Ok((content, &mut open.position)),
            _ => Err(ERRNO_BADF),
        }
    }
}

fn mounted() -> Option<&'static Bundle<'static>> {
    tree()
}

fn index(fd: u32) -> Result<usize, Errno> {
    fd.checked_sub(FIRST_FD)
        .map(|index| index as usize)
        .ok_or(ERRNO_BADF)
}
