//! Snapshots of a runtime that is WebAssembly text: all of the way but Python.

use wadup_engine::{End, Limits, Program};

use super::{SnapshotError, snapshot as with_report};
use crate::artifact::{self, with_manifest};
use crate::sandbox::{self, Sandbox};

/// `wadup_initialize` adds up the bundle's first bytes in the stack and keeps the sum in
/// memory and in a global; `process` returns it.
const RUNTIME: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock
        (param i32 i64 i32) (result i32)))
    (memory (export "memory") 3)
    (global $stack (mut i32) (i32.const 65536))
    (global $sum (mut i32) (i32.const 0))
    (func (export "wadup_initialize")
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 65600) (i32.const 6)
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 65700)))
        ;; Into the stack, which is not to be seen in the snapshot.
        (i32.store (i32.const 65712) (i32.const 100))
        (i32.store (i32.const 65716) (i32.const 2))
        (drop (call $read (i32.load (i32.const 65700)) (i32.const 65712) (i32.const 1)
            (i32.const 65720)))
        (drop (call $random (i32.const 65800) (i32.const 16)))
        (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 65816)))
        (global.set $sum (i32.add (i32.load8_u (i32.const 100)) (i32.load8_u (i32.const 101)))))
    (func (export "process") (result i32) global.get $sum)
    (func (export "_start"))
    (data (i32.const 65600) "bundle"))"#;

fn sandbox() -> (tempfile::TempDir, Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(folder.path()).unwrap();
    (folder, sandbox)
}

fn snapshot(sandbox: &Sandbox, runtime: &[u8], bundle: Vec<u8>) -> Result<Vec<u8>, SnapshotError> {
    let snapshot = with_report(sandbox, runtime, bundle, &sandbox::limits())?;
    Ok(snapshot.module)
}

fn run(sandbox: &Sandbox, module: &[u8]) -> End {
    let program: Program = sandbox.load(module).unwrap();
    let context = sandbox::context("/data.bin", Vec::new()).unwrap();
    let run = |worker: &wadup_engine::Worker| program.run(worker, context, &Limits::default());
    sandbox.engine().on_worker(run).unwrap().end
}

#[test]
fn a_snapshot_goes_on_where_initialization_ended() {
    let (_folder, sandbox) = sandbox();
    let runtime = wat::parse_str(RUNTIME).unwrap();
    let module = snapshot(&sandbox, &runtime, vec![40, 2]).unwrap();
    assert_eq!(artifact::check(&module, 65536), Ok(()));
    assert_eq!(run(&sandbox, &module), End::Returned(42));
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let runtime = wat::parse_str(RUNTIME).unwrap();
    let make = |bundle: Vec<u8>| {
        let (_folder, sandbox) = sandbox();
        snapshot(&sandbox, &runtime, bundle).unwrap()
    };
    assert_eq!(make(vec![1, 2]), make(vec![1, 2]));
    assert_ne!(make(vec![1, 2]), make(vec![2, 2]));
}

#[test]
fn an_artifact_has_its_manifest() {
    let (_folder, sandbox) = sandbox();
    let runtime = wat::parse_str(RUNTIME).unwrap();
    let manifest = wadup_protocol::manifest::Manifest {
        abi_version: 1,
        name: "demo".into(),
        version: "1.0".into(),
        entry_point: "demo".into(),
        runtime: "digest".into(),
        python: "3.13.5".into(),
        start: wadup_protocol::manifest::Start::Snapshot,
        packages: [("a".to_owned(), "1".to_owned())].into(),
        extensions: vec!["b".to_owned()],
        hash_seed: Some(7),
    };
    let module = snapshot(&sandbox, &runtime, vec![1]).unwrap();
    let module = with_manifest(module, &manifest);
    assert_eq!(sandbox.load(&module).unwrap().manifest(), Some(&manifest));
}

#[test]
fn a_guest_that_exits_makes_no_snapshot() {
    let (_folder, sandbox) = sandbox();
    let fail = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory"#;
    let runtime = RUNTIME.replacen("(memory", fail, 1).replacen(
        "(global.set $sum (i32.add",
        "(call $exit (i32.const 1)) (global.set $sum (i32.add",
        1,
    );
    let runtime = wat::parse_str(runtime).unwrap();
    let error = snapshot(&sandbox, &runtime, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "it exited with 1");
}
