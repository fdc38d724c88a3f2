//! What the host calls.
#![expect(unsafe_code, reason = "exports need unmangled names")]

use crate::interpreter::{self, Ended};
use crate::{descriptors, failure};

unsafe extern "C" {
    /// Runs the constructors of all linked objects. wasm-ld defines it; because it is called
    /// here, wasm-ld does not wrap the exports with calls of its own.
    fn __wasm_call_ctors();
}

/// Exit status of a build whose bundle cannot be started.
const FAILED: i32 = 1;

/// Reads the bundle and, for a snapshot, starts the interpreter and imports the entry
/// module. On failure [`wadup_protocol::paths::FAILURE`] says why and the guest exits with 1.
#[unsafe(no_mangle)]
extern "C" fn wadup_initialize() {
    // SAFETY: this is the first code of the module that runs, and it runs once: an artifact
    // starts from the memory that this call leaves behind.
    unsafe { __wasm_call_ctors() };
    if let Err(failure) = interpreter::initialize() {
        failure::report(&failure);
        std::process::exit(FAILED);
    }
}

/// Processes one input; 0 when `main()` completed. `sys.exit(n)` does not return.
#[unsafe(no_mangle)]
extern "C" fn process() -> i32 {
    match interpreter::process() {
        Ended::Completed => {
            if !descriptors::are_as_imported() {
                give_up();
            }
            0
        }
        Ended::Exited(code) => std::process::exit(code),
        Ended::Raised(failure) => {
            failure::report(&failure);
            FAILED
        }
    }
}

/// Has a host that would use this instance again see that it cannot: a pipe, or a number for
/// something else than before, is nothing that it knows of, but a standard stream that is closed
/// is.
fn give_up() {
    const STDIN: u32 = 0;
    // SAFETY: nobody reads any more.
    let _ = unsafe { wasip1::fd_close(STDIN) };
}

/// The same as a command, for other hosts of WASI.
#[unsafe(no_mangle)]
extern "C" fn _start() {
    let code = process();
    if code != 0 {
        std::process::exit(code);
    }
}
