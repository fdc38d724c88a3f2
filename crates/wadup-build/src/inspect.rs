//! What a WebAssembly file says of itself, and what its bytes are for.

mod size;
#[cfg(test)]
mod tests;

use serde::Serialize;
use thiserror::Error;
use wadup_protocol::manifest::{Manifest, SECTION};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

pub use size::Part;

/// What can be seen of a WebAssembly module from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Of the file, in bytes.
    pub size: u64,
    /// None for a module that wadup did not make.
    pub manifest: Option<Manifest>,
    pub imports: Vec<Import>,
    pub exports: Vec<Export>,
    /// How much memory an instance starts with, in bytes.
    pub memory: u64,
    /// What the file's bytes are for; their sizes sum up to [`Self::size`].
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    pub module: String,
    pub name: String,
    /// What is imported, such as `function`.
    pub kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    pub name: String,
    /// What is exported, such as `function`.
    pub kind: &'static str,
}

/// A file is not what can be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    #[error("it is not WebAssembly: it does not start with the bytes 00 61 73 6d")]
    NotWasm,
    #[error("it is a WebAssembly component, not a module")]
    Component,
    #[error("it is broken or cut short at byte {offset}: {message}")]
    Malformed { offset: u64, message: String },
    #[error("its manifest cannot be read")]
    Manifest(#[source] serde_json::Error),
}

impl InspectError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm | Self::Component => {
                Some("name a WebAssembly module, as `wadup build` makes it")
            }
            Self::Malformed { .. } => Some("build it again, or copy it again"),
            Self::Manifest(_) => Some("a later version of wadup may have made it"),
        }
    }
}

/// Reads `wasm`, any WebAssembly module.
///
/// # Errors
///
/// When it is none, or has a manifest that is none.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, InspectError> {
    if !wasm.starts_with(b"\0asm") {
        return Err(InspectError::NotWasm);
    }
    if Parser::is_component(wasm) {
        return Err(InspectError::Component);
    }
    let mut inspection = Inspection {
        size: wasm.len() as u64,
        manifest: None,
        imports: Vec::new(),
        exports: Vec::new(),
        memory: 0,
        parts: Vec::new(),
    };
    for payload in Parser::new(0).parse_all(wasm) {
        inspection.add(payload?)?;
    }
    inspection.parts = size::parts(wasm, inspection.manifest.as_ref(), inspection.memory)?;
    Ok(inspection)
}

impl Inspection {
    fn add(&mut self, payload: Payload<'_>) -> Result<(), InspectError> {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    self.imports.push(Import {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        kind: imported(import.ty),
                    });
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exports.push(Export {
                        name: export.name.to_owned(),
                        kind: exported(export.kind),
                    });
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory?;
                    let page = 1_u64 << memory.page_size_log2.unwrap_or(16).min(63);
                    let bytes = memory.initial.saturating_mul(page);
                    self.memory = self.memory.saturating_add(bytes);
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                let manifest = serde_json::from_slice(section.data());
                self.manifest = Some(manifest.map_err(InspectError::Manifest)?);
            }
            _ => {}
        }
        Ok(())
    }
}

fn imported(ty: TypeRef) -> &'static str {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function",
        TypeRef::Table(_) => "table",
        TypeRef::Memory(_) => "memory",
        TypeRef::Global(_) => "global",
        TypeRef::Tag(_) => "tag",
    }
}

fn exported(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

impl From<wasmparser::BinaryReaderError> for InspectError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed {
            offset: error.offset() as u64,
            message: error.message().to_owned(),
        }
    }
}
