//! What can be made again, by the digest of what it was made from.
//!
//! An entry is taken when it is a regular file of this user that nobody else may write, and all
//! of its bytes match the BLAKE3 digest at its end, which covers its name. So what a crash left
//! half-written, a flipped bit, two swapped entries or somebody else's file only cost the time
//! to make it again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::digest::Digest;

/// The build's part of the cache folder. Entries appear whole or not at all, so that builds
/// may run at once and be killed at any moment.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// A file could not be written.
#[derive(Debug, Error)]
#[error("failed to write {}", path.display())]
pub struct WriteError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl Cache {
    pub(crate) fn new(cache_dir: &Path) -> Self {
        Self {
            root: cache_dir.join(wadup_toolchain::derived::BUILDS),
        }
    }

    pub(crate) fn path(&self, kind: &str, digest: &Digest) -> PathBuf {
        self.root.join(kind).join(digest.as_str())
    }

    pub(crate) fn read(&self, kind: &str, digest: &Digest) -> Option<Vec<u8>> {
        let mut bytes = self.read_plain(kind, digest)?;
        let (content, found) = bytes.split_last_chunk::<SEAL_LEN>()?;
        if seal(kind, digest, content) != *found {
            return None;
        }
        bytes.truncate(bytes.len() - SEAL_LEN);
        Some(bytes)
    }

    pub(crate) fn write(
        &self,
        kind: &str,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        let seal = seal(kind, digest, bytes);
        self.write_parts(kind, digest, &[bytes, &seal])
    }

    /// A file without a digest of its own: the caller has it from an entry that has one.
    pub(crate) fn read_plain(&self, kind: &str, digest: &Digest) -> Option<Vec<u8>> {
        read_own(&self.path(kind, digest)).ok()?
    }

    pub(crate) fn write_plain(
        &self,
        kind: &str,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        self.write_parts(kind, digest, &[bytes])
    }

    fn write_parts(&self, kind: &str, digest: &Digest, parts: &[&[u8]]) -> Result<(), WriteError> {
        let path = self.path(kind, digest);
        let file = new_file(&path, parts, OWNER_ONLY);
        let written = file.and_then(|file| Ok(file.persist(&path)?));
        written
            .map(drop)
            .map_err(|source| WriteError { path, source })
    }

    /// A folder for temporary files, in the cache's file system.
    pub(crate) fn scratch(&self) -> Result<Scratch, WriteError> {
        Scratch::new(&self.root).map_err(|source| WriteError {
            path: self.root.clone(),
            source,
        })
    }
}

/// Writes a file that others see whole or not at all, also after a power loss. It has the
/// permissions that an ordinary new file has.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let write = || {
        let file = new_file(path, &[bytes], PUBLIC)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

/// A folder that is removed when it is dropped, or by the next one who makes one beside it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    /// In a folder that is made where it is missing.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        sweep(folder);
        loop {
            let folder = tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempdir_in(folder)?;
            let lock = File::open(folder.path())?;
            if claim(&lock)? {
                return Ok(Self {
                    folder,
                    _lock: lock,
                });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The bytes of a file that only this user can have written; none of any other.
fn read_own(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = open_own(path)?;
    let metadata = file.metadata()?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !own || metadata.mode() & 0o022 != 0 {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// No link is followed, and a FIFO does not keep it waiting.
fn open_own(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut open = OpenOptions::new();
    open.read(true).custom_flags(flags.bits().cast_signed());
    open.open(path)
}

const SEAL_LEN: usize = blake3::OUT_LEN;

/// What stands at the end of an entry.
fn seal(kind: &str, digest: &Digest, content: &[u8]) -> [u8; SEAL_LEN] {
    let mut hasher = blake3::Hasher::new_derive_key("wadup build cache 1");
    for part in [kind.as_bytes(), digest.as_str().as_bytes(), content] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The mode of a file, less what the umask takes away.
const PUBLIC: u32 = 0o666;
const OWNER_ONLY: u32 = 0o600;

/// How the names of temporary files and folders begin. Each is locked as long as it is in use:
/// one that is not was left by a process that was killed.
const TEMPORARY: &str = ".wadup-tmp-";

/// A temporary file that is to become `path`, with its content.
fn new_file(path: &Path, parts: &[&[u8]], mode: u32) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    sweep(folder);
    let mut file = loop {
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        if claim(file.as_file())? {
            break file;
        }
    };
    for part in parts {
        file.write_all(part)?;
    }
    Ok(file)
}

/// Locks what has just been made; `false` if somebody has found it unlocked, and removed it.
fn claim(made: &File) -> io::Result<bool> {
    // Where there are no locks, nothing can be found to be left behind.
    let _ = made.lock();
    let metadata = made.metadata()?;
    Ok(metadata.nlink() > 0)
}

/// Removes what processes that were killed have left in a folder. What cannot be removed does
/// no harm.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_temporary = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY.as_bytes());
        if is_temporary
            && let Ok(file) = open_own(&entry.path())
            && file.try_lock().is_ok()
        {
            let path = entry.path();
            let _ = match file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    const CONTENT: &[u8] = b"what was made";

    struct Fixture {
        _folder: tempfile::TempDir,
        cache: Cache,
        key: Digest,
        path: PathBuf,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let key = Digest::of(b"inputs");
        cache.write("trees", &key, CONTENT).unwrap();
        let path = cache.path("trees", &key);
        Fixture {
            _folder: folder,
            cache,
            key,
            path,
        }
    }

    impl Fixture {
        fn read(&self) -> Option<Vec<u8>> {
            self.cache.read("trees", &self.key)
        }
    }

    #[test]
    fn what_is_written_is_read_and_is_the_owners_alone() {
        let fixture = fixture();
        assert_eq!(fixture.read().as_deref(), Some(CONTENT));
        assert_eq!(fs::metadata(&fixture.path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let fixture = fixture();
        let folder = fixture.path.parent().unwrap();
        let names = || {
            let entries = fs::read_dir(folder).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name())
                .collect::<Vec<_>>()
        };
        fs::write(folder.join(".wadup-tmp-abcdef"), "half").unwrap();
        fs::create_dir_all(folder.join(".wadup-tmp-uvwxyz/below")).unwrap();
        fixture.cache.write("trees", &fixture.key, CONTENT).unwrap();
        assert_eq!(names(), [fixture.path.file_name().unwrap()]);
        // What is in use stays.
        let scratch = Scratch::new(folder).unwrap();
        let file = new_file(&fixture.path, &[CONTENT], OWNER_ONLY).unwrap();
        sweep(folder);
        assert_eq!(names().len(), 3);
        drop((scratch, file));
        assert_eq!(names().len(), 1);
    }

    #[test]
    fn a_flipped_bit_or_another_length_is_not_taken() {
        let fixture = fixture();
        let good = fs::read(&fixture.path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&fixture.path, bad).unwrap();
            assert_eq!(fixture.read(), None, "bit {bit}");
        }
        for len in 0..good.len() {
            fs::write(&fixture.path, &good[..len]).unwrap();
            assert_eq!(fixture.read(), None, "cut to {len}");
        }
        fs::write(&fixture.path, [good.as_slice(), b"x"].concat()).unwrap();
        assert_eq!(fixture.read(), None);
        fs::write(&fixture.path, good).unwrap();
        assert_eq!(fixture.read().as_deref(), Some(CONTENT));
    }

    #[test]
    fn an_entry_in_the_place_of_another_is_not_taken() {
        let fixture = fixture();
        let other = Digest::of(b"other inputs");
        fixture.cache.write("trees", &other, b"other").unwrap();
        fs::rename(fixture.cache.path("trees", &other), &fixture.path).unwrap();
        assert_eq!(fixture.read(), None);
        // Nor one of another kind.
        fixture
            .cache
            .write("records", &fixture.key, CONTENT)
            .unwrap();
        fs::hard_link(
            fixture.cache.path("records", &fixture.key),
            fixture.path.with_extension("x"),
        )
        .unwrap();
        fs::rename(fixture.path.with_extension("x"), &fixture.path).unwrap();
        assert_eq!(fixture.read(), None);
    }

    #[test]
    fn a_link_or_what_others_could_write_is_not_taken() {
        let fixture = fixture();
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(&fixture.path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(fixture.read(), None, "mode {mode:o}");
        }
        fs::set_permissions(&fixture.path, fs::Permissions::from_mode(0o600)).unwrap();
        let elsewhere = fixture.path.with_extension("elsewhere");
        fs::rename(&fixture.path, &elsewhere).unwrap();
        symlink(&elsewhere, &fixture.path).unwrap();
        assert_eq!(fixture.read(), None);
    }

    /// Only root can give files away; elsewhere there is nothing to test.
    #[test]
    fn an_entry_of_somebody_else_is_not_taken() {
        let fixture = fixture();
        if chown(&fixture.path, Some(12345), None).is_ok() {
            assert_eq!(fixture.read(), None);
        }
    }
}
