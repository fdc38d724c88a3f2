//! Threads whose native stack is large enough for the engine's `max_stack`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, ScopedJoinHandle};

use wadup_wasi::Deadline;

use crate::engine::{Engine, HOST_STACK};
use crate::watchdog::{self, Registration, Stop, Watch};

/// Proof that the current thread's native stack holds all that WebAssembly may use of it, and
/// some more for the host's functions. Without it a deep recursion would end the process and
/// not the execution.
///
/// It cannot leave its thread.
#[derive(Debug)]
pub struct Worker {
    stack: u64,
    /// Belongs to the thread, and keeps the worker on it.
    registration: Registration,
}

/// Why a worker thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("start a thread with {stack} bytes of stack")]
pub struct WorkerError {
    /// The stack that was asked for, in bytes.
    pub stack: u64,
    #[source]
    source: io::Error,
}

impl WorkerError {
    /// What to try.
    pub fn hint(&self) -> &'static str {
        "lower --max-stack or --jobs, or raise the limits on address space and threads (`ulimit -v`, `ulimit -u`)"
    }
}

impl Engine {
    /// Runs `work` on a new thread of `scope` that can execute programs of this engine.
    ///
    /// # Errors
    ///
    /// When the thread or its stack cannot be had.
    pub fn spawn_worker<'scope, 'env, T: Send + 'scope>(
        &self,
        scope: &'scope thread::Scope<'scope, 'env>,
        name: String,
        work: impl FnOnce(&Worker) -> T + Send + 'scope,
    ) -> Result<ScopedJoinHandle<'scope, T>, WorkerError> {
        let stack = self.settings().max_stack;
        let native = stack.saturating_add(HOST_STACK);
        let spawn = || {
            watchdog::start()?;
            thread::Builder::new()
                .name(name)
                .stack_size(usize::try_from(native).unwrap_or(usize::MAX))
                .spawn_scoped(scope, move || {
                    work(&Worker {
                        stack,
                        registration: Registration::new(),
                    })
                })
        };
        spawn().map_err(|source| WorkerError {
            stack: native,
            source,
        })
    }

    /// Runs `work` on a thread that can execute programs of this engine, and waits for it.
    /// A panic of `work` goes on in the caller.
    ///
    /// # Errors
    ///
    /// When the thread or its stack cannot be had.
    pub fn on_worker<T: Send>(
        &self,
        work: impl FnOnce(&Worker) -> T + Send,
    ) -> Result<T, WorkerError> {
        thread::scope(|scope| {
            let handle = self.spawn_worker(scope, "wadup-worker".to_owned(), work)?;
            Ok(handle
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

impl Worker {
    /// Whether programs of `engine` may run on this thread.
    pub(crate) fn suits(&self, engine: &Engine) -> bool {
        self.stack >= engine.settings().max_stack
    }

    /// Whether the guest that runs on this thread has been stopped.
    pub(crate) fn stopped(&self) -> Arc<AtomicBool> {
        self.registration.stopped()
    }

    /// Watches a guest that now runs on this thread.
    pub(crate) fn watch(&self, deadline: Deadline, stop: Stop) -> Watch<'_> {
        self.registration.watch(deadline, stop)
    }
}
