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
