//! What a descriptor can stand for that is not the host's.

use std::rc::Rc;

use wasip1::{
    ERRNO_BADF, ERRNO_INVAL, ERRNO_NOTDIR, ERRNO_NOTSOCK, ERRNO_NOTSUP, ERRNO_SPIPE, Errno,
    Fdflags, Fdstat, Filedelta, Filesize, Filestat, Oflags, Rights, Size, Whence,
};

use crate::system_calls::{Gather, Scatter};

/// Whether a read or a write could go on.
pub(crate) enum Readiness {
    /// Yes, with so many bytes; or the other side is gone.
    Ready {
        bytes: Filesize,
        hangup: bool,
    },
    /// Not before somebody does something.
    Pending,
    Failed(Errno),
}

/// An open file, directory, pipe or socket: POSIX's *open file description*. Each function is a
/// system call; those that an object does not have fail as POSIX says.
pub(crate) trait Object {
    fn fdstat(&self) -> Fdstat;

    fn filestat(&self) -> Filestat;

    fn set_flags(&self, flags: Fdflags) -> Result<(), Errno>;

    fn readable(&self) -> Readiness;

    fn writable(&self) -> Readiness;

    fn read(&self, into: &mut Scatter<'_>) -> Result<Size, Errno>;

    fn write(&self, _from: &Gather<'_>) -> Result<Size, Errno> {
        Err(ERRNO_BADF)
    }

    fn pread(&self, _into: &mut Scatter<'_>, _offset: Filesize) -> Result<Size, Errno> {
        Err(ERRNO_SPIPE)
    }

    fn pwrite(&self, _from: &Gather<'_>, _offset: Filesize) -> Result<Size, Errno> {
        Err(ERRNO_SPIPE)
    }

    fn seek(&self, _offset: Filedelta, _whence: Whence) -> Result<Filesize, Errno> {
        Err(ERRNO_SPIPE)
    }

    fn tell(&self) -> Result<Filesize, Errno> {
        Err(ERRNO_SPIPE)
    }

    fn advise(&self) -> Result<(), Errno> {
        Err(ERRNO_SPIPE)
    }

    fn allocate(&self) -> Result<(), Errno> {
        Err(ERRNO_SPIPE)
    }

    fn sync(&self) -> Result<(), Errno> {
        Err(ERRNO_INVAL)
    }

    fn set_size(&self) -> Result<(), Errno> {
        Err(ERRNO_INVAL)
    }

    fn set_times(&self) -> Result<(), Errno> {
        Err(ERRNO_NOTSUP)
    }

    // Directories.

    fn read_directory(&self, _buffer: &mut [u8], _cookie: u64) -> Result<Size, Errno> {
        Err(ERRNO_NOTDIR)
    }

    fn open_at(
        &self,
        _path: &[u8],
        _oflags: Oflags,
        _rights: Rights,
    ) -> Result<Rc<dyn Object>, Errno> {
        Err(ERRNO_NOTDIR)
    }

    fn filestat_at(&self, _path: &[u8]) -> Result<Filestat, Errno> {
        Err(ERRNO_NOTDIR)
    }

    fn read_link_at(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(ERRNO_NOTDIR)
    }

    /// Makes something new at a path.
    fn create_at(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(ERRNO_NOTDIR)
    }

    /// Changes or removes what is at a path.
    fn change_at(&self, _path: &[u8]) -> Result<(), Errno> {
        Err(ERRNO_NOTDIR)
    }

    // Sockets.

    fn receive(&self, _into: &mut Scatter<'_>, _peek: bool) -> Result<Size, Errno> {
        Err(ERRNO_NOTSOCK)
    }

    fn send(&self, _from: &Gather<'_>) -> Result<Size, Errno> {
        Err(ERRNO_NOTSOCK)
    }

    fn shutdown(&self, _reading: bool, _writing: bool) -> Result<(), Errno> {
        Err(ERRNO_NOTSOCK)
    }

    /// Whether it is a socket whose other side is open.
    fn is_connected(&self) -> Result<bool, Errno> {
        Err(ERRNO_NOTSOCK)
    }
}
