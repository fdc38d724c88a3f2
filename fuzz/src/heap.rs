//! How much this process has allocated: what a guest makes the host spend must be charged to it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "the only way to see allocations")]
// SAFETY: all is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        unsafe { System.realloc(at, layout, size) }
    }
}

fn count(bytes: i64) {
    // After the thread's own end nobody asks any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

/// What this thread allocates from a moment on.
#[derive(Debug)]
pub(crate) struct Meter(i64);

impl Meter {
    pub(crate) fn start() -> Self {
        let now = LIVE.get();
        PEAK.set(now);
        Self(now)
    }

    /// The most that was allocated at once since the start, in bytes.
    pub(crate) fn peak(&self) -> i64 {
        PEAK.get() - self.0
    }

    /// What is allocated now, and was not at the start, in bytes.
    pub(crate) fn live(&self) -> i64 {
        LIVE.get() - self.0
    }
}
