//! Files that are open when a snapshot is taken.
//!
//! Their descriptors would be numbers without meaning in an instance, or worse: those of other
//! files. What is open inside of the instance (files of the tree, pipes, pairs of sockets) is in
//! the snapshot and can stay open.
#![expect(
    unsafe_code,
    reason = "the host's descriptors are asked for with system calls"
)]

use std::collections::BTreeMap;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use wadup_protocol::audit::Frame;

use super::ending;
use crate::{audit, descriptors};

/// The host's standard streams come before.
const FIRST: u32 = 3;
/// Hosts give the lowest free number.
const LAST: u32 = 1023;

/// An error that names the files, if there are any.
pub(super) fn refuse(py: Python<'_>) -> PyResult<()> {
    if let Some(stream) = descriptors::replaced_standard_stream() {
        return Err(PyRuntimeError::new_err(format!(
            "descriptor {stream} was closed or replaced while the module was imported; a snapshot \
             needs the standard streams as they were"
        )));
    }
    let numbered = descriptors::open_in_the_host();
    // Those of extensions that ask the host by themselves have no number of ours.
    let others: Vec<u32> = (FIRST..=LAST)
        .filter(|host| is_open(*host) && !numbered.iter().any(|open| open.host == *host))
        .collect();
    let mut descriptors: BTreeMap<u32, String> = numbered
        .iter()
        .map(|open| open.number)
        .chain(others)
        .map(|fd| (fd, format!("descriptor {fd}")))
        .collect();
    if descriptors.is_empty() {
        return Ok(());
    }
    name_files(py, &mut descriptors)?;
    for (fd, description) in &mut descriptors {
        if let Some(Frame {
            file,
            line,
            function,
            ..
        }) = audit::opener(*fd).first()
        {
            description.push_str(&format!(" ({file}:{line}, in {function})"));
        }
    }
    let names: Vec<String> = descriptors.into_values().collect();
    Err(PyRuntimeError::new_err(format!(
        "files that were opened while the module was imported are still open: {}; a snapshot \
         cannot keep them: open them in main() or in a function registered with wadup.on_start",
        names.join(", ")
    )))
}

/// Whether the host has a descriptor of this number that is not a preopened directory.
fn is_open(fd: u32) -> bool {
    // SAFETY: any number may be asked for; the results are not pointers.
    unsafe { wasip1::fd_fdstat_get(fd).is_ok() && wasip1::fd_prestat_get(fd).is_err() }
}

/// Writes out what any object still holds for the standard streams, such as one that
/// `sys.stdout` was replaced by: else every instance would.
pub(super) fn flush_standard_streams(py: Python<'_>) -> PyResult<()> {
    let io = py.import("_io")?;
    let class = |name: &str| io.getattr(name)?.cast_into::<PyType>().map_err(PyErr::from);
    let (text, buffer, file) = (
        class("TextIOWrapper")?,
        class("BufferedWriter")?,
        class("FileIO")?,
    );
    for object in py.import("gc")?.call_method0("get_objects")?.try_iter()? {
        let object = object?;
        let class = object.get_type();
        let buffer = if class.is(&text) {
            object.getattr("buffer")
        } else if class.is(&buffer) {
            Ok(object.clone())
        } else {
            continue;
        };
        // What is closed or detached raises, and has nothing to write.
        let raw = buffer.and_then(|buffer| buffer.getattr("raw"));
        let Some(raw) = raw.ok().filter(|raw| raw.get_type().is(&file)) else {
            continue;
        };
        let fd = raw
            .call_method0("fileno")
            .and_then(|fd| fd.extract::<u32>());
        if fd.is_ok_and(|fd| fd < FIRST) {
            ending::flush(&object);
        }
    }
    Ok(())
}

/// Says what Python calls them, for those that Python has opened.
fn name_files(py: Python<'_>, descriptors: &mut BTreeMap<u32, String>) -> PyResult<()> {
    let file_type = py.import("_io")?.getattr("FileIO")?;
    for object in py.import("gc")?.call_method0("get_objects")?.try_iter()? {
        let object = object?;
        if !object.is_instance(&file_type)? || object.getattr("closed")?.is_truthy()? {
            continue;
        }
        let fd = object.call_method0("fileno")?.extract()?;
        if let Some(description) = descriptors.get_mut(&fd) {
            *description = object
                .getattr("name")?
                .repr()?
                .to_string_lossy()
                .into_owned();
        }
    }
    Ok(())
}
