use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inode::{FileType, InodeId};

/// The name of an entry.
pub(crate) type Name = Arc<[u8]>;

/// The position of an entry, unique for the life of its directory. 0 and 1 are `.` and `..`.
pub(crate) type Cookie = u64;
pub(crate) const FIRST_COOKIE: Cookie = 2;

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) inode: InodeId,
}

/// Entries by name, and in the order in which they were made: a cookie is never used twice, so
/// that reading goes on where it was although entries come and go.
#[derive(Debug)]
pub(crate) struct Directory {
    entries: BTreeMap<Cookie, Entry>,
    names: BTreeMap<Name, Cookie>,
    next: Cookie,
    /// How many of the entries are directories: their `..` are links to this one.
    pub(crate) subdirectories: u64,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            names: BTreeMap::new(),
            next: FIRST_COOKIE,
            subdirectories: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<(Cookie, InodeId)> {
        let cookie = *self.names.get(name)?;
        Some((cookie, self.entries[&cookie].inode))
    }

    pub(crate) fn entry(&self, cookie: Cookie) -> Option<&Entry> {
        self.entries.get(&cookie)
    }

    /// Adds an entry whose name is not there yet.
    pub(crate) fn insert(&mut self, name: Name, inode: InodeId) -> Cookie {
        let cookie = self.next;
        self.next += 1;
        self.names.insert(Arc::clone(&name), cookie);
        self.entries.insert(cookie, Entry { name, inode });
        cookie
    }

    /// Lets an entry name another inode.
    pub(crate) fn replace(&mut self, cookie: Cookie, inode: InodeId) {
        if let Some(entry) = self.entries.get_mut(&cookie) {
            entry.inode = inode;
        }
    }

    pub(crate) fn remove(&mut self, cookie: Cookie) -> Option<Entry> {
        let entry = self.entries.remove(&cookie)?;
        self.names.remove(&entry.name);
        Some(entry)
    }

    pub(crate) fn from(&self, cookie: Cookie) -> impl Iterator<Item = (Cookie, &Entry)> {
        self.entries
            .range(cookie..)
            .map(|(cookie, entry)| (*cookie, entry))
    }
}

/// One entry of a directory, as [`Vfs::read_dir`](crate::Vfs::read_dir) finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryEntry<'a> {
    pub name: &'a [u8],
    /// The inode's number, as in [`Metadata::number`](crate::Metadata::number).
    pub number: u64,
    pub file_type: FileType,
    /// The cookie to read on from after this entry.
    pub next: u64,
}
