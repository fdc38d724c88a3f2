//! Bringing a snapshot's interpreter into the present.
//!
//! Reset is what the standard library keeps that must differ between instances or that was
//! true at build time only. The hash seed stays: dictionaries depend on it. So does the state
//! of Rust extensions, such as ahash's seeds. What a program keeps itself (a token, the time in
//! a global) is for `@wadup.on_start`; the snapshot audit ([`crate::audit`]) tells of it.

use pyo3::prelude::*;

use super::{environment, modules};
use crate::audit::generators;

/// Makes a snapshot tell the truth about this instance.
pub(super) fn resume(py: Python<'_>) -> PyResult<()> {
    environment::refresh(py)?;
    // Those behind `random.random()` and `tempfile`'s names are among them.
    generators::seed(py)?;
    for (name, reset) in RESETS {
        if let Some(module) = modules::loaded(py, name) {
            reset(&module)?;
        }
    }
    Ok(())
}

type Reset = fn(&Bound<'_, PyAny>) -> PyResult<()>;

/// What to do for a module of the standard library, if the program has imported it.
const RESETS: [(&str, Reset); 2] = [("uuid", reset_uuid), ("logging", reset_logging)];

/// What `uuid1()` remembers: the random node number, and the time of the last one.
fn reset_uuid(uuid: &Bound<'_, PyAny>) -> PyResult<()> {
    uuid.setattr("_node", uuid.py().None())?;
    uuid.setattr("_last_timestamp", uuid.py().None())
}

/// The zero of `%(relativeCreated)d`.
fn reset_logging(logging: &Bound<'_, PyAny>) -> PyResult<()> {
    let now = logging.py().import("time")?.call_method0("time_ns")?;
    logging.setattr("_startTime", now)
}
