//! Bringing the bundle into linear memory.

use std::fs::File;
use std::io::{self, Read};

use thiserror::Error;
use wadup_protocol::bundle::{Bundle, BundleError};
use wadup_protocol::paths;

use super::TREE;

const PAGE: u64 = 64 * 1024;

/// Why there is no file tree.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    #[error("failed to read {}", paths::BUNDLE)]
    Read(#[source] io::Error),
    #[error("failed to get {pages} pages of memory for {}", paths::BUNDLE)]
    Memory { pages: u64 },
    #[error("failed to use {}", paths::BUNDLE)]
    Bundle(#[from] BundleError),
}

/// Reads [`paths::BUNDLE`] into pages of its own. They are outside of the heap, so that they
/// are never dirty: instances made from the snapshot share them.
pub(crate) fn load() -> Result<&'static Bundle<'static>, LoadError> {
    let mut file = File::open(paths::BUNDLE).map_err(LoadError::Read)?;
    let len = file.metadata().map_err(LoadError::Read)?.len();
    let memory = grow(len)?;
    file.read_exact(memory).map_err(LoadError::Read)?;
    let bundle = Bundle::parse(memory)?;
    Ok(TREE.get_or_init(|| bundle))
}

/// `len` bytes of zeroed memory that nobody else uses, starting at a page.
fn grow(len: u64) -> Result<&'static mut [u8], LoadError> {
    let pages = len.div_ceil(PAGE);
    let out_of_memory = LoadError::Memory { pages };
    let (Ok(page_count), Ok(len)) = (usize::try_from(pages), usize::try_from(len)) else {
        return Err(out_of_memory);
    };
    let previous = core::arch::wasm32::memory_grow::<0>(page_count);
    if previous == usize::MAX {
        return Err(out_of_memory);
    }
    let start = core::ptr::with_exposed_provenance_mut(previous * PAGE as usize);
    // SAFETY: memory.grow gave `page_count` fresh, zeroed pages at `start`, which hold `len`
    // bytes; wasi-libc's allocator only uses pages that it has grown itself.
    #[expect(
        unsafe_code,
        reason = "fresh pages are memory that Rust does not know of"
    )]
    Ok(unsafe { core::slice::from_raw_parts_mut(start, len) })
}
