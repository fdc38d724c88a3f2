//! wasi-libc's calls for the clock and for random bytes, which it makes for C and Python. Rust's
//! standard library asks the host directly: the seeds of its hash tables are no program's doing.
#![expect(unsafe_code, reason = "these are the C functions that wasi-libc calls")]

use wadup_protocol::audit::Impurity;
use wasip1::{Errno, Size, Timestamp};

use super::{listening, note};

unsafe extern "C" {
    fn __real___wasi_random_get(buffer: *mut u8, len: Size) -> Errno;
    fn __real___wasi_clock_time_get(id: u32, precision: Timestamp, result: *mut Timestamp)
    -> Errno;
}

/// # Safety
/// `buffer` has room for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_random_get(buffer: *mut u8, len: Size) -> Errno {
    if listening() {
        note(Impurity::Entropy);
    }
    // SAFETY: the arguments are the caller's.
    unsafe { __real___wasi_random_get(buffer, len) }
}

/// # Safety
/// `result` can be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_clock_time_get(
    id: u32,
    precision: Timestamp,
    result: *mut Timestamp,
) -> Errno {
    if listening() {
        note(Impurity::Clock);
    }
    // SAFETY: the arguments are the caller's.
    unsafe { __real___wasi_clock_time_get(id, precision, result) }
}
