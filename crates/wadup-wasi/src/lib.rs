//! WASI preview 1 for one sandbox, over the in-memory file system of [`wadup_vfs`].
//!
//! A guest sees the files of its [`Vfs`], with `/` preopened as descriptor 3, and nothing of the
//! host: time, randomness, arguments and environment are injected. Every function of
//! `wasi_snapshot_preview1` is there, so a guest that imports any of them links; what cannot be
//! done (sockets, signals) says so with its errno.
//!
//! - [`WasiConfig`] is what all sandboxes of a run have in common; it is shared.
//! - [`WasiCtx`] is the state of one sandbox. [`add_to_linker`] defines the functions over it.
//! - A [`CloseHandler`] is told of each file that is complete in a watched directory, while the
//!   guest runs.
//! - The guest ends a run with [`ProcExit`], the host with [`Interrupt`] or a deadline
//!   ([`Interrupted`]); both are found by `downcast_ref` in the error of the call.
//!
//! No function blocks or works for long: transfers are cut into pieces that POSIX allows to be
//! short, and a sleep ends at the deadline. A pointer that is out of bounds or misaligned traps,
//! as the standard [demands](https://github.com/WebAssembly/WASI/blob/main/legacy/tools/witx-docs.md#pointers).
//!
//! ```
//! use std::sync::Arc;
//! use wadup_vfs::{Limits, SystemTime, Vfs};
//! use wadup_wasi::{ProcExit, WasiConfig, WasiCtx};
//! use wasmtime::{Engine, Linker, Module, Store};
//!
//! # fn main() -> wasmtime::Result<()> {
//! let engine = Engine::default();
//! let mut linker = Linker::new(&engine);
//! wadup_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
//!
//! let config = Arc::new(WasiConfig::new().arg("guest").env("LANG", "C.UTF-8"));
//! let ctx = WasiCtx::new(config, Vfs::new(Limits::default(), SystemTime::shared()));
//! let mut store = Store::new(&engine, ctx);
//! let module = Module::new(&engine, r#"(module
//!     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//!     (memory (export "memory") 1)
//!     (func (export "_start") i32.const 3 call $exit))"#)?;
//! let start = linker.instantiate(&mut store, &module)?.get_typed_func::<(), ()>(&mut store, "_start")?;
//! let ended = start.call(&mut store, ()).unwrap_err();
//! assert_eq!(ended.downcast_ref::<ProcExit>(), Some(&ProcExit(3)));
//! # Ok(())
//! # }
//! ```

mod abi;
mod clock;
mod config;
mod context;
mod descriptor;
mod descriptors;
mod error;
mod hand_over;
mod interrupt;
mod io;
mod linker;
mod memory;
mod output;
mod paths;
mod poll;
mod preview1;
mod rights;
mod stat;
mod streams;

pub use abi::types::Errno;
pub use clock::{Clock, FixedClock, SystemClock};
pub use config::WasiConfig;
pub use context::WasiCtx;
pub use error::{Error, Interrupted, ProcExit};
pub use hand_over::{CloseHandler, ClosedFile};
pub use interrupt::{Deadline, Interrupt};
pub use linker::add_to_linker;
pub use output::CappedOutput;
pub use streams::{Output, StandardStreams};
pub use wadup_vfs::Vfs;
