//! Walking a bundle.

use super::format::Record;
use super::reader::Bundle;

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
}

/// Why [`Node::walk`] does not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkError {
    NotFound,
    NotADirectory,
    /// `..` led out of the top directory.
    Outside,
}

/// A file's content, as it lies in a bundle or is to be put into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<B> {
    /// As it is.
    Stored(B),
    /// A Zstandard frame that needs the bundle's dictionary.
    Compressed {
        frame: B,
        /// Of the content, in bytes.
        size: u32,
    },
}

impl<B: AsRef<[u8]>> Content<B> {
    /// What takes up space.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        match self {
            Self::Stored(bytes) => bytes.as_ref(),
            Self::Compressed { frame, .. } => frame.as_ref(),
        }
    }

    /// The length of what a reader of the file sees, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Stored(bytes) => bytes.as_ref().len() as u64,
            Self::Compressed { size, .. } => u64::from(*size),
        }
    }
}

/// A file or directory of a [`Bundle`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    bundle: &'a Bundle<'a>,
    id: u32,
    record: Record,
}

impl<'a> Node<'a> {
    pub(super) fn new(bundle: &'a Bundle<'a>, id: u32, record: Record) -> Self {
        Self { bundle, id, record }
    }

    /// A number that is unique and stable in this bundle; 0 is the root.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The last part of the path; empty for the root.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.bundle.name(self.record).unwrap_or_default()
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.record.kind {
            Record::DIRECTORY => Kind::Directory,
            _ => Kind::File,
        }
    }

    /// The directory that holds this node; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.bundle.node_at(self.record.parent)
    }

    /// A file's bytes; `None` for a directory.
    #[must_use]
    pub fn content(&self) -> Option<Content<&'a [u8]>> {
        if self.kind() == Kind::Directory {
            return None;
        }
        let bytes = self.bundle.content(self.record)?;
        Some(match self.record.kind {
            Record::COMPRESSED => Content::Compressed {
                frame: bytes,
                size: self.record.size,
            },
            _ => Content::Stored(bytes),
        })
    }

    /// The length of a file's content, in bytes; 0 for a directory.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from(self.record.size)
    }

    /// A directory's nodes, sorted by name; nothing for a file.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Self> + use<'a> {
        let bundle = self.bundle;
        self.child_ids().map(|id| bundle.node_at(id))
    }

    /// The node of that name in this directory, by binary search.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> Option<Self> {
        let ids = self.child_ids();
        let (mut low, mut high) = (ids.start, ids.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let node = self.bundle.node_at(middle);
            match node.name().as_bytes().cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(node),
            }
        }
        None
    }

    /// Follows a relative path from here, with POSIX's rules for `.`, `..`, repeated and
    /// trailing slashes; not above `top`.
    pub fn walk(&self, path: &[u8], top: Self) -> Result<Self, WalkError> {
        let mut node = *self;
        for part in path.split(|byte| *byte == b'/') {
            node = match part {
                b"" | b"." => node,
                b".." if node.kind() == Kind::File => return Err(WalkError::NotADirectory),
                b".." if node.id == top.id => return Err(WalkError::Outside),
                b".." => node.parent(),
                _ if node.kind() == Kind::File => return Err(WalkError::NotADirectory),
                name => node.child(name).ok_or(WalkError::NotFound)?,
            };
        }
        let wants_directory = path.ends_with(b"/") || path.ends_with(b"/.");
        if wants_directory && node.kind() == Kind::File {
            return Err(WalkError::NotADirectory);
        }
        Ok(node)
    }

    fn child_ids(&self) -> std::ops::Range<u32> {
        match self.kind() {
            Kind::Directory => self.record.first..self.record.first + self.record.count,
            Kind::File => 0..0,
        }
    }
}

pub(super) fn range(start: u32, len: u32) -> Option<std::ops::Range<usize>> {
    let start = start as usize;
    Some(start..start.checked_add(len as usize)?)
}
