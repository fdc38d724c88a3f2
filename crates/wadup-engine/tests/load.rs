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
    insta::assert_snapshot!(refusal(b""), @"");
    insta::assert_snapshot!(refusal(b"\x7fELF\x02\x01\x01"), @"");
    insta::assert_snapshot!(refusal(b"(module (func (export \"process\") (i32.const)"), @"");
    insta::assert_snapshot!(refusal(b"(component)"), @"");
}

#[test]
fn every_truncation_is_refused() {
    let wasm = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "data")
            (func (export "process") (call $exit (i32.const 1))))"#,
    )
    .unwrap();
    load(&wasm).unwrap();
    // The name section at the end is not needed.
    let code_end = wasm.len() - 20;
    for length in 0..code_end {
        let refused = load(&wasm[..length]).map(|_| ()).unwrap_err();
        assert!(
            !matches!(refused, LoadError::Link(_)),
            "{length}: {refused}"
        );
    }
    insta::assert_snapshot!(refusal(&wasm[..code_end / 2]), @"");
}

#[test]
fn foreign_imports_are_listed() {
    insta::assert_snapshot!(refusal(br#"(module
        (import "env" "PyInit_missing" (func))
        (import "env" "dlopen" (func))
        (import "wasi_snapshot_preview1" "fd_clone" (func))
        (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process")))"#), @"");
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_unstable" "fd_close" (func (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process")))"#), @"");
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_snapshot_preview1" "memory" (memory 1))
        (func (export "process")))"#), @"");
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
    insta::assert_snapshot!(refusal(b"(module (func (export \"main\")))"), @"");
    insta::assert_snapshot!(refusal(b"(module (func (export \"process\") (param i32)))"), @"");
    insta::assert_snapshot!(refusal(b"(module (func (export \"_start\") (result i32) (i32.const 0)))"), @"");
    insta::assert_snapshot!(refusal(b"(module (global (export \"process\") i32 (i32.const 0)))"), @"");
}

#[test]
fn memory_must_be_exported_and_within_the_limit() {
    insta::assert_snapshot!(refusal(br#"(module
        (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
        (memory 1)
        (func (export "process")))"#), @"");
    insta::assert_snapshot!(refusal(br#"(module (memory 65536) (func (export "process")))"#), @"");
    insta::assert_snapshot!(refusal(br#"(module (memory i64 1) (func (export "process")))"#), @"");
}

#[test]
fn what_does_not_validate_is_refused() {
    insta::assert_snapshot!(refusal(br#"(module (func (export "process") (i32.add)))"#), @"");
}

#[test]
fn bad_manifests_are_refused() {
    insta::assert_snapshot!(refusal(&module_with_manifest("{}")), @"");
    insta::assert_snapshot!(refusal(&module_with_manifest("not json")), @"");
    insta::assert_snapshot!(
        refusal(&module_with_manifest(r#"{"abi_version":2,"anything":"else"}"#)),
        @""
    );
    let mut twice = module_with_manifest(MANIFEST);
    let section = twice[twice.len() - MANIFEST.len() - 18..].to_vec();
    twice.extend(section);
    insta::assert_snapshot!(refusal(&twice), @"");
}
