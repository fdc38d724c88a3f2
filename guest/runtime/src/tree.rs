//! The read-only file tree that an artifact carries in its linear memory, mounted at
//! `/lib` and `/app`.
//!
//! [`load`] brings the bundle into memory once, at build time. [`mount`] tells wasi-libc that
//! descriptors of ours are the preopened directories `/lib` and `/app`. From then on
//! [`system_calls`], which the linker puts in front of wasi-libc's own, answer for every
//! descriptor from [`descriptors::FIRST_FD`] on; the host never sees them.

mod descriptors;
mod load;
mod mount;
mod stat;
mod system_calls;

use std::sync::OnceLock;

use wadup_protocol::bundle::Bundle;

pub(crate) use load::load;
pub(crate) use mount::mount;

static TREE: OnceLock<Bundle<'static>> = OnceLock::new();

/// The tree, once [`load`] has been called.
pub(crate) fn tree() -> Option<&'static Bundle<'static>> {
    TREE.get()
}
