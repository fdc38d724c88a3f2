//! Walking a folder in the order of its entries' names.
//!
//! To sort them, all names of a folder have to be there at once, and that is all that is kept of
//! them: one after the other in one buffer, so that a million take some ten megabytes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What is in a folder and in all folders below it, those themselves not included.
pub(super) struct Walk {
    /// The folders that the walk is in, each with what is left of it.
    open: Vec<Folder>,
}

/// Something that is no folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) is_link: bool,
}

/// A folder that cannot be read, or not to its end.
#[derive(Debug)]
pub(super) struct Unlistable {
    pub(super) path: PathBuf,
    pub(super) error: io::Error,
}

struct Folder {
    path: PathBuf,
    /// The names, each after a byte that tells what it is the name of.
    names: Vec<u8>,
    /// Where in `names` each is, in reverse order.
    left: Vec<Place>,
    /// Why there may be more than that.
    error: Option<io::Error>,
}

#[derive(Clone, Copy)]
struct Place {
    start: u32,
    /// At most 255 on all file systems of Linux.
    length: u16,
}

const FOLDER: u8 = 0;
const LINK: u8 = 1;
const OTHER: u8 = 2;

impl Walk {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            open: vec![Folder::list(path.to_path_buf())],
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Entry, Unlistable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let folder = self.open.last_mut()?;
            if let Some(error) = folder.error.take() {
                let path = folder.path.clone();
                return Some(Err(Unlistable { path, error }));
            }
            let Some(place) = folder.left.pop() else {
                self.open.pop();
                continue;
            };
            let (kind, name) = folder.entry(place);
            let path = folder.path.join(name);
            match kind {
                FOLDER => self.open.push(Folder::list(path)),
                kind => {
                    let is_link = kind == LINK;
                    return Some(Ok(Entry { path, is_link }));
                }
            }
        }
    }
}

impl Folder {
    fn list(path: PathBuf) -> Self {
        let mut folder = Self {
            path,
            names: Vec::new(),
            left: Vec::new(),
            error: None,
        };
        folder.error = folder.read().err();
        let Self { names, left, .. } = &mut folder;
        left.sort_unstable_by(|one, other| name(names, *other).cmp(name(names, *one)));
        folder
    }

    fn read(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let file_type = entry.file_type()?;
            let kind = match (file_type.is_dir(), file_type.is_symlink()) {
                (true, _) => FOLDER,
                (_, true) => LINK,
                _ => OTHER,
            };
            let name = OsString::into_vec(entry.file_name());
            let place = u32::try_from(self.names.len())
                .ok()
                .zip(u16::try_from(name.len()).ok());
            // Four gigabytes of names.
            let (start, length) = place.ok_or(io::ErrorKind::OutOfMemory)?;
            self.names.push(kind);
            self.names.extend(name);
            self.left.push(Place { start, length });
        }
        Ok(())
    }

    fn entry(&self, place: Place) -> (u8, &OsStr) {
        let name = OsStr::from_bytes(name(&self.names, place));
        (self.names[place.start as usize], name)
    }
}

fn name(names: &[u8], place: Place) -> &[u8] {
    let start = place.start as usize + 1;
    &names[start..start + usize::from(place.length)]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn entries_come_in_the_order_of_their_names() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["b", "b/inner", "empty", "c"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in ["z", "b/2", "b/10", "b/inner/x", "a", "c/y", "b.txt", "é"] {
            fs::write(at(file), "").unwrap();
        }
        symlink("nowhere", at("b/3")).unwrap();
        let odd = root.path().join(OsStr::from_bytes(b"\xff"));
        fs::write(&odd, "").unwrap();
        let found: Vec<Entry> = Walk::new(root.path()).map(Result::unwrap).collect();
        let names = [
            "a",
            "b/10",
            "b/2",
            "b/3",
            "b/inner/x",
            "b.txt",
            "c/y",
            "z",
            "é",
        ];
        let mut expected: Vec<Entry> = names
            .into_iter()
            .map(|name| Entry {
                path: at(name),
                is_link: name == "b/3",
            })
            .collect();
        expected.push(Entry {
            path: odd,
            is_link: false,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_that_is_gone_is_told_of_and_the_walk_goes_on() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a", "b"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("b/file"), "").unwrap();
        let walk = Walk::new(root.path());
        fs::remove_dir(root.path().join("a")).unwrap();
        let found: Vec<_> = walk.collect();
        assert!(matches!(&found[..], [
            Err(Unlistable { path, error }),
            Ok(Entry { path: file, .. }),
        ] if path.ends_with("a") && error.kind() == io::ErrorKind::NotFound && file.ends_with("b/file")));
    }
}
