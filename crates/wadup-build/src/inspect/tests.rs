use wadup_protocol::bundle::{Boot, BundleWriter, Content};
use wadup_protocol::manifest::{Manifest, Start};

use super::*;

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn sum(inspection: &Inspection) -> u64 {
    inspection.parts.iter().map(|part| part.size).sum()
}

fn part(inspection: &Inspection, name: &str) -> Option<u64> {
    let part = inspection.parts.iter().find(|part| part.name == name);
    part.map(|part| part.size)
}

#[test]
fn a_module_that_wadup_did_not_make_is_described_as_well() {
    let wasm = wat(r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (data (i32.const 8) "hello")
        (func (export "_start")))"#);
    let inspection = inspect(&wasm).unwrap();
    assert_eq!(inspection.manifest, None);
    assert_eq!(inspection.memory, 2 << 16);
    assert_eq!(inspection.imports[0].name, "fd_write");
    let exports: Vec<_> = inspection.exports.iter().collect();
    assert_eq!(exports[0].kind, "memory");
    assert_eq!(exports[1].name, "_start");
    assert_eq!(part(&inspection, "data"), Some(5));
    assert_eq!(sum(&inspection), wasm.len() as u64);
}

#[test]
fn what_is_no_module_is_named() {
    assert!(matches!(inspect(b"#!/bin/sh"), Err(InspectError::NotWasm)));
    assert!(matches!(inspect(b""), Err(InspectError::NotWasm)));
    let component = wat("(component)");
    assert!(matches!(inspect(&component), Err(InspectError::Component)));
}

#[test]
fn a_module_that_is_cut_anywhere_is_refused_or_a_shorter_module() {
    let wasm = artifact();
    for len in 4..wasm.len() {
        if let Ok(inspection) = inspect(&wasm[..len]) {
            assert_eq!(sum(&inspection), len as u64, "cut to {len}");
        }
    }
    let cut = inspect(&wasm[..wasm.len() / 2]);
    assert!(matches!(cut, Err(InspectError::Malformed { .. })));
}

/// What is in an artifact's memory, with no code to it.
fn artifact() -> Vec<u8> {
    let site = "/lib/python3.13/site-packages";
    let files: &[(String, &[u8])] = &[
        ("/lib/python3.13/os.pyc".to_owned(), b"0123456789"),
        (format!("{site}/six.pyc"), b"abcde"),
        (
            format!("{site}/six-1.0.dist-info/METADATA"),
            b"Metadata-Version: 2.1\nName: Six\nVersion: 1.0\n",
        ),
        (
            format!("{site}/six-1.0.dist-info/RECORD"),
            b"six.pyc,sha256=x,5\nsix-1.0.dist-info/METADATA,,\nsix-1.0.dist-info/RECORD,,\n",
        ),
        ("/app/app.py".to_owned(), b"main"),
        ("/app/again.py".to_owned(), b"main"),
    ];
    let boot = Boot {
        entry_point: "app".to_owned(),
        start: Start::Snapshot,
        hash_seed: 7,
    };
    let mut writer = BundleWriter::new(boot).with_dictionary(vec![7; 100]);
    for (path, content) in files {
        writer
            .add_file(path, Content::Stored(content.to_vec()))
            .unwrap();
    }
    let bundle = writer.finish().unwrap();
    let bytes: String = bundle.iter().map(|byte| format!("\\{byte:02x}")).collect();
    // In two segments, as a run of zeros makes them.
    let (first, second) = bytes.split_at(3 * 64);
    let module = wat(&format!(
        r#"(module
        (memory (export "memory") 4)
        (data (i32.const 16) "static")
        (data (i32.const 65536) "{first}")
        (data (i32.const {}) "{second}")
        (data (i32.const 200000) "a heap"))"#,
        65536 + 64
    ));
    let manifest = Manifest {
        abi_version: 1,
        name: "demo".to_owned(),
        version: "1.0".to_owned(),
        entry_point: "app".to_owned(),
        runtime: "0".repeat(64),
        python: "3.13.5".to_owned(),
        start: Start::Snapshot,
        packages: [("six".to_owned(), "1.0".to_owned())].into(),
        extensions: Vec::new(),
        hash_seed: Some(7),
    };
    crate::artifact::with_manifest(module, &manifest)
}

#[test]
fn every_byte_of_an_artifact_is_somebodys() {
    let wasm = artifact();
    let inspection = inspect(&wasm).unwrap();
    assert_eq!(sum(&inspection), wasm.len() as u64);
    assert_eq!(part(&inspection, "data"), Some(6));
    assert_eq!(part(&inspection, "heap"), Some(6));
    assert_eq!(part(&inspection, "stdlib"), Some(10));
    assert_eq!(part(&inspection, "project"), Some(4));
    assert!(part(&inspection, "package six").unwrap() > 5 + 44);
    assert!(part(&inspection, "index").unwrap() > 64 + 100);
}
