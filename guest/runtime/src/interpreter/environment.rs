//! The process's environment: what the host gives this instance.
#![expect(
    unsafe_code,
    reason = "wasi-libc keeps the environment in a C variable"
)]

use std::ffi::{CStr, c_char};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::modules;

unsafe extern "C" {
    static environ: *const *const c_char;
    fn clearenv() -> i32;
    /// Back to "not yet asked the host", and asking it now. Both are wasi-libc's.
    fn __wasilibc_deinitialize_environ();
    fn __wasilibc_maybe_reinitialize_environ_eagerly();
}

/// Drops the environment of the build, so that importing the entry module cannot see it.
pub(super) fn forget() {
    // SAFETY: there is only one thread.
    unsafe { clearenv() };
}

/// Asks the host for the environment of this instance.
pub(super) fn reread() {
    // SAFETY: there is only one thread, and nobody keeps a pointer into the environment.
    unsafe {
        __wasilibc_deinitialize_environ();
        __wasilibc_maybe_reinitialize_environ_eagerly();
    }
}

/// Brings `os.environ` of a snapshot into line: what the host gives, and what the entry
/// module set while it was imported unless the host gives that too.
pub(super) fn refresh(py: Python<'_>) -> PyResult<()> {
    let Some(posix) = modules::loaded(py, "posix") else {
        return Ok(());
    };
    // `os.environ` is a view of this dictionary, whose keys and values are bytes.
    let dictionary = posix.getattr("environ")?.cast_into::<PyDict>()?;
    let given = variables();
    for (key, value) in dictionary.copy()? {
        if !given
            .iter()
            .any(|(name, _)| key.eq(PyBytes::new(py, name)).unwrap_or(false))
        {
            posix.call_method1("putenv", (key, value))?;
        }
    }
    for (name, value) in given {
        dictionary.set_item(PyBytes::new(py, &name), PyBytes::new(py, &value))?;
    }
    Ok(())
}

/// The variables of wasi-libc's environment.
fn variables() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut variables = Vec::new();
    // SAFETY: the environment has been read, and nobody changes it meanwhile.
    let mut entry = unsafe { environ };
    // SAFETY: it is NULL or an array of C strings that ends with NULL.
    while let Some(variable) = unsafe { entry.as_ref() }.filter(|variable| !variable.is_null()) {
        // SAFETY: see above.
        let variable = unsafe { CStr::from_ptr(*variable) }.to_bytes();
        if let Some(equals) = variable.iter().position(|byte| *byte == b'=') {
            variables.push((variable[..equals].to_vec(), variable[equals + 1..].to_vec()));
        }
        // SAFETY: this was not the last.
        entry = unsafe { entry.add(1) };
    }
    variables
}
