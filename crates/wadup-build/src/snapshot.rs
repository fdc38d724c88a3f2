//! From a runtime and a bundle to a module whose memory holds both.
//!
//! wizer's two halves are used around an instance of our own: it instruments the runtime so
//! that all state can be read, and rewrites it with the state that was read. The code stays
//! as it is, so the instrumented runtime is compiled once and found in the cache after that.

mod image;
#[cfg(test)]
mod tests;

use thiserror::Error;
use wadup_engine::{End, Finished};
use wadup_protocol::manifest::INITIALIZE_EXPORT;
use wadup_protocol::metadata::Failure;
use wadup_protocol::paths;
use wasmtime_wizer::Wizer;

use self::image::Image;
use crate::artifact::stack_size;
use crate::sandbox::{self, Sandbox, SandboxError};

/// Why there is no snapshot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The project's code, or the interpreter's start, failed.
    #[error("{}: {}", .0.kind, .0.message)]
    Failed(Failure),
    #[error("the runtime has no stack pointer")]
    NoStackPointer,
    #[error("the runtime cannot be snapshotted")]
    Wizer(#[source] wasmtime::Error),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Runs the runtime's `wadup_initialize` on `bundle`; gives the module that starts where
/// that ended.
pub(crate) fn snapshot(
    sandbox: &Sandbox,
    runtime: &[u8],
    bundle: Vec<u8>,
) -> Result<Vec<u8>, SnapshotError> {
    let stack = stack_size(runtime).ok_or(SnapshotError::NoStackPointer)?;
    let mut wizer = Wizer::new();
    wizer.init_func(INITIALIZE_EXPORT).keep_init_func(false);
    let (context, instrumented) = wizer.instrument(runtime).map_err(SnapshotError::Wizer)?;
    let mut image = initialize(sandbox, &instrumented, bundle)?;
    image.clear_stack(stack);
    // Nothing in it waits: the state has been read already.
    pollster::block_on(wizer.snapshot(&context, &mut image)).map_err(SnapshotError::Wizer)
}

fn initialize(
    sandbox: &Sandbox,
    instrumented: &[u8],
    bundle: Vec<u8>,
) -> Result<Image, SnapshotError> {
    let program = sandbox.load(instrumented)?;
    let context = sandbox::context(paths::BUNDLE, bundle)?;
    let limits = sandbox::limits();
    let names = image::Names::of(instrumented).map_err(SnapshotError::Wizer)?;
    let run = |worker: &wadup_engine::Worker| {
        let (mut execution, end) = program.instantiate(worker, context, &limits);
        let end = end.unwrap_or_else(|| execution.call(INITIALIZE_EXPORT));
        let image = (end == End::Returned(0)).then(|| Image::read(&names, &mut execution));
        (image, execution.finish(end))
    };
    let (image, finished): (Option<Image>, Finished) = sandbox
        .engine()
        .on_worker(run)
        .map_err(SandboxError::Worker)?;
    image.ok_or_else(|| SnapshotError::Failed(sandbox::failure(&finished)))
}

impl SnapshotError {
    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed(failure) if failure.kind == "ModuleNotFoundError" => Some(
                "packed are the project's own package files and what pyproject.toml asks for: add \
                 the module's package to `dependencies`, or to `c-extensions` when it is an \
                 extension that wadup knows"
                    .to_owned(),
            ),
            Self::Failed(failure) if failure.kind == "ModuleNotFoundError" => Some(
                "name the package that has it in `[project] dependencies`; `c-extensions = \
                 [\"pydantic\"]` in `[tool.wadup]` brings pydantic"
                    .to_owned(),
            ),
            Self::Failed(_) => Some(
                "what the entry module does when it is imported happens once, at build time; \
                 `snapshot = false` in `[tool.wadup]` does it anew for every input"
                    .to_owned(),
            ),
            Self::Sandbox(error) => error.hint().map(str::to_owned),
            Self::NoStackPointer | Self::Wizer(_) => None,
        }
    }
}
