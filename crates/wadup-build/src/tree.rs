//! Files by their absolute path in the guest.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wadup_protocol::bundle::{Boot, Bundle, BundleError, BundleWriter, Content, Node};
use wadup_protocol::manifest::Start;

use crate::digest::{Digest, Hasher};
use crate::output::{FileKind, PackedFile};

/// A file tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

/// A file tree as it goes into the bundle, and is kept until then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PackedTree {
    files: BTreeMap<String, Content<Vec<u8>>>,
}

/// Two packages want different files in one place.
#[derive(Debug, Error)]
#[error("{first} and {second} both have the file {path}, with different content")]
pub struct Conflict {
    pub path: String,
    pub first: String,
    pub second: String,
}

/// A folder could not be read.
#[derive(Debug, Error)]
#[error("failed to read {}", path.display())]
pub struct ReadError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl Tree {
    pub(crate) fn insert(&mut self, path: String, content: Vec<u8>) {
        self.files.insert(path, content);
    }

    pub(crate) fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        self.files.retain(|path, _| keeps(path));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    pub(crate) fn into_files(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.files.into_iter()
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("tree");
        for (path, content) in self.iter() {
            hasher.text(path).part(content);
        }
        hasher.finish()
    }

    /// All files below the folder `root`, placed below `prefix`.
    pub(crate) fn read(root: &Path, prefix: &str) -> Result<Self, ReadError> {
        let mut tree = Self::default();
        tree.read_folder(root, prefix)?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), ReadError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadError { path, source }
        };
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            let file = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                let source = io::Error::new(io::ErrorKind::InvalidData, "a name is not UTF-8");
                return Err(failed(&file)(source));
            };
            // The cache's own record of a step is none of the step's result.
            if name.starts_with(".wadup-") {
                continue;
            }
            let path = format!("{prefix}/{name}");
            if file.is_dir() {
                self.read_folder(&file, &path)?;
            } else {
                let content = fs::read(&file).map_err(failed(&file))?;
                self.insert(path, content);
            }
        }
        Ok(())
    }
}

impl PackedTree {
    #[cfg(test)]
    pub(crate) fn get(&self, path: &str) -> Option<&Content<Vec<u8>>> {
        self.files.get(path)
    }

    /// The tree in the bundle's own format, for the cache.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let mut writer = BundleWriter::new(Boot {
            entry_point: String::new(),
            start: Start::Cold,
            hash_seed: 0,
        });
        for (path, content) in &self.files {
            writer.add_file(path, content.clone())?;
        }
        writer.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle = Bundle::parse(bytes)?;
        let mut tree = Self::default();
        tree.read_node(&bundle.root(), "");
        Ok(tree)
    }

    fn read_node(&mut self, directory: &Node<'_>, prefix: &str) {
        for node in directory.children() {
            let path = format!("{prefix}/{}", node.name());
            match node.content() {
                None => self.read_node(&node, &path),
                Some(content) => {
                    let content = match content {
                        Content::Stored(bytes) => Content::Stored(bytes.to_vec()),
                        Content::Compressed { frame, size } => Content::Compressed {
                            frame: frame.to_vec(),
                            size,
                        },
                    };
                    self.files.insert(path, content);
                }
            }
        }
    }
}

impl From<Tree> for PackedTree {
    fn from(tree: Tree) -> Self {
        let files = tree.files.into_iter();
        files
            .map(|(path, content)| (path, Content::Stored(content)))
            .collect()
    }
}

impl FromIterator<(String, Content<Vec<u8>>)> for PackedTree {
    fn from_iter<I: IntoIterator<Item = (String, Content<Vec<u8>>)>>(files: I) -> Self {
        Self {
            files: files.into_iter().collect(),
        }
    }
}

/// Several trees laid over each other, where no file may be in the place of another.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    files: BTreeMap<String, (Content<Vec<u8>>, String)>,
}

impl Merged {
    /// Adds what `owner` brings. The same file twice is allowed.
    pub(crate) fn add(&mut self, tree: impl Into<PackedTree>, owner: &str) -> Result<(), Conflict> {
        for (path, content) in tree.into().files {
            match self.files.entry(path) {
                Entry::Vacant(vacant) => {
                    vacant.insert((content, owner.to_owned()));
                }
                Entry::Occupied(occupied) if occupied.get().0 == content => {}
                Entry::Occupied(occupied) => {
                    return Err(Conflict {
                        path: occupied.key().clone(),
                        first: occupied.get().1.clone(),
                        second: owner.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn listing(&self) -> Vec<PackedFile> {
        let file = |(path, (content, _)): (&String, &(Content<Vec<u8>>, String))| PackedFile {
            path: path.clone(),
            size: content.size(),
            kind: FileKind::of(path),
        };
        self.files.iter().map(file).collect()
    }

    /// `dictionary` is what the compressed files were compressed with.
    pub(crate) fn into_bundle(
        self,
        boot: Boot,
        dictionary: Vec<u8>,
    ) -> Result<Vec<u8>, BundleError> {
        let mut writer = BundleWriter::new(boot).with_dictionary(dictionary);
        for (path, (content, _)) in self.files {
            writer.add_file(&path, content)?;
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, content) in files {
            tree.insert((*path).to_owned(), content.as_bytes().to_vec());
        }
        tree
    }

    #[test]
    fn a_packed_tree_is_the_same_when_it_is_read_back() {
        let tree = tree(&[("/lib/a/b.py", "x"), ("/lib/a/c", ""), ("/app/d.py", "y")]);
        let pack = |(path, content): (String, Vec<u8>)| match content.as_slice() {
            b"x" => {
                let frame = b"frame".to_vec();
                (path, Content::Compressed { frame, size: 1 })
            }
            _ => (path, Content::Stored(content)),
        };
        let packed: PackedTree = tree.into_files().map(pack).collect();
        let bytes = packed.to_bytes().unwrap();
        assert_eq!(PackedTree::from_bytes(&bytes).unwrap(), packed);
    }

    #[test]
    fn the_deepest_tree_is_read_back() {
        let path = format!("/lib{}", "/a".repeat(999));
        let packed = PackedTree::from(tree(&[(&path, "x")]));
        let bytes = packed.to_bytes().unwrap();
        assert_eq!(PackedTree::from_bytes(&bytes).unwrap(), packed);
    }

    #[test]
    fn one_file_twice_is_no_conflict_and_two_are() {
        let mut merged = Merged::default();
        merged
            .add(tree(&[("/lib/t/__init__.py", "")]), "a")
            .unwrap();
        merged
            .add(tree(&[("/lib/t/__init__.py", "")]), "b")
            .unwrap();
        let conflict = merged
            .add(tree(&[("/lib/t/__init__.py", "x")]), "c")
            .unwrap_err();
        insta::assert_snapshot!(conflict, @"a and c both have the file /lib/t/__init__.py, with different content");
    }
}
