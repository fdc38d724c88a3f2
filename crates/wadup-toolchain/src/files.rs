//! Copying file trees into results, the same way on every machine.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::step::ActionError;

/// Copies the files below `from` that `wanted` picks by their relative paths.
/// Modes are set, not inherited: a umask leaves no trace. Symbolic links are
/// followed.
pub(crate) fn copy_tree(
    from: &Path,
    to: &Path,
    wanted: impl Fn(&Path) -> bool,
) -> Result<(), ActionError> {
    copy_below(from, Path::new(""), to, &wanted)
}

fn copy_below(
    from: &Path,
    below: &Path,
    to: &Path,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<(), ActionError> {
    let folder = from.join(below);
    for name in sorted_entries(&folder).map_err(ActionError::file("list", &folder))? {
        let relative = below.join(name);
        if !wanted(&relative) {
            continue;
        }
        let source = from.join(&relative);
        if source.is_dir() {
            copy_below(from, &relative, to, wanted)?;
        } else {
            copy_file(&source, &to.join(&relative))?;
        }
    }
    Ok(())
}

/// Copies one file, with mode 644, and makes the folders above it.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), ActionError> {
    let parent = to.parent().unwrap_or(to);
    create_folder(parent)
        .and_then(|()| fs::copy(from, to))
        .and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(0o644)))
        .map_err(ActionError::file("copy", from))
}

/// Writes one file, with mode 644, and makes the folders above it.
pub(crate) fn write_file(path: &Path, content: impl AsRef<[u8]>) -> Result<(), ActionError> {
    let parent = path.parent().unwrap_or(path);
    create_folder(parent)
        .and_then(|()| fs::write(path, content))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o644)))
        .map_err(ActionError::file("write", path))
}

fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_folder(parent)?;
    }
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = folder
        .read_dir()?
        .map(|entry| entry.map(|entry| PathBuf::from(entry.file_name())))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_set_and_unwanted_files_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::create_dir_all(from.join("test")).unwrap();
        fs::write(from.join("a/b.py"), "b").unwrap();
        fs::write(from.join("test/c.py"), "c").unwrap();
        fs::set_permissions(from.join("a/b.py"), fs::Permissions::from_mode(0o600)).unwrap();
        copy_tree(&from, &to, |path| !path.starts_with("test")).unwrap();
        let mode = |path: &str| fs::metadata(to.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("a/b.py"), mode("a")), (0o644, 0o755));
        assert!(!to.join("test").exists());
    }
}
