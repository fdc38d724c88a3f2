//! CPython's life in an instance.
//!
//! A *cold* artifact starts the interpreter when `process` is called; a *snapshot* did so at
//! build time ([`initialize`]), and `process` only brings it into the present ([`resume`]).
//! Everything a program can observe is to be the same in both: what happens while the entry
//! module is imported must not depend on the instance.

mod config;
mod ending;
mod entry;
mod environment;
mod exception;
mod extensions;
mod heap;
mod immortal;
mod left_open;
mod modules;
mod resume;
mod warm;

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use wadup_protocol::bundle::Boot;
use wadup_protocol::manifest::Start;
use wadup_protocol::metadata::Failure;

use crate::{audit, descriptors, failure, package, tree};

/// How a call of [`process`] ends.
pub(crate) enum Ended {
    Completed,
    /// `sys.exit(n)`, n ≠ 0.
    Exited(i32),
    /// Any other exception. Its traceback has been printed.
    Raised(Failure),
}

/// How far this instance has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// `runtime.wasm` as it was linked.
    Linked,
    /// The tree is in memory.
    Cold,
    /// The entry module has been imported, in another instance than this one.
    Snapshot,
    /// The entry module has been imported and this instance has begun its work.
    Running,
}

static STAGE: Mutex<Stage> = Mutex::new(Stage::Linked);

fn stage() -> Stage {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn advance(to: Stage) {
    *STAGE.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// Loads the tree and, where the artifact is to be a snapshot, starts the interpreter and
/// imports the entry module.
pub(crate) fn initialize() -> Result<(), Failure> {
    let bundle = tree::load().map_err(|error| failure::of_step("LoadError", &error))?;
    tree::mount();
    match bundle.boot().start {
        Start::Cold => advance(Stage::Cold),
        Start::Snapshot => {
            environment::forget();
            start(bundle.boot())?;
            Python::attach(|py| {
                import_watched(py, bundle.boot())
                    .and_then(|()| settle(py))
                    .map_err(|error| exception::report(py, &error))
            })?;
            tree::forget_unpacked();
            advance(Stage::Snapshot);
        }
    }
    Ok(())
}

/// Processes one input, from the stage that the instance is at.
pub(crate) fn process() -> Ended {
    match begin() {
        Ok(()) => Python::attach(entry::run),
        Err(ended) => ended,
    }
}

/// Does what has to happen before `main()`: most of it only once in an instance.
fn begin() -> Result<(), Ended> {
    let stage = stage();
    if stage == Stage::Running {
        return Python::attach(|py| {
            package::begin_again();
            package::run_start_hooks(py).map_err(|error| ending::of_exception(py, &error))
        });
    }
    let Some(tree) = tree::tree() else {
        let error = "the module is a runtime without a bundle: it was never initialized";
        return Err(Ended::Raised(failure::of_step(
            "LoadError",
            &Message(error),
        )));
    };
    tree::mount();
    environment::reread();
    if stage == Stage::Cold {
        start(tree.boot()).map_err(Ended::Raised)?;
    }
    advance(Stage::Running);
    Python::attach(|py| {
        match stage {
            Stage::Cold => entry::import(py, tree.boot()),
            _ => resume::resume(py),
        }
        // `sys.exit()` is no way out here: no `main()` has been found.
        .map_err(|error| Ended::Raised(exception::report(py, &error)))?;
        if stage == Stage::Cold {
            imported();
        }
        package::begin();
        package::run_start_hooks(py).map_err(|error| ending::of_exception(py, &error))
    })
}

/// The entry module has been imported: what there is now is there for every input.
fn imported() {
    package::imported();
    descriptors::imported();
}

fn start(boot: &Boot) -> Result<(), Failure> {
    extensions::register();
    config::start(boot).map_err(|error| failure::of_step("StartError", &error))
}

/// Imports the entry module for a snapshot, and writes down what it did that is frozen.
fn import_watched(py: Python<'_>, boot: &Boot) -> PyResult<()> {
    // Every failing input needs it; imported here it costs them nothing.
    py.import("traceback")?;
    audit::begin(py)?;
    entry::import(py, boot)?;
    audit::end(py)
}

/// Brings the interpreter into the state that is worth a snapshot: no garbage, nothing that is
/// still to be written, and no page that an instance writes to without need.
fn settle(py: Python<'_>) -> PyResult<()> {
    warm::warm(py)?;
    let gc = py.import("gc")?;
    gc.call_method0("collect")?;
    left_open::refuse(py)?;
    // After the collection, as what is collected may write.
    left_open::flush_standard_streams(py)?;
    ending::flush_streams(py);
    // From here on, no Python code of the program runs.
    resume::unset(py)?;
    immortal::immortalise(py)?;
    gc.call_method0("freeze")?;
    imported();
    heap::settle();
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(&'static str);
