//! What is no program, and how that is said.

mod support;

use std::error::Error;

use support::engine;
use wadup_engine::{CompiledCache, EngineSettings, Entry, LoadError, Program};

fn load(wasm: &[u8]) -> Result<Program, LoadError> {
    Program::load(
        &engine(EngineSettings::default()),
        wasm,
        &CompiledCache::disabled(),
    )
}

/// The message, its causes and its hint.
fn refusal(wasm: &[u8]) -> String {
    let error = load(wasm).expect_err("it must be refused");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!("\n  cause: {error}");
        cause = error.source();
    }
    if let Some(hint) = error.hint() {
        text += &format!("\n  hint: {hint}");
    }
    text
}

fn module_with_manifest(manifest: &str) -> Vec<u8> {
    let mut wasm = wat::parse_str(r#"(module (func (export "process")))"#).unwrap();
    let name = b"wadup:manifest";
    let size = 1 + name.len() + manifest.len();
    assert!(size < 16384);
    wasm.extend([0, (size & 0x7f) as u8 | 0x80, (size >> 7) as u8]);
    wasm.push(name.len() as u8);
    wasm.extend(name);
    wasm.extend(manifest.as_bytes());
    wasm
}

const MANIFEST: &str = r#"{"abi_version":1,"name":"demo","version":"1.0","entry_point":"demo",
    "runtime":"00","python":"3.13.5","start":"snapshot","packages":{"pydantic":"2.12.5"}}"#;

#[test]
fn a_manifest_is_read() {
    let program = load(&module_with_manifest(MANIFEST)).unwrap();
    assert_eq!(program.manifest().unwrap().name, "demo");
    assert_eq!(program.entry(), Entry::Process);
}

#[test]
fn a_module_without_a_manifest_is_a_program_too() {
    let program = load(br#"(module (func (export "_start")))"#).unwrap();
    assert_eq!(program.manifest(), None);
    assert_eq!(program.entry(), Entry::Start);
}

#[test]
fn what_is_no_module_is_refused() {
    insta::assert_snapshot!(refusal(b""), @r"
    this is not a WebAssembly module
      hint: `wadup build` makes an artifact of a Python project
    ");
    insta::assert_snapshot!(refusal(b"\x7fELF\x02\x01\x01"), @r"
    this is not a WebAssembly module
      hint: `wadup build` makes an artifact of a Python project
    ");
    insta::assert_snapshot!(refusal(b"(module (func (export \"process\") (i32.const)"), @r#"
    the text does not parse as WebAssembly: expected a i32
         --> <anon>:1:44
          |
        1 | (module (func (export "process") (i32.const)
          |                                            ^
    "#);
    insta::assert_snapshot!(refusal(b"(component)"), @r"
    this is a WebAssembly component; wadup runs core modules
      hint: build it for wasm32-wasip1 instead of wasm32-wasip2
    ");
}

#[test]
fn a_text_of_nothing_but_parentheses_is_refused_in_few_words() {
    let text = "(".repeat(1 << 20);
    assert!(refusal(text.as_bytes()).len() < 1000);
}

#[test]
fn every_truncation_is_refused() {
    // The code comes last; without names, nothing can be left out.
    let wasm = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (memory (export "memory") 1)
            (func (export "process") (call 0 (i32.const 1))))"#,
    )
    .unwrap();
    load(&wasm).unwrap();
    for length in 0..wasm.len() {
        assert!(load(&wasm[..length]).is_err(), "{length} bytes");
    }
    insta::assert_snapshot!(refusal(&wasm[..wasm.len() - 3]), @r"
    the module is truncated or malformed at byte 91: unexpected end-of-file
      hint: build or download the file again
    ");
}

#[test]
fn foreign_imports_are_listed() {
    insta::assert_snapshot!(refusal(br#"(module
        (import "env" "PyInit_missing" (func))
        (import "env" "dlopen" (func))
        (import "wasi_snapshot_preview1" "fd_clone" (func))
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process")))"#), @r"
    the module imports what wadup does not provide: env.PyInit_missing, env.dlopen, wasi_snapshot_preview1.fd_clone
      hint: `env` imports are symbols that were left undefined: link without `--allow-undefined`
    ");
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_unstable" "fd_close" (func (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process")))"#), @r"
    the module imports what wadup does not provide: wasi_unstable.fd_close
      hint: the module was built for WASI preview 0: build it for wasm32-wasip1
    ");
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_snapshot_preview1" "memory" (memory 1))
        (func (export "process")))"#), @r"
    the module imports what wadup does not provide: wasi_snapshot_preview1.memory
      hint: a module may import functions of `wasi_snapshot_preview1` only
    ");
}

#[test]
fn a_wasi_function_of_another_type_is_refused() {
    let error = load(
        br#"(module
        (import "wasi_snapshot_preview1" "fd_close" (func (param i64)))
        (memory (export "memory") 1)
        (func (export "process")))"#,
    )
    .unwrap_err();
    assert!(matches!(error, LoadError::Link(_)), "{error:?}");
}

#[test]
fn all_of_preview_1_links() {
    // `path_open` stands for those with many parameters; their types are the linker's matter.
    load(
        br#"(module
        (import "wasi_snapshot_preview1" "path_open" (func
            (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process")))"#,
    )
    .unwrap();
}

#[test]
fn the_entry_must_be_there_and_have_the_right_type() {
    insta::assert_snapshot!(refusal(b"(module (func (export \"main\")))"), @r"
    the module exports neither `process` nor `_start`
      hint: export a function `process` without parameters, or build a WASI command (`_start`)
    ");
    insta::assert_snapshot!(refusal(b"(module (func (export \"process\") (param i32)))"), @"the export `process` must take no parameters and return nothing or an i32");
    insta::assert_snapshot!(refusal(b"(module (func (export \"_start\") (result i32) (i32.const 0)))"), @"the export `_start` must take no parameters and return nothing");
    insta::assert_snapshot!(refusal(b"(module (global (export \"process\") i32 (i32.const 0)))"), @r"
    the module exports neither `process` nor `_start`
      hint: export a function `process` without parameters, or build a WASI command (`_start`)
    ");
}

#[test]
fn memory_must_be_exported_and_within_the_limit() {
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
        (memory 1)
        (func (export "process")))"#), @r"
    the module imports WASI functions but does not export its `memory`
      hint: export the memory under the name `memory`
    ");
    insta::assert_snapshot!(refusal(br#"(module (memory 65536) (func (export "process")))"#), @r"
    the module starts with 4294967296 bytes of memory, more than the limit of 536870912
      hint: raise --max-memory
    ");
    insta::assert_snapshot!(refusal(br#"(module (memory i64 1) (func (export "process")))"#), @r"
    the module is not valid, or needs what wadup does not enable
      cause: failed to parse WebAssembly module
      cause: memory64 must be enabled for 64-bit memories (at offset 0x15)
    ");
}

#[test]
fn what_does_not_validate_is_refused() {
    insta::assert_snapshot!(refusal(br#"(module (func (export "process") (i32.add)))"#), @r"
    the module is not valid, or needs what wadup does not enable
      cause: failed to compile: wasm[0]::function[0]
      cause: WebAssembly translation error
      cause: Invalid input WebAssembly code at offset 36: type mismatch: expected i32 but nothing on stack
    ");
}

#[test]
fn bad_manifests_are_refused() {
    insta::assert_snapshot!(refusal(&module_with_manifest("{}")), @r"
    the manifest (custom section `wadup:manifest`) does not parse
      cause: missing field `abi_version` at line 1 column 2
      hint: build the artifact again with `wadup build`
    ");
    insta::assert_snapshot!(refusal(&module_with_manifest("not json")), @r"
    the manifest (custom section `wadup:manifest`) does not parse
      cause: expected ident at line 1 column 2
      hint: build the artifact again with `wadup build`
    ");
    insta::assert_snapshot!(
        refusal(&module_with_manifest(r#"{"abi_version":2,"anything":"else"}"#)),
        @r"
    the artifact speaks version 2 of wadup's protocol, this wadup up to 1
      hint: update wadup, or build the artifact again with this one
    "
    );
    insta::assert_snapshot!(refusal(&module_with_manifest(r#"{"abi_version":0}"#)), @r"
    the artifact speaks version 0 of wadup's protocol, this wadup up to 1
      hint: build the artifact again with this wadup
    ");
    let mut twice = module_with_manifest(MANIFEST);
    let section = twice[twice.len() - MANIFEST.len() - 18..].to_vec();
    twice.extend(section);
    insta::assert_snapshot!(refusal(&twice), @r"
    the module has 2 manifests (custom sections `wadup:manifest`)
      hint: build the artifact again with `wadup build`
    ");
}

#[test]
fn perf_is_told_the_names_of_functions() {
    let settings = EngineSettings {
        perf_map: true,
        ..EngineSettings::default()
    };
    let wat = br#"(module (func $a_name_to_find (export "process")))"#;
    let program = Program::load(&engine(settings), wat, &CompiledCache::disabled());
    program.expect("it is a program");
    // The place and form that `perf` reads: address, size, name.
    let path = format!("/tmp/perf-{}.map", std::process::id());
    let map = std::fs::read_to_string(&path).expect("wasmtime wrote it");
    std::fs::remove_file(&path).expect("it is ours");
    let line = map.lines().find(|line| line.contains("a_name_to_find"));
    let line = line.expect("the function is in it");
    assert_eq!(line.split(' ').count(), 3, "{line}");
}
