use wadup_vfs::OpenOptions;
use wiggle::{GuestMemory, GuestPtr};

use crate::Error;
use crate::abi::types::{Fd, Fdflags, Filestat, Lookupflags, Oflags, Rights};
use crate::context::WasiCtx;
use crate::descriptor::{Descriptor, OpenFile};
use crate::memory::bytes;

/// What `path_open` is asked for.
pub(crate) struct Open {
    pub(crate) lookup: u32,
    pub(crate) oflags: u32,
    pub(crate) rights: u64,
    pub(crate) fdflags: u32,
}

impl WasiCtx {
    /// `path_open`
    pub(crate) fn open(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<[u8]>,
        how: &Open,
    ) -> Result<Fd, Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        let flags = Fdflags::try_from(how.fdflags as i32)?;
        let options = open_options(how)?;
        self.descriptors.check_room()?;
        let handle = self.vfs.open(base, bytes(memory, path)?, options)?;
        let file_type = self.vfs.metadata(handle.inode())?.file_type;
        let file = OpenFile {
            handle,
            file_type,
            offset: 0,
            flags,
            is_preopen: false,
        };
        Ok(self.descriptors.insert(Descriptor::File(file)))
    }

    /// `path_filestat_get`
    pub(crate) fn stat_path(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        lookup: u32,
        path: GuestPtr<[u8]>,
    ) -> Result<Filestat, Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        let inode = self
            .vfs
            .lookup(base, bytes(memory, path)?, follows(lookup)?)?;
        Ok(crate::stat::filestat(self.vfs.metadata(inode)?))
    }

    /// `path_link`
    pub(crate) fn link(
        &mut self,
        memory: &GuestMemory<'_>,
        (old_fd, lookup, old): (Fd, u32, GuestPtr<[u8]>),
        (new_fd, new): (Fd, GuestPtr<[u8]>),
    ) -> Result<(), Error> {
        let old_base = self.descriptors.get(old_fd)?.directory()?;
        let new_base = self.descriptors.get(new_fd)?.directory()?;
        let (old, new) = (bytes(memory, old)?, bytes(memory, new)?);
        let inode = self
            .vfs
            .create_link(old_base, old, follows(lookup)?, new_base, new)?;
        self.named(inode)
    }

    /// `path_rename`
    pub(crate) fn rename(
        &mut self,
        memory: &GuestMemory<'_>,
        (old_fd, old): (Fd, GuestPtr<[u8]>),
        (new_fd, new): (Fd, GuestPtr<[u8]>),
    ) -> Result<(), Error> {
        let old_base = self.descriptors.get(old_fd)?.directory()?;
        let new_base = self.descriptors.get(new_fd)?.directory()?;
        let inode =
            self.vfs
                .rename(old_base, bytes(memory, old)?, new_base, bytes(memory, new)?)?;
        self.named(inode)
    }

    /// `path_readlink`: as much of the target as the buffer takes.
    pub(crate) fn read_link(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<[u8]>,
        buffer: GuestPtr<[u8]>,
    ) -> Result<u32, Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        let target = self.vfs.read_link(base, bytes(memory, path)?)?;
        let len = (target.len() as u32).min(buffer.len());
        memory.copy_from_slice(&target[..len as usize], buffer.as_ptr().as_array(len))?;
        Ok(len)
    }
}

/// Whether a symbolic link at the end of a path is to be followed.
pub(crate) fn follows(lookup: u32) -> Result<bool, Error> {
    Ok(Lookupflags::try_from(lookup as i32)?.contains(Lookupflags::SYMLINK_FOLLOW))
}

/// Rights that are unknown or do not apply are ignored; they only say whether to open for
/// reading, for writing, or both.
fn open_options(how: &Open) -> Result<OpenOptions, Error> {
    let oflags = Oflags::try_from(how.oflags as i32)?;
    let rights = Rights::from_bits_truncate(how.rights);
    Ok(OpenOptions {
        read: rights.intersects(Rights::FD_READ | Rights::FD_READDIR),
        write: rights.contains(Rights::FD_WRITE),
        create: oflags.contains(Oflags::CREAT),
        exclusive: oflags.contains(Oflags::EXCL),
        truncate: oflags.contains(Oflags::TRUNC),
        directory: oflags.contains(Oflags::DIRECTORY),
        follow: follows(how.lookup)?,
    })
}
