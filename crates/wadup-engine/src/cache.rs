//! Compiled code, kept between runs.
//!
//! Loading compiled code is executing it, so an entry is only used when all of this holds:
//!
//! - the directory is a real directory (no symbolic link) that belongs to this user and that
//!   nobody else may enter;
//! - the entry is a regular file of this user that nobody else may write, opened relative to
//!   that very directory;
//! - all of its bytes match the BLAKE3 digest that it carries, read through the very descriptor
//!   that is then mapped, and the digest covers the entry's name: the module's digest, the
//!   version of wasmtime, every setting that changes code and the CPU's features. So neither a
//!   flipped bit nor two swapped entries are executed.
//!
//! Entries are made under a temporary name, read-only, and renamed; an entry is replaced and
//! never written again. What is assumed: whoever can act as this user, or as root, is trusted
//! (it could as well write to this process's memory). Linux has no way to keep the file's owner
//! from writing to it between verification and use that is cheaper than a private copy.

mod directory;
mod entry;
mod prune;

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::{Engine, Module};

use self::directory::{Directory, io_problem};
pub(crate) use self::entry::Draft;
use crate::engine::DENSE_IMAGE;

/// A directory of compiled code, or none.
#[derive(Debug, Clone)]
pub struct CompiledCache {
    path: Option<PathBuf>,
}

/// Something about the cache that was not as it should be. Nothing of it was executed.
#[derive(Debug, thiserror::Error)]
#[error("{problem}: {}", .path.display())]
pub struct CacheProblem {
    /// The directory or entry.
    pub path: PathBuf,
    /// What was wrong with it.
    pub problem: Problem,
}

/// What was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    #[error(
        "the cache of compiled code is not a directory of its own (a file, or a symbolic link)"
    )]
    NotADirectory,
    #[error("the cache of compiled code belongs to user {owner} and was not used")]
    ForeignDirectory { owner: u32 },
    #[error("a cache entry is not a regular file and was not used")]
    NotAFile,
    #[error("a cache entry belongs to user {owner} and was not used")]
    ForeignEntry { owner: u32 },
    #[error("a cache entry could be written by others (mode {mode:o}) and was not used")]
    Writable { mode: u32 },
    #[error("a cache entry is damaged or not what its name says, and was not used")]
    Damaged,
    #[error("a cache entry was refused by wasmtime: {message}")]
    Refused { message: String },
    #[error("the cache of compiled code could not be {step}: {source}")]
    Io {
        step: &'static str,
        source: std::io::Error,
    },
}

/// The name of an entry: a digest of all that its content depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    digest: blake3::Hash,
    extension: &'static str,
}

impl CompiledCache {
    /// A cache in `directory`, which is made when it is first needed.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(directory.into()),
        }
    }

    /// Keeps nothing.
    pub fn disabled() -> Self {
        Self { path: None }
    }

    /// The verified entry for a module, if there is one.
    pub(crate) fn module(
        &self,
        engine: &Engine,
        key: &Key,
        problems: &mut Vec<CacheProblem>,
    ) -> Option<Module> {
        self.look_up(key, problems, |directory| {
            entry::load(engine, directory, key)
        })
    }

    /// The verified bytes of another entry, if there is one.
    pub(crate) fn bytes(&self, key: &Key, problems: &mut Vec<CacheProblem>) -> Option<Vec<u8>> {
        self.look_up(key, problems, |directory| entry::read(directory, key))
    }

    /// The entry of `key` before it has its name, to be written.
    pub(crate) fn draft(&self, key: &Key, problems: &mut Vec<CacheProblem>) -> Option<Draft> {
        let path = self.path.as_deref()?;
        let draft = Directory::create(path).and_then(|directory| Draft::new(directory, *key));
        draft.map_or_else(
            |problem| note(problems, &path.join(key.file_name()), problem),
            Some,
        )
    }

    /// Writes a draft and puts it in its place.
    pub(crate) fn write(
        &self,
        draft: Draft,
        write: impl FnOnce(&File) -> io::Result<()>,
        problems: &mut Vec<CacheProblem>,
    ) -> Option<()> {
        let path = self.path.as_deref()?.join(draft.key().file_name());
        let written = write(draft.file()).map_err(io_problem("written"));
        match written.and_then(|()| draft.seal()) {
            Ok(()) => Some(()),
            Err(problem) => note(problems, &path, problem),
        }
    }

    /// Whether there is a directory.
    pub(crate) fn is_enabled(&self) -> bool {
        self.path.is_some()
    }

    fn look_up<T>(
        &self,
        key: &Key,
        problems: &mut Vec<CacheProblem>,
        take: impl FnOnce(&Directory) -> Result<Option<T>, Problem>,
    ) -> Option<T> {
        let path = self.path.as_deref()?;
        let directory = match Directory::open(path) {
            Ok(directory) => directory?,
            Err(problem) => return note(problems, path, problem),
        };
        match take(&directory) {
            Ok(taken) => taken,
            Err(problem) => note(problems, &path.join(key.file_name()), problem),
        }
    }
}

fn note<T>(problems: &mut Vec<CacheProblem>, path: &Path, problem: Problem) -> Option<T> {
    problems.push(CacheProblem {
        path: path.to_path_buf(),
        problem,
    });
    None
}

impl Key {
    /// Of the compiled module whose binary has the digest `module`.
    pub(crate) fn module(engine: &Engine, module: &blake3::Hash) -> Self {
        Self::new(engine, "wadup compiled module 1", module, "cwasm")
    }

    /// Of the functions of the code section that has the digest `code`.
    pub(crate) fn functions(engine: &Engine, code: &blake3::Hash) -> Self {
        Self::new(engine, "wadup compiled functions 1", code, "functions")
    }

    fn new(
        engine: &Engine,
        context: &str,
        content: &blake3::Hash,
        extension: &'static str,
    ) -> Self {
        let mut hasher = KeyHasher(blake3::Hasher::new_derive_key(context));
        hasher.write(content.as_bytes());
        // Covers wasmtime's version, the target and its CPU features, compiler flags, tunables
        // and WebAssembly features.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // Decides how data segments are laid out, and is not covered.
        hasher.write_u64(DENSE_IMAGE);
        Self {
            digest: hasher.0.finalize(),
            extension,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.digest.as_bytes()
    }

    fn file_name(&self) -> String {
        format!("{}.{}", self.digest.to_hex(), self.extension)
    }
}

/// Feeds all that is hashed to BLAKE3; the 64 bits that `Hasher` asks for are not used.
struct KeyHasher(blake3::Hasher);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
