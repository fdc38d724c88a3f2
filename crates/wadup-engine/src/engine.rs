//! wasmtime, configured in this one place.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use wasmtime::{
    Config, Enabled, Inlining, InstanceAllocationStrategy, Linker, PoolingAllocationConfig,
    ProfilingStrategy,
};

use crate::execution::Sandbox;
use crate::functions::{Pack, Session, SharedFunctions};
use crate::settings::EngineSettings;
use crate::slots::Slots;
use crate::watchdog::{SIGNALS_ARE_SUPPORTED, TrapAddress};

/// The largest initial memory that is mapped copy-on-write however sparse it is. wasmtime's
/// own default is 16 MiB, above which it silently falls back to copying a sparse image: a
/// started CPython is larger than that.
pub(crate) const DENSE_IMAGE: u64 = 256 << 20;

/// The most elements of one table (function pointers), and the most tables of one module.
const TABLE_ELEMENTS: usize = 1 << 18;
const TABLES: u32 = 4;

/// What one instance's own bookkeeping (imports, function references, globals) may need.
const INSTANCE_SIZE: usize = 16 << 20;

/// Native stack that remains for the host's functions when WebAssembly has used up its own.
pub(crate) const HOST_STACK: u64 = 2 << 20;

/// wasmtime with a pool of instance slots, and the WASI implementation.
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    settings: EngineSettings,
    /// For guests that a signal stops.
    signal: Option<Variant>,
    /// For all others; made when the first of them comes.
    epoch: OnceLock<Variant>,
    slots: Slots,
}

/// How a guest can be stopped, which decides how it is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Interruption {
    /// By a signal: its code has no checks, which makes it a fifth faster. For guests in which
    /// no single instruction can be in the host for long.
    Signal,
    /// By the epoch, which code compares at every loop and call. For any guest.
    Epoch,
}

/// wasmtime, configured for one way of interruption.
pub(crate) struct Variant {
    pub(crate) compiler: CodeCompiler,
    pub(crate) linker: Linker<Sandbox>,
    /// Where a signal sends a guest.
    pub(crate) trap: Option<Arc<TrapAddress>>,
}

/// The settings that change compiled code.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CodeSettings {
    max_stack: u64,
    fuel: bool,
    perf_map: bool,
}

/// wasmtime as far as it compiles.
pub(crate) struct CodeCompiler {
    pub(crate) wasmtime: wasmtime::Engine,
    functions: Arc<SharedFunctions>,
}

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A setting is out of its range.
    #[error("{setting} is {value}, but must be between {min} and {max}")]
    OutOfRange {
        setting: &'static str,
        value: u64,
        min: u64,
        max: u64,
    },
    /// wasmtime refused, most often because the pool's address space could not be reserved.
    #[error("start wasmtime with {instances} instance(s)")]
    Wasmtime {
        instances: u32,
        source: wasmtime::Error,
    },
}

impl EngineError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OutOfRange { .. } => None,
            Self::Wasmtime { .. } => Some(
                "every instance reserves 4 GiB of address space: raise `ulimit -v`, or use fewer jobs",
            ),
        }
    }
}

impl Engine {
    /// Reserves the pool.
    ///
    /// # Errors
    ///
    /// When a setting is out of range or the address space cannot be reserved.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        check(&settings)?;
        let first = Interruption::preferred();
        let variant = Variant::new(&settings, first).map_err(|source| EngineError::Wasmtime {
            instances: settings.instances,
            source,
        })?;
        let (signal, epoch) = match first {
            Interruption::Signal => (Some(variant), OnceLock::new()),
            Interruption::Epoch => (None, OnceLock::from(variant)),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                slots: Slots::new(keep_resident(&settings)),
                settings,
                signal,
                epoch,
            }),
        })
    }

    /// What the engine was made with.
    pub fn settings(&self) -> &EngineSettings {
        &self.inner.settings
    }

    /// Whether both are the same engine, so that one's programs can run on the other's workers.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.inner.slots
    }

    /// The variant for guests that are interrupted so, or that for any guest where this
    /// machine has no other.
    ///
    /// # Errors
    ///
    /// When it has yet to be made, and its pool's address space cannot be reserved.
    pub(crate) fn variant(&self, interruption: Interruption) -> wasmtime::Result<&Variant> {
        if let (Interruption::Signal, Some(variant)) = (interruption, &self.inner.signal) {
            return Ok(variant);
        }
        if let Some(variant) = self.inner.epoch.get() {
            return Ok(variant);
        }
        let variant = Variant::new(&self.inner.settings, Interruption::Epoch)?;
        Ok(self.inner.epoch.get_or_init(|| variant))
    }
}

impl Interruption {
    fn preferred() -> Self {
        if SIGNALS_ARE_SUPPORTED {
            Self::Signal
        } else {
            Self::Epoch
        }
    }
}

impl Variant {
    /// Reserves the pool.
    fn new(settings: &EngineSettings, interruption: Interruption) -> wasmtime::Result<Self> {
        let mut config = config(&settings.code(), interruption);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
        if settings.perf_map {
            config.profiler(ProfilingStrategy::PerfMap);
        }
        let compiler = CodeCompiler::of(config)?;
        let trap = match interruption {
            Interruption::Signal => Some(Arc::new(TrapAddress::new(&compiler.wasmtime)?)),
            Interruption::Epoch => None,
        };
        Ok(Self {
            linker: linker(&compiler.wasmtime)?,
            compiler,
            trap,
        })
    }
}

impl EngineSettings {
    pub(crate) fn code(&self) -> CodeSettings {
        CodeSettings {
            max_stack: self.max_stack,
            fuel: self.fuel,
            perf_map: self.perf_map,
        }
    }
}

impl CodeCompiler {
    /// One that compiles what an engine with these settings takes, and reserves nothing.
    pub(crate) fn new(
        settings: &CodeSettings,
        interruption: Interruption,
    ) -> wasmtime::Result<Self> {
        Self::of(config(settings, interruption))
    }

    fn of(mut config: Config) -> wasmtime::Result<Self> {
        let functions = Arc::new(SharedFunctions::default());
        config.enable_incremental_compilation(Arc::clone(&functions) as _)?;
        Ok(Self {
            wasmtime: wasmtime::Engine::new(&config)?,
            functions,
        })
    }

    /// Validates and compiles the binary module `wasm`. With `known` functions, which are not
    /// compiled again, it also gives all functions that there are then, if enough are new.
    pub(crate) fn compile(
        &self,
        wasm: &[u8],
        known: Option<Pack>,
    ) -> wasmtime::Result<(Vec<u8>, Option<Pack>)> {
        let session = known.map(|known| self.functions.begin(known));
        let code = self.wasmtime.precompile_module(wasm)?;
        Ok((code, session.and_then(Session::end)))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

fn check(settings: &EngineSettings) -> Result<(), EngineError> {
    let ranges = [
        (
            "the number of instances",
            u64::from(settings.instances),
            1,
            u64::from(EngineSettings::MAX_INSTANCES),
        ),
        (
            "the memory limit",
            settings.max_memory,
            PAGE,
            EngineSettings::MAX_MEMORY,
        ),
        (
            "the stack limit",
            settings.max_stack,
            EngineSettings::MIN_STACK,
            EngineSettings::MAX_STACK,
        ),
    ];
    for (setting, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            return Err(EngineError::OutOfRange {
                setting,
                value,
                min,
                max,
            });
        }
    }
    Ok(())
}

/// A page of WebAssembly memory.
const PAGE: u64 = 64 << 10;

fn config(settings: &CodeSettings, interruption: Interruption) -> Config {
    let stack = usize_of(settings.max_stack);
    let mut config = Config::new();
    config
        .max_wasm_stack(stack)
        // Not used, as nothing here is asynchronous, but must not be smaller.
        .async_stack_size(stack)
        .epoch_interruption(interruption == Interruption::Epoch)
        .consume_fuel(settings.fuel)
        // Inlining makes guests a tenth faster, but then all functions of a module are held in
        // Cranelift's form at once: CPython with pydantic needs 7.9 GB and 21 s of CPU time to
        // compile, against 0.4 GB and 7 s.
        .compiler_inlining(Inlining::No)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(DENSE_IMAGE)
        // WASI preview 1 has 32-bit addresses; those need no bounds checks.
        .wasm_memory64(false)
        // Results must not depend on the machine's vector unit.
        .relaxed_simd_deterministic(true)
        // Neither native debuggers nor profilers read our code; both tables only make the
        // cached code larger. Backtraces walk frame pointers.
        .native_unwind_info(false)
        // `perf`'s map is made of them.
        .debug_symbols(settings.perf_map);
    config
}

fn pool(settings: &EngineSettings) -> PoolingAllocationConfig {
    let kept = keep_resident(settings);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(settings.instances)
        .total_memories(settings.instances)
        .total_tables(settings.instances.saturating_mul(TABLES))
        .total_stacks(0)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(INSTANCE_SIZE)
        .max_memory_size(usize_of(settings.max_memory))
        .linear_memory_keep_resident(kept)
        .table_keep_resident(kept)
        // Every slot that was used stays warm: there are no more than can run at once.
        .max_unused_warm_slots(settings.instances)
        .pagemap_scan(if kept > 0 { Enabled::Yes } else { Enabled::No });
    pool
}

/// Whether the kernel can tell which pages of an instance were written to (`PAGEMAP_SCAN`, Linux
/// 6.7), so that a slot of the pool can keep what it had mapped.
pub fn pagemap_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// What a slot keeps mapped. Without `PAGEMAP_SCAN` wasmtime does not know what was written to,
/// and would copy all of it each time.
fn keep_resident(settings: &EngineSettings) -> usize {
    let scan = settings.pagemap_scan && pagemap_scan_available();
    if scan {
        usize_of(settings.keep_resident)
    } else {
        0
    }
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    wadup_wasi::add_to_linker(&mut linker, Sandbox::wasi)?;
    Ok(linker)
}

/// Sizes were checked against ranges that fit; on a 32-bit host the largest saturate.
fn usize_of(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
