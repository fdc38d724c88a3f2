//! Leaving zeros out of data segments.
//!
//! wizer makes 10,000 segments at most and fills the smaller gaps between them with zeros, which
//! are half a megabyte of a started CPython. Memory is zero before it is initialised.

use wasm_encoder::{ConstExpr, DataCountSection, DataSection, Module, RawSection};
use wasmparser::{BinaryReaderError, DataKind, Operator, Parser, Payload};

/// The shortest run of zeros that is left out. A segment of its own for what follows takes 9
/// bytes.
const SHORTEST: usize = 12;

/// What WebAssembly's JavaScript API allows, and so most engines:
/// <https://webassembly.github.io/spec/js-api/#limits>.
const MOST_SEGMENTS: usize = 100_000;

/// The module without runs of zeros in its data. None if it would have more segments than
/// engines allow, or has some that wizer does not write.
pub(super) fn leave_out_zeros(module: &[u8]) -> Result<Option<Vec<u8>>, BinaryReaderError> {
    let (mut data, mut count) = (DataSection::new(), 0_usize);
    for payload in Parser::new(0).parse_all(module) {
        let Payload::DataSection(segments) = payload? else {
            continue;
        };
        for segment in segments {
            let segment = segment?;
            match address(&segment.kind)? {
                Some(address) => {
                    for (start, bytes) in parts(segment.data) {
                        let start = address.wrapping_add(u32::try_from(start).unwrap_or(0));
                        data.active(
                            0,
                            &ConstExpr::i32_const(start.cast_signed()),
                            bytes.iter().copied(),
                        );
                        count += 1;
                    }
                }
                // wizer leaves passive segments as they are, and writes no others.
                None if matches!(segment.kind, DataKind::Passive) => {
                    data.passive(segment.data.iter().copied());
                    count += 1;
                }
                None => return Ok(None),
            }
        }
    }
    if count > MOST_SEGMENTS {
        return Ok(None);
    }
    with_data(module, &data, count).map(Some)
}

/// The address of an active segment of the first memory.
fn address(kind: &DataKind<'_>) -> Result<Option<u32>, BinaryReaderError> {
    let DataKind::Active {
        memory_index: 0,
        offset_expr,
    } = kind
    else {
        return Ok(None);
    };
    match offset_expr.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(Some(value.cast_unsigned())),
        _ => Ok(None),
    }
}

/// What is not zero, and where it starts.
fn parts(data: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < data.len() {
        let zeros = data[at..].iter().take_while(|byte| **byte == 0).count();
        let ends = at + zeros == data.len();
        if zeros >= SHORTEST || ends {
            if start < at {
                parts.push((start, &data[start..at]));
            }
            start = at + zeros;
        }
        at += zeros.max(1);
    }
    if start < data.len() {
        parts.push((start, &data[start..]));
    }
    parts
}

/// The module with other data, all else as it is.
fn with_data(
    module: &[u8],
    data: &DataSection,
    count: usize,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut changed = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::DataCountSection { .. } => {
                changed.section(&DataCountSection {
                    count: u32::try_from(count).unwrap_or(u32::MAX),
                });
            }
            Payload::DataSection(_) => {
                changed.section(data);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = &module[range];
                    changed.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(changed.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_runs_stay_and_long_ones_go() {
        let long = [0; SHORTEST];
        let data = [&b"ab"[..], &[0; SHORTEST - 1], b"c", &long, b"d", &long].concat();
        let parts = parts(&data);
        let starts: Vec<usize> = parts.iter().map(|(start, _)| *start).collect();
        assert_eq!(starts, [0, 2 * SHORTEST + 2]);
        assert_eq!(parts[0].1, &data[..SHORTEST + 2]);
        assert_eq!(parts[1].1, b"d");
        assert!(super::parts(&[0; 3]).is_empty());
    }

    #[test]
    fn memory_is_the_same() {
        let wat = r#"(module
            (memory (export "memory") 1)
            (func (export "process"))
            (data (i32.const 8) "\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\02")
            (data "passive")
            (data (i32.const 40000) "\00\00\03"))"#;
        let module = wat::parse_str(wat).unwrap();
        let changed = leave_out_zeros(&module).unwrap().unwrap();
        assert_ne!(module, changed);
        assert_eq!(memory(&module), memory(&changed));
    }

    fn memory(module: &[u8]) -> Vec<u8> {
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, module).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        memory.data(&store).to_vec()
    }
}
