//! Files of the repository that are part of the binary.

use std::fs;
use std::io;
use std::path::Path;

use crate::digest::{KeyBuilder, Sha256};

/// Paths relative to the repository's root, sorted, and contents.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The content of one embedded file.
pub(crate) fn file(path: &str) -> Option<&'static [u8]> {
    let index = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    Some(FILES[index].1)
}

/// The embedded files below `folder`, by path relative to it.
pub(crate) fn folder(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(name, content)| {
        let name = name.strip_prefix(folder)?.strip_prefix('/')?;
        Some((name, *content))
    })
}

/// The guest's Python files, by path relative to `guest/python`, in the order of
/// their paths: the package `wadup`, and the driver of the bytecode compiler.
pub fn guest_python() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    folder("guest/python")
}

/// Adds the files below `path` to a step's key.
pub(crate) fn describe(path: &str, key: &mut KeyBuilder) {
    let lines = folder(path).map(|(name, content)| format!("{} {name}", Sha256::of(content)));
    key.list(path, lines);
}

/// Writes the files below `path` into the folder `destination`.
pub(crate) fn lay_out(path: &str, destination: &Path) -> io::Result<()> {
    for (name, content) in folder(path) {
        let file = destination.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_are_embedded() {
        assert!(file("recipes/sources.toml").is_some());
        assert!(file("recipes/absent.toml").is_none());
        assert!(folder("recipes/extensions").any(|(name, _)| name == "pydantic-core.toml"));
    }

    #[test]
    fn files_are_sorted_for_the_search() {
        assert!(FILES.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn a_folder_is_laid_out_again() {
        let folder = tempfile::tempdir().unwrap();
        lay_out("crates/wadup-protocol", folder.path()).unwrap();
        let manifest = fs::read(folder.path().join("Cargo.toml")).unwrap();
        assert_eq!(Some(&*manifest), file("crates/wadup-protocol/Cargo.toml"));
    }
}
