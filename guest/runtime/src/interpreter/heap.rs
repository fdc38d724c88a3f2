//! The heap, as a snapshot leaves it.
//!
//! Starting an interpreter leaves holes all over the heap, and what an instance allocates first
//! goes into them: a few bytes here and there, each on a page that the instance then has to
//! itself. So the holes are filled before the snapshot is taken, for good, and there is fresh
//! memory behind the last object: what an instance allocates lies side by side. They are filled
//! with zeros, so that what was there is not in the snapshot.
#![expect(unsafe_code, reason = "allocators are C interfaces")]

use std::ffi::c_void;
use std::ptr;

use pyo3::ffi::{PyMem_RawFree, PyMem_RawMalloc, PyObject_Malloc};

/// Fresh memory that is there without asking the host, in bytes.
const RESERVE: usize = 1 << 20;
/// What is larger than this does not come from a hole often enough to matter.
const LARGEST_HOLE: usize = 64 << 10;
/// Python's allocator for small objects has a pool for every 16 bytes up to this.
const LARGEST_SMALL: usize = 512;
/// No heap has so many holes of one size.
const MOST_HOLES: usize = 1 << 16;

/// Fills the holes with zeros.
pub(super) fn settle() {
    // So large that it is behind everything.
    let end = allocate(Allocator::Raw, RESERVE);
    fill(Allocator::Raw, sizes(LARGEST_HOLE, 1024), end);
    fill(Allocator::Object, sizes(LARGEST_SMALL, 16), end);
    fill(Allocator::Raw, sizes(1024, 8), end);
    // SAFETY: it was allocated there, and nobody uses it.
    unsafe { PyMem_RawFree(end as *mut c_void) };
}

#[derive(Clone, Copy)]
enum Allocator {
    /// `malloc`
    Raw,
    /// Python's, for objects.
    Object,
}

/// From large to small: what is left of a large hole is a smaller one.
fn sizes(largest: usize, step: usize) -> impl Iterator<Item = usize> {
    (1..=largest / step).rev().map(move |number| number * step)
}

/// Allocates each size until the memory comes from behind `end`.
fn fill(allocator: Allocator, sizes: impl Iterator<Item = usize>, end: usize) {
    for size in sizes {
        for _ in 0..MOST_HOLES {
            let hole = allocate(allocator, size);
            if hole == 0 || hole > end {
                break;
            }
            // SAFETY: so many bytes were allocated there, and nobody else uses them.
            unsafe { ptr::write_bytes(hole as *mut u8, 0, size) };
        }
    }
}

/// The address of new memory, or 0.
fn allocate(allocator: Allocator, size: usize) -> usize {
    // SAFETY: any size may be asked for.
    let memory = unsafe {
        match allocator {
            Allocator::Raw => PyMem_RawMalloc(size),
            Allocator::Object => PyObject_Malloc(size),
        }
    };
    memory.addr()
}
