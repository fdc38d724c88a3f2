use wadup_vfs::Error as Vfs;
use wiggle::GuestError;

use crate::abi::types::{self, Errno};
use crate::context::WasiCtx;

/// How a WASI function fails: with an errno that the guest sees, or by ending the guest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("errno {0:?}")]
    Errno(Errno),
    /// Ends the guest; the call into it returns this error.
    #[error("{0}")]
    Trap(wasmtime::Error),
}

/// The guest called `proc_exit`; its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest exited with code {0}")]
pub struct ProcExit(pub u32);

/// The guest was in a WASI function when the deadline passed or [`Interrupt`](crate::Interrupt)
/// was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest was interrupted")]
pub struct Interrupted;

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Error::Errno(errno)
    }
}

impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        Error::Trap(interrupted.into())
    }
}

impl From<Vfs> for Error {
    fn from(error: Vfs) -> Self {
        Error::Errno(match error {
            Vfs::NotFound => Errno::Noent,
            Vfs::Exists => Errno::Exist,
            Vfs::NotDirectory => Errno::Notdir,
            Vfs::IsDirectory => Errno::Isdir,
            Vfs::NotEmpty => Errno::Notempty,
            Vfs::Invalid => Errno::Inval,
            Vfs::Loop => Errno::Loop,
            Vfs::NameTooLong => Errno::Nametoolong,
            Vfs::NoSpace => Errno::Nospc,
            Vfs::FileTooLarge => Errno::Fbig,
            Vfs::ReadOnly => Errno::Rofs,
            Vfs::Busy => Errno::Busy,
            Vfs::CrossDevice => Errno::Xdev,
            Vfs::NotPermitted => Errno::Perm,
            Vfs::TooManyLinks => Errno::Mlink,
            Vfs::BadHandle => Errno::Badf,
            Vfs::Io => Errno::Io,
        })
    }
}

impl From<GuestError> for Error {
    fn from(error: GuestError) -> Self {
        match error {
            GuestError::InvalidFlagValue(_) | GuestError::InvalidEnumValue(_) => {
                Errno::Inval.into()
            }
            GuestError::InvalidUtf8(_) => Errno::Ilseq.into(),
            GuestError::TryFromIntError(_) | GuestError::SliceLengthsDiffer => {
                Errno::Overflow.into()
            }
            GuestError::InFunc { err, .. } => Error::from(*err),
            GuestError::PtrOverflow
            | GuestError::PtrOutOfBounds(_)
            | GuestError::PtrNotAligned(..) => Error::Trap(error.into()),
        }
    }
}

impl types::UserErrorConversion for WasiCtx {
    fn errno_from_error(&mut self, error: Error) -> wasmtime::Result<Errno> {
        match error {
            Error::Errno(errno) => Ok(errno),
            Error::Trap(trap) => Err(trap),
        }
    }
}
