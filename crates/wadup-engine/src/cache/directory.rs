//! The cache's directory, held open so that it cannot be exchanged for another.

use std::ffi::CStr;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

use super::Problem;

/// A directory of this user that nobody else may enter.
pub(super) struct Directory {
    fd: OwnedFd,
}

/// A file in the directory.
pub(super) struct Listed {
    pub(super) name: String,
    /// In bytes.
    pub(super) length: u64,
    /// When it was made or last used.
    pub(super) modified: SystemTime,
}

impl Listed {
    /// Whether it does not have its final name yet.
    pub(super) fn is_temporary(&self) -> bool {
        self.name.starts_with('.')
    }
}

impl Directory {
    /// The directory at `path`, or `None` if there is nothing.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Problem> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                return Err(Problem::NotADirectory);
            }
            Err(error) => return Err(io_problem("opened")(error.into())),
        };
        let directory = Self { fd };
        directory.claim()?;
        Ok(Some(directory))
    }

    /// The directory at `path`, made together with its parents where it is missing.
    pub(super) fn create(path: &Path) -> Result<Self, Problem> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .or_else(|error| match error.kind() {
                // A symbolic link or a file; `open` tells which.
                io::ErrorKind::AlreadyExists => Ok(()),
                _ => Err(error),
            })
            .map_err(io_problem("made"))?;
        Self::open(path)?.ok_or_else(|| io_problem("opened")(io::ErrorKind::NotFound.into()))
    }

    /// Checks the owner and shuts others out.
    fn claim(&self) -> Result<(), Problem> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|e| io_problem("examined")(e.into()))?;
        if stat.st_uid != current_user() {
            return Err(Problem::ForeignDirectory { owner: stat.st_uid });
        }
        if Mode::from_raw_mode(stat.st_mode) != Mode::RWXU {
            rustix::fs::fchmod(&self.fd, Mode::RWXU)
                .map_err(|e| io_problem("closed to others")(e.into()))?;
        }
        Ok(())
    }

    /// An entry whose owner and mode are right, or `None` if there is none.
    pub(super) fn open_entry(&self, name: &str) -> Result<Option<File>, Problem> {
        // Never block on what is not a file.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(Problem::NotAFile),
            Err(error) => return Err(io_problem("read")(error.into())),
        };
        check_entry(&file)?;
        Ok(Some(file))
    }

    /// A new file that is to be called `name` once it is finished, and what it is called until
    /// then. It is locked as long as it is open: one that is not was left by a process that was
    /// killed, and whoever finds it removes it.
    pub(super) fn create_temporary(&self, name: &str) -> Result<(String, File), Problem> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = format!(".{name}.{}.{number}", std::process::id());
            let file = match rustix::fs::openat(&self.fd, &temporary, flags, Mode::RUSR) {
                Ok(fd) => File::from(fd),
                // Of another process, perhaps in another container.
                Err(rustix::io::Errno::EXIST) => continue,
                Err(error) => return Err(io_problem("written")(error.into())),
            };
            // Where there are no locks, nothing can be found to be left behind.
            let _ = file.lock();
            let metadata = file.metadata().map_err(io_problem("written"))?;
            // It may have been found before it was locked.
            if metadata.nlink() > 0 {
                return Ok((temporary, file));
            }
        }
    }

    /// Removes a temporary file unless a process has it.
    pub(super) fn remove_abandoned(&self, temporary: &str) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(fd) = rustix::fs::openat(&self.fd, temporary, flags, Mode::empty()) else {
            return;
        };
        let file = File::from(fd);
        // Whoever has just made it waits for the lock until it is gone.
        if file.try_lock().is_ok() {
            self.remove(temporary);
        }
    }

    /// Puts a finished file in its place, atomically.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Problem> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to)
            .map_err(|e| io_problem("written")(e.into()))
    }

    /// The files in it; none if it cannot be read.
    pub(super) fn list(&self) -> Vec<Listed> {
        let Ok(entries) = rustix::fs::Dir::read_from(&self.fd) else {
            return Vec::new();
        };
        let listed = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            // Not the folder itself, and the one that it is in.
            (name != c"." && name != c"..").then(|| self.stat(name))?
        });
        listed.collect()
    }

    fn stat(&self, name: &CStr) -> Option<Listed> {
        let stat = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        let since_epoch = Duration::from_secs(u64::try_from(stat.st_mtime).ok()?);
        Some(Listed {
            name: name.to_str().ok()?.to_owned(),
            length: u64::try_from(stat.st_size).ok()?,
            modified: SystemTime::UNIX_EPOCH + since_epoch,
        })
    }

    /// Removes a file that is of no use; that it cannot be removed does no harm.
    pub(super) fn remove(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::empty());
    }
}

fn check_entry(file: &File) -> Result<(), Problem> {
    let metadata = file.metadata().map_err(io_problem("read"))?;
    if FileType::from_raw_mode(metadata.mode()) != FileType::RegularFile {
        return Err(Problem::NotAFile);
    }
    if metadata.uid() != current_user() {
        return Err(Problem::ForeignEntry {
            owner: metadata.uid(),
        });
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(Problem::Writable {
            mode: metadata.mode() & 0o7777,
        });
    }
    Ok(())
}

fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub(super) fn io_problem(step: &'static str) -> impl Fn(io::Error) -> Problem {
    move |source| Problem::Io { step, source }
}
