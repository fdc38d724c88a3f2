//! Bringing a snapshot's interpreter into the present.
//!
//! Reset is what the standard library keeps that must differ between instances or that was
//! true at build time only: before the snapshot ([`unset`]) where that can be done, as it costs
//! every instance time ([`resume`]). The hash seed stays: dictionaries depend on it. So does the state
//! of Rust extensions, such as ahash's seeds. What a program keeps itself (a token, the time in
//! a global) is for `@wadup.on_start`; the snapshot audit ([`crate::audit`]) tells of it.

use pyo3::prelude::*;

use super::{environment, modules};
use crate::audit::generators;

/// Makes a snapshot tell the truth about this instance.
pub(super) fn resume(py: Python<'_>) -> PyResult<()> {
    environment::refresh(py)?;
    match modules::loaded(py, "logging") {
        Some(logging) => reset_logging(&logging),
        None => Ok(()),
    }
}

/// Makes what a snapshot holds say that it is not known yet.
pub(super) fn unset(py: Python<'_>) -> PyResult<()> {
    if let Some(uuid) = modules::loaded(py, "uuid") {
        // What `uuid1()` remembers: the random node number, and the time of the last one.
        uuid.setattr("_node", py.None())?;
        uuid.setattr("_last_timestamp", py.None())?;
    }
    // Those behind `random.random()` and `tempfile`'s names are among them.
    generators::defer(py)
}

/// The zero of `%(relativeCreated)d`.
fn reset_logging(logging: &Bound<'_, PyAny>) -> PyResult<()> {
    let now = logging.py().import("time")?.call_method0("time_ns")?;
    logging.setattr("_startTime", now)
}
