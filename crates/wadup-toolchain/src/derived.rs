//! Folders of the cache that hold what is made with the toolchain. `wadup build` and `wadup run`
//! keep them beside the steps, and [`Toolchain::clean`](crate::Toolchain::clean) removes them.

/// Results of builds. The layout's version is part of the name: another one is simply not found.
pub const BUILDS: &str = "build-v2";
/// Artifacts compiled for this machine.
pub const COMPILED: &str = "compiled";
/// Wheels, by digest.
pub const WHEELS: &str = "wheels";
/// What `cargo dev` measures and compares with.
pub const DEV: &str = "dev";

/// All of them.
pub(crate) const ALL: [&str; 4] = [BUILDS, COMPILED, WHEELS, DEV];
