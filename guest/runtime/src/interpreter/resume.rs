//! Bringing a snapshot's interpreter into the present.
//!
//! Reset is what the standard library keeps that must differ between instances or that was
//! true at build time only. The hash seed stays: dictionaries depend on it. So does the state
//! of Rust extensions, such as ahash's seeds. What a program keeps itself (a `Random` of its
//! own, the time in a global) is for `@wadup.on_start`.

use pyo3::prelude::*;

use super::{environment, modules};

/// Makes a snapshot tell the truth about this instance.
pub(super) fn resume(py: Python<'_>) -> PyResult<()> {
    environment::refresh(py)?;
    for (name, reset) in RESETS {
        if let Some(module) = modules::loaded(py, name) {
            reset(&module)?;
        }
    }
    Ok(())
}

type Reset = fn(&Bound<'_, PyAny>) -> PyResult<()>;

/// What to do for a module of the standard library, if the program has imported it.
const RESETS: [(&str, Reset); 4] = [
    ("random", reset_random),
    ("tempfile", reset_tempfile),
    ("uuid", reset_uuid),
    ("logging", reset_logging),
];

/// The instance behind `random.random()` and the other functions of the module.
fn reset_random(random: &Bound<'_, PyAny>) -> PyResult<()> {
    random.getattr("_inst")?.call_method0("seed").map(drop)
}

/// The generator of temporary names; the next use makes a new one.
fn reset_tempfile(tempfile: &Bound<'_, PyAny>) -> PyResult<()> {
    tempfile.setattr("_name_sequence", tempfile.py().None())
}

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
