//! Files that are open when a snapshot is taken.
//!
//! Their descriptors would be numbers without meaning in an instance, or worse: those of other
//! files. Files of the tree are in the snapshot and can stay open.
#![expect(
    unsafe_code,
    reason = "the host's descriptors are asked for with system calls"
)]

use std::collections::BTreeMap;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Standard streams come before.
const FIRST: u32 = 3;
/// Hosts give the lowest free number.
const LAST: u32 = 1023;

/// An error that names the files, if there are any.
pub(super) fn refuse(py: Python<'_>) -> PyResult<()> {
    let mut descriptors: BTreeMap<u32, String> = (FIRST..=LAST)
        .filter(|fd| is_open(*fd))
        .map(|fd| (fd, format!("descriptor {fd}")))
        .collect();
    if descriptors.is_empty() {
        return Ok(());
    }
    name_files(py, &mut descriptors)?;
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
