//! What the kernel tells about a process that waits in a call.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

/// A thread of another process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thread(pub(crate) u32);

/// An open file of another process.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    pub(crate) position: u64,
    pub(crate) appends: bool,
    pub(crate) is_writable: bool,
}

impl Thread {
    fn file(self, name: impl AsRef<Path>) -> PathBuf {
        Path::new("/proc").join(self.0.to_string()).join(name)
    }

    pub(crate) fn memory(self, address: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        File::open(self.file("mem"))?.read_exact_at(&mut bytes, address)?;
        Ok(bytes)
    }

    /// A number of the size of a pointer.
    pub(crate) fn word(self, address: u64) -> io::Result<u64> {
        let bytes = self.memory(address, 8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }

    /// The bytes of an array of `struct iovec`.
    pub(crate) fn gather(self, address: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for index in 0..count {
            let at = address + 16 * index;
            let (base, length) = (self.word(at)?, self.word(at + 8)?);
            bytes.extend(self.memory(base, length as usize)?);
        }
        Ok(bytes)
    }

    /// A path as the process means it, absolute. The last part is not followed.
    pub(crate) fn path(self, folder: i32, address: u64) -> io::Result<PathBuf> {
        let path = PathBuf::from(OsString::from_vec(self.text(address)?));
        if let Ok(number) = path.strip_prefix("/proc/self/fd") {
            return self.link(Path::new("fd").join(number));
        }
        let folder = match folder {
            libc::AT_FDCWD => self.link("cwd")?,
            fd => self.link(format!("fd/{fd}"))?,
        };
        let path = folder.join(path);
        // Where the folder is not there, the call fails by itself.
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        Ok(match (parent, path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path,
        })
    }

    fn text(self, address: u64) -> io::Result<Vec<u8>> {
        let memory = File::open(self.file("mem"))?;
        let mut text = Vec::new();
        let mut byte = [0];
        loop {
            memory.read_exact_at(&mut byte, address + text.len() as u64)?;
            match byte {
                [0] => return Ok(text),
                [byte] => text.push(byte),
            }
        }
    }

    fn link(self, name: impl AsRef<Path>) -> io::Result<PathBuf> {
        fs::read_link(self.file(name))
    }

    pub(crate) fn open_file(self, fd: i32) -> io::Result<OpenFile> {
        let info = fs::read_to_string(self.file(format!("fdinfo/{fd}")))?;
        let field = |name: &str| {
            let mut lines = info.lines();
            let value = lines.find_map(|line| line.strip_prefix(name));
            value.map(str::trim).unwrap_or_default().to_owned()
        };
        let flags = i32::from_str_radix(&field("flags:"), 8).unwrap_or_default();
        Ok(OpenFile {
            path: self.link(format!("fd/{fd}"))?,
            position: field("pos:").parse().unwrap_or_default(),
            appends: flags & libc::O_APPEND != 0,
            is_writable: flags & libc::O_ACCMODE != libc::O_RDONLY,
        })
    }

    /// The same open file, for this process.
    pub(crate) fn share(self, fd: i32) -> io::Result<OwnedFd> {
        let status = fs::read_to_string(self.file("status"))?;
        let group = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        let group = group.and_then(|group| group.trim().parse().ok());
        let process = Pid::from_raw(group.unwrap_or_default()).ok_or(io::ErrorKind::NotFound)?;
        let process = rustix::process::pidfd_open(process, PidfdFlags::empty())?;
        Ok(rustix::process::pidfd_getfd(
            process,
            fd,
            PidfdGetfdFlags::empty(),
        )?)
    }
}
