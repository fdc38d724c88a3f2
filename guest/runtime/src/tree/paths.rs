//! Finding what a path leads to.

use wadup_protocol::bundle::{Kind, Node, WalkError};
use wasip1::{
    ERRNO_EXIST, ERRNO_ISDIR, ERRNO_NOENT, ERRNO_NOTCAPABLE, ERRNO_NOTDIR, ERRNO_ROFS, Errno,
    OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_EXCL, OFLAGS_TRUNC, Oflags, RIGHTS_FD_WRITE, Rights,
};

use super::stat::WRITE_ATTEMPT;

/// [`Node::id`] of `/`.
const ROOT_ID: u32 = 0;
/// What leads out of a mount is not for the tree to answer.
const OUTSIDE: Errno = ERRNO_NOTCAPABLE;

/// The file or directory at `path`, seen from a directory.
pub(super) fn find(directory: Node<'static>, path: &[u8]) -> Result<Node<'static>, Errno> {
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

/// What is to be opened.
pub(super) fn open(
    directory: Node<'static>,
    path: &[u8],
    oflags: Oflags,
    rights: Rights,
) -> Result<Node<'static>, Errno> {
    let creates = oflags & OFLAGS_CREAT != 0;
    let node = match find(directory, path) {
        Err(ERRNO_NOENT) if creates => return Err(why_not_created(directory, path)),
        Ok(_) if creates && oflags & OFLAGS_EXCL != 0 => return Err(ERRNO_EXIST),
        found => found?,
    };
    let writes = rights & (WRITE_ATTEMPT | RIGHTS_FD_WRITE) != 0 || oflags & OFLAGS_TRUNC != 0;
    match node.kind() {
        Kind::Directory if writes || creates => Err(ERRNO_ISDIR),
        Kind::File if oflags & OFLAGS_DIRECTORY != 0 => Err(ERRNO_NOTDIR),
        Kind::File if writes => Err(ERRNO_ROFS),
        _ => Ok(node),
    }
}

/// Answers a call that would make something new at `path`.
pub(super) fn refuse_new(directory: Node<'static>, path: &[u8]) -> Result<(), Errno> {
    match find(directory, path) {
        Ok(_) => Err(ERRNO_EXIST),
        Err(ERRNO_NOENT) => Err(why_not_created(directory, path)),
        Err(errno) => Err(errno),
    }
}

/// `EROFS` where only the last part of `path` is missing, `ENOENT` where more is.
fn why_not_created(directory: Node<'static>, path: &[u8]) -> Errno {
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |last| last + 1);
    let path = &path[..end];
    let name_start = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    match walk(directory, &path[..name_start]) {
        Ok(_) => ERRNO_ROFS,
        Err(errno) => errno,
    }
}

/// The mount that `node` is in: the ancestor right below the root.
fn mount_point(node: Node<'static>) -> Node<'static> {
    let mut node = node;
    while node.parent().id() != ROOT_ID {
        node = node.parent();
    }
    node
}
