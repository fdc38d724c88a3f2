//! One entry: wasmtime's ELF image, followed by what it takes to trust it.
//!
//! ```text
//! image                     as wasmtime maps it, from offset 0
//! length of the image       u64, little endian
//! key                       32 bytes, the entry's name
//! digest                    32 bytes, BLAKE3 of all before
//! magic                     8 bytes
//! ```

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use wasmtime::{Engine, Module};

use super::directory::{Directory, io_problem};
use super::prune::{prune, touch};
use super::{Key, Problem};

const MAGIC: &[u8; 8] = b"wadupCC1";
/// Length, key, digest and magic.
const TRAILER: usize = 8 + 32 + 32 + 8;
/// What of the trailer comes after what the digest covers: digest and magic.
const SEAL: u64 = 32 + 8;

/// Verifies and maps the module that is the entry of `key`; `None` if there is none. A bad entry
/// is removed.
pub(super) fn load(
    engine: &Engine,
    directory: &Directory,
    key: &Key,
) -> Result<Option<Module>, Problem> {
    with_entry(directory, key, |mut file| {
        verify(&mut file, key)?;
        map(engine, file)
    })
}

/// The verified bytes of the entry of `key`; `None` if there is none. A bad entry is removed.
pub(super) fn read(directory: &Directory, key: &Key) -> Result<Option<Vec<u8>>, Problem> {
    with_entry(directory, key, |mut file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io_problem("read"))?;
        let trailer = bytes.last_chunk().ok_or(Problem::Damaged)?;
        let covered = bytes.len() - SEAL as usize;
        let digest = blake3::hash(&bytes[..covered]);
        check(bytes.len() as u64, trailer, &digest, key)?;
        bytes.truncate(bytes.len() - TRAILER);
        Ok(bytes)
    })
}

fn with_entry<T>(
    directory: &Directory,
    key: &Key,
    take: impl FnOnce(File) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    let name = key.file_name();
    let taken = match directory.open_entry(&name) {
        Ok(None) => return Ok(None),
        Ok(Some(file)) => {
            touch(&file);
            take(file)
        }
        Err(problem) => Err(problem),
    };
    if taken.is_err() {
        directory.remove(&name);
    }
    taken.map(Some)
}

/// An entry that is being written, under a temporary name. It goes if it is not sealed.
pub(crate) struct Draft {
    directory: Directory,
    key: Key,
    name: String,
    file: File,
    sealed: bool,
}

impl Draft {
    pub(super) fn new(directory: Directory, key: Key) -> Result<Self, Problem> {
        let (name, file) = directory.create_temporary(&key.file_name())?;
        Ok(Self {
            directory,
            key,
            name,
            file,
            sealed: false,
        })
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// What the entry is to hold has to be in it, and nothing else.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Completes the entry and gives it its name.
    pub(super) fn seal(mut self) -> Result<(), Problem> {
        self.complete().map_err(io_problem("written"))?;
        self.directory.rename(&self.name, &self.key.file_name())?;
        self.sealed = true;
        prune(&self.directory, &self.key.file_name());
        Ok(())
    }

    fn complete(&self) -> std::io::Result<()> {
        let mut file = &self.file;
        let length = file.seek(SeekFrom::End(0))?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(self.key.as_bytes())?;
        let covered = file.stream_position()?;
        let digest = crate::digest::of_file(file, covered)?;
        file.write_all(digest.as_bytes())?;
        file.write_all(MAGIC)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.sealed {
            self.directory.remove(&self.name);
        }
    }
}

/// Reads all of the entry and compares its digest. The file's position is left at the start.
fn verify(file: &mut File, key: &Key) -> Result<(), Problem> {
    let read = io_problem("read");
    let total = file.metadata().map_err(&read)?.len();
    if total < TRAILER as u64 {
        return Err(Problem::Damaged);
    }
    let digest = crate::digest::of_file(file, total - SEAL).map_err(&read)?;
    let mut trailer = [0; TRAILER];
    file.seek(SeekFrom::End(-(TRAILER as i64))).map_err(&read)?;
    file.read_exact(&mut trailer).map_err(&read)?;
    file.seek(SeekFrom::Start(0)).map_err(&read)?;
    check(total, &trailer, &digest, key)
}

/// Whether an entry of `total` bytes is what its trailer and `key` say.
fn check(
    total: u64,
    trailer: &[u8; TRAILER],
    digest: &blake3::Hash,
    key: &Key,
) -> Result<(), Problem> {
    let (length, rest) = trailer.split_at(8);
    let (its_key, rest) = rest.split_at(32);
    let (its_digest, magic) = rest.split_at(32);
    let expected = total - TRAILER as u64;
    if its_digest == digest.as_bytes()
        && length == expected.to_le_bytes()
        && its_key == key.as_bytes()
        && magic == MAGIC
    {
        Ok(())
    } else {
        Err(Problem::Damaged)
    }
}

#[expect(unsafe_code, reason = "the way to map compiled code")]
fn map(engine: &Engine, file: File) -> Result<Module, Problem> {
    // SAFETY: through this very descriptor, all of the file was just compared with the digest
    // that it carries, and the digest covers the key, which names this module, this version of
    // wasmtime and this engine's settings: it is what `precompile_module` returned for them.
    // The file and its directory belong to this user and nobody else can write to them; entries
    // are never written again once they have their name (see the module's documentation for
    // what that assumes).
    unsafe { Module::deserialize_open_file(engine, file) }.map_err(|error| Problem::Refused {
        message: format!("{error:#}"),
    })
}
