use std::collections::BTreeMap;

use thiserror::Error;
use wadup_protocol::manifest::{INITIALIZE_EXPORT, PROCESS_EXPORT};
use wasmparser::{DataKind, ExternalKind, GlobalSectionReader, Operator, Parser, Payload};

/// The only module that an artifact may import from.
const WASI: &str = "wasi_snapshot_preview1";
const REQUIRED: &[(&str, ExternalKind)] = &[
    ("memory", ExternalKind::Memory),
    (PROCESS_EXPORT, ExternalKind::Func),
    ("_start", ExternalKind::Func),
];
const FORBIDDEN: &[&str] = &["_initialize", INITIALIZE_EXPORT];

/// How an artifact is not as it must be: a defect of the toolchain, never of a project.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidArtifact {
    #[error("it is not a WebAssembly module: {0}")]
    Malformed(String),
    #[error("it imports `{module}.{name}`, and only {WASI} is allowed")]
    Import { module: String, name: String },
    #[error("it does not export {0}")]
    NotExported(&'static str),
    #[error("it exports {0}, which only a runtime has")]
    Exported(&'static str),
    #[error("it has no stack pointer")]
    NoStackPointer,
    #[error("its stack is {found} bytes, and must be {expected}")]
    StackSize { found: u64, expected: u64 },
    #[error("it has data at {data}, below the stack's end at {stack}: not linked stack-first")]
    DataInStack { data: u64, stack: u64 },
}

/// Checks imports, exports and the layout of memory; `stack` is the size that the stack must
/// have, in bytes.
pub(crate) fn check(module: &[u8], stack: u64) -> Result<(), InvalidArtifact> {
    let outline = Outline::read(module).map_err(|e| InvalidArtifact::Malformed(e.to_string()))?;
    if let Some((module, name)) = outline.imports.iter().find(|(module, _)| module != WASI) {
        let (module, name) = (module.clone(), name.clone());
        return Err(InvalidArtifact::Import { module, name });
    }
    for (name, kind) in REQUIRED {
        if outline.exports.get(*name) != Some(kind) {
            return Err(InvalidArtifact::NotExported(name));
        }
    }
    if let Some(name) = FORBIDDEN
        .iter()
        .find(|name| outline.exports.contains_key(**name))
    {
        return Err(InvalidArtifact::Exported(name));
    }
    let found = outline.stack.ok_or(InvalidArtifact::NoStackPointer)?;
    if found != stack {
        return Err(InvalidArtifact::StackSize {
            found,
            expected: stack,
        });
    }
    match outline.lowest_data {
        Some(data) if data < found => Err(InvalidArtifact::DataInStack { data, stack: found }),
        _ => Ok(()),
    }
}

/// Where the stack of a linked module begins, to grow down: wasm-ld's `__stack_pointer`, which
/// is the first mutable global.
pub(crate) fn stack_size(module: &[u8]) -> Option<u64> {
    Outline::read(module).ok()?.stack
}

#[derive(Default)]
struct Outline {
    imports: Vec<(String, String)>,
    exports: BTreeMap<String, ExternalKind>,
    stack: Option<u64>,
    lowest_data: Option<u64>,
}

impl Outline {
    fn read(module: &[u8]) -> wasmparser::Result<Self> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let names = (import.module.to_owned(), import.name.to_owned());
                        outline.imports.push(names);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        outline.exports.insert(export.name.to_owned(), export.kind);
                    }
                }
                Payload::GlobalSection(section) => outline.stack = stack_pointer(section)?,
                Payload::DataSection(section) => {
                    for data in section {
                        outline.data(&data?)?;
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn data(&mut self, data: &wasmparser::Data<'_>) -> wasmparser::Result<()> {
        let DataKind::Active { offset_expr, .. } = &data.kind else {
            return Ok(());
        };
        if let Some(offset) = constant(offset_expr)?
            && !data.data.is_empty()
        {
            let lowest = self.lowest_data.map_or(offset, |lowest| lowest.min(offset));
            self.lowest_data = Some(lowest);
        }
        Ok(())
    }
}

fn stack_pointer(globals: GlobalSectionReader<'_>) -> wasmparser::Result<Option<u64>> {
    for global in globals {
        let global = global?;
        if global.ty.mutable && global.ty.content_type == wasmparser::ValType::I32 {
            return constant(&global.init_expr);
        }
    }
    Ok(None)
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> wasmparser::Result<Option<u64>> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 2)
        (global (mut i32) (i32.const 65536))
        (func (export "process") (result i32) i32.const 0)
        (func (export "_start"))
        (data (i32.const 65536) "data"))"#;

    fn check_text(text: &str) -> Result<(), InvalidArtifact> {
        check(&wat::parse_str(text).unwrap(), 65536)
    }

    #[test]
    fn a_module_that_is_as_it_must_be_passes() {
        assert_eq!(check_text(GOOD), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let without = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            check_text(&GOOD.replace(from, to)).unwrap_err().to_string()
        };
        let errors = [
            without("wasi_snapshot_preview1", "env"),
            without("(export \"process\")", ""),
            without("(export \"memory\")", ""),
            without("\"_start\"", "\"_initialize\""),
            without(
                "(func (export \"_start\"))",
                "(func (export \"_start\") (export \"wadup_initialize\"))",
            ),
            without("(mut i32)", "i32"),
            without("(mut i32) (i32.const 65536)", "(mut i32) (i32.const 65000)"),
            without("(data (i32.const 65536)", "(data (i32.const 1024)"),
        ];
        insta::assert_snapshot!(errors.join("\n"));
        assert!(check(b"\0asm", 65536).is_err());
    }
}
