use crate::directory::{Cookie, Directory, Name};
use crate::inode::{InodeId, Link, Node};
use crate::resolve::{Follow, Nameless, Place, Resolved};
use crate::sparse::Sparse;
use crate::{Error, Vfs};

/// Making, renaming and removing names, on behalf of the guest.
impl Vfs {
    /// `mkdirat`.
    ///
    /// # Errors
    ///
    /// `EEXIST`, `ENOSPC`, `EROFS`, and those of the resolution.
    pub fn create_directory(&mut self, base: InodeId, path: &[u8]) -> Result<(), Error> {
        let (dir, name, _) = self.vacant(base, path)?;
        self.create(dir, name, Node::Directory(Box::new(Directory::new())))?;
        Ok(())
    }

    /// `symlinkat`: a symbolic link at `path`. `target` is kept as it is.
    ///
    /// # Errors
    ///
    /// `EEXIST`, `ENOSPC`, `EROFS`, `ENOENT` for an empty target, `ENAMETOOLONG` for one of more
    /// than [`PATH_MAX`](crate::PATH_MAX) bytes, and those of the resolution.
    pub fn create_symlink(
        &mut self,
        target: &[u8],
        base: InodeId,
        path: &[u8],
    ) -> Result<(), Error> {
        crate::path::check(target)?;
        let (dir, name, trailing_slash) = self.vacant(base, path)?;
        if trailing_slash {
            return Err(Error::NotFound);
        }
        self.create(dir, name, Node::Symlink(target.into()))?;
        Ok(())
    }

    /// `linkat`: another name for the file at `old`. Returns its inode.
    ///
    /// # Errors
    ///
    /// `EPERM` for a directory, `EXDEV` for a mount point, `EMLINK`, `EEXIST`, `ENOSPC`, `EROFS`,
    /// and those of the resolution.
    pub fn create_link(
        &mut self,
        old_base: InodeId,
        old: &[u8],
        follow: bool,
        new_base: InodeId,
        new: &[u8],
    ) -> Result<InodeId, Error> {
        let inode = self.lookup(old_base, old, follow)?;
        let (dir, name, trailing_slash) = self.vacant(new_base, new)?;
        if trailing_slash {
            return Err(Error::NotFound);
        }
        if self.is_directory(inode)? {
            return Err(Error::NotPermitted);
        }
        if self.inode(inode)?.pinned {
            return Err(Error::CrossDevice);
        }
        self.attach(dir, name, inode)?;
        Ok(inode)
    }

    /// `readlinkat`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not a symbolic link, and those of the resolution.
    pub fn read_link(&self, base: InodeId, path: &[u8]) -> Result<&[u8], Error> {
        match &self
            .inode(self.find(base, path, Follow::TrailingSlash)?)?
            .node
        {
            Node::Symlink(target) => Ok(target),
            _ => Err(Error::Invalid),
        }
    }

    /// `unlinkat`: removes a name that is not a directory's.
    ///
    /// # Errors
    ///
    /// `EISDIR`, `EBUSY` for a mount point, `EROFS`, and those of the resolution.
    pub fn remove_file(&mut self, base: InodeId, path: &[u8]) -> Result<(), Error> {
        let Resolved {
            place,
            trailing_slash,
        } = self.resolve(base, path, Follow::Never)?;
        let (dir, cookie, inode) = match place {
            Place::Entry { dir, cookie, inode } => (dir, cookie, inode),
            Place::Missing { .. } => return Err(Error::NotFound),
            Place::Nameless { .. } => return Err(Error::IsDirectory),
        };
        if self.is_directory(inode)? {
            return Err(Error::IsDirectory);
        }
        if trailing_slash {
            return Err(Error::NotDirectory);
        }
        self.check_removable(dir, inode)?;
        self.detach(dir, cookie)
    }

    /// `unlinkat` with `AT_REMOVEDIR`: removes an empty directory.
    ///
    /// # Errors
    ///
    /// `ENOTDIR`, `ENOTEMPTY`, `EBUSY` for a mount point, `EROFS`, and those of the resolution.
    pub fn remove_directory(&mut self, base: InodeId, path: &[u8]) -> Result<(), Error> {
        let (dir, cookie, inode) = match self.resolve(base, path, Follow::Never)?.place {
            Place::Entry { dir, cookie, inode } => (dir, cookie, inode),
            Place::Missing { .. } => return Err(Error::NotFound),
            Place::Nameless {
                last: Nameless::Root,
                ..
            } => return Err(Error::Busy),
            Place::Nameless {
                last: Nameless::Dot,
                ..
            } => return Err(Error::Invalid),
            Place::Nameless {
                last: Nameless::DotDot,
                ..
            } => return Err(Error::NotEmpty),
        };
        self.check_removable(dir, inode)?;
        if !self.directory(inode)?.is_empty() {
            return Err(Error::NotEmpty);
        }
        self.detach(dir, cookie)
    }

    /// `renameat`: moves a name, replacing what is at `new`. Returns the inode that was moved.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a directory would go below itself, `ENOTEMPTY`, `EISDIR`, `ENOTDIR`, `EBUSY`
    /// for a mount point, `EROFS`, `ENOSPC`, and those of the resolution.
    pub fn rename(
        &mut self,
        old_base: InodeId,
        old: &[u8],
        new_base: InodeId,
        new: &[u8],
    ) -> Result<InodeId, Error> {
        let from = self.resolve(old_base, old, Follow::Never)?;
        let to = self.resolve(new_base, new, Follow::Never)?;
        if matches!(from.place, Place::Nameless { .. })
            || matches!(to.place, Place::Nameless { .. })
        {
            return Err(Error::Busy);
        }
        let Place::Entry { dir, cookie, inode } = from.place else {
            return Err(Error::NotFound);
        };
        if let Place::Missing { dir, .. } = &to.place {
            self.check_not_removed(*dir)?;
        }
        let slash = from.trailing_slash || to.trailing_slash;
        if slash && !self.is_directory(inode)? {
            return Err(Error::NotDirectory);
        }
        match to.place {
            Place::Missing { dir: new_dir, name } => {
                self.rename_to_vacant((dir, cookie), inode, new_dir, name)?
            }
            Place::Entry {
                dir: new_dir,
                cookie: new_cookie,
                inode: replaced,
            } => {
                self.rename_over((dir, cookie), inode, (new_dir, new_cookie), replaced)?;
            }
            Place::Nameless { .. } => return Err(Error::Busy),
        }
        Ok(inode)
    }

    fn rename_to_vacant(
        &mut self,
        (dir, cookie): (InodeId, Cookie),
        inode: InodeId,
        new_dir: InodeId,
        name: Name,
    ) -> Result<(), Error> {
        self.check_not_below_itself(inode, new_dir)?;
        self.check_changeable(new_dir)?;
        self.check_removable(dir, inode)?;
        self.attach(new_dir, name, inode)?;
        self.detach(dir, cookie)
    }

    fn rename_over(
        &mut self,
        (dir, cookie): (InodeId, Cookie),
        inode: InodeId,
        (new_dir, new_cookie): (InodeId, Cookie),
        replaced: InodeId,
    ) -> Result<(), Error> {
        self.check_not_below_itself(inode, new_dir)?;
        if self.is_directory(replaced)? && self.is_within(dir, replaced) {
            return Err(Error::NotEmpty);
        }
        if replaced == inode {
            return Ok(()); // Two names of one file: POSIX wants nothing to happen.
        }
        self.check_removable(dir, inode)?;
        self.check_removable(new_dir, replaced)?;
        match (self.is_directory(inode)?, self.is_directory(replaced)?) {
            (true, false) => return Err(Error::NotDirectory),
            (false, true) => return Err(Error::IsDirectory),
            (true, true) if !self.directory(replaced)?.is_empty() => return Err(Error::NotEmpty),
            _ => {}
        }
        let now = self.now();
        let link = Link {
            dir: new_dir,
            cookie: new_cookie,
        };
        self.directory_mut(new_dir)?.replace(new_cookie, inode);
        self.inode_mut(new_dir)?.times.modify(now);
        self.unlink_inode(link, replaced, now)?;
        self.link(link, inode, now)?;
        self.detach(dir, cookie)
    }

    /// Makes an empty file at a place that [`resolve`](Vfs::resolve) found missing.
    pub(crate) fn create_file(&mut self, dir: InodeId, name: Name) -> Result<InodeId, Error> {
        self.check_changeable(dir)?;
        self.create(dir, name, Node::File(Sparse::default()))
    }

    /// A place for a new entry, and whether a slash comes after it.
    fn vacant(&self, base: InodeId, path: &[u8]) -> Result<(InodeId, Name, bool), Error> {
        let Resolved {
            place,
            trailing_slash,
        } = self.resolve(base, path, Follow::Never)?;
        let Place::Missing { dir, name } = place else {
            return Err(Error::Exists);
        };
        self.check_not_removed(dir)?;
        self.check_changeable(dir)?;
        Ok((dir, name, trailing_slash))
    }

    fn check_removable(&self, dir: InodeId, inode: InodeId) -> Result<(), Error> {
        self.check_changeable(dir)?;
        if self.inode(inode)?.pinned {
            Err(Error::Busy)
        } else {
            Ok(())
        }
    }

    fn check_not_below_itself(&self, inode: InodeId, new_dir: InodeId) -> Result<(), Error> {
        let below = self.is_directory(inode)? && self.is_within(new_dir, inode);
        if below { Err(Error::Invalid) } else { Ok(()) }
    }
}
