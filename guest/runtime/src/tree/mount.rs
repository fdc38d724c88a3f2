//! Making the tree visible to wasi-libc.
#![expect(unsafe_code, reason = "wasi-libc's preopen table is a C interface")]

use std::ffi::{CString, c_char, c_int};
use std::rc::Rc;

use wadup_protocol::bundle::{APP_DIR, LIB_DIR};

use super::open::Open;
use super::tree;
use crate::descriptors::{self, FIRST_MOUNT, Object};

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
    descriptors::forget_preopened();
    // SAFETY: there is only one thread, and no path look-up is under way.
    unsafe { __wasilibc_reset_preopens() };
    let mounts = MOUNTS.into_iter();
    let mounts: Vec<_> = mounts
        .filter_map(|mount| Some((mount, tree.get(mount)?)))
        .collect();
    let open = |node| -> Rc<dyn Object> { Rc::new(Open::new(node)) };
    descriptors::mount(mounts.iter().map(|(_, node)| open(*node)).collect());
    for (fd, (mount, _)) in (FIRST_MOUNT..).zip(mounts) {
        register(fd, mount);
    }
}

fn register(fd: u32, mount: &str) {
    let prefix = CString::new(mount).expect("a mount point has no NUL");
    // SAFETY: `prefix` is a C string, which wasi-libc copies.
    let result = unsafe { __wasilibc_register_preopened_fd(fd as c_int, prefix.as_ptr()) };
    assert_eq!(result, 0, "no memory to mount {mount}");
}
