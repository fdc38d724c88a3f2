//! An in-memory file system with quotas. Knows nothing of WebAssembly.
