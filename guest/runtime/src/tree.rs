//! The read-only file tree that an artifact carries in its linear memory, mounted at
//! `/lib` and `/app`.
//!
//! [`load`] brings the bundle into memory once, at build time. [`mount`] tells wasi-libc that
//! two of its directories are preopened. From then on all that is opened below them is an
//! [`open::Open`] among the [`crate::descriptors`]; the host never sees it. Most files are
//! compressed: [`unpack`] gives an open one its content when it is first read.

mod directories;
mod load;
mod mount;
mod open;
mod paths;
mod stat;
mod unpack;

use std::borrow::Cow;
use std::sync::OnceLock;

use wadup_protocol::bundle::{Bundle, Content};

pub(crate) use load::load;
pub(crate) use mount::mount;
pub(crate) use unpack::forget as forget_unpacked;

static TREE: OnceLock<Bundle<'static>> = OnceLock::new();

/// The tree, once [`load`] has been called.
pub(crate) fn tree() -> Option<&'static Bundle<'static>> {
    TREE.get()
}

/// The content of the file at an absolute path.
pub(crate) fn content(path: &str) -> Option<Cow<'static, [u8]>> {
    let tree = tree()?;
    Some(match tree.get(path)?.content()? {
        Content::Stored(bytes) => Cow::Borrowed(bytes),
        Content::Compressed { frame, size } => Cow::Owned(unpack::unpack(tree, frame, size).ok()?),
    })
}
