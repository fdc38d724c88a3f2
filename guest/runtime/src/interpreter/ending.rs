//! How `main()` ends, and what has to happen then.
#![expect(unsafe_code, reason = "C streams are flushed through libc")]

use std::ffi::{CStr, c_int, c_void};

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::{Ended, exception, modules};

unsafe extern "C" {
    fn fflush(stream: *mut c_void) -> c_int;
}

/// Exit status for `sys.exit("text")`, as in CPython.
const EXIT_WITH_TEXT: i32 = 1;
/// Exit status for a number that does not fit, as in CPython.
const EXIT_OUT_OF_RANGE: i32 = -1;

/// What an exception that left `main()` means. Prints what has to be printed.
pub(super) fn of_exception(py: Python<'_>, error: &PyErr) -> Ended {
    if !error.is_instance_of::<PySystemExit>(py) {
        return Ended::Raised(exception::report(py, error));
    }
    match exit_code(error.value(py)) {
        0 => Ended::Completed,
        code => Ended::Exited(code),
    }
}

/// The rules of `sys.exit`: nothing is 0, a number is itself, anything else is printed.
fn exit_code(exit: &Bound<'_, PyAny>) -> i32 {
    let code = exit.getattr("code").ok().filter(|code| !code.is_none());
    match code {
        None => 0,
        Some(code) if code.is_instance_of::<PyInt>() => code.extract().unwrap_or(EXIT_OUT_OF_RANGE),
        Some(code) => {
            let text = code
                .str()
                .map_or_else(|_| String::new(), |text| exception::text_of(&text));
            exception::print(exit.py(), &format!("{text}\n"));
            EXIT_WITH_TEXT
        }
    }
}

/// Calls what was registered with `atexit`. Each runs once.
pub(super) fn run_exit_functions(py: Python<'_>) {
    let Some(atexit) = modules::loaded(py, "atexit") else {
        return;
    };
    if let Err(error) = atexit.call_method0("_run_exitfuncs") {
        error.write_unraisable(py, None);
    }
}

/// Writes out what Python's and C's standard streams still hold.
pub(super) fn flush_streams(py: Python<'_>) {
    for name in [c"stdout", c"stderr"] {
        if let Some(stream) = stream(py, name) {
            flush(&stream);
        }
    }
    // SAFETY: NULL means all streams. It fails where the Python streams did.
    unsafe { fflush(std::ptr::null_mut()) };
}

/// What fails is told, and nothing else can be done about it.
pub(super) fn flush(stream: &Bound<'_, PyAny>) {
    if let Err(error) = stream.call_method0("flush") {
        error.write_unraisable(stream.py(), None);
    }
}

/// `sys.stdout` or `sys.stderr`, unless the program has put `None` there or closed it.
fn stream<'py>(py: Python<'py>, name: &CStr) -> Option<Bound<'py, PyAny>> {
    let stream = modules::sys(py, name).filter(|stream| !stream.is_none())?;
    let closed = stream
        .getattr("closed")
        .and_then(|closed| closed.is_truthy());
    (!closed.unwrap_or(false)).then_some(stream)
}
