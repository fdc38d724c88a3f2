//! What a WebAssembly file says of itself, and what its bytes are for.

mod size;
#[cfg(test)]
mod tests;

use serde::Serialize;
use thiserror::Error;
use wadup_engine::MAX_MANIFEST;
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
    /// How much it may ask for, in bytes; none if it names no maximum.
    pub memory_max: Option<u64>,
    /// How many elements each table starts with, and may grow to.
    pub tables: Vec<Table>,
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

/// A table's elements: references to functions, mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Table {
    pub initial: u64,
    pub maximum: Option<u64>,
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
    #[error("it has more than {max} {what}")]
    TooMany { what: &'static str, max: u32 },
    #[error("its manifest has more than {MAX_MANIFEST} bytes")]
    ManifestLength,
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
            Self::TooMany { .. } => None,
            Self::ManifestLength | Self::Manifest(_) => {
                Some("a later version of wadup may have made it")
            }
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
        memory_max: None,
        tables: Vec::new(),
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
                limit("imports", imports.count())?;
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
                limit("exports", exports.count())?;
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
                    let most = memory.maximum.map(|pages| pages.saturating_mul(page));
                    self.memory_max = most.or(self.memory_max);
                }
            }
            Payload::TableSection(tables) => {
                limit("tables", tables.count())?;
                for table in tables {
                    let table = table?.ty;
                    self.tables.push(Table {
                        initial: table.initial,
                        maximum: table.maximum,
                    });
                }
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                if section.data().len() > MAX_MANIFEST {
                    return Err(InspectError::ManifestLength);
                }
                let manifest = serde_json::from_slice(section.data());
                self.manifest = Some(manifest.map_err(InspectError::Manifest)?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is shown takes several times as much memory as it has bytes in the file. No engine takes
/// more: <https://webassembly.github.io/spec/js-api/#limits>
fn limit(what: &'static str, count: u32) -> Result<(), InspectError> {
    const MAX: u32 = 1_000_000;
    if count > MAX {
        return Err(InspectError::TooMany { what, max: MAX });
    }
    Ok(())
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
