//! The artifact as a WebAssembly module: its manifest, and what must hold for it.

mod check;

use wadup_protocol::manifest::{Manifest, SECTION};
use wasm_encoder::{CustomSection, Encode, Section};

pub use check::InvalidArtifact;
pub(crate) use check::{check, stack_size};

/// The size of the stack in every artifact, in bytes, with which runtimes are linked.
pub(crate) const STACK_SIZE: u64 = 8 << 20;

/// Appends the manifest. Custom sections may stand anywhere; the last place moves nothing.
pub(crate) fn with_manifest(mut module: Vec<u8>, manifest: &Manifest) -> Vec<u8> {
    let json = match serde_json::to_vec(manifest) {
        Ok(json) => json,
        Err(error) => unreachable!("a manifest is strings and numbers: {error}"),
    };
    let section = CustomSection {
        name: SECTION.into(),
        data: json.into(),
    };
    module.push(section.id());
    section.encode(&mut module);
    module
}
