//! One execution: a store, a fresh instance, its WASI context and its limits.

use std::time::{Duration, Instant};

use wadup_wasi::WasiCtx;
use wasmtime::{Instance, Memory, Store, Val};

use crate::end::{End, judge};
use crate::limits::{Deadline, Limit, Limits, Meter};
use crate::program::Program;
use crate::ticker::Ticking;
use crate::worker::Worker;

/// What a store holds.
pub(crate) struct Sandbox {
    wasi: WasiCtx,
    meter: Meter,
}

impl Sandbox {
    pub(crate) fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

/// A fresh instance of a [`Program`] with its own WASI context. Whatever it does ends with it.
///
/// [`Program::run`] is the short way; this is for who wants to call other exports and look at
/// memory and globals afterwards.
pub struct Execution<'w> {
    store: Store<Sandbox>,
    /// None when instantiation failed, the reason of which is in `end`.
    instance: Option<Instance>,
    started: Instant,
    deadline: Deadline,
    fuel: u64,
    _ticking: Ticking,
    _worker: &'w Worker,
}

/// How an execution ended, what it used, and its WASI context with what it left behind.
#[derive(Debug)]
pub struct Finished {
    pub end: End,
    pub usage: Usage,
    /// Linear memory or a table that was refused on the way. The guest saw a failed
    /// allocation, and may have coped with it.
    pub refused: Option<Limit>,
    pub wasi: WasiCtx,
}

/// What an execution used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Wall-clock time, instantiation included.
    pub duration: Duration,
    /// The most linear memory it had, in bytes.
    pub peak_memory: u64,
    /// Units of fuel, where fuel is counted.
    pub fuel: Option<u64>,
}

impl Program {
    /// Calls the program's entry in a fresh instance.
    ///
    /// # Panics
    ///
    /// When `worker` is of an engine with less stack than this program's.
    pub fn run(&self, worker: &Worker, wasi: WasiCtx, limits: &Limits) -> Finished {
        let (mut execution, end) = self.instantiate(worker, wasi, limits);
        let end = end.unwrap_or_else(|| execution.call(self.entry().export()));
        execution.finish(end)
    }

    /// Makes a fresh instance: runs its start function, and `_initialize` if it is a reactor.
    /// The second part is the end, if that was the end already.
    ///
    /// # Panics
    ///
    /// When `worker` is of an engine with less stack than this program's.
    pub fn instantiate<'w>(
        &self,
        worker: &'w Worker,
        wasi: WasiCtx,
        limits: &Limits,
    ) -> (Execution<'w>, Option<End>) {
        assert!(
            worker.suits(self.engine()),
            "the worker's stack is smaller than the engine's max_stack"
        );
        let mut execution = Execution::new(self, worker, wasi, limits);
        let end = match self.pre().instantiate(&mut execution.store) {
            Ok(instance) => {
                execution.instance = Some(instance);
                self.is_reactor().then(|| execution.call("_initialize"))
            }
            Err(error) => Some(execution.judge(&error)),
        };
        // A reactor that initialised itself has only begun.
        let end = end.filter(|end| *end != End::Returned(0));
        (execution, end)
    }
}

impl<'w> Execution<'w> {
    fn new(program: &Program, worker: &'w Worker, mut wasi: WasiCtx, limits: &Limits) -> Self {
        let engine = program.engine();
        let settings = engine.settings();
        let memory = limits.memory.unwrap_or(u64::MAX).min(settings.max_memory);
        let started = Instant::now();
        let deadline = Deadline::new(limits, started);
        wasi.set_deadline(deadline.at);
        wasi.set_interrupt(deadline.interrupt.clone());
        let mut store = Store::new(
            engine.wasmtime(),
            Sandbox {
                wasi,
                meter: Meter::new(memory),
            },
        );
        store.limiter(|sandbox| &mut sandbox.meter);
        store.set_epoch_deadline(1);
        let ticked = deadline.clone();
        store.epoch_deadline_callback(move |_| Ok(ticked.check()?));
        let fuel = limits.fuel.unwrap_or(u64::MAX);
        if settings.fuel {
            // It fails only for an engine without fuel.
            store.set_fuel(fuel).expect("the engine counts fuel");
        }
        Self {
            store,
            instance: None,
            started,
            deadline,
            fuel,
            _ticking: engine.ticker().ticking(),
            _worker: worker,
        }
    }

    /// Calls the export `name`, a function without parameters that returns nothing or an
    /// `i32`. A missing or other export is [`End::NoExport`].
    pub fn call(&mut self, name: &str) -> End {
        let function = self
            .instance
            .and_then(|instance| instance.get_func(&mut self.store, name));
        let Some(function) = function else {
            return End::NoExport(name.to_owned());
        };
        let called = if let Ok(function) = function.typed::<(), i32>(&self.store) {
            function.call(&mut self.store, ())
        } else if let Ok(function) = function.typed::<(), ()>(&self.store) {
            function.call(&mut self.store, ()).map(|()| 0)
        } else {
            return End::NoExport(name.to_owned());
        };
        match called {
            Ok(code) => End::Returned(code),
            Err(error) => self.judge(&error),
        }
    }

    /// The bytes of the exported memory `name`.
    pub fn memory(&mut self, name: &str) -> Option<&[u8]> {
        let memory: Memory = self.instance?.get_memory(&mut self.store, name)?;
        Some(memory.data(&self.store))
    }

    /// The value of the exported global `name`.
    pub fn global(&mut self, name: &str) -> Option<Val> {
        let global = self.instance?.get_global(&mut self.store, name)?;
        Some(global.get(&mut self.store))
    }

    /// The WASI context, as the execution has left it so far.
    pub fn wasi(&mut self) -> &mut WasiCtx {
        self.store.data_mut().wasi()
    }

    /// Ends the execution with `end` and drops the instance.
    pub fn finish(self, end: End) -> Finished {
        let usage = Usage {
            duration: self.started.elapsed(),
            peak_memory: self.store.data().meter.peak_memory,
            fuel: self
                .store
                .get_fuel()
                .ok()
                .map(|rest| self.fuel.saturating_sub(rest)),
        };
        let refused = self.store.data().meter.refused;
        Finished {
            end,
            usage,
            refused,
            wasi: self.store.into_data().wasi,
        }
    }

    fn judge(&self, error: &wasmtime::Error) -> End {
        let interrupted = self.deadline.interrupt.is_raised();
        judge(error, interrupted, self.store.data().meter.refused)
    }
}

impl std::fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
