//! System calls, and what they change.

use std::io;
use std::path::{Path, PathBuf};

use crate::process::Thread;
use crate::seccomp::{Notification, When};

/// Bits of `open` with which a file may come to be, or lose its content.
const MAKES: u32 = (libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE & !libc::O_DIRECTORY) as u32;

/// All calls that can change a file, a folder, or what survives of them.
pub(crate) fn all() -> Vec<(i64, When)> {
    let always = ALWAYS.iter().map(|(number, _)| (*number, When::Always));
    let bits = |number, argument, bits| (number, When::Bits { argument, bits });
    let ioctl = |value| (libc::SYS_ioctl, When::Is { argument: 1, value });
    always
        .chain([
            bits(libc::SYS_open, 1, MAKES),
            bits(libc::SYS_openat, 2, MAKES),
            bits(libc::SYS_mmap, 3, libc::MAP_SHARED as u32),
            // FICLONE, FICLONERANGE, FIDEDUPERANGE
            ioctl(0x4004_9409),
            ioctl(0x4020_940d),
            ioctl(0xc018_9436),
        ])
        .collect()
}

const ALWAYS: [(i64, &str); 55] = [
    (libc::SYS_write, "write"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_writev, "writev"),
    (libc::SYS_pwritev, "pwritev"),
    (libc::SYS_pwritev2, "pwritev2"),
    (libc::SYS_sendfile, "sendfile"),
    (libc::SYS_splice, "splice"),
    (libc::SYS_copy_file_range, "copy_file_range"),
    (libc::SYS_creat, "creat"),
    (libc::SYS_openat2, "openat2"),
    (libc::SYS_truncate, "truncate"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_sync_file_range, "sync_file_range"),
    (libc::SYS_sync, "sync"),
    (libc::SYS_syncfs, "syncfs"),
    (libc::SYS_msync, "msync"),
    (libc::SYS_rename, "rename"),
    (libc::SYS_renameat, "renameat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_link, "link"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_symlink, "symlink"),
    (libc::SYS_symlinkat, "symlinkat"),
    (libc::SYS_unlink, "unlink"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_rmdir, "rmdir"),
    (libc::SYS_mkdir, "mkdir"),
    (libc::SYS_mkdirat, "mkdirat"),
    (libc::SYS_mknod, "mknod"),
    (libc::SYS_mknodat, "mknodat"),
    (libc::SYS_chmod, "chmod"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fchmodat, "fchmodat"),
    (FCHMODAT2, "fchmodat2"),
    (libc::SYS_chown, "chown"),
    (libc::SYS_lchown, "lchown"),
    (libc::SYS_fchown, "fchown"),
    (libc::SYS_fchownat, "fchownat"),
    (libc::SYS_utime, "utime"),
    (libc::SYS_utimes, "utimes"),
    (libc::SYS_futimesat, "futimesat"),
    (libc::SYS_utimensat, "utimensat"),
    (libc::SYS_setxattr, "setxattr"),
    (libc::SYS_lsetxattr, "lsetxattr"),
    (libc::SYS_fsetxattr, "fsetxattr"),
    (libc::SYS_removexattr, "removexattr"),
    (libc::SYS_lremovexattr, "lremovexattr"),
    (libc::SYS_fremovexattr, "fremovexattr"),
    (libc::SYS_io_submit, "io_submit"),
    (libc::SYS_io_uring_setup, "io_uring_setup"),
    (libc::SYS_swapon, "swapon"),
    (libc::SYS_process_madvise, "process_madvise"),
];
const FCHMODAT2: i64 = 452;

/// What a call is about to do.
#[derive(Debug)]
pub(crate) enum Change {
    Write(Write),
    Truncate {
        path: PathBuf,
        length: u64,
    },
    /// An `open` that makes or empties a file.
    Open {
        path: PathBuf,
        exclusive: bool,
        truncate: bool,
    },
    /// A file that has no name yet, in a folder.
    Unnamed {
        folder: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        replaces: bool,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    MakeFolder {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
    Sync {
        path: PathBuf,
    },
    /// From now on the process can write to the file without a call.
    Map {
        path: PathBuf,
    },
    /// Modes, times and the like.
    Attributes {
        path: PathBuf,
    },
    /// Something that wadup has not done so far.
    Unknown {
        path: PathBuf,
    },
}

/// Bytes that go to a file.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) path: PathBuf,
    pub(crate) fd: i32,
    /// `None`: to the end.
    pub(crate) at: Option<u64>,
    /// Whether the file's position moves on.
    pub(crate) moves: bool,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Memory { address: u64, length: u64 },
    Vector { address: u64, count: u64 },
}

impl Write {
    pub(crate) fn bytes(&self, thread: Thread) -> io::Result<Vec<u8>> {
        match self.source {
            Source::Memory { address, length } => thread.memory(address, length as usize),
            Source::Vector { address, count } => thread.gather(address, count),
        }
    }
}

impl Change {
    /// What it is called, and what it changes; `None` if that is nothing that has a path.
    pub(crate) fn of(call: &Notification) -> Option<(&'static str, Self)> {
        let name = name(call.number);
        Self::decode(name, call)
            .ok()
            .flatten()
            .map(|change| (name, change))
    }

    fn decode(name: &str, call: &Notification) -> io::Result<Option<Self>> {
        let thread = Thread(call.thread);
        let arguments = call.arguments;
        let argument = |index: usize| arguments[index] as i32;
        let at = |folder: usize, path: usize| thread.path(argument(folder), arguments[path]);
        let here = |path: usize| thread.path(libc::AT_FDCWD, arguments[path]);
        let file = |fd: usize| thread.open_file(argument(fd));
        let memory = Source::Memory {
            address: arguments[1],
            length: arguments[2],
        };
        let vector = Source::Vector {
            address: arguments[1],
            count: arguments[2],
        };
        Ok(Some(match name {
            "write" => write(argument(0), file(0)?, None, memory),
            "writev" => write(argument(0), file(0)?, None, vector),
            "pwrite64" => write(argument(0), file(0)?, Some(arguments[3]), memory),
            "pwritev" => write(argument(0), file(0)?, Some(arguments[3]), vector),
            "open" => open(here(0)?, argument(1)),
            "openat" => open(at(0, 1)?, argument(2)),
            "creat" => open(here(0)?, libc::O_CREAT | libc::O_TRUNC),
            "openat2" => match thread.word(arguments[2])? as i32 {
                flags if flags as u32 & MAKES == 0 => return Ok(None),
                flags => open(at(0, 1)?, flags),
            },
            "truncate" => Self::Truncate {
                path: here(0)?,
                length: arguments[1],
            },
            "ftruncate" => Self::Truncate {
                path: file(0)?.path,
                length: arguments[1],
            },
            "fsync" | "fdatasync" => Self::Sync {
                path: file(0)?.path,
            },
            "rename" => rename(here(0)?, here(1)?, 0),
            "renameat" => rename(at(0, 1)?, at(2, 3)?, 0),
            "renameat2" => rename(at(0, 1)?, at(2, 3)?, arguments[4]),
            "link" => Self::Link {
                from: here(0)?,
                to: here(1)?,
            },
            "linkat" => Self::Link {
                from: at(0, 1)?,
                to: at(2, 3)?,
            },
            "unlink" => Self::Remove { path: here(0)? },
            "unlinkat" => match argument(2) & libc::AT_REMOVEDIR {
                0 => Self::Remove { path: at(0, 1)? },
                _ => Self::RemoveFolder { path: at(0, 1)? },
            },
            "rmdir" => Self::RemoveFolder { path: here(0)? },
            "mkdir" => Self::MakeFolder { path: here(0)? },
            "mkdirat" => Self::MakeFolder { path: at(0, 1)? },
            "mmap" => match argument(4) {
                -1 => return Ok(None),
                _ => match file(4)? {
                    file if file.is_writable => Self::Map { path: file.path },
                    _ => return Ok(None),
                },
            },
            "fchmod" | "fchown" | "fsetxattr" | "fremovexattr" => Self::Attributes {
                path: file(0)?.path,
            },
            // A null pointer stands for the file itself.
            "utimensat" if arguments[1] == 0 => Self::Attributes {
                path: file(0)?.path,
            },
            "fchmodat" | "fchmodat2" | "fchownat" | "utimensat" | "futimesat" => {
                Self::Attributes { path: at(0, 1)? }
            }
            "chmod" | "chown" | "lchown" | "utime" | "utimes" | "setxattr" | "lsetxattr"
            | "removexattr" | "lremovexattr" => Self::Attributes { path: here(0)? },
            "symlink" | "mknod" => Self::Unknown {
                path: here(usize::from(name == "symlink"))?,
            },
            "symlinkat" => Self::Unknown { path: at(1, 2)? },
            "mknodat" => Self::Unknown { path: at(0, 1)? },
            "copy_file_range" | "splice" => Self::Unknown {
                path: file(2)?.path,
            },
            "pwritev2" | "sendfile" | "fallocate" | "sync_file_range" | "ioctl" => Self::Unknown {
                path: file(0)?.path,
            },
            // Without a file: whatever they do, it is everywhere.
            _ => Self::Unknown {
                path: PathBuf::from("/"),
            },
        }))
    }

    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Write(Write { path, .. })
            | Self::Truncate { path, .. }
            | Self::Open { path, .. }
            | Self::Unnamed { folder: path }
            | Self::Remove { path }
            | Self::MakeFolder { path }
            | Self::RemoveFolder { path }
            | Self::Sync { path }
            | Self::Map { path }
            | Self::Attributes { path }
            | Self::Unknown { path } => vec![path],
            Self::Rename { from, to, .. } | Self::Link { from, to } => vec![from, to],
        }
    }
}

fn name(number: i64) -> &'static str {
    match number {
        libc::SYS_open => "open",
        libc::SYS_openat => "openat",
        libc::SYS_mmap => "mmap",
        libc::SYS_ioctl => "ioctl",
        _ => ALWAYS
            .iter()
            .find(|(known, _)| *known == number)
            .map_or("unknown", |(_, name)| name),
    }
}

fn write(fd: i32, file: crate::process::OpenFile, at: Option<u64>, source: Source) -> Change {
    Change::Write(Write {
        path: file.path,
        fd,
        at: match file.appends {
            true => None,
            false => Some(at.unwrap_or(file.position)),
        },
        moves: at.is_none(),
        source,
    })
}

fn open(path: PathBuf, flags: i32) -> Change {
    match flags & libc::O_TMPFILE == libc::O_TMPFILE {
        true => Change::Unnamed { folder: path },
        false => Change::Open {
            path,
            exclusive: flags & libc::O_EXCL != 0,
            truncate: flags & libc::O_TRUNC != 0,
        },
    }
}

fn rename(from: PathBuf, to: PathBuf, flags: u64) -> Change {
    match flags as u32 {
        0 => Change::Rename {
            from,
            to,
            replaces: true,
        },
        libc::RENAME_NOREPLACE => Change::Rename {
            from,
            to,
            replaces: false,
        },
        _ => Change::Unknown { path: to },
    }
}
