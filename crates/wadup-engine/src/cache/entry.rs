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
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Module;

use super::directory::{Directory, io_problem};
use super::prune::{prune, touch};
use super::{Key, Problem};
use crate::engine::Engine;

const MAGIC: &[u8; 8] = b"wadupCC1";
/// Length, key, digest and magic.
const TRAILER: u64 = 8 + 32 + 32 + 8;

/// Verifies and maps the entry of `key`; `None` if there is none. A bad entry is removed.
pub(super) fn load(
    engine: &Engine,
    directory: &Directory,
    key: &Key,
) -> Result<Option<Module>, Problem> {
    let name = key.file_name();
    let loaded = directory.open_entry(&name).and_then(|file| match file {
        Some(file) => verify(file, key)
            .and_then(|file| map(engine, file))
            .map(Some),
        None => Ok(None),
    });
    if loaded.is_err() {
        directory.remove(&name);
    }
    loaded
}

/// Writes the entry of `key`.
pub(super) fn store(directory: &Directory, key: &Key, image: &[u8]) -> Result<(), Problem> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let temporary = format!(
        ".{}.{}.{}",
        key.file_name(),
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    );
    // Left by a process with the same id that was killed.
    directory.remove(&temporary);
    let stored = directory
        .create_temporary(&temporary)
        .and_then(|file| write(file, key, image).map_err(io_problem("written")))
        .and_then(|()| directory.rename(&temporary, &key.file_name()));
    match stored {
        Ok(()) => prune(directory, &key.file_name()),
        Err(_) => directory.remove(&temporary),
    }
    stored
}

fn write(mut file: File, key: &Key, image: &[u8]) -> std::io::Result<()> {
    let length = (image.len() as u64).to_le_bytes();
    let mut hasher = blake3::Hasher::new();
    for part in [image, &length, key.as_bytes()] {
        hasher.update(part);
        file.write_all(part)?;
    }
    file.write_all(hasher.finalize().as_bytes())?;
    file.write_all(MAGIC)
}

/// Reads all of the entry and compares its digest. The file's position is left at the start.
fn verify(mut file: File, key: &Key) -> Result<File, Problem> {
    let read = io_problem("read");
    let total = file.metadata().map_err(&read)?.len();
    let image = total.checked_sub(TRAILER).ok_or(Problem::Damaged)?;
    let mut hasher = blake3::Hasher::new();
    let hashed = image + 8 + 32;
    hash_prefix(&mut file, hashed, &mut hasher).map_err(&read)?;
    let mut digest_and_magic = [0; 32 + 8];
    file.read_exact(&mut digest_and_magic).map_err(&read)?;

    let trailer = trailer(&mut file, image).map_err(&read)?;
    let intact = blake3::Hash::from_slice(&digest_and_magic[..32])
        .is_ok_and(|digest| digest == hasher.finalize());
    let expected = image.to_le_bytes();
    if intact
        && digest_and_magic[32..] == *MAGIC
        && trailer[..8] == expected
        && trailer[8..] == *key.as_bytes()
    {
        file.seek(SeekFrom::Start(0)).map_err(&read)?;
        touch(&file);
        Ok(file)
    } else {
        Err(Problem::Damaged)
    }
}

fn hash_prefix(file: &mut File, length: u64, hasher: &mut blake3::Hasher) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    let mut rest = length;
    while rest > 0 {
        let most = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let read = file.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..read]);
        rest -= read as u64;
    }
    Ok(())
}

/// The length and the key.
fn trailer(file: &mut File, image: u64) -> std::io::Result<[u8; 8 + 32]> {
    let mut trailer = [0; 8 + 32];
    file.seek(SeekFrom::Start(image))?;
    file.read_exact(&mut trailer)?;
    Ok(trailer)
}

#[expect(unsafe_code, reason = "the way to map compiled code")]
fn map(engine: &Engine, file: File) -> Result<Module, Problem> {
    // SAFETY: through this very descriptor, all of the file was just compared with the digest
    // that it carries, and the digest covers the key, which names this module, this version of
    // wasmtime and this engine's settings: it is what `precompile_module` returned for them.
    // The file and its directory belong to this user and nobody else can write to them; entries
    // are never written again once they have their name (see the module's documentation for
    // what that assumes).
    unsafe { Module::deserialize_open_file(engine.wasmtime(), file) }.map_err(|error| {
        Problem::Refused {
            message: format!("{error:#}"),
        }
    })
}
