//! The cache folder: downloaded files, the results of steps, logs and locks.
//!
//! ```text
//! sources/SHA256/FILE     downloaded files, verified before they get here
//! steps/NAME-KEY/         results, complete or absent
//! logs/NAME-KEY.log       what the programs of a step printed
//! locks/NAME-KEY.lock     held while a step is built
//! tmp/NAME-KEY.PID.N/     where it is built
//! ```
//!
//! A result is renamed into place when it is complete, so a kill at any moment
//! leaves it whole or absent. What a killed process left in `tmp` is removed by
//! whoever next holds the lock of that step.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use crate::derived;
use crate::digest::{Sha256, StepKey};
use crate::toolchain::ToolchainError;

/// The file that a complete result carries.
const RECORD: &str = ".wadup-step.json";

/// The cache folder.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// A step's name and key: the name of its folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StepId {
    pub(crate) name: String,
    pub(crate) key: StepKey,
}

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.name, self.key)
    }
}

/// What is kept about a result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepRecord {
    /// The result's size in bytes.
    pub(crate) size: u64,
    /// How long it took to build, in milliseconds.
    pub(crate) milliseconds: u64,
}

/// The cache could not be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {path}", path = path.display())]
pub struct CacheError {
    /// What was tried.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl CacheError {
    pub(crate) fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self {
            action,
            path,
            source,
        }
    }
}

/// Somebody else could have put something into the cache folder, and programs in it are executed.
#[derive(Debug, thiserror::Error)]
#[error("the cache folder {path} {}", .problem, path = path.display())]
pub struct UntrustedError {
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it, as a clause.
    pub problem: String,
}

impl Cache {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The cache in the folder `root`, which is made for this user alone if it is not there.
    pub(crate) fn open(root: &Path) -> Result<Self, ToolchainError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(CacheError::new("create", root))?;
        Self::look(root)
    }

    /// The same, but nothing is made.
    pub(crate) fn look(root: &Path) -> Result<Self, ToolchainError> {
        let metadata = match fs::metadata(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::new(root.to_owned()));
            }
            metadata => metadata.map_err(CacheError::new("open", root))?,
        };
        let user = rustix::process::geteuid().as_raw();
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        // The superuser may have installed it for others.
        let problem = if owner != user && owner != 0 {
            format!("belongs to user {owner}")
        } else if mode & 0o022 != 0 {
            format!("can be written by others (mode {mode:o})")
        } else {
            return Ok(Self::new(root.to_owned()));
        };
        let path = root.to_owned();
        Err(UntrustedError { path, problem }.into())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a step's result is, or will be.
    pub(crate) fn step(&self, id: &StepId) -> PathBuf {
        self.root.join("steps").join(id.to_string())
    }

    /// Whether a step's result is there.
    pub(crate) fn has(&self, id: &StepId) -> bool {
        self.step(id).join(RECORD).is_file()
    }

    /// What is kept about a step's result, if it is there.
    pub(crate) fn record(&self, id: &StepId) -> Option<StepRecord> {
        serde_json::from_slice(&fs::read(self.step(id).join(RECORD)).ok()?).ok()
    }

    pub(crate) fn log(&self, id: &StepId) -> PathBuf {
        self.root.join("logs").join(format!("{id}.log"))
    }

    /// Where a downloaded file is, or will be.
    pub(crate) fn source(&self, sha256: Sha256, file: &str) -> PathBuf {
        self.root
            .join("sources")
            .join(sha256.to_string())
            .join(file)
    }

    /// Waits until this process is the only one that works on `name`. Calls
    /// `waiting` when another one does.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<File, CacheError> {
        let path = self.lock_path(name);
        let error = CacheError::new("lock", &path);
        let file = match create(&path).and_then(|file| try_lock(&file).map(|held| (file, held))) {
            Ok((file, true)) => return Ok(file),
            Ok((file, false)) => file,
            Err(source) => return Err(error(source)),
        };
        waiting();
        file.lock().map_err(error)?;
        Ok(file)
    }

    /// A new folder for the holder of the lock `name` to build in. What others
    /// left behind under that name is removed.
    pub(crate) fn scratch(&self, name: &str) -> Result<Scratch, CacheError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        self.sweep(name)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{name}.{}.{number}", std::process::id());
        let path = self.root.join("tmp").join(folder);
        fs::create_dir_all(&path).map_err(CacheError::new("create", &path))?;
        // Programs that are told of the folder see no symbolic link on the way.
        let path = path
            .canonicalize()
            .map_err(CacheError::new("find", &path))?;
        Ok(Scratch { path })
    }

    /// Moves a complete result into place.
    pub(crate) fn keep(
        &self,
        id: &StepId,
        out: &Path,
        record: &StepRecord,
    ) -> Result<(), CacheError> {
        let file = out.join(RECORD);
        let json = serde_json::to_vec(record).map_err(io::Error::other);
        json.and_then(|json| fs::write(&file, json))
            .map_err(CacheError::new("write", &file))?;
        let step = self.step(id);
        // A folder without a record is no result; it can only be the leftover
        // of a `clean` that was interrupted.
        remove(&step)?;
        rename(out, &step)
    }

    /// Moves a verified file into place.
    pub(crate) fn keep_source(&self, from: &Path, to: &Path) -> Result<(), CacheError> {
        rename(from, to)
    }

    /// Removes everything, or everything but the results and the files that
    /// `keep` names. Returns the number of bytes that it freed. What another
    /// process is building stays.
    pub(crate) fn clean(&self, keep: impl Fn(&str) -> bool) -> Result<u64, CacheError> {
        let mut freed = 0;
        for folder in ["steps", "sources", "tmp", "logs"] {
            for name in entries(&self.root.join(folder))? {
                let path = self.root.join(folder).join(&name);
                let stem = name.strip_suffix(".log").unwrap_or(&name);
                let kept = keep(stem) && folder != "tmp";
                if kept || self.is_in_work(lock_name(folder, stem))? {
                    continue;
                }
                freed += size(&path);
                remove(&path)?;
            }
        }
        Ok(freed)
    }

    /// Removes what wadup derived from the steps and keeps beside them. Only these folders: the
    /// cache may be a folder in which the user keeps other things.
    pub(crate) fn clean_derived(&self) -> Result<u64, CacheError> {
        let mut freed = 0;
        for name in entries(&self.root)? {
            if derived::ALL.contains(&name.as_str()) {
                let path = self.root.join(&name);
                freed += size(&path);
                remove(&path)?;
            }
        }
        Ok(freed)
    }

    /// Removes what killed processes left in `tmp`, for every step.
    pub(crate) fn sweep_all(&self) -> Result<(), CacheError> {
        for name in entries(&self.root.join("tmp"))? {
            if !self.is_in_work(lock_name("tmp", &name))? {
                remove(&self.root.join("tmp").join(name))?;
            }
        }
        Ok(())
    }

    fn sweep(&self, lock: &str) -> Result<(), CacheError> {
        let tmp = self.root.join("tmp");
        for name in entries(&tmp)? {
            if lock_name("tmp", &name) == lock {
                remove(&tmp.join(name))?;
            }
        }
        Ok(())
    }

    fn is_in_work(&self, lock: &str) -> Result<bool, CacheError> {
        let path = self.lock_path(lock);
        if !path.exists() {
            return Ok(false);
        }
        create(&path)
            .and_then(|file| try_lock(&file))
            .map(|held| !held)
            .map_err(CacheError::new("lock", &path))
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(format!("{name}.lock"))
    }
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is swept by the next holder of the lock.
        let _ = remove(&self.path);
    }
}

/// The lock that guards an entry of a folder of the cache.
fn lock_name<'a>(folder: &str, entry: &'a str) -> &'a str {
    match folder {
        // NAME-KEY.PID.N
        "tmp" => entry.rsplitn(3, '.').last().unwrap_or(entry),
        _ => entry,
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), CacheError> {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent)
        .and_then(|()| fs::rename(from, to))
        .map_err(CacheError::new("create", to))
}

fn remove(path: &Path) -> Result<(), CacheError> {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(CacheError::new("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The names in a folder, sorted; none if it is not there.
fn entries(folder: &Path) -> Result<Vec<String>, CacheError> {
    let listing = match folder.read_dir() {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(CacheError::new("list", folder)(error)),
    };
    let names = listing.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into()));
    let mut names: Vec<String> = names
        .collect::<io::Result<_>>()
        .map_err(CacheError::new("list", folder))?;
    names.sort();
    Ok(names)
}

/// The bytes of all files below `path`.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    match path.read_dir() {
        Ok(entries) if metadata.is_dir() => {
            entries.flatten().map(|entry| size(&entry.path())).sum()
        }
        _ => metadata.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::KeyBuilder;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        (folder, cache)
    }

    fn id(name: &str) -> StepId {
        StepId {
            name: name.to_owned(),
            key: KeyBuilder::new(name).finish(),
        }
    }

    fn build(cache: &Cache, id: &StepId) {
        let _lock = cache.lock(&id.to_string(), || ()).unwrap();
        let scratch = cache.scratch(&id.to_string()).unwrap();
        let out = scratch.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("file"), "content").unwrap();
        let record = StepRecord {
            size: 7,
            milliseconds: 1,
        };
        cache.keep(id, &out, &record).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("new/cache");
        Cache::open(&root).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().mode() & 0o777, 0o700);
        let refused = |path: &Path| match Cache::open(path).unwrap_err() {
            ToolchainError::Untrusted(error) => error.problem,
            error => panic!("{error:?}"),
        };
        for (mode, problem) in [
            (0o775, "can be written by others (mode 775)"),
            (0o1777, "can be written by others (mode 1777)"),
        ] {
            fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(refused(&root), problem);
            let link = folder.path().join(format!("link-{mode}"));
            symlink(&root, &link).unwrap();
            assert_eq!(refused(&link), problem, "what counts is where it leads");
        }
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        Cache::open(&root).unwrap();
        // Only the superuser can give a folder away.
        if chown(&root, Some(12345), None).is_ok() {
            assert_eq!(refused(&root), "belongs to user 12345");
        }
    }

    #[test]
    fn a_result_is_there_when_it_is_kept() {
        let (_folder, cache) = cache();
        let id = id("zlib");
        assert!(!cache.has(&id));
        build(&cache, &id);
        assert!(cache.has(&id));
        assert_eq!(cache.record(&id).unwrap().size, 7);
        assert!(entries(&cache.root.join("tmp")).unwrap().is_empty());
    }

    #[test]
    fn leftovers_of_a_killed_process_are_swept_by_the_next_builder() {
        let (_folder, cache) = cache();
        let id = id("zlib");
        // In a container, the next process may well have the same number.
        let same = std::process::id();
        let leftovers = [
            format!("tmp/{id}.1.0/work"),
            format!("tmp/{id}.{same}.0/work"),
        ];
        let leftovers = leftovers.map(|path| cache.root.join(path));
        for leftover in &leftovers {
            fs::create_dir_all(leftover).unwrap();
        }
        build(&cache, &id);
        assert!(leftovers.iter().all(|leftover| !leftover.exists()));
    }

    #[test]
    fn leftovers_of_other_steps_are_swept_unless_they_are_in_work() {
        let (_folder, cache) = cache();
        fs::create_dir_all(cache.root.join("tmp/old-12.1.0")).unwrap();
        fs::create_dir_all(cache.root.join("tmp/busy-34.1.0")).unwrap();
        let _lock = cache.lock("busy-34", || ()).unwrap();
        cache.sweep_all().unwrap();
        assert_eq!(entries(&cache.root.join("tmp")).unwrap(), ["busy-34.1.0"]);
    }

    #[test]
    fn cleaning_keeps_what_is_named_and_what_is_in_work() {
        let (_folder, cache) = cache();
        let (kept, dropped) = (id("kept"), id("dropped"));
        build(&cache, &kept);
        build(&cache, &dropped);
        let freed = cache.clean(|name| name == kept.to_string()).unwrap();
        assert!(freed >= 7);
        assert!(cache.has(&kept) && !cache.has(&dropped));
        let _lock = cache.lock(&kept.to_string(), || ()).unwrap();
        cache.clean(|_| false).unwrap();
        assert!(cache.has(&kept));
    }

    #[test]
    fn cleaning_what_is_derived_keeps_steps_and_foreign_folders() {
        let (folder, cache) = cache();
        let kept = id("kept");
        build(&cache, &kept);
        let [derived, foreign] = [derived::COMPILED, "photos"].map(|name| folder.path().join(name));
        for folder in [&derived, &foreign] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("entry"), "1234567").unwrap();
        }
        assert_eq!(cache.clean_derived().unwrap(), 7);
        assert!(cache.has(&kept) && !derived.exists() && foreign.exists());
    }

    #[test]
    fn an_error_names_the_path() {
        let (folder, _) = cache();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Cache::new(file).lock("x", || ()).unwrap_err();
        assert!(error.to_string().starts_with("failed to lock "), "{error}");
    }
}
