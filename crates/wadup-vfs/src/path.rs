use crate::Error;

/// Longest name of an entry, in bytes.
pub const NAME_MAX: usize = 255;
/// Longest path, in bytes, with the terminating NUL that it has in C.
pub const PATH_MAX: usize = 4096;
/// How many symbolic links one resolution follows.
pub const SYMLINK_MAX: usize = 40;

/// Refuses what cannot be a path, before any work is done on it.
pub(crate) fn check(path: &[u8]) -> Result<(), Error> {
    if path.is_empty() {
        return Err(Error::NotFound);
    }
    if path.len() >= PATH_MAX {
        return Err(Error::NameTooLong);
    }
    if path.contains(&0) {
        return Err(Error::Invalid);
    }
    Ok(())
}

/// Takes the first component off `path` (slashes before it are skipped). `None` if there is none.
pub(crate) fn next_component<'a>(path: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = path.iter().position(|byte| *byte != b'/')?;
    let rest = &path[start..];
    let end = rest
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(rest.len());
    let (component, rest) = rest.split_at(end);
    *path = rest;
    Some(component)
}

/// Whether nothing but slashes is left.
pub(crate) fn is_exhausted(path: &[u8]) -> bool {
    path.iter().all(|byte| *byte == b'/')
}
