//! The open files and directories of the tree.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wadup_protocol::bundle::{Bundle, Content, Kind, Node};
use wasip1::{ERRNO_BADF, ERRNO_ISDIR, ERRNO_MFILE, ERRNO_NOTCAPABLE, ERRNO_NOTDIR, Errno};

use super::{tree, unpack};

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
#[derive(Debug)]
struct Open {
    node: u32,
    /// Of the next read, in bytes.
    position: u64,
    /// A mount point cannot be closed: wasi-libc would go on using its number.
    mount: bool,
    /// Of a compressed file, once it has been read.
    content: Option<Vec<u8>>,
}

impl Descriptors {
    /// Makes `fd` stand for `node`, for good.
    pub(super) fn mount(&mut self, fd: u32, node: Node<'_>) {
        let index = (fd - FIRST_FD) as usize;
        if self.open.len() <= index {
            self.open.resize_with(index + 1, || None);
        }
        self.open[index] = Some(Open {
            node: node.id(),
            position: 0,
            mount: true,
            content: None,
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
            content: None,
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
        match self.open.get(index(fd)?) {
            Some(Some(open)) => open.node(),
            _ => Err(ERRNO_BADF),
        }
    }

    pub(super) fn directory(&self, fd: u32) -> Result<Node<'static>, Errno> {
        let node = self.node(fd)?;
        match node.kind() {
            Kind::Directory => Ok(node),
            Kind::File => Err(ERRNO_NOTDIR),
        }
    }

    /// The content of the file that `fd` stands for, and where its next read starts.
    pub(super) fn file(&mut self, fd: u32) -> Result<(&[u8], &mut u64), Errno> {
        match self.open.get_mut(index(fd)?) {
            Some(Some(open)) => open.file(),
            _ => Err(ERRNO_BADF),
        }
    }

    /// Where the next read of the file that `fd` stands for starts, and the file's length.
    pub(super) fn position(&mut self, fd: u32) -> Result<(&mut u64, u64), Errno> {
        match self.open.get_mut(index(fd)?) {
            Some(Some(open)) => match open.node()? {
                node if node.kind() == Kind::File => Ok((&mut open.position, node.size())),
                _ => Err(ERRNO_ISDIR),
            },
            _ => Err(ERRNO_BADF),
        }
    }
}

impl Open {
    fn node(&self) -> Result<Node<'static>, Errno> {
        mounted()
            .and_then(|tree| tree.node(self.node))
            .ok_or(ERRNO_BADF)
    }

    fn file(&mut self) -> Result<(&[u8], &mut u64), Errno> {
        let content = match self.node()?.content().ok_or(ERRNO_ISDIR)? {
            Content::Stored(bytes) => bytes,
            Content::Compressed { frame, size } => match &mut self.content {
                Some(content) => content,
                content => {
                    let tree = mounted().ok_or(ERRNO_BADF)?;
                    content.insert(unpack::unpack(tree, frame, size)?)
                }
            },
        };
        Ok((content, &mut self.position))
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
