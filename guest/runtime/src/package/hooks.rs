//! What a program wants to happen in every instance before `main()`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

static HOOKS: Mutex<Vec<Py<PyAny>>> = Mutex::new(Vec::new());

/// How many were registered while the entry module was imported.
static IMPORTED: AtomicUsize = AtomicUsize::new(0);

/// on_start(function, /)
/// --
///
/// Register a function without parameters that is called before main(), for every input.
/// Functions are called in the order in which they were registered.
#[pyfunction]
#[pyo3(signature = (function, /))]
pub(super) fn on_start(function: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if !function.is_callable() {
        let class = function.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "on_start needs a function, got {class}"
        )));
    }
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    hooks.push(function.clone().unbind());
    Ok(function)
}

/// The entry module has been imported.
pub(super) fn imported() {
    let hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    IMPORTED.store(hooks.len(), Ordering::Relaxed);
}

/// For the next input of an instance that is used again: what the last one registered is gone.
pub(super) fn begin_again() {
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let imported = IMPORTED.load(Ordering::Relaxed).min(hooks.len());
    let registered = hooks.split_off(imported);
    // Dropping them may run Python code.
    drop(hooks);
    drop(registered);
}

/// Calls the registered functions; those that they register too.
pub(crate) fn run_start_hooks(py: Python<'_>) -> PyResult<()> {
    let mut next = 0;
    while let Some(hook) = hook(py, next) {
        hook.call0(py)?;
        next += 1;
    }
    Ok(())
}

fn hook(py: Python<'_>, index: usize) -> Option<Py<PyAny>> {
    let hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    hooks.get(index).map(|hook| hook.clone_ref(py))
}

/// Whether there is an input: not while the entry module is imported.
#[pyfunction]
pub(super) fn processing() -> bool {
    super::processing()
}
