/// Why an operation was refused. Each variant is one errno of Linux, which the documentation
/// of the variant names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `ENOENT`
    #[error("no such file or directory")]
    NotFound,
    /// `EEXIST`
    #[error("file exists")]
    Exists,
    /// `ENOTDIR`
    #[error("not a directory")]
    NotDirectory,
    /// `EISDIR`
    #[error("is a directory")]
    IsDirectory,
    /// `ENOTEMPTY`
    #[error("directory not empty")]
    NotEmpty,
    /// `EINVAL`
    #[error("invalid argument")]
    Invalid,
    /// `ELOOP`
    #[error("too many levels of symbolic links")]
    Loop,
    /// `ENAMETOOLONG`
    #[error("file name too long")]
    NameTooLong,
    /// `ENOSPC`: a quota of [`Limits`](crate::Limits) is used up.
    #[error("no space left")]
    NoSpace,
    /// `EFBIG`: larger than [`Limits::file_size`](crate::Limits::file_size).
    #[error("file too large")]
    FileTooLarge,
    /// `EROFS`
    #[error("read-only file system")]
    ReadOnly,
    /// `EBUSY`: a mount point.
    #[error("is a mount point")]
    Busy,
    /// `EXDEV`: a hard link to a mount point.
    #[error("cross-device link")]
    CrossDevice,
    /// `EPERM`
    #[error("operation not permitted")]
    NotPermitted,
    /// `EMLINK`
    #[error("too many links")]
    TooManyLinks,
    /// `EBADF`: not open for this, or of an inode that is gone.
    #[error("bad file handle")]
    BadHandle,
    /// `EIO`: the source of mounted content failed, see
    /// [`Vfs::content_error`](crate::Vfs::content_error).
    #[error("content cannot be read")]
    Io,
}
