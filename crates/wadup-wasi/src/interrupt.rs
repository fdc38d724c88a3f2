use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Interrupted;

/// Ends what a guest is waiting for, from any thread. Clones are one flag.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

/// When a guest has to end: at a time, and when it is interrupted.
#[derive(Debug, Clone, Default)]
pub struct Deadline {
    pub at: Option<Instant>,
    pub interrupt: Interrupt,
}

impl Deadline {
    /// For work that is long but bounded, between its pieces.
    ///
    /// # Errors
    ///
    /// When the guest has to end.
    pub fn check(&self) -> Result<(), Interrupted> {
        let is_over = self.at.is_some_and(|at| at <= Instant::now());
        if is_over || self.interrupt.is_raised() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }
}

/// The longest single wait; a sleep without an end is made of these.
const SLICE: Duration = Duration::from_secs(3600);

impl Interrupt {
    /// Ends a sleep that is going on, and every wait and long transfer from now on.
    pub fn raise(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        // Taken and released so that a sleeper is either before its check or already waiting.
        drop(self.0.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.wake.notify_all();
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Waits until `end` (`None`: for ever), but not beyond `deadline`.
    pub(crate) fn sleep(
        &self,
        end: Option<Instant>,
        deadline: Option<Instant>,
    ) -> Result<(), Interrupted> {
        let stop = [end, deadline].into_iter().flatten().min();
        let mut guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            if self.is_raised() || deadline.is_some_and(|deadline| deadline <= now) {
                return Err(Interrupted);
            }
            if end.is_some_and(|end| end <= now) {
                return Ok(());
            }
            let left = stop.map_or(SLICE, |stop| stop - now).min(SLICE);
            (guard, _) = self
                .0
                .wake
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
