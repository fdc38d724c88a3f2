//! One sandboxed execution of a WebAssembly module.
//!
//! wasmtime is configured here and nowhere else, and `unsafe` loading of compiled code happens
//! here and nowhere else. What the guest can see and do besides computing is
//! [`wadup_wasi::WasiCtx`]'s matter.
//!
//! - An [`Engine`] is a pool of instance slots and a clock that interrupts executions.
//! - A [`Program`] is a module, validated and compiled, or taken from the [`CompiledCache`].
//! - A [`Compiler`] is this process, or one with limits for modules that are not trusted.
//! - A [`Worker`] is a thread with enough native stack for what the engine lets a guest use.
//! - An [`Execution`] is one fresh instance under [`Limits`]. How it went is data: an [`End`].
//! - An instance can be [`Kept`] for another execution, by who trusts the program. In a
//!   [`Session`] it goes on turn by turn, and a turn that fails has not happened to it.
//!
//! ```
//! use wadup_engine::{CompiledCache, End, Engine, EngineSettings, Limits, Program};
//! use wadup_vfs::{SystemTime, Vfs};
//! use wadup_wasi::{WasiConfig, WasiCtx};
//!
//! let engine = Engine::new(EngineSettings::default())?;
//! let wasm = br#"(module (func (export "process") (result i32) (i32.const 7)))"#;
//! let program = Program::load(&engine, wasm, &CompiledCache::disabled())?;
//!
//! let finished = engine.on_worker(|worker| {
//!     let vfs = Vfs::new(Default::default(), SystemTime::shared());
//!     let wasi = WasiCtx::new(WasiConfig::default().into(), vfs);
//!     program.run(worker, wasi, &Limits::default())
//! })?;
//! assert_eq!(finished.end, End::Returned(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod compiler;
mod digest;
mod end;
mod engine;
mod execution;
mod functions;
mod inspect;
mod limits;
mod program;
mod settings;
mod slots;
mod watchdog;
mod worker;

pub use cache::{CacheProblem, CompiledCache, Problem};
pub use compiler::{Compiler, CompilerError, CompilerProcess, compile_for_parent};
pub use end::{End, Trapped};
pub use engine::{Engine, EngineError, pagemap_scan_available};
pub use execution::{Execution, Finished, Kept, Session, Usage};
pub use inspect::{Entry, MAX_MANIFEST};
pub use limits::{Limit, Limits};
pub use program::{LoadError, Origin, Program, binary};
pub use settings::EngineSettings;
pub use wadup_wasi::Interrupt;
pub use worker::{Worker, WorkerError};
