//! Handing over sub-content.

use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use wadup_protocol::metadata::SubContent;
use wadup_protocol::paths;

use super::errors::os_error;
use super::output::{close, create_next};
use super::values;

static NEXT: Mutex<u32> = Mutex::new(0);

/// emit_bytes(data, filename)
/// --
///
/// Hand over content that is to be processed like an input of its own, under this name.
/// `data` is bytes or another bytes-like object. It counts if this input completes.
#[pyfunction]
#[pyo3(text_signature = "(data, filename)")]
pub(super) fn emit_bytes(data: &Bound<'_, PyAny>, filename: &Bound<'_, PyAny>) -> PyResult<()> {
    if !super::processing() {
        return Err(PyRuntimeError::new_err(
            "emit_bytes works in main(): there is no input while the module is imported",
        ));
    }
    let filename = checked_filename(filename)?;
    let buffer = PyUntypedBuffer::get(data).map_err(|_| not_bytes(data))?;
    if !buffer.is_c_contiguous() {
        return Err(PyValueError::new_err(
            "emit_bytes needs contiguous bytes: use bytes(data)",
        ));
    }
    // No Python code runs while the bytes are borrowed, so that nobody changes them.
    hand_over(bytes(&buffer), filename).map_err(|(error, path)| os_error(&error, &path))
}

fn hand_over(data: &[u8], filename: String) -> Result<(), (io::Error, String)> {
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let (file, path) = create_next(paths::SUBCONTENT_DIR, "bin", &mut next)?;
    write(file, data, &path)?;
    let json = serde_json::to_vec(&SubContent { filename })
        .map_err(|error| (io::Error::from(error), path.clone()))?;
    let json_path = path.replace(".bin", ".json");
    let written = File::create(&json_path)
        .map_err(|error| (error, json_path.clone()))
        .and_then(|file| write(file, &json, &json_path));
    if written.is_err() {
        // Nobody will name it any more; its space may be needed.
        let _ = fs::remove_file(&path);
    }
    written
}

/// Writes and closes the file; removes it when that fails.
fn write(mut file: File, content: &[u8], path: &str) -> Result<(), (io::Error, String)> {
    let written = file.write_all(content);
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
        .and_then(|()| close(file))
        .map_err(|error| (error, path.to_owned()))
}

fn checked_filename(filename: &Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(text) = filename.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "filename is a str, got {}",
            values::class_name(filename)
        )));
    };
    let Ok(name) = text.to_str() else {
        return Err(PyValueError::new_err(
            "filename has a lone surrogate in it, which UTF-8 cannot hold: use \
             filename.encode(errors=\"replace\").decode()",
        ));
    };
    if name.is_empty() || name.contains('\0') {
        return Err(PyValueError::new_err(
            "filename is empty or has a NUL character in it",
        ));
    }
    Ok(name.to_owned())
}

/// The bytes of a contiguous buffer.
#[expect(unsafe_code, reason = "a buffer of any element type is read as bytes")]
fn bytes(buffer: &PyUntypedBuffer) -> &[u8] {
    if buffer.len_bytes() == 0 {
        return &[];
    }
    // SAFETY: the buffer is contiguous, has this many bytes and stays as long as `buffer`.
    unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) }
}

fn not_bytes(data: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "data is bytes or another bytes-like object, got {}; use text.encode() for a str",
        values::class_name(data)
    ))
}
