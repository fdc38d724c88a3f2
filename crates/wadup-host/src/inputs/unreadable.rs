//! Why an input could not be read.

use std::io;
use std::sync::Arc;

use rustix::io::Errno;

/// Why an input could not be read. It is an outcome, not an error of the run.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("no such file")]
    NotFound,
    #[error("permission denied")]
    PermissionDenied,
    #[error("too many levels of symbolic links")]
    SymlinkLoop,
    #[error("it is a directory")]
    Directory,
    #[error("it is a named pipe (FIFO)")]
    Fifo,
    #[error("it is a socket")]
    Socket,
    #[error("it is a device")]
    Device,
    #[error("it is what the run writes")]
    Output,
    #[error("it changed while it was read")]
    Changed,
    #[error(
        "it has more than {limit} bytes, the most that are taken from where the length is not known"
    )]
    TooLong { limit: u64 },
    #[error("{0}")]
    Io(Arc<io::Error>),
}

impl Unreadable {
    /// The outcome's `error_kind`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::PermissionDenied => "permission-denied",
            Self::SymlinkLoop => "symlink-loop",
            Self::Directory => "directory",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Output => "output",
            Self::Changed => "changed",
            Self::TooLong { .. } => "too-long",
            Self::Io(_) => "io",
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Self::NotFound,
            Some(Errno::ACCESS | Errno::PERM) => Self::PermissionDenied,
            Some(Errno::LOOP) => Self::SymlinkLoop,
            Some(Errno::NXIO) => Self::Socket,
            _ => Self::Io(Arc::new(error)),
        }
    }
}
