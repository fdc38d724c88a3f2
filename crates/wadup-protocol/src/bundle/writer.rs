//! Packing files into a bundle.

use std::collections::{BTreeMap, VecDeque};

use super::error::BundleError;
use super::format::{self, DATA_ALIGN, FORMAT_VERSION, HEADER_LEN, Header, NODE_LEN, Record};
use super::{APP_DIR, Boot, LIB_DIR};

/// Collects files and packs them. The order in which they are added does not matter.
#[derive(Debug, Clone)]
pub struct BundleWriter {
    boot: Boot,
    root: Directory,
}

#[derive(Debug, Clone, Default)]
struct Directory(BTreeMap<String, Entry>);

#[derive(Debug, Clone)]
enum Entry {
    Directory(Directory),
    File(Vec<u8>),
}

impl BundleWriter {
    /// A bundle with the empty directories [`LIB_DIR`] and [`APP_DIR`].
    #[must_use]
    pub fn new(boot: Boot) -> Self {
        let mut root = Directory::default();
        for mount in [LIB_DIR, APP_DIR] {
            let entry = Entry::Directory(Directory::default());
            root.0
                .insert(mount.trim_start_matches('/').to_owned(), entry);
        }
        Self { boot, root }
    }

    /// Adds a file at an absolute path below [`LIB_DIR`] or [`APP_DIR`], and the directories
    /// that lead to it. Adding the same again is allowed.
    pub fn add_file(&mut self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), BundleError> {
        let (directory, name) = self.directory_of(path)?;
        let content = content.into();
        match directory.0.get(name) {
            None => {
                directory.0.insert(name.to_owned(), Entry::File(content));
                Ok(())
            }
            Some(Entry::File(existing)) if *existing == content => Ok(()),
            Some(Entry::File(_)) => Err(BundleError::Duplicate { path: path.into() }),
            Some(Entry::Directory(_)) => Err(file_and_directory(path)),
        }
    }

    /// Adds a directory, and those that lead to it; only needed for one that stays empty.
    pub fn add_directory(&mut self, path: &str) -> Result<(), BundleError> {
        let (directory, name) = self.directory_of(path)?;
        directory.descend(name, path).map(drop)
    }

    /// The packed bundle.
    pub fn finish(self) -> Result<Vec<u8>, BundleError> {
        let boot = serde_json::to_vec(&self.boot).map_err(BundleError::Boot)?;
        let packed = Packed::of(self.root)?;
        let header = Header {
            version: FORMAT_VERSION,
            nodes: size(packed.nodes.len() / NODE_LEN, "the list of files")?,
            names_len: size(packed.names.len(), "the names")?,
            boot_len: size(boot.len(), "the boot configuration")?,
            data_len: packed.data_len,
        };
        let index_len = HEADER_LEN + packed.nodes.len() + packed.names.len() + boot.len();
        let data_offset = index_len.next_multiple_of(DATA_ALIGN);
        // The guest addresses the whole bundle with 32 bits.
        size(data_offset + packed.data_len as usize, "the whole")?;

        let mut bytes = Vec::with_capacity(data_offset + packed.data_len as usize);
        bytes.extend(header.encode());
        bytes.extend(packed.nodes);
        bytes.extend(packed.names.into_bytes());
        bytes.extend(boot);
        bytes.resize(data_offset, 0);
        for content in packed.contents {
            bytes.extend(content);
        }
        Ok(bytes)
    }

    /// The directory that holds `path`, made where it is missing, and the name in it.
    fn directory_of<'p>(
        &mut self,
        path: &'p str,
    ) -> Result<(&mut Directory, &'p str), BundleError> {
        let (parents, name) = split(path)?;
        let mut directory = &mut self.root;
        for part in parents {
            directory = directory.descend(part, path)?;
        }
        Ok((directory, name))
    }
}

impl Directory {
    fn descend(&mut self, name: &str, path: &str) -> Result<&mut Directory, BundleError> {
        let entry = self
            .0
            .entry(name.to_owned())
            .or_insert_with(|| Entry::Directory(Directory::default()));
        match entry {
            Entry::Directory(directory) => Ok(directory),
            Entry::File(_) => Err(file_and_directory(path)),
        }
    }
}

/// The parts of the format that depend on the tree.
#[derive(Default)]
struct Packed {
    nodes: Vec<u8>,
    names: String,
    contents: Vec<Vec<u8>>,
    data_len: u32,
}

impl Packed {
    /// Numbers the nodes breadth-first: a directory's children get the next free numbers when
    /// it is their parent's turn.
    fn of(root: Directory) -> Result<Self, BundleError> {
        let mut packed = Self::default();
        let mut queue = VecDeque::from([(String::new(), 0, Entry::Directory(root))]);
        let mut next_child: u32 = 1;
        let mut id: u32 = 0;
        while let Some((name, parent, entry)) = queue.pop_front() {
            match entry {
                Entry::Directory(Directory(children)) => {
                    let count = size(children.len(), "a directory")?;
                    packed.push(Record::DIRECTORY, &name, parent, next_child, count)?;
                    next_child = next_child
                        .checked_add(count)
                        .ok_or(too_large("the list of files"))?;
                    queue.extend(children.into_iter().map(|(name, entry)| (name, id, entry)));
                }
                Entry::File(content) => {
                    let len = size(content.len(), "a file")?;
                    packed.push(Record::FILE, &name, parent, packed.data_len, len)?;
                    packed.data_len = packed
                        .data_len
                        .checked_add(len)
                        .ok_or(too_large("the data"))?;
                    packed.contents.push(content);
                }
            }
            id += 1;
        }
        Ok(packed)
    }

    fn push(
        &mut self,
        kind: u32,
        name: &str,
        parent: u32,
        first: u32,
        count: u32,
    ) -> Result<(), BundleError> {
        let record = Record {
            kind,
            name_offset: size(self.names.len(), "the names")?,
            name_len: size(name.len(), "a name")?,
            parent,
            first,
            count,
        };
        self.nodes.extend(record.encode());
        self.names.push_str(name);
        Ok(())
    }
}

/// The parents and the name of a path that a bundle can hold.
fn split(path: &str) -> Result<(Vec<&str>, &str), BundleError> {
    let problem = |problem| BundleError::Path {
        path: path.into(),
        problem,
    };
    let relative = path
        .strip_prefix('/')
        .ok_or(problem("it is not absolute"))?;
    let mut parts: Vec<&str> = relative.split('/').collect();
    if !parts.iter().all(|part| format::is_name(part)) {
        return Err(problem("it has an empty part, `.`, `..` or a NUL"));
    }
    let mounts = [LIB_DIR, APP_DIR].map(|mount| mount.trim_start_matches('/'));
    match parts.pop() {
        Some(name) if !parts.is_empty() && mounts.contains(&parts[0]) => Ok((parts, name)),
        _ => Err(problem("it is not below /lib or /app")),
    }
}

fn size(len: usize, part: &'static str) -> Result<u32, BundleError> {
    u32::try_from(len).map_err(|_| too_large(part))
}

fn too_large(part: &'static str) -> BundleError {
    BundleError::TooLarge { part }
}

fn file_and_directory(path: &str) -> BundleError {
    BundleError::FileAndDirectory { path: path.into() }
}
