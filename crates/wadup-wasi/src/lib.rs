//! WASI preview 1 over wadup-vfs.
