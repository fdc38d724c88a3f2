//! Isolating a relocatable object: its defined symbols become local, except for
//! those that the outside is to see.
//!
//! Every Rust static library brings its own copy of the standard library, and
//! two of them collide at link. When each is one object whose symbols are local,
//! any number links together, in any versions. Only the binding of a symbol is
//! changed, one byte of the symbol table in the custom section `linking`, so
//! that no offset moves.
//! Format: <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use wasmparser::{
    BinaryReaderError, Linking, LinkingSectionReader, Parser, Payload, SymbolFlags, SymbolInfo,
};

/// An object cannot be isolated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalizeError {
    /// It is no WebAssembly, or broken.
    #[error("failed to read the object")]
    Parse(#[from] BinaryReaderError),
    /// It is no relocatable object.
    #[error("the object has no symbol table: it is not relocatable")]
    NoSymbols,
    /// A symbol that is to stay visible is not defined.
    #[error("the object does not define `{0}`")]
    Undefined(String),
    /// The object has groups that the linker would merge with those of another.
    #[error("the object has COMDAT groups, which the linker merges by name across objects")]
    Comdat,
}

/// The bits of a symbol's flags that say how it binds.
const BINDING: u8 = LOCAL | SymbolFlags::BINDING_WEAK.bits() as u8;
const LOCAL: u8 = SymbolFlags::BINDING_LOCAL.bits() as u8;

/// Makes every defined symbol of `object` local but those that `keep` names.
/// Each name of `keep` must be defined.
pub(crate) fn localize(object: &mut [u8], keep: &[&str]) -> Result<(), LocalizeError> {
    let symbols = defined_symbols(object)?;
    for name in keep {
        if !symbols.iter().any(|symbol| symbol.name == *name) {
            return Err(LocalizeError::Undefined((*name).to_owned()));
        }
    }
    let hidden = symbols
        .iter()
        .filter(|symbol| !keep.contains(&&*symbol.name));
    let flags: Vec<usize> = hidden.map(|symbol| symbol.flags_at).collect();
    for at in flags {
        // Binding is in the two lowest bits, so in the first byte of the LEB128.
        object[at] = object[at] & !BINDING | LOCAL;
    }
    Ok(())
}

/// A symbol that the object defines.
struct Defined {
    name: String,
    /// The offset of its flags in the object.
    flags_at: usize,
}

fn defined_symbols(object: &[u8]) -> Result<Vec<Defined>, LocalizeError> {
    let mut symbols = None;
    for payload in Parser::new(0).parse_all(object) {
        let Payload::CustomSection(section) = payload? else {
            continue;
        };
        let wasmparser::KnownCustom::Linking(linking) = section.as_known() else {
            continue;
        };
        symbols = Some(symbols_of(linking)?);
    }
    symbols.ok_or(LocalizeError::NoSymbols)
}

fn symbols_of(linking: LinkingSectionReader<'_>) -> Result<Vec<Defined>, LocalizeError> {
    let mut symbols = Vec::new();
    for subsection in linking {
        match subsection? {
            Linking::SymbolTable(table) => {
                for entry in table.into_iter_with_offsets() {
                    let (offset, symbol) = entry?;
                    // The entry begins with its kind, one byte; flags follow.
                    symbols.extend(defined_name(&symbol).map(|name| Defined {
                        name: name.to_owned(),
                        flags_at: offset + 1,
                    }));
                }
            }
            Linking::ComdatInfo(groups) if groups.count() > 0 => return Err(LocalizeError::Comdat),
            _ => {}
        }
    }
    Ok(symbols)
}

/// The name of a symbol that is defined here. Sections have no name and are
/// local anyway.
fn defined_name<'a>(symbol: &SymbolInfo<'a>) -> Option<&'a str> {
    let (flags, name) = match *symbol {
        SymbolInfo::Func { flags, name, .. }
        | SymbolInfo::Global { flags, name, .. }
        | SymbolInfo::Table { flags, name, .. }
        | SymbolInfo::Event { flags, name, .. } => (flags, name?),
        SymbolInfo::Data { flags, name, .. } => (flags, name),
        SymbolInfo::Section { .. } => return None,
    };
    (!flags.contains(SymbolFlags::UNDEFINED)).then_some(name)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, Function, FunctionSection, LinkingSection, Module, SymbolTable, TypeSection,
    };

    use super::*;

    /// A relocatable object: `PyInit_a` and the weak `helper` are defined,
    /// `malloc` is not; `data` is.
    fn object() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = wasm_encoder::ImportSection::new();
        imports.import("env", "malloc", wasm_encoder::EntityType::Function(0));
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        for _ in 0..2 {
            functions.function(0);
            let mut function = Function::new([]);
            function.instructions().end();
            code.function(&function);
        }
        let mut symbols = SymbolTable::new();
        symbols.function(SymbolTable::WASM_SYM_UNDEFINED, 0, None);
        symbols.function(
            SymbolTable::WASM_SYM_EXPORTED | SymbolTable::WASM_SYM_NO_STRIP,
            1,
            Some("PyInit_a"),
        );
        symbols.function(
            SymbolTable::WASM_SYM_BINDING_WEAK | SymbolTable::WASM_SYM_NO_STRIP,
            2,
            Some("helper"),
        );
        let data = wasm_encoder::DataSymbolDefinition {
            index: 0,
            offset: 0,
            size: 4,
        };
        symbols.data(0, "data", Some(data));
        let mut linking = LinkingSection::new();
        linking.symbol_table(&symbols);
        let mut memory = wasm_encoder::DataSection::new();
        memory.active(0, &wasm_encoder::ConstExpr::i32_const(0), [0; 4]);
        let mut memories = wasm_encoder::MemorySection::new();
        memories.memory(wasm_encoder::MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&memories)
            .section(&code)
            .section(&memory)
            .section(&linking);
        module.finish()
    }

    /// Names and flags of all named symbols.
    fn flags(object: &[u8]) -> Vec<(String, SymbolFlags)> {
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(object) {
            let Payload::CustomSection(section) = payload.unwrap() else {
                continue;
            };
            let wasmparser::KnownCustom::Linking(linking) = section.as_known() else {
                continue;
            };
            for subsection in linking {
                let Linking::SymbolTable(table) = subsection.unwrap() else {
                    continue;
                };
                for symbol in table {
                    match symbol.unwrap() {
                        SymbolInfo::Func { flags, name, .. } => {
                            found.push((name.unwrap_or("malloc").to_owned(), flags));
                        }
                        SymbolInfo::Data { flags, name, .. } => {
                            found.push((name.to_owned(), flags))
                        }
                        _ => {}
                    }
                }
            }
        }
        found
    }

    #[test]
    fn all_but_the_named_become_local() {
        let before = object();
        let mut after = before.clone();
        localize(&mut after, &["PyInit_a"]).unwrap();
        assert_eq!(before.len(), after.len());
        let flag = |name: &str| {
            let flags = flags(&after);
            flags.iter().find(|(it, _)| it == name).unwrap().1
        };
        assert!(flag("helper").contains(SymbolFlags::BINDING_LOCAL));
        assert!(!flag("helper").contains(SymbolFlags::BINDING_WEAK));
        assert!(
            flag("helper").contains(SymbolFlags::NO_STRIP),
            "other flags stay"
        );
        assert!(flag("data").contains(SymbolFlags::BINDING_LOCAL));
        let untouched = |name: &str| flags(&before).contains(&(name.to_owned(), flag(name)));
        assert!(untouched("PyInit_a") && untouched("malloc"));
    }

    #[test]
    fn a_name_that_is_not_defined_is_an_error() {
        let error = localize(&mut object(), &["PyInit_b"]).unwrap_err();
        assert_eq!(error.to_string(), "the object does not define `PyInit_b`");
    }

    #[test]
    fn a_module_without_symbols_is_no_object() {
        let mut module = wat::parse_str("(module)").unwrap();
        assert!(matches!(
            localize(&mut module, &[]),
            Err(LocalizeError::NoSymbols)
        ));
        assert!(matches!(
            localize(&mut [1, 2, 3], &[]),
            Err(LocalizeError::Parse(_))
        ));
    }
}
