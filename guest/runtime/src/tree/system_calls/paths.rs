//! Finding what a path leads to.

use std::ffi::{CStr, c_char};

use wadup_protocol::bundle::{Kind, Node, WalkError};
use wasip1::{
    ERRNO_EXIST, ERRNO_ISDIR, ERRNO_NOENT, ERRNO_NOTDIR, ERRNO_ROFS, Errno, OFLAGS_CREAT,
    OFLAGS_DIRECTORY, OFLAGS_EXCL, OFLAGS_TRUNC, Oflags, RIGHTS_FD_WRITE, Rights,
};

use super::OUTSIDE;
use crate::tree::descriptors::descriptors;
use crate::tree::stat::WRITE_ATTEMPT;

/// [`Node::id`] of `/`.
const ROOT_ID: u32 = 0;

/// The file or directory at `path`, seen from the directory `fd`.
///
/// # Safety
/// `path` is a C string.
pub(super) unsafe fn find(fd: u32, path: *const c_char) -> Result<Node<'static>, Errno> {
    let directory = descriptors().directory(fd)?;
    // SAFETY: as this function's.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    if path.is_empty() {
        return Err(ERRNO_NOENT);
    }
    walk(directory, path)
}

fn walk(directory: Node<'static>, path: &[u8]) -> Result<Node<'static>, Errno> {
    directory
        .walk(path, mount_point(directory))
        .map_err(|error| match error {
            WalkError::NotFound => ERRNO_NOENT,
            WalkError::NotADirectory => ERRNO_NOTDIR,
            WalkError::Outside => OUTSIDE,
        })
}

/// # Safety
/// `path` is a C string.
pub(super) unsafe fn open(
    fd: u32,
    path: *const c_char,
    oflags: Oflags,
    rights: Rights,
) -> Result<u32, Errno> {
    // SAFETY: as this function's.
    let found = unsafe { find(fd, path) };
    let creates = oflags & OFLAGS_CREAT != 0;
    let node = match found {
        // SAFETY: as this function's.
        Err(ERRNO_NOENT) if creates => return Err(unsafe { why_not_created(fd, path) }),
        Ok(_) if creates && oflags & OFLAGS_EXCL != 0 => return Err(ERRNO_EXIST),
        found => found?,
    };
    let writes = rights & (WRITE_ATTEMPT | RIGHTS_FD_WRITE) != 0 || oflags & OFLAGS_TRUNC != 0;
    match node.kind() {
        Kind::Directory if writes || creates => Err(ERRNO_ISDIR),
        Kind::File if oflags & OFLAGS_DIRECTORY != 0 => Err(ERRNO_NOTDIR),
        Kind::File if writes => Err(ERRNO_ROFS),
        _ => descriptors().open(node),
    }
}

/// Answers a call that would make something new at `path`.
///
/// # Safety
/// `path` is a C string.
pub(super) unsafe fn refuse_new(fd: u32, path: *const c_char) -> Result<(), Errno> {
    // SAFETY: as this function's.
    match unsafe { find(fd, path) } {
        Ok(_) => Err(ERRNO_EXIST),
        // SAFETY: as this function's.
        Err(ERRNO_NOENT) => Err(unsafe { why_not_created(fd, path) }),
        Err(errno) => Err(errno),
    }
}

/// `EROFS` where only the last part of `path` is missing, `ENOENT` where more is.
///
/// # Safety
/// `path` is a C string.
unsafe fn why_not_created(fd: u32, path: *const c_char) -> Errno {
    // SAFETY: as this function's.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |last| last + 1);
    let path = &path[..end];
    let name_start = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    match descriptors()
        .directory(fd)
        .and_then(|directory| walk(directory, &path[..name_start]))
    {
        Ok(_) => ERRNO_ROFS,
        Err(errno) => errno,
    }
}

/// Answers a call that would change or remove what is at `path`.
///
/// # Safety
/// `path` is a C string.
pub(super) unsafe fn refuse_change(fd: u32, path: *const c_char) -> Result<(), Errno> {
    // SAFETY: as this function's.
    unsafe { find(fd, path) }.and(Err(ERRNO_ROFS))
}

/// The mount that `node` is in: the ancestor right below the root.
fn mount_point(node: Node<'static>) -> Node<'static> {
    let mut node = node;
    while node.parent().id() != ROOT_ID {
        node = node.parent();
    }
    node
}
