//! One execution: a store, a fresh instance, its WASI context and its limits.

mod session;

use std::time::{Duration, Instant};

use wadup_wasi::WasiCtx;
use wasmtime::{Instance, Memory, Store, UpdateDeadline, Val};

pub use self::session::Session;

use crate::end::{End, judge};
use crate::engine::Engine;
use crate::inspect::Entry;
use crate::limits::{Limit, Limits, Meter};
use crate::program::Program;
use crate::watchdog::Stop;
use crate::worker::Worker;

/// What a store holds.
pub(crate) struct Sandbox {
    /// None between two executions of an instance that is kept.
    wasi: Option<WasiCtx>,
    meter: Meter,
}

impl Sandbox {
    pub(crate) fn wasi(&mut self) -> &mut WasiCtx {
        self.wasi.as_mut().expect("there is one while it executes")
    }
}

/// A fresh instance of a [`Program`] with its own WASI context. Whatever it does ends with it.
///
/// [`Program::run`] is the short way; this is for who wants to call other exports and look at
/// memory and globals afterwards.
pub struct Execution<'w> {
    program: Program,
    store: Store<Sandbox>,
    /// None when instantiation failed, the reason of which is in `end`.
    instance: Option<Instance>,
    started: Instant,
    fuel: u64,
    stop: Stop,
    worker: &'w Worker,
}

/// An instance that processed its input to the end, and waits for another. Its linear memory,
/// globals and tables are as the last execution left them; it has no WASI context, no deadline
/// and no fuel until it is used again.
///
/// [`Program::run_reusing`] makes and takes it.
pub struct Kept {
    program: Program,
    store: Store<Sandbox>,
    instance: Instance,
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

    /// [`run`](Self::run) in the instance that `kept` has, or in a fresh one where there is
    /// none. Leaves the instance in `kept` if the next execution can have it:
    ///
    /// - the entry returned 0, so that neither a trap nor `proc_exit` nor a limit cut it off;
    /// - nothing was refused to it;
    /// - its descriptors are those that it started with: one that it left open, or closed, would
    ///   be a number with another meaning next time;
    /// - it is no command: those run once.
    ///
    /// An instance of another program, or one that has grown beyond `limits`, is dropped.
    ///
    /// # Panics
    ///
    /// When `worker` is of an engine with less stack than this program's.
    pub fn run_reusing(
        &self,
        worker: &Worker,
        kept: &mut Option<Kept>,
        wasi: WasiCtx,
        limits: &Limits,
    ) -> Finished {
        let usable = kept.take().filter(|kept| kept.suits(self, limits));
        let (mut execution, end) = match usable {
            Some(kept) => (kept.resume(worker, wasi, limits), None),
            None => self.instantiate(worker, wasi, limits),
        };
        let end = end.unwrap_or_else(|| execution.call(self.entry().export()));
        let (finished, ended) = execution.end(end);
        if self.entry() == Entry::Process && finished.is_clean() {
            *kept = ended.keep();
        } else {
            ended.leave();
        }
        finished
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
        let mut execution = Execution::new(self, worker, wasi, limits);
        let end = match execution.run(|store| self.pre().instantiate(store)) {
            Ok(instance) => {
                execution.instance = Some(instance);
                self.is_reactor().then(|| execution.call("_initialize"))
            }
            Err(end) => Some(end),
        };
        // A reactor that initialised itself has only begun.
        let end = end.filter(|end| *end != End::Returned(0));
        (execution, end)
    }
}

impl Kept {
    fn suits(&self, program: &Program, limits: &Limits) -> bool {
        let memory = memory_limit(program.engine(), limits);
        self.program.is_same(program) && self.store.data().meter.fits(memory)
    }

    fn resume<'w>(mut self, worker: &'w Worker, wasi: WasiCtx, limits: &Limits) -> Execution<'w> {
        let memory = memory_limit(self.program.engine(), limits);
        self.store.data_mut().meter.renew(memory);
        let mut execution = Execution::begin(self.program, self.store, worker, wasi, limits);
        execution.instance = Some(self.instance);
        execution
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// What is left of an execution that has ended.
struct Ended {
    program: Program,
    store: Store<Sandbox>,
    instance: Option<Instance>,
}

impl Ended {
    /// Gives the slot back to the pool.
    fn leave(mut self) {
        let memory = self
            .instance
            .and_then(|instance| instance.get_memory(&mut self.store, "memory"));
        if let Some(memory) = memory {
            let slots = self.program.engine().slots();
            slots.leave(self.program.address(), memory.data_mut(&mut self.store));
        }
    }

    fn keep(self) -> Option<Kept> {
        Some(Kept {
            program: self.program,
            store: self.store,
            instance: self.instance?,
        })
    }
}

impl Finished {
    /// Whether the instance is in a state that it chose itself.
    fn is_clean(&self) -> bool {
        self.end == End::Returned(0) && self.refused.is_none() && self.wasi.is_as_it_began()
    }
}

fn memory_limit(engine: &Engine, limits: &Limits) -> u64 {
    let most = engine.settings().max_memory;
    limits.memory.unwrap_or(u64::MAX).min(most)
}

impl<'w> Execution<'w> {
    fn new(program: &Program, worker: &'w Worker, wasi: WasiCtx, limits: &Limits) -> Self {
        let engine = program.engine();
        let sandbox = Sandbox {
            wasi: None,
            meter: Meter::new(memory_limit(engine, limits)),
        };
        let mut store = Store::new(program.pre().module().engine(), sandbox);
        store.limiter(|sandbox| &mut sandbox.meter);
        Self::begin(program.clone(), store, worker, wasi, limits)
    }

    /// Sets the clock and the limits of a store anew.
    fn begin(
        program: Program,
        mut store: Store<Sandbox>,
        worker: &'w Worker,
        mut wasi: WasiCtx,
        limits: &Limits,
    ) -> Self {
        let engine = program.engine();
        assert!(
            worker.suits(engine),
            "the worker's stack is smaller than the engine's max_stack"
        );
        let started = Instant::now();
        let deadline = limits.deadline(started);
        wasi.set_deadline(deadline.at);
        wasi.set_interrupt(deadline.interrupt.clone());
        wasi.set_stopped(worker.stopped());
        let sandbox = store.data_mut();
        sandbox.wasi = Some(wasi);
        sandbox.meter.deadline = deadline.clone();
        if let Stop::Epoch(_) = program.stop() {
            store.set_epoch_deadline(1);
            // The epoch is common to all executions; most often another one is meant.
            store.epoch_deadline_callback(move |_| {
                deadline.check()?;
                Ok(UpdateDeadline::Continue(1))
            });
        }
        let fuel = limits.fuel.unwrap_or(u64::MAX);
        if engine.settings().fuel {
            // It fails only for an engine without fuel.
            store.set_fuel(fuel).expect("the engine counts fuel");
        }
        Self {
            store,
            instance: None,
            started,
            fuel,
            stop: program.stop().clone(),
            worker,
            program,
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
            self.run(|store| function.call(store, ()))
        } else if let Ok(function) = function.typed::<(), ()>(&self.store) {
            self.run(|store| function.call(store, ()).map(|()| 0))
        } else {
            return End::NoExport(name.to_owned());
        };
        match called {
            Ok(code) => End::Returned(code),
            Err(end) => end,
        }
    }

    /// Lets the guest run, watched.
    fn run<T>(
        &mut self,
        guest: impl FnOnce(&mut Store<Sandbox>) -> wasmtime::Result<T>,
    ) -> Result<T, End> {
        let deadline = self.store.data().meter.deadline.clone();
        let watch = self.worker.watch(deadline, self.stop.clone());
        let result = guest(&mut self.store);
        let stopped = watch.end();
        result.map_err(|error| self.judge(&error, stopped))
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
        let (finished, ended) = self.end(end);
        ended.leave();
        finished
    }

    fn end(mut self, end: End) -> (Finished, Ended) {
        let usage = Usage {
            duration: self.started.elapsed(),
            peak_memory: self.store.data().meter.peak_memory,
            fuel: self
                .store
                .get_fuel()
                .ok()
                .map(|rest| self.fuel.saturating_sub(rest)),
        };
        let sandbox = self.store.data_mut();
        let finished = Finished {
            end,
            usage,
            refused: sandbox.meter.refused,
            wasi: sandbox.wasi.take().expect("there is one until now"),
        };
        let ended = Ended {
            program: self.program,
            store: self.store,
            instance: self.instance,
        };
        (finished, ended)
    }

    fn judge(&self, error: &wasmtime::Error, stopped: bool) -> End {
        let meter = &self.store.data().meter;
        let interrupted = meter.deadline.interrupt.is_raised();
        judge(error, stopped, interrupted, meter.refused)
    }
}

impl std::fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Execution")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
