//! The contract between guest and host, and between `wadup build` and `wadup run`.
//!
//! Everything that two sides must agree on is here and nowhere else: the files a guest
//! reads and writes ([`paths`]), the JSON it hands over ([`metadata`]), the file tree that an
//! artifact carries ([`bundle`]), what an artifact says of itself ([`manifest`]) and what its
//! snapshot has frozen ([`audit`]).
//! The crate compiles for the host and for `wasm32-wasip1`.

pub mod audit;
pub mod bundle;
pub mod manifest;
pub mod metadata;
pub mod paths;

/// The version of the contract. A module without a manifest speaks version 1.
pub const ABI_VERSION: u32 = 1;
