use wadup_vfs::{FileType, Handle, InodeId};

use crate::Error;
use crate::abi::types::{Errno, Fdflags, Filetype, Rights};
use crate::rights;
use crate::streams::Output;

/// What a number of the guest stands for.
pub(crate) enum Descriptor {
    /// Standard input: always at its end, unless it leads out of the sandbox.
    Stdin,
    Output(Output),
    File(OpenFile),
}

/// Something of the file system that is open.
pub(crate) struct OpenFile {
    pub(crate) handle: Handle,
    pub(crate) file_type: FileType,
    pub(crate) offset: u64,
    pub(crate) flags: Fdflags,
    /// The root, under the name that the guest asks for with `fd_prestat_dir_name`.
    pub(crate) is_preopen: bool,
}

impl Descriptor {
    /// The open file or directory; a standard stream is `errno`.
    pub(crate) fn file(&self, errno: Errno) -> Result<&OpenFile, Error> {
        match self {
            Descriptor::File(file) => Ok(file),
            _ => Err(errno.into()),
        }
    }

    /// The directory that paths are resolved from.
    pub(crate) fn directory(&self) -> Result<InodeId, Error> {
        match self.file(Errno::Notdir)? {
            file if file.file_type == FileType::Directory => Ok(file.handle.inode()),
            _ => Err(Errno::Notdir.into()),
        }
    }

    pub(crate) fn file_type(&self) -> Filetype {
        match self {
            // As if it were /dev/null.
            Descriptor::Stdin => Filetype::CharacterDevice,
            // A pipe, for which WASI has no word.
            Descriptor::Output(_) => Filetype::Unknown,
            Descriptor::File(file) => crate::stat::file_type(file.file_type),
        }
    }

    pub(crate) fn flags(&self) -> Fdflags {
        match self {
            Descriptor::File(file) => file.flags,
            _ => Fdflags::empty(),
        }
    }

    /// What may be done with it, and with what is opened below it.
    pub(crate) fn rights(&self) -> (Rights, Rights) {
        match self {
            Descriptor::Stdin => (rights::STDIN, Rights::empty()),
            Descriptor::Output(_) => (rights::OUTPUT, Rights::empty()),
            Descriptor::File(file) if file.file_type == FileType::Directory => {
                (rights::DIRECTORY, rights::DIRECTORY | rights::FILE)
            }
            Descriptor::File(file) => (rights::of_file(&file.handle), Rights::empty()),
        }
    }
}
