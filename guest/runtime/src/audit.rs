//! The snapshot audit: who reads, while the entry module is imported, what is not the same in
//! every process.
//!
//! Between [`begin`] and [`end`] it listens at the places where a program gets such things:
//! wasi-libc's system calls for the clock, for random bytes and for files ([`system_calls`], and
//! [`crate::tree`] for files), the dictionary behind `os.environ` ([`environment`]), and the
//! methods of random generators ([`generators`]). All that was put in place is gone again before
//! the snapshot is taken; what stays is a test of one flag in a system call, and generators that
//! are seeded when they are first used.
//!
//! A read counts if code outside of the standard library asked for it ([`stack`]).
#![expect(unsafe_code, reason = "system calls name files by C strings")]

pub(crate) mod generators;

mod environment;
mod stack;
mod system_calls;

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use wadup_protocol::audit::{Audit, Frame, Impurity};
use wadup_protocol::paths;

/// Off while a stack is being looked at, too: what that reads is ours.
static LISTENING: AtomicBool = AtomicBool::new(false);
static RECORD: Mutex<Record> = Mutex::new(Record {
    audit: Audit {
        findings: Vec::new(),
        omitted: 0,
    },
    made: Vec::new(),
    open: BTreeMap::new(),
});

struct Record {
    audit: Audit,
    /// Files and directories of the host that were made, and by whom.
    made: Vec<(String, Vec<Frame>)>,
    /// Files of the host that are open, and by whom.
    open: BTreeMap<u32, Vec<Frame>>,
}

fn record() -> MutexGuard<'static, Record> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to listen.
pub(crate) fn begin(py: Python<'_>) -> PyResult<()> {
    environment::watch(py)?;
    generators::watch(py)?;
    LISTENING.store(true, Ordering::Relaxed);
    Ok(())
}

/// Puts everything back to how it was, and writes [`paths::AUDIT`].
pub(crate) fn end(py: Python<'_>) -> PyResult<()> {
    LISTENING.store(false, Ordering::Relaxed);
    generators::unwatch(py)?;
    environment::unwatch(py)?;
    let mut record = record();
    let mut audit = std::mem::take(&mut record.audit);
    for (path, stack) in std::mem::take(&mut record.made) {
        if fs::symlink_metadata(&path).is_ok() {
            audit.add(Impurity::File { path }, stack);
        }
    }
    let json = serde_json::to_vec(&audit).map_err(io::Error::from)?;
    fs::write(paths::AUDIT, json)?;
    Ok(())
}

/// Who opened a file during the import that is still open; empty if that is not known.
pub(crate) fn opener(fd: u32) -> Vec<Frame> {
    record().open.get(&fd).cloned().unwrap_or_default()
}

/// Runs `listen` with the Python stack if somebody is to be heard of it.
fn hear(listen: impl FnOnce(&mut Record, Vec<Frame>)) {
    if !LISTENING.swap(false, Ordering::Relaxed) {
        return;
    }
    if let Some(stack) = stack::of_caller() {
        listen(&mut record(), stack);
    }
    LISTENING.store(true, Ordering::Relaxed);
}

/// Runs `work` without listening.
fn deaf<T>(work: impl FnOnce() -> T) -> T {
    let listening = LISTENING.swap(false, Ordering::Relaxed);
    let result = work();
    LISTENING.store(listening, Ordering::Relaxed);
    result
}

fn note(impurity: Impurity) {
    hear(|record, stack| record.audit.add(impurity, stack));
}

/// The host has opened a file, and made it if `creates`.
///
/// # Safety
/// `path` is a C string.
pub(crate) unsafe fn opened(fd: u32, path: *const c_char, creates: bool) {
    const RANDOM: &str = "/dev/urandom";
    // SAFETY: as this function's.
    let path = unsafe { absolute(path) };
    hear(|record, stack| {
        if path == RANDOM {
            record.audit.add(Impurity::Entropy, stack.clone());
        } else if creates {
            record.made.push((path, stack.clone()));
        }
        record.open.insert(fd, stack);
    });
}

/// The host has closed a file.
pub(crate) fn closed(fd: u32) {
    record().open.remove(&fd);
}

/// The host has made a directory, or has given a file a new name.
///
/// # Safety
/// `path` is a C string.
pub(crate) unsafe fn made(path: *const c_char) {
    // SAFETY: as this function's.
    let path = unsafe { absolute(path) };
    hear(|record, stack| record.made.push((path, stack)));
}

pub(crate) fn listening() -> bool {
    LISTENING.load(Ordering::Relaxed)
}

/// wadup's builder preopens one directory, `/`, to which all paths are relative.
///
/// # Safety
/// `path` is a C string.
unsafe fn absolute(path: *const c_char) -> String {
    // SAFETY: as this function's.
    let path = unsafe { CStr::from_ptr(path) };
    format!("/{}", path.to_string_lossy())
}
