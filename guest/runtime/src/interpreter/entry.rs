//! The entry module and its `main()`.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;
use wadup_protocol::bundle::Boot;

use super::{Ended, ending};
use crate::package;

// The builder knows it by this name.
pyo3::create_exception!(wadup, NoMain, PyAttributeError);

static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// Imports the entry module and checks that it has a `main()`.
pub(super) fn import(py: Python<'_>, boot: &Boot) -> PyResult<()> {
    let module = py.import(boot.entry_point.as_str())?;
    main_of(&module)?;
    // Nobody else sets it: an instance imports once.
    let _ = MODULE.set(py, module.unbind());
    Ok(())
}

/// Calls `main()` and brings the instance's work to its end.
pub(super) fn run(py: Python<'_>) -> Ended {
    let result = call_main(py);
    let ended = match result {
        Ok(()) => Ended::Completed,
        Err(error) => ending::of_exception(py, &error),
    };
    ending::run_exit_functions(py);
    let ended = match ended {
        Ended::Completed => match package::flush(py) {
            Ok(()) => Ended::Completed,
            Err(error) => ending::of_exception(py, &error),
        },
        ended => ended,
    };
    ending::flush_streams(py);
    ended
}

fn call_main(py: Python<'_>) -> PyResult<()> {
    let module = MODULE
        .get(py)
        .ok_or_else(|| PyAttributeError::new_err("the entry module was never imported"))?;
    let result = main_of(module.bind(py))?.call0()?;
    if is_coroutine(&result) {
        py.import("asyncio")?.call_method1("run", (result,))?;
    }
    Ok(())
}

fn main_of<'py>(module: &Bound<'py, PyModule>) -> PyResult<Bound<'py, PyAny>> {
    match module.getattr_opt("main")? {
        Some(main) if main.is_callable() => Ok(main),
        found => Err(no_main(module, found.is_some())),
    }
}

fn no_main(module: &Bound<'_, PyModule>, found: bool) -> PyErr {
    let name = module
        .name()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string());
    let what = if found {
        "what it calls `main` is not callable"
    } else {
        "it has none"
    };
    NoMain::new_err(format!(
        "the entry module `{name}` needs a function `main()`, and {what}"
    ))
}

/// What an `async def main()` returns.
fn is_coroutine(result: &Bound<'_, PyAny>) -> bool {
    result.hasattr("cr_await").unwrap_or(false)
}
