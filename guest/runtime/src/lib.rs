//! The Rust half of every artifact. Linked with CPython and the extensions it makes
//! `runtime.wasm`, which is the same for all projects.
//!
//! - [`descriptors`] and [`system_calls`]: the layer between wasi-libc and the host, in which
//!   some of what is open is our own; [`posix`]: the functions that wasi-libc does not have.
//! - [`tree`]: the file tree that the artifact carries in its memory, mounted at `/lib` and
//!   `/app`.
//! - [`interpreter`]: how CPython is started, brought from a snapshot into the present, and how
//!   `main()` ends.
//! - [`package`]: `wadup._native`, the native half of the Python package `wadup`.
//! - [`audit`]: who does what a snapshot freezes, while the entry module is imported.
//! - [`exports`]: what the host calls: `wadup_initialize` once when an artifact is built,
//!   then `process` (or `_start`) once for each input.
//!
//! Everything goes through wasi-libc, Rust's `std::fs` in an extension as well as C and Python, and
//! so sees the tree.

mod audit;
mod descriptors;
mod exports;
mod failure;
mod interpreter;
mod package;
mod posix;
mod system_calls;
mod tree;
