//! Real files: the sources of the crates that wadup is made of, as `Cargo.lock` has them, cut
//! into pieces. So the same checkout has the same inputs on any machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::context::{Context, output};

/// Longer files are data of tests, most of them.
const LONGEST: u64 = 256 << 10;
/// What has a meaning by its name is not cut.
const WHOLE: &str = "Cargo.toml";

/// A folder of inputs.
#[derive(Debug)]
pub(super) struct Corpus {
    pub(super) folder: PathBuf,
    pub(super) inputs: u64,
    pub(super) bytes: u64,
    /// SHA-256 of all of it, in hex.
    pub(super) digest: String,
}

struct Found {
    /// Below the folder of all inputs.
    name: PathBuf,
    path: PathBuf,
    length: u64,
}

impl Corpus {
    /// Makes `count` inputs below `folder`.
    pub(super) fn make(context: &Context, folder: PathBuf, count: u64) -> anyhow::Result<Self> {
        let files = files()?;
        let size = piece_size(&files, count)?;
        let mut corpus = Self {
            folder,
            inputs: 0,
            bytes: 0,
            digest: String::new(),
        };
        let mut hasher = Sha256::new();
        for file in &files {
            context.check()?;
            let bytes = fs::read(&file.path)
                .with_context(|| format!("failed to read {}", file.path.display()))?;
            let mut write = |name: &Path, bytes: &[u8]| -> anyhow::Result<()> {
                if corpus.inputs < count {
                    hasher.update(name.as_os_str().as_encoded_bytes());
                    hasher.update(bytes);
                    corpus.write(name, bytes)?;
                }
                Ok(())
            };
            if pieces(file, size) == 1 {
                write(&file.name, &bytes)?;
            } else {
                for (number, piece) in bytes.chunks(size as usize).enumerate() {
                    write(&file.name.join(format!("{number:03}")), piece)?;
                }
            }
        }
        corpus.digest = hasher
            .finalize()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        ensure!(corpus.inputs == count, "there are {} inputs", corpus.inputs);
        Ok(corpus)
    }

    fn write(&mut self, name: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("failed to write {}", path.display()))?;
        self.inputs += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn pieces(file: &Found, size: u64) -> u64 {
    match file.name.ends_with(WHOLE) {
        true => 1,
        false => file.length.div_ceil(size).max(1),
    }
}

/// The largest size that gives enough pieces.
fn piece_size(files: &[Found], count: u64) -> anyhow::Result<u64> {
    let enough = |size: u64| files.iter().map(|file| pieces(file, size)).sum::<u64>() >= count;
    let (mut low, mut high) = (1, LONGEST);
    ensure!(enough(low), "there are too few files for {count} inputs");
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match enough(middle) {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    Ok(low)
}

/// The part of `cargo metadata` that is needed.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    /// None for wadup's own.
    source: Option<String>,
}

/// The files of all crates from a registry, in order.
fn files() -> anyhow::Result<Vec<Found>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: Metadata = serde_json::from_str(&output(&mut cargo)?)?;
    let mut files = Vec::new();
    for package in metadata.packages {
        let root = package.manifest_path.parent();
        if let (Some(root), Some(_)) = (root, package.source) {
            // The folder of a crate is called after its name and version.
            let name = root.file_name().unwrap_or_default();
            find(root, Path::new(name), &mut files)?;
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

fn find(folder: &Path, name: &Path, files: &mut Vec<Found>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        let name = name.join(entry.file_name());
        if file_type.is_dir() {
            find(&entry.path(), &name, files)?;
        } else if file_type.is_file() {
            let length = entry.metadata()?.len();
            if length <= LONGEST {
                files.push(Found {
                    name,
                    path: entry.path(),
                    length,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_as_large_as_they_can_be() {
        let file = |name: &str, length| Found {
            name: name.into(),
            path: PathBuf::new(),
            length,
        };
        let files = [file("a", 100), file("b", 0), file("c/Cargo.toml", 100)];
        assert_eq!(piece_size(&files, 3).unwrap(), LONGEST);
        assert_eq!(piece_size(&files, 4).unwrap(), 99);
        assert_eq!(piece_size(&files, 102).unwrap(), 1);
        assert!(piece_size(&files, 103).is_err());
    }
}
