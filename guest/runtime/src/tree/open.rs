//! The open files and directories of the tree.
//!
//! It cannot be written: what would change it is `EROFS`, and `EBADF` on a descriptor, which is
//! never open for writing.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use wadup_protocol::bundle::{Content, Kind, Node};
use wasip1::{
    ERRNO_BADF, ERRNO_INVAL, ERRNO_ISDIR, ERRNO_NOTDIR, ERRNO_NOTSUP, ERRNO_ROFS, Errno,
    FDFLAGS_NONBLOCK, Fdflags, Fdstat, Filedelta, Filesize, Filestat, Oflags, Rights, Size,
    WHENCE_CUR, WHENCE_END, WHENCE_SET, Whence,
};

use super::{directories, paths, stat, tree, unpack};
use crate::descriptors::{Object, Readiness};
use crate::system_calls::{Gather, Scatter};

/// An open file or directory.
pub(super) struct Open {
    node: Node<'static>,
    /// Of the next read, in bytes.
    position: Cell<u64>,
    /// Without effect, as a read of a file never waits.
    flags: Cell<Fdflags>,
    /// Of a compressed file, once it has been read.
    content: OnceCell<Vec<u8>>,
}

impl Open {
    pub(super) fn new(node: Node<'static>) -> Self {
        Self {
            node,
            position: Cell::new(0),
            flags: Cell::new(0),
            content: OnceCell::new(),
        }
    }

    fn content(&self) -> Result<&[u8], Errno> {
        match self.node.content().ok_or(ERRNO_ISDIR)? {
            Content::Stored(bytes) => Ok(bytes),
            Content::Compressed { frame, size } => {
                if let Some(content) = self.content.get() {
                    return Ok(content);
                }
                let tree = tree().ok_or(ERRNO_BADF)?;
                let content = unpack::unpack(tree, frame, size)?;
                Ok(self.content.get_or_init(|| content))
            }
        }
    }

    fn directory(&self) -> Result<Node<'static>, Errno> {
        match self.node.kind() {
            Kind::Directory => Ok(self.node),
            Kind::File => Err(ERRNO_NOTDIR),
        }
    }

    fn file(&self) -> Result<Node<'static>, Errno> {
        match self.node.kind() {
            Kind::File => Ok(self.node),
            Kind::Directory => Err(ERRNO_ISDIR),
        }
    }
}

impl Object for Open {
    fn fdstat(&self) -> Fdstat {
        Fdstat {
            fs_flags: self.flags.get(),
            ..stat::fdstat(self.node)
        }
    }

    fn filestat(&self) -> Filestat {
        stat::filestat(self.node)
    }

    fn set_flags(&self, flags: Fdflags) -> Result<(), Errno> {
        if flags & !FDFLAGS_NONBLOCK != 0 {
            return Err(ERRNO_NOTSUP);
        }
        self.flags.set(flags);
        Ok(())
    }

    fn readable(&self) -> Readiness {
        Readiness::Ready {
            bytes: self.node.size().saturating_sub(self.position.get()),
            hangup: false,
        }
    }

    fn writable(&self) -> Readiness {
        Readiness::Failed(ERRNO_BADF)
    }

    fn read(&self, into: &mut Scatter<'_>) -> Result<Size, Errno> {
        let position = self.position.get();
        let read = into.fill(after(self.content()?, position));
        self.position.set(position + read as u64);
        Ok(read)
    }

    fn pread(&self, into: &mut Scatter<'_>, offset: Filesize) -> Result<Size, Errno> {
        Ok(into.fill(after(self.content()?, offset)))
    }

    fn pwrite(&self, _from: &Gather<'_>, _offset: Filesize) -> Result<Size, Errno> {
        Err(ERRNO_BADF)
    }

    fn seek(&self, offset: Filedelta, whence: Whence) -> Result<Filesize, Errno> {
        let base = match whence {
            WHENCE_SET => 0,
            WHENCE_CUR => self.position.get(),
            WHENCE_END => self.node.size(),
            _ => return Err(ERRNO_INVAL),
        };
        self.file()?;
        let target = base.checked_add_signed(offset).ok_or(ERRNO_INVAL)?;
        // POSIX's `off_t` is signed.
        if i64::try_from(target).is_err() {
            return Err(ERRNO_INVAL);
        }
        self.position.set(target);
        Ok(target)
    }

    fn tell(&self) -> Result<Filesize, Errno> {
        self.file().map(|_| self.position.get())
    }

    fn advise(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn allocate(&self) -> Result<(), Errno> {
        Err(ERRNO_BADF)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn set_times(&self) -> Result<(), Errno> {
        Err(ERRNO_ROFS)
    }

    fn read_directory(&self, buffer: &mut [u8], cookie: u64) -> Result<Size, Errno> {
        Ok(directories::read(self.directory()?, buffer, cookie))
    }

    fn open_at(
        &self,
        path: &[u8],
        oflags: Oflags,
        rights: Rights,
    ) -> Result<Rc<dyn Object>, Errno> {
        let node = paths::open(self.directory()?, path, oflags, rights)?;
        Ok(Rc::new(Self::new(node)))
    }

    fn filestat_at(&self, path: &[u8]) -> Result<Filestat, Errno> {
        paths::find(self.directory()?, path).map(stat::filestat)
    }

    fn read_link_at(&self, path: &[u8]) -> Result<(), Errno> {
        paths::find(self.directory()?, path).and(Err(ERRNO_INVAL))
    }

    fn create_at(&self, path: &[u8]) -> Result<(), Errno> {
        paths::refuse_new(self.directory()?, path)
    }

    fn change_at(&self, path: &[u8]) -> Result<(), Errno> {
        paths::find(self.directory()?, path).and(Err(ERRNO_ROFS))
    }
}

/// What is left from `position` on; nothing at the end and behind it.
fn after(content: &[u8], position: u64) -> &[u8] {
    usize::try_from(position)
        .ok()
        .and_then(|position| content.get(position..))
        .unwrap_or_default()
}
