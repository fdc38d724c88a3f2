//! What the tree's files say of themselves.

use wadup_protocol::bundle::{Kind, Node, TIMESTAMP};
use wasip1::{
    FILETYPE_DIRECTORY, FILETYPE_REGULAR_FILE, Fdstat, Filestat, Filetype, Inode,
    RIGHTS_FD_ALLOCATE, RIGHTS_FD_FILESTAT_GET, RIGHTS_FD_READ, RIGHTS_FD_READDIR, RIGHTS_FD_SEEK,
    RIGHTS_FD_TELL, RIGHTS_PATH_FILESTAT_GET, RIGHTS_PATH_OPEN, RIGHTS_PATH_READLINK, Rights,
};

/// `st_dev` of the tree: "wadup". No host uses it for a file system of its own.
const DEVICE: u64 = 0x0077_6164_7570;

const FILE_RIGHTS: Rights =
    RIGHTS_FD_READ | RIGHTS_FD_SEEK | RIGHTS_FD_TELL | RIGHTS_FD_FILESTAT_GET;

const DIRECTORY_RIGHTS: Rights = RIGHTS_FD_READDIR
    | RIGHTS_FD_FILESTAT_GET
    | RIGHTS_PATH_OPEN
    | RIGHTS_PATH_FILESTAT_GET
    | RIGHTS_PATH_READLINK;

/// wasi-libc's `open` asks for no more than a directory's inheriting rights. One of those that
/// only writing needs is among them, so that an attempt to write arrives here and is told
/// `EROFS`; it is not `RIGHTS_FD_WRITE`, which makes `access(…, W_OK)` say yes.
pub(super) const WRITE_ATTEMPT: Rights = RIGHTS_FD_ALLOCATE;

pub(super) fn filestat(node: Node<'_>) -> Filestat {
    let timestamp = TIMESTAMP * 1_000_000_000;
    Filestat {
        dev: DEVICE,
        ino: inode(node),
        filetype: filetype(node),
        nlink: 1,
        size: node.size(),
        atim: timestamp,
        mtim: timestamp,
        ctim: timestamp,
    }
}

pub(super) fn fdstat(node: Node<'_>) -> Fdstat {
    let (base, inheriting) = match node.kind() {
        Kind::Directory => (
            DIRECTORY_RIGHTS,
            DIRECTORY_RIGHTS | FILE_RIGHTS | WRITE_ATTEMPT,
        ),
        Kind::File => (FILE_RIGHTS, 0),
    };
    Fdstat {
        fs_filetype: filetype(node),
        fs_flags: 0,
        fs_rights_base: base,
        fs_rights_inheriting: inheriting,
    }
}

/// Never 0, which readers of directories take for "ask `stat`".
pub(super) fn inode(node: Node<'_>) -> Inode {
    u64::from(node.id()) + 1
}

pub(super) fn filetype(node: Node<'_>) -> Filetype {
    match node.kind() {
        Kind::Directory => FILETYPE_DIRECTORY,
        Kind::File => FILETYPE_REGULAR_FILE,
    }
}
