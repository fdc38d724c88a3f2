//! What is left of the changes to some folders after a power loss.
//!
//! A file's content is sure to be there once the file was synchronised, its name once the folder
//! was, as POSIX has it; file systems keep more. Of all other changes some may have come to the
//! disk, in any order, and of a write some sectors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::call::Change;

/// What of the changes that were not made durable is there after a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    Nothing,
    /// Each of them or not, and each sector of a write or not, by a seed.
    Some(u64),
    Everything,
}

const SECTOR: usize = 512;

/// Files and folders below some folders, and what was done to them since the beginning.
#[derive(Debug)]
pub struct Disk {
    roots: Vec<PathBuf>,
    before: Image,
    now: Image,
    done: Vec<Step>,
    /// Files that can be written to without a call.
    mapped: BTreeSet<PathBuf>,
}

/// A state of the folders. A file that has two names is one node.
#[derive(Debug, Clone, Default)]
struct Image {
    names: BTreeMap<PathBuf, Option<usize>>,
    nodes: Vec<Vec<u8>>,
}

/// Something that was done.
#[derive(Debug, Clone)]
enum Step {
    Write {
        node: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        node: usize,
        length: usize,
    },
    /// Names that appear (with their node, or a folder) or go, at once.
    Names(Vec<(PathBuf, Option<Option<usize>>)>),
    SyncNode(usize),
    SyncFolder(PathBuf),
}

impl Disk {
    /// As the folders are.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn new(roots: &[PathBuf]) -> io::Result<Self> {
        let mut before = Image::default();
        for root in roots {
            before.read(root)?;
        }
        Ok(Self {
            roots: roots.to_vec(),
            now: before.clone(),
            before,
            done: Vec::new(),
            mapped: BTreeSet::new(),
        })
    }

    /// Takes note of a change. `bytes` are those of a write.
    pub(crate) fn follow(&mut self, change: &Change, bytes: Option<Vec<u8>>) {
        match change {
            Change::Write(write) => {
                let node = self.node(&write.path);
                let bytes = bytes.unwrap_or_default();
                let end = self.now.nodes[node].len();
                let at = write.at.map_or(end, |at| at as usize);
                self.apply(Step::Write { node, at, bytes });
            }
            Change::Truncate { path, length } => {
                let (node, length) = (self.node(path), *length as usize);
                self.apply(Step::Truncate { node, length });
            }
            Change::Open {
                path,
                exclusive,
                truncate,
            } => match self.now.names.get(path) {
                None => {
                    let node = self.new_node();
                    self.names(vec![(path.clone(), Some(Some(node)))]);
                }
                Some(Some(node)) if *truncate && !exclusive => {
                    let node = *node;
                    self.apply(Step::Truncate { node, length: 0 });
                }
                Some(_) => {}
            },
            Change::Rename { from, to, replaces } => {
                let free = *replaces || !self.now.names.contains_key(to);
                if let (Some(node), true) = (self.now.names.get(from).copied(), free) {
                    assert!(node.is_some(), "a folder is renamed: {}", from.display());
                    self.names(vec![(to.clone(), Some(node)), (from.clone(), None)]);
                }
            }
            Change::Link { from, to } => {
                if !self.now.names.contains_key(to) {
                    let node = self.node(from);
                    self.names(vec![(to.clone(), Some(Some(node)))]);
                }
            }
            Change::MakeFolder { path } => {
                let parent = path.parent().unwrap_or(path);
                let has_parent = self.now.names.contains_key(parent);
                if has_parent && !self.now.names.contains_key(path) {
                    self.names(vec![(path.clone(), Some(None))]);
                }
            }
            Change::Remove { path } | Change::RemoveFolder { path } => {
                if self.now.names.contains_key(path) {
                    self.names(vec![(path.clone(), None)]);
                }
            }
            Change::Sync { path } => match self.now.names.get(path) {
                Some(None) => self.apply(Step::SyncFolder(path.clone())),
                _ => {
                    let node = self.node(path);
                    self.apply(Step::SyncNode(node));
                }
            },
            Change::Map { path } => drop(self.mapped.insert(path.clone())),
            Change::Unnamed { .. } | Change::Attributes { .. } => {}
            Change::Unknown { path } => {
                panic!("it is not known what this does: {}", path.display())
            }
        }
    }

    /// The file that is called so, or that had no name so far.
    fn node(&mut self, path: &Path) -> usize {
        match self.now.names.get(path) {
            Some(Some(node)) => *node,
            Some(None) => panic!("{} is a folder", path.display()),
            None => {
                // The kernel calls it `#NUMBER (deleted)`: nobody lists it, and it is gone with
                // the last descriptor. Among the names it stands for itself.
                let text = path.to_string_lossy();
                assert!(text.ends_with(" (deleted)"), "{text} is not known");
                let node = self.new_node();
                self.now.names.insert(path.to_owned(), Some(node));
                node
            }
        }
    }

    fn new_node(&mut self) -> usize {
        self.now.nodes.push(Vec::new());
        self.before.nodes.push(Vec::new());
        self.now.nodes.len() - 1
    }

    fn names(&mut self, names: Vec<(PathBuf, Option<Option<usize>>)>) {
        self.apply(Step::Names(names));
    }

    fn apply(&mut self, step: Step) {
        self.now.apply(&step);
        self.done.push(step);
    }

    /// Whether the folders hold what they should; what differs if not. Nothing may be running.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn differences(&self) -> io::Result<Vec<PathBuf>> {
        let mut real = Image::default();
        for root in &self.roots {
            real.read(root)?;
        }
        let content = |image: &Image, path: &PathBuf| {
            let node = image.names.get(path)?;
            Some(node.map(|node| image.nodes[node].clone()))
        };
        let names: BTreeSet<&PathBuf> = real.names.keys().chain(self.now.names.keys()).collect();
        let different = names.into_iter().filter(|name| {
            let unnamed = name.to_string_lossy().ends_with(" (deleted)");
            !unnamed
                && !self.mapped.contains(*name)
                && content(&real, name) != content(&self.now, name)
        });
        Ok(different.cloned().collect())
    }

    /// Makes the folders what they are after a power loss. Nothing may be running.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn lose_power(&self, survives: Survives) -> io::Result<()> {
        let image = self.after(survives);
        for root in &self.roots {
            clear(root)?;
        }
        for (path, node) in &image.names {
            let parent = path.parent().unwrap_or(path);
            let is_root = self.roots.contains(path);
            if is_root || !parent.is_dir() || path.to_string_lossy().ends_with(" (deleted)") {
                continue;
            }
            match node {
                None => fs::DirBuilder::new().mode(0o700).create(path)?,
                Some(node) => {
                    let mut options = fs::OpenOptions::new();
                    let mut file = options
                        .write(true)
                        .create_new(true)
                        .mode(0o600)
                        .open(path)?;
                    io::Write::write_all(&mut file, &image.nodes[*node])?;
                }
            }
        }
        Ok(())
    }

    fn after(&self, survives: Survives) -> Image {
        let mut image = self.before.clone();
        let (mut synced_nodes, mut synced_folders) = (BTreeSet::new(), BTreeSet::new());
        // From the end: what was synchronised later is sure.
        let mut sure = vec![false; self.done.len()];
        for (step, sure) in self.done.iter().zip(&mut sure).rev() {
            match step {
                Step::SyncNode(node) => drop(synced_nodes.insert(*node)),
                Step::SyncFolder(path) => drop(synced_folders.insert(path.as_path())),
                Step::Write { node, .. } | Step::Truncate { node, .. } => {
                    *sure = synced_nodes.contains(node);
                }
                Step::Names(names) => {
                    let folder =
                        |path: &PathBuf| path.parent().is_some_and(|p| synced_folders.contains(p));
                    *sure = names.iter().any(|(path, _)| folder(path));
                }
            }
        }
        let mut chance = match survives {
            Survives::Some(seed) => Some(StdRng::seed_from_u64(seed)),
            Survives::Nothing | Survives::Everything => None,
        };
        let mut kept = || match &mut chance {
            Some(random) => random.random_bool(0.5),
            None => survives == Survives::Everything,
        };
        for (step, sure) in self.done.iter().zip(sure) {
            match step {
                Step::Write { node, at, bytes } if !sure => {
                    let mut at = *at;
                    let mut rest = bytes.as_slice();
                    while !rest.is_empty() {
                        let (sector, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                        if kept() {
                            image.write(*node, at, sector);
                        }
                        at += sector.len();
                        rest = more;
                    }
                }
                _ if sure || kept() => image.apply(step),
                _ => {}
            }
        }
        image
    }
}

fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    Ok(())
}

impl Image {
    fn read(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            self.names.insert(path.to_owned(), None);
            for entry in fs::read_dir(path)? {
                self.read(&entry?.path())?;
            }
        } else {
            self.nodes.push(fs::read(path)?);
            self.names
                .insert(path.to_owned(), Some(self.nodes.len() - 1));
        }
        Ok(())
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { node, at, bytes } => self.write(*node, *at, bytes),
            Step::Truncate { node, length } => self.nodes[*node].resize(*length, 0),
            Step::Names(names) => {
                for (path, node) in names {
                    match node {
                        Some(node) => drop(self.names.insert(path.clone(), *node)),
                        None => drop(self.names.remove(path)),
                    }
                }
            }
            Step::SyncNode(_) | Step::SyncFolder(_) => {}
        }
    }

    fn write(&mut self, node: usize, at: usize, bytes: &[u8]) {
        let content = &mut self.nodes[node];
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
    }
}
