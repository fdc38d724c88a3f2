use crate::inode::{InodeId, Node};
use crate::resolve::{Follow, Place};
use crate::time::SetTime;
use crate::{Error, FileType, Vfs};

/// How to open a file; the flags of `open(2)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    pub read: bool,
    pub write: bool,
    /// `O_CREAT`
    pub create: bool,
    /// `O_EXCL`
    pub exclusive: bool,
    /// `O_TRUNC`
    pub truncate: bool,
    /// `O_DIRECTORY`
    pub directory: bool,
    /// The opposite of `O_NOFOLLOW`.
    pub follow: bool,
}

impl OpenOptions {
    /// `O_RDONLY`
    pub fn read() -> Self {
        Self {
            read: true,
            follow: true,
            ..Self::default()
        }
    }

    /// `O_WRONLY | O_CREAT | O_EXCL`
    pub fn create_new() -> Self {
        Self {
            write: true,
            create: true,
            exclusive: true,
            follow: true,
            ..Self::default()
        }
    }
}

/// An open inode. It lives until it is given back with [`Vfs::close`], whatever happens to its
/// names.
#[derive(Debug)]
#[must_use = "give it back with `Vfs::close`"]
pub struct Handle {
    inode: InodeId,
    read: bool,
    write: bool,
}

impl Handle {
    /// The inode that is open.
    pub fn inode(&self) -> InodeId {
        self.inode
    }

    /// Whether it is open for reading.
    pub fn is_readable(&self) -> bool {
        self.read
    }

    /// Whether it is open for writing.
    pub fn is_writable(&self) -> bool {
        self.write
    }
}

/// Open files, on behalf of the guest.
impl Vfs {
    /// `openat`.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `EEXIST`, `EISDIR`, `ENOTDIR`, `ELOOP` for a symbolic link that is not to be
    /// followed, `EROFS`, `ENOSPC`, `EINVAL`, and those of the resolution.
    pub fn open(
        &mut self,
        base: InodeId,
        path: &[u8],
        options: OpenOptions,
    ) -> Result<Handle, Error> {
        if options.create && options.directory {
            return Err(Error::Invalid);
        }
        let follow = match options {
            OpenOptions {
                create: true,
                exclusive,
                follow,
                ..
            } => Follow::Create {
                follow: follow && !exclusive,
            },
            OpenOptions { follow: true, .. } => Follow::Always,
            _ => Follow::TrailingSlash,
        };
        let inode = match self.resolve(base, path, follow)?.place {
            Place::Missing { .. } if !options.create => return Err(Error::NotFound),
            Place::Missing { dir, name } => self.create_file(dir, name)?,
            Place::Entry { inode, .. } | Place::Nameless { inode, .. } => {
                self.check_openable(inode, options)?;
                inode
            }
        };
        if options.truncate {
            self.set_len(inode, 0)?;
        }
        let opened = self.inode_mut(inode)?;
        opened.handles += 1;
        opened.writers += u32::from(options.write);
        Ok(Handle {
            inode,
            read: options.read,
            write: options.write,
        })
    }

    fn check_openable(&self, inode: InodeId, options: OpenOptions) -> Result<(), Error> {
        if options.create && options.exclusive {
            return Err(Error::Exists);
        }
        let changes = options.write || options.truncate;
        let target = self.inode(inode)?;
        match target.file_type() {
            FileType::Directory if options.create || changes => Err(Error::IsDirectory),
            FileType::Directory => Ok(()),
            _ if options.directory => Err(Error::NotDirectory),
            FileType::Symlink => Err(Error::Loop),
            FileType::Regular if changes && target.read_only => Err(Error::ReadOnly),
            FileType::Regular | FileType::Device(_) => Ok(()),
        }
    }

    /// Gives a handle back. An inode without a name goes with its last handle.
    pub fn close(&mut self, handle: Handle) {
        if let Some(inode) = self.inodes.get_mut(handle.inode) {
            inode.handles -= 1;
            inode.writers -= u32::from(handle.write);
        }
        self.reap(handle.inode);
    }

    /// `pread`: fills `buf` from `offset` on; returns how many bytes there were, 0 at the end.
    /// Mounted content may give fewer than there are.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is not open for reading, `EISDIR`, `EIO` if mounted content fails, `EINVAL`
    /// for a device.
    pub fn read_at(
        &mut self,
        handle: &Handle,
        offset: u64,
        buf: &mut [u8],
    ) -> Result<usize, Error> {
        if !handle.read {
            return Err(Error::BadHandle);
        }
        let now = self.now();
        let inode = self.inodes.get_mut(handle.inode).ok_or(Error::BadHandle)?;
        inode.times.accessed = now;
        match &mut inode.node {
            Node::File(data) => Ok(data.read_at(offset, buf)),
            Node::Content(source) => match source.read_at(offset, buf) {
                Ok(n) => Ok(n.min(buf.len())),
                Err(error) => {
                    self.content_error.get_or_insert(error);
                    Err(Error::Io)
                }
            },
            Node::Directory(_) => Err(Error::IsDirectory),
            Node::Symlink(_) | Node::Device(_) => Err(Error::Invalid),
        }
    }

    /// `pwrite`: returns how many of the `bytes` were stored; fewer when space ran out on the way.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is not open for writing, `ENOSPC`, `EFBIG`, `EINVAL` for a device.
    pub fn write_at(&mut self, handle: &Handle, offset: u64, bytes: &[u8]) -> Result<usize, Error> {
        if !handle.write {
            return Err(Error::BadHandle);
        }
        let now = self.now();
        let inode = self.inodes.get_mut(handle.inode).ok_or(Error::BadHandle)?;
        let Node::File(data) = &mut inode.node else {
            return Err(Error::Invalid);
        };
        let written = data.write_at(offset, bytes, &mut self.ledger)?;
        inode.times.modify(now);
        Ok(written)
    }

    /// `ftruncate`: cuts the file, or lengthens it by a hole.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not open for writing or not a file, `EFBIG`.
    pub fn truncate(&mut self, handle: &Handle, len: u64) -> Result<(), Error> {
        if !handle.write {
            return Err(Error::Invalid);
        }
        self.set_len(handle.inode, len)
    }

    /// `posix_fallocate`: gives each byte of the range a place.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is not open for writing, `ENOSPC`, `EFBIG`, `EINVAL` for an empty range or a
    /// device.
    pub fn allocate(&mut self, handle: &Handle, offset: u64, len: u64) -> Result<(), Error> {
        if !handle.write {
            return Err(Error::BadHandle);
        }
        let now = self.now();
        let inode = self.inodes.get_mut(handle.inode).ok_or(Error::BadHandle)?;
        let Node::File(data) = &mut inode.node else {
            return Err(Error::Invalid);
        };
        if len == 0 {
            return Err(Error::Invalid);
        }
        data.allocate(offset, len, &mut self.ledger)?;
        inode.times.modify(now);
        Ok(())
    }

    /// `utimensat`.
    ///
    /// # Errors
    ///
    /// `EROFS`; `EBADF` if the inode is gone.
    pub fn set_times(
        &mut self,
        inode: InodeId,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<(), Error> {
        let now = self.now();
        let inode = self.inode_mut(inode)?;
        if inode.read_only {
            return Err(Error::ReadOnly);
        }
        let resolve = |set, old| match set {
            SetTime::Keep => old,
            SetTime::Now => now,
            SetTime::To(time) => time,
        };
        inode.times.accessed = resolve(accessed, inode.times.accessed);
        inode.times.modified = resolve(modified, inode.times.modified);
        inode.times.changed = now;
        Ok(())
    }

    /// `O_TRUNC` and `ftruncate`. A device has no length to change.
    fn set_len(&mut self, inode: InodeId, len: u64) -> Result<(), Error> {
        let now = self.now();
        let inode = self.inodes.get_mut(inode).ok_or(Error::BadHandle)?;
        match &mut inode.node {
            Node::File(data) => data.set_len(len, &mut self.ledger)?,
            Node::Device(_) if len == 0 => return Ok(()),
            _ => return Err(Error::Invalid),
        }
        inode.times.modify(now);
        Ok(())
    }
}
