//! What a linked runtime must be: its imports are WASI's, its exports are there,
//! and it uses no proposal that hosts need not have. Exception handling above
//! all: PyO3's older releases bring it in.

use wasmparser::{BinaryReaderError, Parser, Payload, Validator, WasmFeatures};

/// The only module that a runtime imports from.
const WASI: &str = "wasi_snapshot_preview1";

/// A linked runtime is not what it must be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeCheckError {
    /// It is no WebAssembly 2.0, or has bulk operations, which keep wadup's engine from
    /// interrupting it at any instruction.
    #[error("the linked runtime is not valid WebAssembly 2.0 without bulk memory operations")]
    Invalid(#[from] BinaryReaderError),
    /// It imports something that no WASI host has.
    #[error("the linked runtime imports `{module}` `{name}`; only `{WASI}` may be imported")]
    Import {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
    },
    /// An export is missing.
    #[error("the linked runtime does not export `{0}`")]
    Export(String),
}

/// Validates the module, and checks that it imports nothing but WASI and that all
/// `exports` are there.
pub(crate) fn check_runtime(module: &[u8], exports: &[String]) -> Result<(), RuntimeCheckError> {
    let features = WasmFeatures::WASM2.difference(WasmFeatures::BULK_MEMORY);
    Validator::new_with_features(features).validate_all(module)?;
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    if import.module != WASI {
                        return Err(RuntimeCheckError::Import {
                            module: import.module.to_owned(),
                            name: import.name.to_owned(),
                        });
                    }
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    found.push(export?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    match exports.iter().find(|name| !found.contains(name)) {
        Some(missing) => Err(RuntimeCheckError::Export(missing.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wat: &str) -> Result<(), RuntimeCheckError> {
        check_runtime(&wat::parse_str(wat).unwrap(), &["process".to_owned()])
    }

    #[test]
    fn a_runtime_imports_wasi_only() {
        let import = |module| format!("(import \"{module}\" \"f\" (func))");
        let export = "(func (export \"process\"))";
        check(&format!("(module {} {export})", import(WASI))).unwrap();
        let error = check(&format!("(module {} {export})", import("env"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the linked runtime imports `env` `f`; only `wasi_snapshot_preview1` may be imported"
        );
    }

    #[test]
    fn exception_handling_is_refused() {
        let error = check("(module (tag) (func (export \"process\") throw 0))").unwrap_err();
        assert!(matches!(error, RuntimeCheckError::Invalid(_)), "{error:?}");
    }

    #[test]
    fn bulk_operations_are_refused() {
        let fill = "i32.const 0 i32.const 0 i32.const 0 memory.fill";
        let wat = format!("(module (memory 1) (func (export \"process\") {fill}))");
        let error = check(&wat).unwrap_err();
        assert!(matches!(error, RuntimeCheckError::Invalid(_)), "{error:?}");
    }

    #[test]
    fn a_missing_export_is_named() {
        let error = check("(module)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the linked runtime does not export `process`"
        );
    }
}
