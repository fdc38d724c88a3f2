//! Reading a bundle in place.

use super::error::BundleError;
use super::format::{DATA_ALIGN, FORMAT_VERSION, HEADER_LEN, Header, NODE_LEN, Record};
use super::{Boot, format};

/// A bundle in memory, checked in full by [`Bundle::parse`], so that walking it cannot fail.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    nodes: &'a [u8],
    names: &'a str,
    data: &'a [u8],
    boot: Boot,
}

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

/// A file or directory of a [`Bundle`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    bundle: &'a Bundle<'a>,
    id: u32,
    record: Record,
}

impl<'a> Bundle<'a> {
    /// Checks `bytes` in full: after this no length, offset or link in it is trusted unseen.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BundleError> {
        let header = Header::decode(bytes).ok_or(malformed("no header"))?;
        if header.version != FORMAT_VERSION {
            return Err(BundleError::Version {
                found: header.version,
                expected: FORMAT_VERSION,
            });
        }
        let mut parts = Parts {
            bytes,
            position: HEADER_LEN,
        };
        let nodes_len = (header.nodes as usize)
            .checked_mul(NODE_LEN)
            .ok_or(malformed("too many nodes"))?;
        let nodes = parts.take(nodes_len)?;
        let names = std::str::from_utf8(parts.take(header.names_len as usize)?)
            .map_err(|_| malformed("a name is not UTF-8"))?;
        let boot = parts.take(header.boot_len as usize)?;
        parts.align(DATA_ALIGN)?;
        let data = parts.take(header.data_len as usize)?;
        if parts.position != bytes.len() {
            return Err(malformed("bytes after its end"));
        }
        let bundle = Self {
            nodes,
            names,
            data,
            boot: serde_json::from_slice(boot).map_err(BundleError::Boot)?,
        };
        bundle.check_nodes()?;
        Ok(bundle)
    }

    #[must_use]
    pub fn boot(&self) -> &Boot {
        &self.boot
    }

    /// The directory `/`.
    #[must_use]
    pub fn root(&'a self) -> Node<'a> {
        self.node_at(0)
    }

    /// The node with this [`Node::id`].
    #[must_use]
    pub fn node(&'a self, id: u32) -> Option<Node<'a>> {
        (id < self.len()).then(|| self.node_at(id))
    }

    /// The node at an absolute path.
    #[must_use]
    pub fn get(&'a self, path: &str) -> Option<Node<'a>> {
        let relative = path.strip_prefix('/')?;
        self.root().walk(relative.as_bytes(), self.root()).ok()
    }

    /// The number of files and directories; never 0.
    fn len(&self) -> u32 {
        (self.nodes.len() / NODE_LEN) as u32
    }

    fn node_at(&'a self, id: u32) -> Node<'a> {
        Node {
            bundle: self,
            id,
            record: self.record(id),
        }
    }

    fn record(&self, id: u32) -> Record {
        Record::decode(&self.nodes[id as usize * NODE_LEN..])
    }

    fn name(&self, record: Record) -> Option<&'a str> {
        self.names.get(range(record.name_offset, record.name_len)?)
    }

    /// Breadth-first order means that the children of all directories, one after another,
    /// are the nodes 1, 2, 3…: each has one parent, and there is no cycle.
    fn check_nodes(&self) -> Result<(), BundleError> {
        let count = self.len();
        if count == 0 {
            return Err(malformed("no root directory"));
        }
        let root = self.record(0);
        if root.kind != Record::DIRECTORY || root.parent != 0 {
            return Err(malformed("a root that is no root directory"));
        }
        let mut next_child = 1;
        for id in 0..count {
            let record = self.record(id);
            match record.kind {
                Record::DIRECTORY => {
                    if record.first != next_child || next_child <= id && record.count > 0 {
                        return Err(malformed("directories out of order"));
                    }
                    next_child = next_child
                        .checked_add(record.count)
                        .filter(|end| *end <= count)
                        .ok_or(malformed("a directory that is too long"))?;
                    self.check_children(id, record)?;
                }
                Record::FILE => {
                    range(record.first, record.count)
                        .and_then(|range| self.data.get(range))
                        .ok_or(malformed("a file beyond the data"))?;
                }
                _ => return Err(malformed("a node of unknown kind")),
            }
        }
        if next_child != count {
            return Err(malformed("nodes outside of the tree"));
        }
        Ok(())
    }

    fn check_children(&self, parent: u32, directory: Record) -> Result<(), BundleError> {
        let mut previous = "";
        for id in directory.first..directory.first + directory.count {
            let child = self.record(id);
            let name = self
                .name(child)
                .ok_or(malformed("a name beyond the names"))?;
            if child.parent != parent {
                return Err(malformed("a wrong parent"));
            }
            if !format::is_name(name) {
                return Err(malformed("an impossible name"));
            }
            if name <= previous {
                return Err(malformed("names out of order"));
            }
            previous = name;
        }
        Ok(())
    }
}

impl<'a> Node<'a> {
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
    pub fn content(&self) -> Option<&'a [u8]> {
        match self.kind() {
            Kind::Directory => None,
            Kind::File => self
                .bundle
                .data
                .get(range(self.record.first, self.record.count)?),
        }
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

/// The rest of the bytes, taken from the front.
struct Parts<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Parts<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], BundleError> {
        let end = self
            .position
            .checked_add(len)
            .ok_or(malformed("it is cut short"))?;
        let part = self
            .bytes
            .get(self.position..end)
            .ok_or(malformed("it is cut short"))?;
        self.position = end;
        Ok(part)
    }

    fn align(&mut self, align: usize) -> Result<(), BundleError> {
        let padding = self.position.next_multiple_of(align) - self.position;
        self.take(padding).map(drop)
    }
}

fn range(start: u32, len: u32) -> Option<std::ops::Range<usize>> {
    let start = start as usize;
    Some(start..start.checked_add(len as usize)?)
}

fn malformed(problem: &'static str) -> BundleError {
    BundleError::Malformed { problem }
}
