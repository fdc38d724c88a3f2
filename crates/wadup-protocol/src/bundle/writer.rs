//! Packing files into a bundle.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::error::BundleError;
use super::format::{
    self, DATA_ALIGN, DEPTH_MAX, FORMAT_VERSION, HEADER_LEN, Header, NODE_LEN, Record,
};
use super::node::Content;
use super::{APP_DIR, Boot, LIB_DIR};

/// Collects files and packs them. The order in which they are added does not matter.
#[derive(Debug, Clone)]
pub struct BundleWriter {
    boot: Boot,
    dictionary: Vec<u8>,
    root: Directory,
}

#[derive(Debug, Clone, Default)]
struct Directory(BTreeMap<String, Entry>);

#[derive(Debug, Clone)]
enum Entry {
    Directory(Directory),
    File(Content<Vec<u8>>),
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
        Self {
            boot,
            dictionary: Vec::new(),
            root,
        }
    }

    /// The dictionary that compressed files need.
    #[must_use]
    pub fn with_dictionary(mut self, dictionary: Vec<u8>) -> Self {
        self.dictionary = dictionary;
        self
    }

    /// Adds a file at an absolute path below [`LIB_DIR`] or [`APP_DIR`], and the directories
    /// that lead to it. Adding the same again is allowed.
    pub fn add_file(&mut self, path: &str, content: Content<Vec<u8>>) -> Result<(), BundleError> {
        let (directory, name) = self.directory_of(path)?;
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
            dictionary_len: size(self.dictionary.len(), "the dictionary")?,
            data_len: packed.data_len,
        };
        let index_len = HEADER_LEN + packed.nodes.len() + packed.names.len() + boot.len();
        let index_end = index_len.next_multiple_of(DATA_ALIGN);
        let len = index_end + self.dictionary.len() + packed.data_len as usize;
        // The guest addresses the whole bundle with 32 bits.
        size(len, "the whole")?;

        let mut bytes = Vec::with_capacity(len);
        bytes.extend(header.encode());
        bytes.extend(packed.nodes);
        bytes.extend(packed.names.into_bytes());
        bytes.extend(boot);
        bytes.resize(index_end, 0);
        bytes.extend(self.dictionary);
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
    /// Where each content is: the same one twice takes up space once.
    offsets: HashMap<Vec<u8>, u32>,
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
            let mut record = Record {
                kind: Record::DIRECTORY,
                name_offset: size(packed.names.len(), "the names")?,
                name_len: size(name.len(), "a name")?,
                parent,
                first: next_child,
                count: 0,
                size: 0,
            };
            match entry {
                Entry::Directory(Directory(children)) => {
                    record.count = size(children.len(), "a directory")?;
                    next_child = next_child
                        .checked_add(record.count)
                        .ok_or(too_large("the list of files"))?;
                    queue.extend(children.into_iter().map(|(name, entry)| (name, id, entry)));
                }
                Entry::File(content) => packed.add_content(&mut record, content)?,
            }
            packed.nodes.extend(record.encode());
            packed.names.push_str(&name);
            id += 1;
        }
        Ok(packed)
    }

    fn add_content(
        &mut self,
        record: &mut Record,
        content: Content<Vec<u8>>,
    ) -> Result<(), BundleError> {
        let (kind, bytes, len) = match content {
            Content::Stored(bytes) => {
                let len = size(bytes.len(), "a file")?;
                (Record::STORED, bytes, len)
            }
            Content::Compressed { frame, size } => (Record::COMPRESSED, frame, size),
        };
        record.kind = kind;
        record.count = size(bytes.len(), "a file")?;
        record.size = len;
        record.first = match self.offsets.get(&bytes) {
            Some(offset) => *offset,
            None => {
                let offset = self.data_len;
                self.data_len = offset
                    .checked_add(record.count)
                    .ok_or(too_large("the data"))?;
                self.offsets.insert(bytes.clone(), offset);
                self.contents.push(bytes);
                offset
            }
        };
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
    if parts.len() > DEPTH_MAX {
        return Err(problem("it has more than 1,000 parts"));
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
