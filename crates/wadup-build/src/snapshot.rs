//! From a runtime and a bundle to a module whose memory holds both.
//!
//! wizer's two halves are used around an instance of our own: it instruments the runtime so
//! that all state can be read, and rewrites it with the state that was read. The code stays
//! as it is, so the instrumented runtime is compiled once and found in the cache after that.

mod image;
mod segments;
#[cfg(test)]
mod tests;

use thiserror::Error;
use wadup_engine::{End, Finished, Limits};
use wadup_protocol::audit::Audit;
use wadup_protocol::manifest::INITIALIZE_EXPORT;
use wadup_protocol::metadata::Failure;
use wadup_protocol::paths;
use wasmtime_wizer::Wizer;

use self::image::Image;
use crate::artifact::stack_size;
use crate::audit::ImportReport;
use crate::sandbox::{self, Sandbox, SandboxError};

/// Why there is no snapshot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The project's code, or the interpreter's start, failed.
    #[error("{}{}{}", .0.kind, if .0.message.is_empty() { "" } else { ": " }, .0.message)]
    Failed(Failure),
    /// It did not come to its end, and said nothing of that.
    #[error("{}", sandbox::how(.end))]
    Ended {
        end: End,
        /// What it had printed.
        stderr: String,
    },
    #[error("the runtime has no stack pointer")]
    NoStackPointer,
    #[error("the runtime cannot be snapshotted")]
    Wizer(#[source] wasmtime::Error),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// A module that starts where an import ended, and what that import told of itself.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) module: Vec<u8>,
    pub(crate) import: ImportReport,
}

/// The most of an audit that is read.
const AUDIT_MAX: u64 = 4 << 20;

/// Runs the runtime's `wadup_initialize` on `bundle`; gives the module that starts where
/// that ended.
pub(crate) fn snapshot(
    sandbox: &Sandbox,
    runtime: &[u8],
    bundle: Vec<u8>,
    limits: &Limits,
) -> Result<Snapshot, SnapshotError> {
    let stack = stack_size(runtime).ok_or(SnapshotError::NoStackPointer)?;
    let mut wizer = Wizer::new();
    wizer.init_func(INITIALIZE_EXPORT).keep_init_func(false);
    let (context, instrumented) = wizer.instrument(runtime).map_err(SnapshotError::Wizer)?;
    let (mut image, import) = initialize(sandbox, &instrumented, bundle, limits)?;
    image.clear_stack(stack);
    // Nothing in it waits: the state has been read already.
    let module = pollster::block_on(wizer.snapshot(&context, &mut image));
    let module = module.map_err(SnapshotError::Wizer)?;
    let smaller = segments::leave_out_zeros(&module);
    let smaller = smaller.map_err(|error| SnapshotError::Wizer(error.into()))?;
    Ok(Snapshot {
        module: smaller.unwrap_or(module),
        import,
    })
}

fn initialize(
    sandbox: &Sandbox,
    instrumented: &[u8],
    bundle: Vec<u8>,
    limits: &Limits,
) -> Result<(Image, ImportReport), SnapshotError> {
    let program = sandbox.load(instrumented)?;
    let context = sandbox::context(paths::BUNDLE, bundle)?;
    let names = image::Names::of(instrumented).map_err(SnapshotError::Wizer)?;
    let run = |worker: &wadup_engine::Worker| {
        let (mut execution, end) = program.instantiate(worker, context, limits);
        let end = end.unwrap_or_else(|| execution.call(INITIALIZE_EXPORT));
        let image = (end == End::Returned(0)).then(|| Image::read(&names, &mut execution));
        (image, execution.finish(end))
    };
    let (image, finished): (Option<Image>, Finished) = sandbox
        .engine()
        .on_worker(run)
        .map_err(SandboxError::Worker)?;
    match image {
        Some(image) => Ok((image, report(&finished))),
        None => Err(refusal(finished)),
    }
}

fn refusal(finished: Finished) -> SnapshotError {
    match sandbox::own_words(&finished) {
        Some(failure) => SnapshotError::Failed(failure),
        None => SnapshotError::Ended {
            stderr: sandbox::stderr(&finished),
            end: finished.end,
        },
    }
}

/// A runtime that writes no audit has found nothing.
fn report(finished: &Finished) -> ImportReport {
    let audit = finished.wasi.vfs().read_file(paths::AUDIT, AUDIT_MAX).ok();
    let audit = audit.and_then(|json| serde_json::from_slice::<Audit>(&json).ok());
    ImportReport {
        audit: audit.unwrap_or_default(),
        stdout: String::from_utf8_lossy(finished.wasi.stdout().bytes()).into_owned(),
        stderr: sandbox::stderr(finished),
    }
}

/// What the runtime raises for an entry module without `main()`.
const NO_MAIN: &str = "wadup.NoMain";

const IMPORT_HINT: &str = "the entry module is imported when it is built, in the sandbox; what it \
     is to do for every input belongs in main()";

/// What to try, by the kind of an exception.
fn exception_hint(kind: &str) -> &'static str {
    match kind {
        "ModuleNotFoundError" => {
            "packed are the project's own package files and what pyproject.toml asks for: add \
             the module's package to `dependencies`, or to `c-extensions` when it is an \
             extension that wadup knows"
        }
        "FileNotFoundError" => {
            "the sandbox has the files of the project's packages, beside `__file__`, and none of \
             other folders"
        }
        _ => IMPORT_HINT,
    }
}

impl SnapshotError {
    /// Whether the entry module was imported, and has no `main()`.
    pub fn is_no_main(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.kind == NO_MAIN)
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => Some(exception_hint(&failure.kind).to_owned()),
            Self::Ended {
                end: End::LimitExceeded(_),
                ..
            } => Some(
                "what takes much time or memory may be better off in main(); --timeout and \
                 --max-memory give the import more"
                    .to_owned(),
            ),
            Self::Ended { .. } => Some(IMPORT_HINT.to_owned()),
            Self::Sandbox(error) => error.hint().map(str::to_owned),
            Self::NoStackPointer | Self::Wizer(_) => None,
        }
    }
}
