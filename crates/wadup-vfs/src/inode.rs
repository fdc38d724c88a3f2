use smallvec::SmallVec;

use crate::ContentSource;
use crate::directory::{Cookie, Directory};
use crate::limits::{DIRECTORY_OVERHEAD, INODE_OVERHEAD};
use crate::sparse::Sparse;
use crate::time::{Times, Timestamp};

slotmap::new_key_type! {
    /// An inode of one [`Vfs`](crate::Vfs). One that is gone is recognised (`EBADF`), it never
    /// names another inode.
    pub struct InodeId;
}

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    Directory,
    /// Also mounted content.
    Regular,
    Symlink,
    Device(Device),
}

/// A character device. The file system only names it; reading and writing it is the business of
/// whoever has the randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    Null,
    Zero,
    Random,
}

/// What `stat` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// The inode's number: unique for the life of the file system, never used again.
    pub number: u64,
    pub file_type: FileType,
    /// Names of this inode; of a directory, 2 and one for each subdirectory. 0 once it is removed.
    pub links: u64,
    /// Length in bytes; of a symbolic link, that of its target.
    pub size: u64,
    pub accessed: Timestamp,
    pub modified: Timestamp,
    pub changed: Timestamp,
}

pub(crate) enum Node {
    Directory(Box<Directory>),
    File(Sparse),
    Symlink(Box<[u8]>),
    Device(Device),
    Content(Box<dyn ContentSource>),
}

/// A directory entry that names an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) dir: InodeId,
    pub(crate) cookie: Cookie,
}

pub(crate) struct Inode {
    pub(crate) number: u64,
    pub(crate) node: Node,
    /// All names of this inode; of a directory, its only one.
    pub(crate) links: SmallVec<[Link; 1]>,
    /// How many handles are open, and how many of them for writing.
    pub(crate) handles: u32,
    pub(crate) writers: u32,
    pub(crate) times: Times,
    /// A mount point or the root: may not be removed, renamed or linked.
    pub(crate) pinned: bool,
    /// Content, or the entries of a directory, may not be changed.
    pub(crate) read_only: bool,
}

impl Inode {
    pub(crate) fn new(number: u64, node: Node, now: Timestamp) -> Self {
        Self {
            number,
            node,
            links: SmallVec::new(),
            handles: 0,
            writers: 0,
            times: Times::all(now),
            pinned: false,
            read_only: false,
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.node, Node::Directory(_))
    }

    pub(crate) fn file_type(&self) -> FileType {
        match &self.node {
            Node::Directory(_) => FileType::Directory,
            Node::File(_) | Node::Content(_) => FileType::Regular,
            Node::Symlink(_) => FileType::Symlink,
            Node::Device(device) => FileType::Device(*device),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.node {
            Node::Directory(_) | Node::Device(_) => 0,
            Node::File(data) => data.len(),
            Node::Symlink(target) => target.len() as u64,
            Node::Content(source) => source.len(),
        }
    }

    /// Names of the inode. `linked` tells whether a directory is in the tree.
    pub(crate) fn link_count(&self) -> u64 {
        match &self.node {
            Node::Directory(dir) if self.pinned || !self.links.is_empty() => 2 + dir.subdirectories,
            _ => self.links.len() as u64,
        }
    }
}

impl Node {
    /// What the inode is charged for beside the chunks of its data.
    pub(crate) fn charge(&self) -> u64 {
        INODE_OVERHEAD
            + match self {
                Node::Directory(_) => DIRECTORY_OVERHEAD,
                Node::Symlink(target) => target.len() as u64,
                Node::File(_) | Node::Device(_) | Node::Content(_) => 0,
            }
    }
}
