//! What extensions make when they are first used, made before the snapshot instead.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::modules;

/// Uses what a program has imported once, where that saves every instance the work.
pub(super) fn warm(py: Python<'_>) -> PyResult<()> {
    // jiter's cache of short strings: 256 KiB, on the stack at first and then on the heap.
    if let Some(core) = modules::loaded(py, "pydantic_core._pydantic_core") {
        core.call_method1("from_json", (PyBytes::new(py, b"[\"wadup\"]"),))?;
    }
    Ok(())
}
