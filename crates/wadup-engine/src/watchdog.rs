//! The thread that ends executions whose time is over.
//!
//! ```text
//! Worker ── registers ──▶ Slot ◀── looks at every 10 ms ── watchdog thread
//!   Execution::call ── posts (deadline, how to stop) ──▶ Slot
//! ```
//!
//! Nothing of it is in the way of the guest: an execution costs two uncontended locks.

mod signal;

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wadup_wasi::Deadline;
use wasmtime::Engine;

pub(crate) use signal::{IS_SUPPORTED as SIGNALS_ARE_SUPPORTED, Ranges, TrapAddress};

/// How often the deadline of a running execution, and its [`crate::Interrupt`], are looked at.
const TICK: Duration = Duration::from_millis(10);

/// How a running guest is made to stop.
#[derive(Clone)]
pub(crate) enum Stop {
    /// By a signal to its thread, which turns the next instruction of the guest into a trap.
    Signal(Arc<Ranges>),
    /// By the engine's epoch, which the guest's code compares at every loop and call.
    Epoch(Engine),
}

/// One thread on which guests run.
#[derive(Debug)]
pub(crate) struct Slot {
    thread: signal::Thread,
    watched: Mutex<Option<Watched>>,
    /// What the signal's handler reads. Null unless the running guest has to be stopped.
    stop: AtomicPtr<Ranges>,
    /// What the guest's next call of a WASI function looks at.
    stopped: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Watched {
    deadline: Deadline,
    stop: Stop,
}

/// The current thread's slot, for as long as this lives. It cannot leave the thread.
#[derive(Debug)]
pub(crate) struct Registration {
    slot: Arc<Slot>,
    thread: PhantomData<*const ()>,
}

/// A guest is running on this thread.
pub(crate) struct Watch<'r> {
    slot: &'r Slot,
}

struct Watchdog {
    slots: Mutex<Slots>,
    changed: Condvar,
}

#[derive(Default)]
struct Slots {
    all: Vec<Arc<Slot>>,
    is_running: bool,
}

/// One for the process, as signal handlers are.
static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(|| Watchdog {
    slots: Mutex::default(),
    changed: Condvar::new(),
});

thread_local! {
    /// Read by the signal's handler. It needs neither initialisation nor a destructor.
    static CURRENT: Cell<*const Slot> = const { Cell::new(ptr::null()) };
}

/// Starts the watchdog's thread and installs the signal's handler, once.
///
/// # Errors
///
/// When one of them cannot be had.
pub(crate) fn start() -> io::Result<()> {
    signal::install()?;
    let mut slots = lock(&WATCHDOG.slots);
    if !slots.is_running {
        std::thread::Builder::new()
            .name("wadup-watchdog".to_owned())
            .spawn(|| WATCHDOG.run())?;
        slots.is_running = true;
    }
    Ok(())
}

impl Registration {
    /// Registers the current thread, which has no other registration.
    pub(crate) fn new() -> Self {
        let slot = Arc::new(Slot {
            thread: signal::Thread::current(),
            watched: Mutex::default(),
            stop: AtomicPtr::default(),
            stopped: Arc::default(),
        });
        lock(&WATCHDOG.slots).all.push(Arc::clone(&slot));
        WATCHDOG.changed.notify_one();
        CURRENT.set(Arc::as_ptr(&slot));
        Self {
            slot,
            thread: PhantomData,
        }
    }

    /// Whether the guest that runs on the current thread has been stopped.
    pub(crate) fn stopped(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.slot.stopped)
    }

    /// Watches a guest that now runs on the current thread.
    pub(crate) fn watch(&self, deadline: Deadline, stop: Stop) -> Watch<'_> {
        *lock(&self.slot.watched) = Some(Watched { deadline, stop });
        Watch { slot: &self.slot }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
        lock(&WATCHDOG.slots)
            .all
            .retain(|slot| !Arc::ptr_eq(slot, &self.slot));
    }
}

impl Watch<'_> {
    /// The guest has come back. Tells whether it was told to.
    pub(crate) fn end(self) -> bool {
        self.slot.stopped.load(Ordering::Relaxed)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut watched = lock(&self.slot.watched);
        self.slot.stop.store(ptr::null_mut(), Ordering::Relaxed);
        self.slot.stopped.store(false, Ordering::Relaxed);
        // Only now may what the handler reads go.
        *watched = None;
    }
}

impl Slot {
    /// Stops the guest if its time is over.
    fn look(&self) {
        let watched = lock(&self.watched);
        let Some(watched) = watched.as_ref() else {
            return;
        };
        if watched.deadline.check().is_ok() {
            return;
        }
        self.stopped.store(true, Ordering::Relaxed);
        match &watched.stop {
            Stop::Signal(ranges) => {
                ranges.prepare();
                self.stop
                    .store(Arc::as_ptr(ranges).cast_mut(), Ordering::Release);
                // The slot is locked: the thread cannot have left the execution, let alone
                // ended.
                self.thread.signal();
            }
            Stop::Epoch(engine) => engine.increment_epoch(),
        }
    }
}

impl Watchdog {
    fn run(&self) -> ! {
        loop {
            let slots = self
                .changed
                .wait_while(lock(&self.slots), |slots| slots.all.is_empty())
                .unwrap_or_else(PoisonError::into_inner)
                .all
                .clone();
            for slot in slots {
                slot.look();
            }
            std::thread::sleep(TICK);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signal(_) => "Signal",
            Self::Epoch(_) => "Epoch",
        })
    }
}
