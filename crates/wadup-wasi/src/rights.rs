//! Rights are reported, because libcs derive the access mode of a descriptor from them, but not
//! enforced one by one: a descriptor is open for reading, for writing, or both.

use wadup_vfs::Handle;

use crate::abi::types::Rights;

const READING: Rights = Rights::FD_READ;
const WRITING: Rights = Rights::FD_WRITE
    .union(Rights::FD_DATASYNC)
    .union(Rights::FD_ALLOCATE)
    .union(Rights::FD_FILESTAT_SET_SIZE);
const SEEKING: Rights = Rights::FD_SEEK.union(Rights::FD_TELL);
const ANY: Rights = Rights::FD_FDSTAT_SET_FLAGS
    .union(Rights::FD_SYNC)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::POLL_FD_READWRITE);

/// A character device without the right to seek is what libcs take for a terminal.
pub(crate) const STDIN: Rights = READING.union(SEEKING).union(ANY);
pub(crate) const OUTPUT: Rights = Rights::FD_WRITE.union(ANY);
pub(crate) const FILE: Rights = READING
    .union(WRITING)
    .union(SEEKING)
    .union(ANY)
    .union(Rights::FD_ADVISE)
    .union(Rights::FD_FILESTAT_SET_TIMES);
pub(crate) const DIRECTORY: Rights = Rights::FD_FDSTAT_SET_FLAGS
    .union(Rights::FD_SYNC)
    .union(Rights::FD_DATASYNC)
    .union(Rights::FD_READDIR)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::FD_FILESTAT_SET_TIMES)
    .union(Rights::PATH_CREATE_DIRECTORY)
    .union(Rights::PATH_CREATE_FILE)
    .union(Rights::PATH_LINK_SOURCE)
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_OPEN)
    .union(Rights::PATH_READLINK)
    .union(Rights::PATH_RENAME_SOURCE)
    .union(Rights::PATH_RENAME_TARGET)
    .union(Rights::PATH_FILESTAT_GET)
    .union(Rights::PATH_FILESTAT_SET_SIZE)
    .union(Rights::PATH_FILESTAT_SET_TIMES)
    .union(Rights::PATH_SYMLINK)
    .union(Rights::PATH_REMOVE_DIRECTORY)
    .union(Rights::PATH_UNLINK_FILE);

/// What an open file or device can do.
pub(crate) fn of_file(handle: &Handle) -> Rights {
    let mut rights = FILE;
    rights.set(READING, handle.is_readable());
    rights.set(WRITING, handle.is_writable());
    rights
}
