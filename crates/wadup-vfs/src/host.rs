use std::fmt;

use crate::content::TakenFile;
use crate::directory::{Directory, Name};
use crate::inode::{Device, InodeId, Node};
use crate::resolve::{Follow, Place, Resolved};
use crate::sparse::Sparse;
use crate::{ContentSource, Error, Vfs};

/// What the host puts in place.
pub enum Mount {
    Directory,
    /// A file with content of its own; it is charged to the limits, the guest may write to it.
    File(Vec<u8>),
    /// A read-only file that is read from its source on demand. Its bytes are not charged.
    Content(Box<dyn ContentSource>),
    Device(Device),
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mount::Directory => write!(f, "Directory"),
            Mount::File(bytes) => write!(f, "File({} bytes)", bytes.len()),
            Mount::Content(source) => write!(f, "Content({} bytes)", source.len()),
            Mount::Device(device) => write!(f, "{device:?}"),
        }
    }
}

/// The host's side. Paths are absolute; what is read-only for the guest is not for the host.
impl Vfs {
    /// Makes a mount point: the guest can neither remove, rename, replace nor hard-link it
    /// (`EBUSY`, `EXDEV`). Its parent must exist.
    ///
    /// # Errors
    ///
    /// `EEXIST`, `ENOSPC`, `EFBIG`, and those of the resolution.
    pub fn mount(&mut self, path: &str, mount: Mount) -> Result<InodeId, Error> {
        let Resolved {
            place: Place::Missing { dir, name },
            ..
        } = self.resolve(self.root, path.as_bytes(), Follow::Never)?
        else {
            return Err(Error::Exists);
        };
        let read_only = matches!(mount, Mount::Content(_));
        let inode = match mount {
            Mount::Directory => {
                self.create(dir, name, Node::Directory(Box::new(Directory::new())))?
            }
            Mount::File(bytes) => self.create_filled(dir, name, bytes)?,
            Mount::Content(source) => self.create(dir, name, Node::Content(source))?,
            Mount::Device(device) => self.create(dir, name, Node::Device(device))?,
        };
        let mounted = self.inode_mut(inode)?;
        mounted.pinned = true;
        mounted.read_only = read_only;
        Ok(inode)
    }

    /// Mounts `/dev` with the devices that there are. A guest can make no others there, nor files
    /// in their stead: `open("/dev/tty", "a")` does not succeed.
    ///
    /// # Errors
    ///
    /// Those of [`mount`](Self::mount).
    pub fn mount_devices(&mut self) -> Result<(), Error> {
        self.mount("/dev", Mount::Directory)?;
        self.mount("/dev/null", Mount::Device(Device::Null))?;
        self.mount("/dev/zero", Mount::Device(Device::Zero))?;
        self.mount("/dev/urandom", Mount::Device(Device::Random))?;
        self.seal("/dev")
    }

    /// Makes an inode read-only for the guest (`EROFS`): the content of a file, the entries of a
    /// directory (but not what is inside the entries).
    ///
    /// # Errors
    ///
    /// Those of the resolution.
    pub fn seal(&mut self, path: &str) -> Result<(), Error> {
        let inode = self.find(self.root, path.as_bytes(), Follow::Always)?;
        self.inode_mut(inode)?.read_only = true;
        Ok(())
    }

    /// Makes a directory and those above it that are missing. One that exists is left alone.
    ///
    /// # Errors
    ///
    /// `ENOTDIR`, `ENOSPC`, and those of the resolution.
    pub fn create_directories(&mut self, path: &str) -> Result<InodeId, Error> {
        let mut dir = self.root;
        let mut rest = path.as_bytes();
        while let Some(component) = crate::path::next_component(&mut rest) {
            let Resolved { place, .. } = self.resolve(dir, component, Follow::Always)?;
            dir = match place {
                Place::Entry { inode, .. } | Place::Nameless { inode, .. } => inode,
                Place::Missing { dir, name } => {
                    self.create(dir, name, Node::Directory(Box::new(Directory::new())))?
                }
            };
        }
        self.directory(dir)?;
        Ok(dir)
    }

    /// Makes a file, or replaces the content of the one that is there.
    ///
    /// # Errors
    ///
    /// `EISDIR`, `ENOSPC`, `EFBIG`, `EINVAL` for a device or mounted content, and those of the
    /// resolution.
    pub fn write_file(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        match self
            .resolve(self.root, path.as_bytes(), Follow::Always)?
            .place
        {
            Place::Missing { dir, name } => self.create_filled(dir, name, bytes).map(drop),
            Place::Entry { inode, .. } | Place::Nameless { inode, .. } => {
                self.replace_content(inode, bytes)
            }
        }
    }

    fn create_filled(
        &mut self,
        dir: InodeId,
        name: Name,
        bytes: Vec<u8>,
    ) -> Result<InodeId, Error> {
        let data = Sparse::from_vec(bytes, &mut self.ledger)?;
        let charged = data.charged();
        self.create(dir, name, Node::File(data))
            .inspect_err(|_| self.ledger.release(charged))
    }

    fn replace_content(&mut self, inode: InodeId, bytes: Vec<u8>) -> Result<(), Error> {
        let now = self.now();
        let inode = self.inodes.get_mut(inode).ok_or(Error::BadHandle)?;
        let data = match &mut inode.node {
            Node::File(data) => data,
            Node::Directory(_) => return Err(Error::IsDirectory),
            _ => return Err(Error::Invalid),
        };
        data.set_len(0, &mut self.ledger)?;
        *data = Sparse::from_vec(bytes, &mut self.ledger)?;
        inode.times.modify(now);
        Ok(())
    }

    /// A copy of a file's content, of at most `max` bytes.
    ///
    /// # Errors
    ///
    /// `EFBIG` if it is longer, `EISDIR`, `EINVAL` for a device or mounted content, and those of
    /// the resolution.
    pub fn read_file(&self, path: &str, max: u64) -> Result<Vec<u8>, Error> {
        let inode = self.find(self.root, path.as_bytes(), Follow::Always)?;
        match &self.inode(inode)?.node {
            Node::File(data) if data.len() > max => Err(Error::FileTooLarge),
            Node::File(data) => {
                let mut bytes = vec![0; data.len() as usize];
                data.read_at(0, &mut bytes);
                Ok(bytes)
            }
            Node::Directory(_) => Err(Error::IsDirectory),
            _ => Err(Error::Invalid),
        }
    }

    /// Removes the file at `path` (a symbolic link is not followed) and hands out its content,
    /// whose space is released. Where the guest has another name or a handle for it, the content
    /// is copied and the guest keeps its own.
    ///
    /// # Errors
    ///
    /// `EISDIR`, `EINVAL` if it is not a regular file with content of its own, `EBUSY` for a mount
    /// point, `ENOSPC` if there is no room for the copy that would be made, and those of the
    /// resolution.
    pub fn take_file(&mut self, path: &str) -> Result<TakenFile, Error> {
        self.take_file_at(self.root, path.as_bytes(), u64::MAX)
    }

    /// [`take_file`](Self::take_file) with a name that need not be UTF-8, resolved from `base`,
    /// and of at most `max` bytes.
    ///
    /// # Errors
    ///
    /// `EFBIG` if it is longer, and as for [`take_file`](Self::take_file).
    pub fn take_file_at(
        &mut self,
        base: InodeId,
        path: &[u8],
        max: u64,
    ) -> Result<TakenFile, Error> {
        let place = self.resolve(base, path, Follow::Never)?.place;
        let (dir, cookie, id) = match place {
            Place::Entry { dir, cookie, inode } => (dir, cookie, inode),
            Place::Missing { .. } => return Err(Error::NotFound),
            Place::Nameless { .. } => return Err(Error::IsDirectory),
        };
        let inode = self.inodes.get_mut(id).ok_or(Error::BadHandle)?;
        let shared = inode.handles > 0 || inode.links.len() > 1;
        let data = match &mut inode.node {
            _ if inode.pinned => return Err(Error::Busy),
            Node::File(data) if data.len() > max => return Err(Error::FileTooLarge),
            Node::File(data) if shared => {
                // Both are in memory for a while.
                self.ledger.charge(data.charged())?;
                self.ledger.release(data.charged());
                data.duplicate()
            }
            Node::File(data) => {
                self.ledger.release(data.charged());
                std::mem::take(data)
            }
            Node::Directory(_) => return Err(Error::IsDirectory),
            _ => return Err(Error::Invalid),
        };
        self.detach(dir, cookie)?;
        Ok(TakenFile(data))
    }
}
