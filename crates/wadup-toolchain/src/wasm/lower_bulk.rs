//! Replacing `memory.copy` and `memory.fill` by functions.
//!
//! A host runs a bulk operation as a call out of WebAssembly, which for the few bytes that most
//! operations are of takes longer than the bytes do. And it cannot be interrupted: an engine
//! that stops guests at any instruction without having checks compiled in, as wadup's does, can
//! do so only for code without bulk operations.
//!
//! Compilers could be told to emit none, but not so for libraries that are compiled already.
//! As the module is written anew, names are made shorter too.

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, Instruction, InstructionSink, MemArg,
    Module, NameMap, NameSection, TypeSection, ValType,
};
use wasmparser::{BinaryReaderError, Operator, Parser, Payload};

/// A linked module cannot be rewritten.
#[derive(Debug, thiserror::Error)]
#[error("failed to replace bulk memory operations: {0}")]
pub struct LowerBulkError(String);

impl From<reencode::Error> for LowerBulkError {
    fn from(error: reencode::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<BinaryReaderError> for LowerBulkError {
    fn from(error: BinaryReaderError) -> Self {
        Self(error.to_string())
    }
}

/// The module with a call of a function in place of every `memory.copy` and `memory.fill`.
/// The functions come last, so that no other's index changes.
pub(crate) fn lower_bulk(module: &[u8]) -> Result<Vec<u8>, LowerBulkError> {
    let mut rewriter = Rewriter::survey(module)?;
    let mut rewritten = Module::new();
    rewriter.parse_core_module(&mut rewritten, Parser::new(0), module)?;
    Ok(rewritten.finish())
}

/// The indices of what is added.
struct Rewriter {
    /// Of the type `(i32, i32, i32) -> ()`.
    signature: u32,
    copy: u32,
    fill: u32,
}

impl Rewriter {
    fn survey(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let (mut types, mut functions) = (0, 0);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types += group?.types().len();
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        functions += u32::from(matches!(
                            import?.ty,
                            wasmparser::TypeRef::Func(_) | wasmparser::TypeRef::FuncExact(_)
                        ));
                    }
                }
                Payload::FunctionSection(section) => functions += section.count(),
                _ => {}
            }
        }
        Ok(Self {
            signature: u32::try_from(types).unwrap_or(u32::MAX),
            copy: functions,
            fill: functions + 1,
        })
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<Instruction<'a>, reencode::Error> {
        match operator {
            Operator::MemoryCopy {
                dst_mem: 0,
                src_mem: 0,
            } => Ok(Instruction::Call(self.copy)),
            Operator::MemoryFill { mem: 0 } => Ok(Instruction::Call(self.fill)),
            other => utils::instruction(self, other),
        }
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32; 3], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.signature).function(self.signature);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_code_section(self, code, section)?;
        code.function(&copy()).function(&fill());
        Ok(())
    }

    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: wasmparser::Name<'_>,
    ) -> Result<(), reencode::Error> {
        let wasmparser::Name::Function(functions) = section else {
            return utils::parse_custom_name_subsection(self, names, section);
        };
        let mut all = NameMap::new();
        for name in functions {
            let name = name?;
            all.append(name.index, &readable(name.name));
        }
        all.append(self.copy, "wadup_memory_copy");
        all.append(self.fill, "wadup_memory_fill");
        names.functions(&all);
        Ok(())
    }
}

/// The longest name of a function, in characters.
const NAME: usize = 80;

/// The name of a function in Rust as a reader of a backtrace wants it, which is half as long:
/// without escapes, without the digest at its end (`::h0123456789abcdef`), and without the rest of
/// what is very long.
fn readable(name: &str) -> String {
    let name = unescaped(without_hash(name));
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// What `$LT$` and its like stand for in Rust's
/// [legacy symbol names](https://doc.rust-lang.org/rustc/symbol-mangling/index.html).
fn unescaped(name: &str) -> String {
    const ESCAPES: [(&str, &str); 16] = [
        ("$LT$", "<"),
        ("$GT$", ">"),
        ("$LP$", "("),
        ("$RP$", ")"),
        ("$RF$", "&"),
        ("$BP$", "*"),
        ("$SP$", "@"),
        ("$C$", ", "),
        ("$u20$", " "),
        ("$u27$", "'"),
        ("$u3b$", ";"),
        ("$u5b$", "["),
        ("$u5d$", "]"),
        ("$u7b$", "{"),
        ("$u7d$", "}"),
        ("..", "::"),
    ];
    if !name.contains('$') {
        return name.to_owned();
    }
    let unescape = |name: String, (from, to): &(&str, &str)| name.replace(from, to);
    ESCAPES.iter().fold(name.to_owned(), unescape)
}

/// The name without its digest.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|it| it.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

/// Bytes at a time, in a loop.
const STRIDE: i32 = 32;
/// Bytes of a vector.
const VECTOR: i32 = 16;

/// The parameters, which both functions have in common.
const TO: u32 = 0;
const LENGTH: u32 = 2;

/// `memory.copy`: the source and the destination may overlap.
///
/// Whatever is not more than two of some width is loaded whole before it is stored, its parts
/// overlapping. More goes in strides, away from the overlap, and the rest of one stride, loaded
/// before the first, at the end.
fn copy() -> Function {
    const FROM: u32 = 1;
    const AT: u32 = 3;
    const SMALL: [u32; 2] = [4, 5];
    const MEDIUM: [u32; 2] = [6, 7];
    const FIRST: u32 = 8;
    const SECOND: u32 = 9;
    const REST: [u32; 2] = [10, 11];
    let mut function = Function::new([
        (1, ValType::I32),
        (2, ValType::I32),
        (2, ValType::I64),
        (4, ValType::V128),
    ]);
    let mut code = function.instructions();

    below(&mut code, VECTOR, |code| {
        small(code, 8, |code| {
            two(code, FROM, 8, MEDIUM, |code| {
                code.i64_load(at(0));
            });
            two_out(code, 8, MEDIUM, |code| {
                code.i64_store(at(0));
            });
        });
        small(code, 4, |code| {
            two(code, FROM, 4, SMALL, |code| {
                code.i32_load(at(0));
            });
            two_out(code, 4, SMALL, |code| {
                code.i32_store(at(0));
            });
        });
        small(code, 2, |code| {
            two(code, FROM, 2, SMALL, |code| {
                code.i32_load16_u(at(0));
            });
            two_out(code, 2, SMALL, |code| {
                code.i32_store16(at(0));
            });
        });
        small(code, 1, |code| {
            code.local_get(TO).local_get(FROM).i32_load8_u(at(0));
            code.i32_store8(at(0));
        });
        code.return_();
    });

    code.local_get(LENGTH).i32_const(STRIDE).i32_le_u();
    code.if_(BlockType::Empty);
    two(&mut code, FROM, VECTOR, [FIRST, SECOND], |code| {
        code.v128_load(at(0));
    });
    two_out(&mut code, VECTOR, [FIRST, SECOND], |code| {
        code.v128_store(at(0));
    });
    code.return_().end();

    // Forward, unless the destination begins within the source.
    code.local_get(TO).local_get(FROM).i32_sub();
    code.local_get(LENGTH).i32_ge_u();
    code.if_(BlockType::Empty);
    {
        for (index, rest) in REST.into_iter().enumerate() {
            end_of(&mut code, FROM, if index == 0 { STRIDE } else { VECTOR });
            code.v128_load(at(0)).local_set(rest);
        }
        code.loop_(BlockType::Empty);
        stride(&mut code, FROM, AT, [FIRST, SECOND]);
        code.local_get(AT).i32_const(STRIDE).i32_add();
        code.local_tee(AT);
        code.local_get(LENGTH).i32_const(STRIDE).i32_sub();
        code.i32_lt_u().br_if(0).end();
        for (index, rest) in REST.into_iter().enumerate() {
            end_of(&mut code, TO, if index == 0 { STRIDE } else { VECTOR });
            code.local_get(rest).v128_store(at(0));
        }
    }
    code.else_();
    {
        for (rest, offset) in REST.into_iter().zip([0, VECTOR]) {
            code.local_get(FROM).v128_load(at(offset)).local_set(rest);
        }
        code.local_get(LENGTH).local_set(AT);
        code.loop_(BlockType::Empty);
        code.local_get(AT).i32_const(STRIDE).i32_sub().local_set(AT);
        stride(&mut code, FROM, AT, [FIRST, SECOND]);
        code.local_get(AT).i32_const(STRIDE).i32_gt_u();
        code.br_if(0).end();
        for (rest, offset) in REST.into_iter().zip([0, VECTOR]) {
            code.local_get(TO).local_get(rest).v128_store(at(offset));
        }
    }
    code.end().end();
    function
}

/// `memory.fill`.
fn fill() -> Function {
    const VALUE: u32 = 1;
    const AT: u32 = 3;
    const WIDE: u32 = 4;
    const VALUES: u32 = 5;
    let mut function = Function::new([(1, ValType::I32), (1, ValType::I64), (1, ValType::V128)]);
    let mut code = function.instructions();

    below(&mut code, VECTOR, |code| {
        code.local_get(VALUE).i32_const(0xff).i32_and();
        code.i64_extend_i32_u().i64_const(0x0101_0101_0101_0101);
        code.i64_mul().local_set(WIDE);
        small(code, 8, |code| {
            two_out(code, 8, [WIDE; 2], |code| {
                code.i64_store(at(0));
            });
        });
        small(code, 4, |code| {
            two_out(code, 4, [WIDE; 2], |code| {
                code.i64_store32(at(0));
            });
        });
        small(code, 2, |code| {
            two_out(code, 2, [WIDE; 2], |code| {
                code.i64_store16(at(0));
            });
        });
        small(code, 1, |code| {
            code.local_get(TO).local_get(VALUE).i32_store8(at(0));
        });
        code.return_();
    });

    code.local_get(VALUE).i8x16_splat().local_set(VALUES);
    code.local_get(LENGTH).i32_const(STRIDE).i32_gt_u();
    code.if_(BlockType::Empty);
    {
        code.loop_(BlockType::Empty);
        for offset in [0, VECTOR] {
            code.local_get(TO).local_get(AT).i32_add();
            code.local_get(VALUES).v128_store(at(offset));
        }
        code.local_get(AT).i32_const(STRIDE).i32_add();
        code.local_tee(AT);
        code.local_get(LENGTH).i32_const(STRIDE).i32_sub();
        code.i32_lt_u().br_if(0).end();
        // The rest may be longer than one vector.
        end_of(&mut code, TO, STRIDE);
        code.local_get(VALUES).v128_store(at(0));
    }
    code.end();
    two_out(&mut code, VECTOR, [VALUES; 2], |code| {
        code.v128_store(at(0));
    });
    code.end();
    function
}

/// `offset` bytes after the address on the stack, of which nothing is known.
fn at(offset: i32) -> MemArg {
    MemArg {
        offset: u64::try_from(offset).unwrap_or(0),
        align: 0,
        memory_index: 0,
    }
}

/// `body`, if the length is less than `length`.
fn below(code: &mut InstructionSink<'_>, length: i32, body: impl FnOnce(&mut InstructionSink<'_>)) {
    code.local_get(LENGTH).i32_const(length).i32_lt_u();
    code.if_(BlockType::Empty);
    body(code);
    code.end();
}

/// `body` and the function's end, if the length is at least `width`.
fn small(code: &mut InstructionSink<'_>, width: i32, body: impl FnOnce(&mut InstructionSink<'_>)) {
    code.local_get(LENGTH).i32_const(width).i32_ge_u();
    code.if_(BlockType::Empty);
    body(code);
    code.return_().end();
}

/// `length` bytes before the end of what begins at `start`.
fn end_of(code: &mut InstructionSink<'_>, start: u32, length: i32) {
    code.local_get(start).local_get(LENGTH).i32_add();
    code.i32_const(length).i32_sub();
}

/// Loads the first and the last `width` bytes of what begins at `from`.
fn two(
    code: &mut InstructionSink<'_>,
    from: u32,
    width: i32,
    [first, last]: [u32; 2],
    load: impl Fn(&mut InstructionSink<'_>),
) {
    code.local_get(from);
    load(code);
    code.local_set(first);
    end_of(code, from, width);
    load(code);
    code.local_set(last);
}

/// Stores them.
fn two_out(
    code: &mut InstructionSink<'_>,
    width: i32,
    [first, last]: [u32; 2],
    store: impl Fn(&mut InstructionSink<'_>),
) {
    code.local_get(TO).local_get(first);
    store(code);
    end_of(code, TO, width);
    code.local_get(last);
    store(code);
}

/// Copies a stride that is `offset` bytes in.
fn stride(code: &mut InstructionSink<'_>, from: u32, offset: u32, [first, second]: [u32; 2]) {
    for (vector, within) in [(first, 0), (second, VECTOR)] {
        code.local_get(from).local_get(offset).i32_add();
        code.v128_load(at(within)).local_set(vector);
    }
    for (vector, within) in [(first, 0), (second, VECTOR)] {
        code.local_get(TO).local_get(offset).i32_add();
        code.local_get(vector).v128_store(at(within));
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Engine, Instance, Memory, Store, TypedFunc};

    use super::*;

    const BULK: &str = r#"(module
        (memory (export "memory") 1)
        (func $copy (export "copy") (param i32 i32 i32)
            (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "fill") (param i32 i32 i32)
            (memory.fill (local.get 0) (local.get 1) (local.get 2))))"#;

    struct Loaded {
        store: Store<()>,
        memory: Memory,
        functions: [TypedFunc<(i32, i32, i32), ()>; 2],
    }

    fn load(wasm: &[u8]) -> Loaded {
        let engine = Engine::default();
        let module = wasmtime::Module::new(&engine, wasm).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let functions =
            ["copy", "fill"].map(|name| instance.get_typed_func(&mut store, name).unwrap());
        Loaded {
            store,
            memory,
            functions,
        }
    }

    impl Loaded {
        fn call(&mut self, which: usize, arguments: (i32, i32, i32)) -> Vec<u8> {
            let bytes = self.memory.data_mut(&mut self.store);
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(index * 7 % 251).unwrap();
            }
            self.functions[which]
                .call(&mut self.store, arguments)
                .unwrap();
            self.memory.data(&self.store)[..1024].to_vec()
        }
    }

    #[test]
    fn the_functions_do_what_the_operations_do() {
        let wasm = wat::parse_str(BULK).unwrap();
        let lowered = lower_bulk(&wasm).unwrap();
        let (mut operations, mut functions) = (load(&wasm), load(&lowered));
        let lengths = (0..=100).chain([127, 128, 129, 200, 255, 256, 257, 300]);
        for length in lengths {
            for distance in [
                -300, -65, -64, -33, -32, -31, -17, -16, -15, -9, -8, -7, -3, -1, 0,
            ]
            .into_iter()
            .chain([1, 2, 4, 5, 8, 12, 16, 20, 31, 32, 33, 63, 64, 100, 300])
            {
                let copy = (301 + distance, 301, length);
                assert_eq!(
                    operations.call(0, copy),
                    functions.call(0, copy),
                    "{copy:?}"
                );
            }
            for value in [0, 1, 0x80, 0xff, 0x1234_56ab] {
                let fill = (37, value, length);
                assert_eq!(
                    operations.call(1, fill),
                    functions.call(1, fill),
                    "{fill:?}"
                );
            }
        }
        // At the very end of memory.
        for length in [1, 15, 16, 33, 64, 65] {
            operations.call(0, (65536 - length, 0, length));
            functions.call(0, (65536 - length, 0, length));
            functions.call(0, (0, 65536 - length, length));
            functions.call(1, (65536 - length, 1, length));
        }
    }

    #[test]
    fn no_operation_is_left_and_names_stay() {
        let wasm = wat::parse_str(BULK).unwrap();
        let names = function_names(&lower_bulk(&wasm).unwrap());
        assert_eq!(names, ["copy", "wadup_memory_copy", "wadup_memory_fill"]);
    }

    #[test]
    fn names_are_readable() {
        let names = [
            ("core::fmt::write::h0123456789abcdef", "core::fmt::write"),
            ("core::fmt::write::h0123", "core::fmt::write::h0123"),
            ("hash::hashing_functions", "hash::hashing_functions"),
            ("PyObject_Call..x", "PyObject_Call..x"),
            (
                "drop_in_place$LT$$RF$a..B$C$$u5b$u8$u5d$$GT$::$u7b$$u7b$closure$u7d$$u7d$",
                "drop_in_place<&a::B, [u8]>::{{closure}}",
            ),
        ];
        for (name, expected) in names {
            assert_eq!(readable(name), expected);
        }
        let long = "é".repeat(NAME + 1);
        assert_eq!(readable(&long), format!("{}…", "é".repeat(NAME)));
        assert_eq!(readable(&long[2..]), long[2..]);
    }

    /// The names of the functions of a module that has no bulk operations.
    fn function_names(wasm: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.unwrap() {
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader().unwrap() {
                        let operator = operator.unwrap();
                        let is_bulk = matches!(
                            operator,
                            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. }
                        );
                        assert!(!is_bulk, "{operator:?}");
                    }
                }
                Payload::CustomSection(section) => {
                    let wasmparser::KnownCustom::Name(section) = section.as_known() else {
                        continue;
                    };
                    for name in section {
                        if let wasmparser::Name::Function(functions) = name.unwrap() {
                            names.extend(
                                functions
                                    .into_iter()
                                    .map(|name| name.unwrap().name.to_owned()),
                            );
                        }
                    }
                }
                _ => {}
            }
        }
        names
    }
}
