//! One sandboxed execution of a WebAssembly module: engine, limits, compiled-code cache.
