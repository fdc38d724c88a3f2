//! Making the tree visible to wasi-libc.
#![expect(unsafe_code, reason = "wasi-libc's preopen table is a C interface")]

use std::ffi::{CString, c_char, c_int};

use wadup_protocol::bundle::{APP_DIR, LIB_DIR};

use super::descriptors::{FIRST_FD, descriptors};
use super::tree;

unsafe extern "C" {
    /// <https://github.com/WebAssembly/wasi-libc/blob/main/libc-bottom-half/headers/public/wasi/libc.h>
    fn __wasilibc_register_preopened_fd(fd: c_int, prefix: *const c_char) -> c_int;
    /// Forgets all preopens; the next use asks the host again.
    fn __wasilibc_reset_preopens();
}

/// The directories that are served from the tree.
const MOUNTS: [&str; 2] = [LIB_DIR, APP_DIR];

/// Registers the host's preopened directories and ours anew. A snapshot holds those of the
/// build, so that every instance has to do this first.
///
/// # Panics
/// When there is no memory for two strings.
pub(crate) fn mount() {
    let Some(tree) = tree() else { return };
    // SAFETY: there is only one thread, and no path look-up is under way.
    unsafe { __wasilibc_reset_preopens() };
    let mut descriptors = descriptors();
    for (index, mount) in MOUNTS.into_iter().enumerate() {
        if let Some(node) = tree.get(mount) {
            let fd = FIRST_FD + index as u32;
            descriptors.mount(fd, node);
            register(fd, mount);
        }
    }
}

fn register(fd: u32, mount: &str) {
    let prefix = CString::new(mount).expect("a mount point has no NUL");
    // SAFETY: `prefix` is a C string, which wasi-libc copies.
    let result = unsafe { __wasilibc_register_preopened_fd(fd as c_int, prefix.as_ptr()) };
    assert_eq!(result, 0, "no memory to mount {mount}");
}
