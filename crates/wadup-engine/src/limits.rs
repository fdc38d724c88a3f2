//! What one execution may use, and how it is stopped.

use std::time::{Duration, Instant};

use wadup_wasi::{Deadline, Interrupt};
use wasmtime::ResourceLimiter;

/// What one execution may use. Content and files are limited by the vfs.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Wall-clock time from instantiation on. Looked at every 10 ms; a single bulk memory
    /// operation is not interrupted.
    pub timeout: Option<Duration>,
    /// Units of fuel, about one an instruction. Needs
    /// [`EngineSettings::fuel`](crate::EngineSettings::fuel).
    pub fuel: Option<u64>,
    /// Linear memory in bytes; the engine's `max_memory` when not given.
    pub memory: Option<u64>,
    /// Stops the execution, from any thread, when it is raised.
    pub interrupt: Option<Interrupt>,
}

impl Limits {
    /// When an execution that starts at `start` has to end. WASI's waits look at it by themselves;
    /// computing is stopped by the watchdog, which looks on every tick.
    pub(crate) fn deadline(&self, start: Instant) -> Deadline {
        Deadline {
            // A time that cannot be represented is never reached.
            at: self.timeout.and_then(|timeout| start.checked_add(timeout)),
            interrupt: self.interrupt.clone().unwrap_or_default(),
        }
    }
}

/// A limit that ended an execution, or that something was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    Time,
    Fuel,
    /// Linear memory.
    Memory,
    /// Elements of a table (function pointers).
    Table,
}

/// Counts linear memory and tables against their limits and remembers refusals: the guest sees
/// a failed allocation, and what it makes of it is judged when it ends.
#[derive(Debug)]
pub(crate) struct Meter {
    memory: u64,
    /// Growing takes the host long enough for a guest that does nothing else to be there
    /// whenever the watchdog looks.
    pub(crate) deadline: Deadline,
    pub(crate) peak_memory: u64,
    pub(crate) refused: Option<Limit>,
}

impl Meter {
    pub(crate) fn new(memory: u64) -> Self {
        Self {
            memory,
            deadline: Deadline::default(),
            peak_memory: 0,
            refused: None,
        }
    }

    /// Whether an instance that has grown as it has may go on with `memory` bytes.
    pub(crate) fn fits(&self, memory: u64) -> bool {
        self.peak_memory <= memory
    }

    /// For the next execution in the same instance. Memory never shrinks, so the peak of the
    /// last one is where this one starts.
    pub(crate) fn renew(&mut self, memory: u64) {
        self.memory = memory;
        self.refused = None;
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.deadline.check()?;
        let desired = desired as u64;
        if desired > self.memory {
            self.refused = Some(Limit::Memory);
            return Ok(false);
        }
        // Beyond the module's own maximum the growth fails, which is no limit of ours.
        if maximum.is_none_or(|maximum| desired <= maximum as u64) {
            self.peak_memory = self.peak_memory.max(desired);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.deadline.check()?;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused.get_or_insert(Limit::Memory);
        Ok(())
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused.get_or_insert(Limit::Table);
        Ok(())
    }
}
