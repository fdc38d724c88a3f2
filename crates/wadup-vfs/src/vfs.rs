use std::fmt;
use std::io;
use std::sync::Arc;

use slotmap::SlotMap;

use crate::directory::{Cookie, Directory, Name};
use crate::inode::{Inode, InodeId, Link, Node};
use crate::limits::{ENTRY_OVERHEAD, Ledger};
use crate::resolve::Follow;
use crate::{
    DirectoryEntry, Error, FileType, Limits, Metadata, Refusals, TimeSource, Timestamp, Usage,
};

/// Names of one inode at most, as on ext4.
const LINK_MAX: usize = 65_000;

/// A file system. See the [crate's documentation](crate).
pub struct Vfs {
    pub(crate) inodes: SlotMap<InodeId, Inode>,
    pub(crate) root: InodeId,
    pub(crate) ledger: Ledger,
    pub(crate) content_error: Option<io::Error>,
    time: Arc<dyn TimeSource>,
    next_number: u64,
}

impl Vfs {
    /// An empty root directory.
    pub fn new(limits: Limits, time: Arc<dyn TimeSource>) -> Self {
        let mut inodes = SlotMap::with_capacity_and_key(16);
        let mut root = Inode::new(1, Node::Directory(Box::new(Directory::new())), time.now());
        root.pinned = true;
        let root = inodes.insert(root);
        let ledger = Ledger::new(limits);
        Self {
            inodes,
            root,
            ledger,
            content_error: None,
            time,
            next_number: 2,
        }
    }

    /// The root directory.
    pub fn root(&self) -> InodeId {
        self.root
    }

    /// What is stored now.
    pub fn usage(&self) -> Usage {
        self.ledger.usage
    }

    /// Which limits were run into so far, even if the guest then deleted something.
    pub fn refusals(&self) -> Refusals {
        self.ledger.refusals
    }

    /// The first error of a [`ContentSource`](crate::ContentSource), which the guest saw as `EIO`.
    pub fn content_error(&self) -> Option<&io::Error> {
        self.content_error.as_ref()
    }

    /// The inode at `path`.
    ///
    /// # Errors
    ///
    /// Those of the resolution: `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`, `EINVAL` (a NUL).
    pub fn lookup(&self, base: InodeId, path: &[u8], follow: bool) -> Result<InodeId, Error> {
        self.find(
            base,
            path,
            if follow {
                Follow::Always
            } else {
                Follow::TrailingSlash
            },
        )
    }

    /// What `stat` tells of an inode.
    ///
    /// # Errors
    ///
    /// `EBADF` if it is gone.
    pub fn metadata(&self, inode: InodeId) -> Result<Metadata, Error> {
        let inode = self.inode(inode)?;
        Ok(Metadata {
            number: inode.number,
            file_type: inode.file_type(),
            links: inode.link_count(),
            size: inode.size(),
            accessed: inode.times.accessed,
            modified: inode.times.modified,
            changed: inode.times.changed,
        })
    }

    /// The entries of a directory whose cookies are `cookie` or later; 0 is the first, `.`.
    /// Entries that are there for the whole of a reading are found exactly once, whatever else
    /// comes and goes meanwhile.
    ///
    /// # Errors
    ///
    /// `ENOTDIR`; `EBADF` if the inode is gone.
    pub fn read_dir(
        &self,
        dir: InodeId,
        cookie: u64,
    ) -> Result<impl Iterator<Item = DirectoryEntry<'_>>, Error> {
        let inode = self.inode(dir)?;
        let above = inode.links.first().map_or(dir, |link| link.dir);
        let dots = [(0, &b"."[..], dir), (1, &b".."[..], above)].into_iter();
        let named = self.directory(dir)?.from(cookie);
        Ok(dots
            .filter(move |(position, _, _)| *position >= cookie)
            .chain(named.map(|(cookie, entry)| (cookie, &*entry.name, entry.inode)))
            .filter_map(|(position, name, inode)| {
                let inode = self.inodes.get(inode)?;
                Some(DirectoryEntry {
                    name,
                    number: inode.number,
                    file_type: inode.file_type(),
                    next: position + 1,
                })
            }))
    }

    /// Where an inode has its names: for each, the directory and the name in it.
    pub fn names(&self, inode: InodeId) -> impl Iterator<Item = (InodeId, &[u8])> {
        let links = self.inodes.get(inode).map_or(&[][..], |inode| &inode.links);
        links.iter().filter_map(|link| {
            let entry = self.directory(link.dir).ok()?.entry(link.cookie)?;
            Some((link.dir, &*entry.name))
        })
    }

    /// Whether any handle is open for writing to the inode.
    pub fn is_being_written(&self, inode: InodeId) -> bool {
        self.inodes
            .get(inode)
            .is_some_and(|inode| inode.writers > 0)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn inode(&self, id: InodeId) -> Result<&Inode, Error> {
        self.inodes.get(id).ok_or(Error::BadHandle)
    }

    pub(crate) fn inode_mut(&mut self, id: InodeId) -> Result<&mut Inode, Error> {
        self.inodes.get_mut(id).ok_or(Error::BadHandle)
    }

    pub(crate) fn directory(&self, id: InodeId) -> Result<&Directory, Error> {
        match &self.inode(id)?.node {
            Node::Directory(dir) => Ok(dir),
            _ => Err(Error::NotDirectory),
        }
    }

    pub(crate) fn directory_mut(&mut self, id: InodeId) -> Result<&mut Directory, Error> {
        match &mut self.inode_mut(id)?.node {
            Node::Directory(dir) => Ok(dir),
            _ => Err(Error::NotDirectory),
        }
    }

    /// Refuses a directory that was removed while a handle to it is open.
    pub(crate) fn check_not_removed(&self, dir: InodeId) -> Result<(), Error> {
        if self.inode(dir)?.links.is_empty() && dir != self.root {
            Err(Error::NotFound)
        } else {
            Ok(())
        }
    }

    /// Refuses a directory in which the guest may not make, rename or remove entries.
    pub(crate) fn check_changeable(&self, dir: InodeId) -> Result<(), Error> {
        if self.inode(dir)?.read_only {
            Err(Error::ReadOnly)
        } else {
            Ok(())
        }
    }

    /// Makes an inode with one name.
    pub(crate) fn create(
        &mut self,
        dir: InodeId,
        name: Name,
        node: Node,
    ) -> Result<InodeId, Error> {
        let charge = node.charge();
        self.ledger.charge_inode(charge)?;
        let number = self.next_number;
        let inode = self
            .inodes
            .insert(Inode::new(number, node, self.time.now()));
        if let Err(refused) = self.attach(dir, name, inode) {
            self.inodes.remove(inode);
            self.ledger.release_inode(charge);
            return Err(refused);
        }
        self.next_number += 1;
        Ok(inode)
    }

    /// Gives an inode a name that the directory does not have yet.
    pub(crate) fn attach(&mut self, dir: InodeId, name: Name, inode: InodeId) -> Result<(), Error> {
        let now = self.now();
        self.check_not_removed(dir)?;
        if self.inode(inode)?.links.len() >= LINK_MAX {
            return Err(Error::TooManyLinks);
        }
        self.ledger.charge(ENTRY_OVERHEAD + name.len() as u64)?;
        let cookie = self.directory_mut(dir)?.insert(name, inode);
        self.inode_mut(dir)?.times.modify(now);
        self.link(Link { dir, cookie }, inode, now)
    }

    /// Takes a name from the tree. The inode goes with its last name, unless a handle keeps it.
    pub(crate) fn detach(&mut self, dir: InodeId, cookie: Cookie) -> Result<(), Error> {
        let now = self.now();
        let entry = self
            .directory_mut(dir)?
            .remove(cookie)
            .ok_or(Error::NotFound)?;
        self.ledger
            .release(ENTRY_OVERHEAD + entry.name.len() as u64);
        self.inode_mut(dir)?.times.modify(now);
        self.unlink_inode(Link { dir, cookie }, entry.inode, now)
    }

    /// Notes that the entry at `link` names `inode` now.
    pub(crate) fn link(&mut self, link: Link, inode: InodeId, now: Timestamp) -> Result<(), Error> {
        let target = self.inode_mut(inode)?;
        target.links.push(link);
        target.times.changed = now;
        if target.is_directory() {
            self.directory_mut(link.dir)?.subdirectories += 1;
        }
        Ok(())
    }

    /// Notes that the entry at `link` does not name `inode` any more.
    pub(crate) fn unlink_inode(
        &mut self,
        link: Link,
        inode: InodeId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let target = self.inode_mut(inode)?;
        target.links.retain(|other| *other != link);
        target.times.changed = now;
        if target.is_directory() {
            self.directory_mut(link.dir)?.subdirectories -= 1;
        }
        self.reap(inode);
        Ok(())
    }

    /// Drops an inode that has neither a name nor a handle.
    pub(crate) fn reap(&mut self, id: InodeId) {
        let unused = |inode: &Inode| inode.links.is_empty() && inode.handles == 0 && !inode.pinned;
        if !self.inodes.get(id).is_some_and(unused) {
            return;
        }
        if let Some(inode) = self.inodes.remove(id) {
            if let Node::File(data) = &inode.node {
                self.ledger.release(data.charged());
            }
            self.ledger.release_inode(inode.node.charge());
        }
    }

    /// Whether the inode is a directory.
    pub(crate) fn is_directory(&self, inode: InodeId) -> Result<bool, Error> {
        Ok(self.inode(inode)?.file_type() == FileType::Directory)
    }
}

impl fmt::Debug for Vfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vfs")
            .field("usage", &self.usage())
            .field("limits", &self.ledger.limits)
            .finish_non_exhaustive()
    }
}
