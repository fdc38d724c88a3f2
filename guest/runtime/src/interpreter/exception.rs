//! What is said of an exception: on stderr, and to the host.

use std::io::{self, Write};

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyList, PyString, PyType};
use wadup_protocol::bundle::SITE_PACKAGES_DIR;
use wadup_protocol::metadata::Failure;

use super::modules;

/// Longest message and longest traceback that are handed to the host, in bytes.
const LIMIT: usize = 64 * 1024;

/// In site-packages.
const OWN_PACKAGE: &str = "/wadup/";
const IMPORT_SYSTEM: &str = "<frozen importlib.";

/// Prints the exception as Python would and describes it for the host.
pub(super) fn report(py: Python<'_>, error: &PyErr) -> Failure {
    let traceback = format(py, error);
    if !call_own_hook(py, error) {
        print(py, &traceback);
    }
    let message = message(error.value(py));
    Failure {
        kind: kind(&error.get_type(py)),
        message: shorten(message),
        traceback: shorten(traceback),
    }
}

/// Writes to `sys.stderr`, or to the host's when that is not usable.
pub(super) fn print(py: Python<'_>, text: &str) {
    let stderr = modules::sys(py, c"stderr");
    let written = stderr.map(|stderr| stderr.call_method1("write", (text,)));
    if !matches!(written, Some(Ok(_))) {
        // There is nobody left to tell when this fails too.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Calls the `sys.excepthook` that the program has set; false if there is none that works.
fn call_own_hook(py: Python<'_>, error: &PyErr) -> bool {
    let arguments = (error.get_type(py), error.value(py), error.traceback(py));
    own_hook(py).is_some_and(|hook| hook.call1(arguments).is_ok())
}

fn own_hook(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let hook = modules::sys(py, c"excepthook")?;
    let standard = modules::sys(py, c"__excepthook__")?;
    (!hook.is(&standard)).then_some(hook)
}

/// The traceback as text, with causes and contexts; without frames if it cannot be had.
fn format(py: Python<'_>, error: &PyErr) -> String {
    let text = described(py, error).and_then(|description| {
        let lines = description.call_method0("format")?;
        PyString::new(py, "").call_method1("join", (lines,))
    });
    match text {
        Ok(text) => text_of(&text),
        Err(_) => format!(
            "{}: {}\n",
            kind(&error.get_type(py)),
            message(error.value(py))
        ),
    }
}

/// The `traceback.TracebackException`, without frames that are no news to those who wrote the
/// program: wadup's own, and those of the import system.
fn described<'py>(py: Python<'py>, error: &PyErr) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("traceback")?.getattr("TracebackException")?;
    let options = [("compact", true)].into_py_dict(py)?;
    let whole = class.call_method("from_exception", (error.value(py),), Some(&options))?;
    // A chain can be as long as memory allows.
    let mut chained = vec![whole.clone()];
    while let Some(one) = chained.pop() {
        leave_out_own(one.getattr("stack")?.cast()?)?;
        for link in ["__cause__", "__context__"] {
            chained.extend(one.getattr(link)?.extract::<Option<Bound<'py, PyAny>>>()?);
        }
        let group: Option<Vec<Bound<'py, PyAny>>> = one.getattr("exceptions")?.extract()?;
        chained.extend(group.into_iter().flatten());
    }
    Ok(whole)
}

/// Where nothing would be left, everything stays: then it is wadup that failed.
fn leave_out_own(frames: &Bound<'_, PyList>) -> PyResult<()> {
    let mut own = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let file: String = frame.getattr("filename")?.extract()?;
        let package = file.strip_prefix(SITE_PACKAGES_DIR);
        let is_own = package.is_some_and(|path| path.starts_with(OWN_PACKAGE));
        if is_own || file.starts_with(IMPORT_SYSTEM) {
            own.push(index);
        }
    }
    if own.len() < frames.len() {
        own.iter()
            .rev()
            .try_for_each(|&index| frames.del_item(index))?;
    }
    Ok(())
}

/// Such as `ValueError` or `pydantic_core._pydantic_core.ValidationError`.
fn kind(class: &Bound<'_, PyType>) -> String {
    let name = |attribute| {
        class
            .getattr(attribute)
            .map_or_else(|_| "?".to_owned(), |name| text_of(&name))
    };
    match name("__module__").as_str() {
        "builtins" => name("__qualname__"),
        module => format!("{module}.{}", name("__qualname__")),
    }
}

fn message(exception: &Bound<'_, PyAny>) -> String {
    match exception.str() {
        Ok(text) => text_of(text.as_any()),
        Err(_) => "<exception str() failed>".to_owned(),
    }
}

/// A string as UTF-8; lone surrogates become `\udc80`.
pub(super) fn text_of(text: &Bound<'_, PyAny>) -> String {
    let bytes = text
        .call_method1("encode", ("utf-8", "backslashreplace"))
        .and_then(|bytes| bytes.extract::<Vec<u8>>());
    match bytes {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => "?".to_owned(),
    }
}

/// Cuts the middle out of a text that is too long: both ends of a traceback matter.
fn shorten(text: String) -> String {
    if text.len() <= LIMIT {
        return text;
    }
    let head = text.floor_char_boundary(LIMIT / 2);
    let tail = text.ceil_char_boundary(text.len() - LIMIT / 2);
    let left_out = tail - head;
    format!(
        "{}\n[… {left_out} bytes left out …]\n{}",
        &text[..head],
        &text[tail..]
    )
}
