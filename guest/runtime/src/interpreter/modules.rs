//! Looking at modules that have been imported, without importing anything.
//!
//! An import, even of a module that is there, runs code and touches memory; an instance's
//! first call is mostly the cost of the pages that it touches.
#![expect(unsafe_code, reason = "PyO3 has no safe form of these calls")]

use std::ffi::CStr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The module of that name, if it has been imported.
pub(super) fn loaded<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
    let name = PyString::new(py, name);
    // SAFETY: `name` is a string; the result is a new reference or NULL.
    let module =
        unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyImport_GetModule(name.as_ptr())) };
    if module.is_none() {
        // NULL can mean an error as well, such as no memory; it is "not loaded" then.
        drop(PyErr::take(py));
    }
    module
}

/// The attribute of `sys`, unless a program has deleted it.
pub(super) fn sys<'py>(py: Python<'py>, name: &CStr) -> Option<Bound<'py, PyAny>> {
    // SAFETY: `name` is a C string; the result is a borrowed reference or NULL, without error.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PySys_GetObject(name.as_ptr())) }
}
