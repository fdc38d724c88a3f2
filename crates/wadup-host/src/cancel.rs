//! Ending a run early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wadup_engine::Interrupt;

/// Ends a run early, from any thread (a signal handler's thread, for one). Clones are one
/// switch.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    requested: Arc<AtomicBool>,
    interrupt: Interrupt,
}

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first call lets what is running finish and be recorded; the second ends it at once,
    /// and nothing of it is recorded.
    pub fn request(&self) {
        if self.requested.swap(true, Ordering::SeqCst) {
            self.interrupt.raise();
        }
    }

    /// Ends at once.
    pub fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.interrupt.raise();
    }

    /// Whether a run that looks at this is to end.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }
}
