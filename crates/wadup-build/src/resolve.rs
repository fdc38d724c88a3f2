//! Which packages, in which versions, from which files.

mod chain;
mod error;
mod inputs;
mod select;
mod uv;

use std::path::{Path, PathBuf};

use wadup_project::{Lock, MarkerEnvironment, Project, wasi_environment};

use crate::cache::Cache;
use crate::event::{BuildEvent, Reporter};
use crate::product::Product;
use crate::settings::BuildSettings;
use crate::tools::Tools;

pub use error::{Refusal, RefusalReason, ResolveError};
pub(crate) use inputs::{Inputs, Root};
pub(crate) use select::{Chosen, PackageOrigin, PinnedWheel, Selection};

/// The lock that wadup writes. The name is a valid one (PEP 751: `pylock.<word>.toml`) and
/// leaves `pylock.toml` to the user.
const OUR_LOCK: &str = "pylock.wadup.toml";
const USER_LOCK: &str = "pylock.toml";
const UV_LOCK: &str = "uv.lock";

/// What is needed to resolve, and what it is done with.
pub(crate) struct Resolver<'a> {
    pub(crate) project: &'a Project,
    pub(crate) settings: &'a BuildSettings,
    pub(crate) tools: &'a dyn Tools,
    pub(crate) cache: &'a Cache,
    pub(crate) reporter: &'a dyn Reporter,
    /// Whether a lock that had to be made is written, and kept.
    pub(crate) writes: bool,
}

/// A lock, and where it is.
#[derive(Debug)]
pub(crate) struct FoundLock {
    pub(crate) path: PathBuf,
    pub(crate) lock: Lock,
    /// Whether it had to be made, anew or for the first time.
    pub(crate) is_new: bool,
}

impl Resolver<'_> {
    /// One source for every package that the project needs on WASI.
    pub(crate) fn resolve(&self) -> Result<Selection, ResolveError> {
        let inputs = Inputs::of(self.project, &self.settings.product, self.tools)?;
        let found = self.lock(&inputs)?;
        let environment = self.environment();
        inputs.check_satisfied(&found, &environment)?;
        select::select(self, &inputs, &found, &environment)
    }

    fn lock(&self, inputs: &Inputs) -> Result<FoundLock, ResolveError> {
        let root = &self.project.root;
        let uv_lock = root.join(UV_LOCK);
        if uv_lock.is_file() {
            return uv::export(self, &uv_lock);
        }
        if let Product::Tests(_) = self.settings.product {
            let locks = [USER_LOCK, OUR_LOCK].map(|name| root.join(name));
            let packed = locks.iter().find(|lock| lock.is_file());
            return uv::compile_for_tests(self, inputs, packed.unwrap_or(&locks[1]));
        }
        let user_lock = root.join(USER_LOCK);
        if user_lock.is_file() {
            return load(&user_lock);
        }
        self.our_lock(inputs, &root.join(OUR_LOCK))
    }

    fn our_lock(&self, inputs: &Inputs, path: &Path) -> Result<FoundLock, ResolveError> {
        let old = path.is_file().then(|| load(path)).transpose()?;
        let recorded = old.as_ref().and_then(|found| found.lock.inputs.as_ref());
        if let Some(found) = &old
            && recorded == Some(&inputs.recorded)
        {
            return Ok(FoundLock {
                path: found.path.clone(),
                lock: found.lock.clone(),
                is_new: false,
            });
        }
        if self.settings.locked {
            return Err(inputs.outdated(path, old.as_ref()));
        }
        let lock = uv::compile(self, inputs, path)?;
        // One in the cache is nobody's to look at.
        if self.writes && !path.starts_with(self.tools.cache_dir()) {
            self.reporter
                .event(BuildEvent::LockWritten(path.to_owned()));
        }
        Ok(lock)
    }

    fn environment(&self) -> MarkerEnvironment {
        wasi_environment(self.tools.python())
    }
}

fn load(path: &Path) -> Result<FoundLock, ResolveError> {
    Ok(FoundLock {
        path: path.to_owned(),
        lock: Lock::load(path)?,
        is_new: false,
    })
}
