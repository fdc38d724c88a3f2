//! Reading a bundle in place.

use super::error::BundleError;
use super::format::{DATA_ALIGN, DEPTH_MAX, FORMAT_VERSION, HEADER_LEN, Header, NODE_LEN, Record};
use super::node::{Node, range};
use super::{Boot, format};

/// A bundle in memory, checked in full by [`Bundle::parse`], so that walking it cannot fail.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    nodes: &'a [u8],
    names: &'a str,
    dictionary: &'a [u8],
    data: &'a [u8],
    boot: Boot,
}

impl<'a> Bundle<'a> {
    /// What [`Self::len_in_header`] has to see, in bytes.
    pub const HEADER_LEN: u64 = HEADER_LEN as u64;

    /// The length in bytes of the bundle whose header is at the start of `bytes`; none where
    /// no bundle of this version starts.
    #[must_use]
    pub fn len_in_header(bytes: &[u8]) -> Option<u64> {
        let header = Header::decode(bytes)?;
        let index = HEADER_LEN as u64
            + u64::from(header.nodes) * NODE_LEN as u64
            + u64::from(header.names_len)
            + u64::from(header.boot_len);
        let data = u64::from(header.dictionary_len) + u64::from(header.data_len);
        let len = index.next_multiple_of(DATA_ALIGN as u64) + data;
        (header.version == FORMAT_VERSION).then_some(len)
    }

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
        let dictionary = parts.take(header.dictionary_len as usize)?;
        let data = parts.take(header.data_len as usize)?;
        if parts.position != bytes.len() {
            return Err(malformed("bytes after its end"));
        }
        let bundle = Self {
            nodes,
            names,
            dictionary,
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

    /// What every compressed file needs to be read; empty when there is none.
    #[must_use]
    pub fn dictionary(&self) -> &'a [u8] {
        self.dictionary
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

    /// What is stored of a file.
    pub(super) fn content(&self, file: Record) -> Option<&'a [u8]> {
        self.data.get(range(file.first, file.count)?)
    }

    /// The number of files and directories; never 0.
    fn len(&self) -> u32 {
        (self.nodes.len() / NODE_LEN) as u32
    }

    pub(super) fn node_at(&'a self, id: u32) -> Node<'a> {
        Node::new(self, id, self.record(id))
    }

    fn record(&self, id: u32) -> Record {
        Record::decode(&self.nodes[id as usize * NODE_LEN..])
    }

    pub(super) fn name(&self, record: Record) -> Option<&'a str> {
        self.names.get(range(record.name_offset, record.name_len)?)
    }

    /// Breadth-first order means that the children of all directories, one after another,
    /// are the nodes 1, 2, 3…: each has one parent, and there is no cycle. The children of all
    /// nodes of a level are the next level.
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
        let (mut depth, mut next_level) = (0, 1);
        for id in 0..count {
            if id == next_level {
                (depth, next_level) = (depth + 1, next_child);
            }
            if depth > DEPTH_MAX {
                return Err(malformed("a path that is too long"));
            }
            let record = self.record(id);
            match record.kind {
                Record::DIRECTORY => {
                    let order =
                        record.first == next_child && (next_child > id || record.count == 0);
                    if !order || record.size != 0 {
                        return Err(malformed("directories out of order"));
                    }
                    next_child = next_child
                        .checked_add(record.count)
                        .filter(|end| *end <= count)
                        .ok_or(malformed("a directory that is too long"))?;
                    self.check_children(id, record)?;
                }
                Record::STORED if record.size != record.count => {
                    return Err(malformed("a file of two lengths"));
                }
                Record::STORED | Record::COMPRESSED => {
                    self.content(record)
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

fn malformed(problem: &'static str) -> BundleError {
    BundleError::Malformed { problem }
}
