//! `wadup._native`, the native half of the Python package `wadup` (`guest/python/wadup`).
//!
//! Tables and rows are kept as JSON ([`rows`]) until they are handed over to the host. While
//! the entry module is imported nothing is handed over: in a snapshot that happens in another
//! instance than the one that processes an input. What was defined and inserted then is
//! delivered in every instance, as if the module had been imported there.

mod errors;
mod hooks;
mod iso_format;
mod output;
mod rows;
mod schema;
mod subcontent;
mod table;
mod values;

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;

pub(crate) use hooks::run_start_hooks;
pub(crate) use rows::flush;

/// Under this name the module is imported.
pub(crate) const NAME: &CStr = c"wadup._native";
pub(crate) const INIT: unsafe extern "C" fn() -> *mut pyo3::ffi::PyObject = native::__pyo3_init;

/// Whether there is an input.
static PROCESSING: AtomicBool = AtomicBool::new(false);

/// From now on there is an input, and results can be handed over.
pub(crate) fn begin() {
    PROCESSING.store(true, Ordering::Relaxed);
}

/// The entry module has been imported: what it defined, inserted and registered is there for
/// every input.
pub(crate) fn imported() {
    rows::imported();
    hooks::imported();
}

/// Another input in the same instance.
pub(crate) fn begin_again() {
    rows::begin_again();
    hooks::begin_again();
}

fn processing() -> bool {
    PROCESSING.load(Ordering::Relaxed)
}

/// The native half of the package `wadup`: use that.
#[pymodule]
#[pyo3(name = "_native")]
mod native {
    #[pymodule_export]
    use super::errors::TableError;
    #[pymodule_export]
    use super::hooks::{on_start, processing};
    #[pymodule_export]
    use super::rows::{define_table, flush_rows, insert_row};
    #[pymodule_export]
    use super::subcontent::emit_bytes;
    #[pymodule_export]
    use super::table::Table;
}
