//! An in-memory file system with quotas, for one sandbox that lives for one input.
//!
//! A [`Vfs`] is a tree of inodes with the semantics of Linux: hard links, symbolic links,
//! `rename`, files that live on after `unlink` while they are open. It knows nothing of
//! WebAssembly and never touches a host path. What a guest can store is charged to
//! [`Limits`] to the byte, names and inodes included; holes of sparse files cost nothing.
//!
//! - A path is bytes, resolved from a directory [`InodeId`] (an absolute path: from the root).
//!   `..` of the root is the root.
//! - A [`Handle`] is an open file or directory. It keeps its inode alive and must be given back
//!   with [`Vfs::close`].
//! - The host puts things in place with [`Vfs::mount`]: devices, and content that is read on
//!   demand from a [`ContentSource`] and is never copied as a whole. Mount points can be neither
//!   removed nor renamed by the guest.
//! - What was refused for want of space is remembered ([`Vfs::refusals`]), so that the host can
//!   tell a guest that failed from one that ran into its limits.
//!
//! ```
//! use wadup_vfs::{Limits, Mount, OpenOptions, SystemTime, Vfs};
//!
//! # fn main() -> Result<(), wadup_vfs::Error> {
//! let mut vfs = Vfs::new(Limits::default(), SystemTime::shared());
//! vfs.mount("/tmp", Mount::Directory)?;
//! vfs.mount("/data.bin", Mount::Content(Box::new(b"input".to_vec())))?;
//!
//! let file = vfs.open(vfs.root(), b"tmp/note", OpenOptions::create_new())?;
//! vfs.write_at(&file, 0, b"hello")?;
//! vfs.close(file);
//! assert_eq!(vfs.take_file("/tmp/note")?.into_vec(), b"hello");
//! # Ok(())
//! # }
//! ```

mod content;
mod directory;
mod error;
mod file;
mod host;
mod inode;
mod limits;
mod namespace;
mod path;
mod resolve;
mod sparse;
mod time;
mod vfs;

pub use content::{ContentSource, TakenFile};
pub use directory::DirectoryEntry;
pub use error::Error;
pub use file::{Handle, OpenOptions};
pub use host::Mount;
pub use inode::{Device, FileType, InodeId, Metadata};
pub use limits::{Limits, Refusals, Usage};
pub use path::{NAME_MAX, PATH_MAX, SYMLINK_MAX};
pub use time::{SetTime, SystemTime, TimeSource, Timestamp};
pub use vfs::Vfs;
