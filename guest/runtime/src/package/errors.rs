//! Exceptions of the package.

use std::io;

use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    wadup,
    TableError,
    PyValueError,
    "A table, column or row is not valid: an unknown column type, a table that is not defined,\n\
     the wrong number of values, a number that cannot be stored.\n\n\
     A value of the wrong Python type is a TypeError."
);

/// `OSError(errno, message, path)`, which picks the subclass by its number.
pub(super) fn os_error(error: &io::Error, path: &str) -> PyErr {
    let errno = error.raw_os_error();
    let message = match errno {
        // Rust appends "(os error N)", which Python says itself.
        Some(errno) => error
            .to_string()
            .replace(&format!(" (os error {errno})"), ""),
        None => error.to_string(),
    };
    PyOSError::new_err((errno, message, path.to_owned()))
}
