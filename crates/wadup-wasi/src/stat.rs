use wadup_vfs::{FileType, Metadata, SetTime};

use crate::Error;
use crate::abi::types::{Errno, Filestat, Filetype, Fstflags};

/// All files are on one device.
const DEVICE: u64 = 1;

pub(crate) fn file_type(file_type: FileType) -> Filetype {
    match file_type {
        FileType::Directory => Filetype::Directory,
        FileType::Regular => Filetype::RegularFile,
        FileType::Symlink => Filetype::SymbolicLink,
        FileType::Device(_) => Filetype::CharacterDevice,
    }
}

pub(crate) fn filestat(metadata: Metadata) -> Filestat {
    Filestat {
        dev: DEVICE,
        ino: metadata.number,
        filetype: file_type(metadata.file_type),
        nlink: metadata.links,
        size: metadata.size,
        atim: metadata.accessed,
        mtim: metadata.modified,
        ctim: metadata.changed,
    }
}

/// A standard stream: not a file of the file system.
pub(crate) fn stream(filetype: Filetype) -> Filestat {
    Filestat {
        dev: 0,
        ino: 0,
        filetype,
        nlink: 1,
        size: 0,
        atim: 0,
        mtim: 0,
        ctim: 0,
    }
}

/// How to set the time of access and that of modification.
pub(crate) fn set_times(atim: u64, mtim: u64, flags: u32) -> Result<(SetTime, SetTime), Error> {
    let flags = Fstflags::try_from(flags as i32)?;
    let set = |to, now, time| match (flags.contains(to), flags.contains(now)) {
        (false, false) => Ok(SetTime::Keep),
        (true, false) => Ok(SetTime::To(time)),
        (false, true) => Ok(SetTime::Now),
        (true, true) => Err(Errno::Inval),
    };
    Ok((
        set(Fstflags::ATIM, Fstflags::ATIM_NOW, atim)?,
        set(Fstflags::MTIM, Fstflags::MTIM_NOW, mtim)?,
    ))
}
