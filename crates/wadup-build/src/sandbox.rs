//! Where the runtime runs at build time: a sandbox in which the day, the randomness and the
//! environment are always the same, so that what it leaves behind is, too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use thiserror::Error;
use wadup_engine::{
    CompiledCache, End, Engine, EngineError, EngineSettings, Finished, Limit, Limits, LoadError,
    Program, WorkerError,
};
use wadup_protocol::metadata::Failure;
use wadup_protocol::{bundle, paths};
use wadup_vfs::{Mount, Vfs};
use wadup_wasi::{FixedClock, WasiConfig, WasiCtx};

/// How long an import or a compilation may take.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Starting and importing may need more memory than an input is given later.
const MEMORY: u64 = 2 << 30;
/// How many instances can run at once.
pub(crate) const INSTANCES: usize = 8;
/// The most of a failure's text that is read.
const FAILURE_MAX: u64 = 1 << 20;

/// An engine, and compiled code that is kept.
#[derive(Debug)]
pub(crate) struct Sandbox {
    engine: Engine,
    compiled: CompiledCache,
}

/// Why code could not be run in the sandbox.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error("the runtime cannot be loaded")]
    Load(#[source] LoadError),
    #[error("failed to put {path} in place: {source}")]
    Mount {
        path: &'static str,
        source: wadup_vfs::Error,
    },
}

impl SandboxError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Worker(error) => Some(error.hint()),
            Self::Load(error) => error.hint(),
            Self::Mount { .. } => None,
        }
    }
}

impl Sandbox {
    pub(crate) fn new(cache_dir: &Path) -> Result<Self, SandboxError> {
        let settings = EngineSettings {
            instances: INSTANCES as u32,
            max_memory: MEMORY,
            ..EngineSettings::default()
        };
        Ok(Self {
            engine: Engine::new(settings)?,
            compiled: CompiledCache::at(cache_dir.join(wadup_toolchain::derived::COMPILED)),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The module, compiled, or found in the cache.
    pub(crate) fn load(&self, wasm: &[u8]) -> Result<Program, SandboxError> {
        Program::load(&self.engine, wasm, &self.compiled).map_err(SandboxError::Load)
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        timeout: Some(TIMEOUT),
        ..Limits::default()
    }
}

/// A context without arguments and environment, with the file `path` holding `content`.
pub(crate) fn context(path: &'static str, content: Vec<u8>) -> Result<WasiCtx, SandboxError> {
    // Files in the tree have the same time; after it nothing is "modified in the future".
    let clock = FixedClock {
        realtime: bundle::TIMESTAMP * 1_000_000_000,
        monotonic: 1,
    };
    let mut vfs = Vfs::new(wadup_vfs::Limits::bytes(MEMORY), Arc::new(clock));
    let mount = |vfs: &mut Vfs, path, mount| {
        vfs.mount(path, mount)
            .map(drop)
            .map_err(|source| SandboxError::Mount { path, source })
    };
    mount(&mut vfs, paths::TMP_DIR, Mount::Directory)?;
    mount(&mut vfs, paths::METADATA_DIR, Mount::Directory)?;
    vfs.mount_devices().map_err(|source| SandboxError::Mount {
        path: "/dev",
        source,
    })?;
    mount(&mut vfs, path, Mount::Content(Box::new(content)))?;
    let config = WasiConfig::new().clock(Arc::new(clock));
    let mut context = WasiCtx::new(Arc::new(config), vfs);
    context.set_rng(Box::new(StdRng::seed_from_u64(0)));
    Ok(context)
}

/// What a guest says of its failure: its own words, else how it ended and what it wrote to
/// stderr.
pub(crate) fn failure(finished: &Finished) -> Failure {
    own_words(finished).unwrap_or_else(|| Failure {
        kind: "Failure".to_owned(),
        message: how(&finished.end),
        traceback: stderr(finished),
    })
}

/// The failure that a guest has written down.
pub(crate) fn own_words(finished: &Finished) -> Option<Failure> {
    let written = finished.wasi.vfs().read_file(paths::FAILURE, FAILURE_MAX);
    serde_json::from_slice(&written.ok()?).ok()
}

pub(crate) fn stderr(finished: &Finished) -> String {
    String::from_utf8_lossy(finished.wasi.stderr().bytes()).into_owned()
}

/// How something ended that should not have, as a clause.
pub(crate) fn how(end: &End) -> String {
    match end {
        End::Returned(code) => format!("it returned {code}"),
        End::Exited(code) => format!("it exited with {code}"),
        End::Trapped(trapped) => format!("it trapped: {}", trapped.message),
        End::LimitExceeded(Limit::Time) => "it took too long".to_owned(),
        End::LimitExceeded(Limit::Memory) => "it needed too much memory".to_owned(),
        End::LimitExceeded(limit) => format!("it exceeded a limit: {limit:?}"),
        End::Interrupted => "it was interrupted".to_owned(),
        End::NoExport(name) => format!("it has no function `{name}`"),
        End::HostFailed(message) => message.clone(),
    }
}
