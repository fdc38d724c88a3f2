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
    crate::artifact::with_manifest(module, &manifest())
}

fn manifest() -> Manifest {
    Manifest {
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
    }
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

/// Each of these says that it is the header of a bundle of a gigabyte.
#[test]
fn one_header_is_believed_and_no_more() {
    let fields = [2_u32, 0, 0x3f7f_7f40, 0, 0, 0];
    let fields = fields.iter().flat_map(|field| field.to_le_bytes());
    let header: String = fields.map(|byte| format!("\\{byte:02x}")).collect();
    let segments: String = (0..2000)
        .map(|page| format!("(data (i32.const {}) \"wadupbdl{header}\")", page << 16))
        .collect();
    let module = wat(&format!("(module (memory 65536) {segments})"));
    let wasm = crate::artifact::with_manifest(module, &manifest());
    let begun = std::time::Instant::now();
    let inspection = inspect(&wasm).unwrap();
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    assert_eq!(part(&inspection, "data"), Some(2000 * 32));
    assert_eq!(sum(&inspection), wasm.len() as u64);
}

#[test]
fn files_that_overlap_are_counted_once() {
    let boot = Boot {
        entry_point: "app".to_owned(),
        start: Start::Cold,
        hash_seed: 7,
    };
    let mut writer = BundleWriter::new(boot);
    for (path, content) in [("/app/a", [b'a'; 1000].as_slice()), ("/app/b", b"b")] {
        writer
            .add_file(path, Content::Stored(content.to_vec()))
            .unwrap();
    }
    let bundle = writer.finish().unwrap();
    let fields = |fields: [u32; 3]| fields.map(u32::to_le_bytes).concat();
    let place = fields([1000, 1, 1]);
    let at = bundle.windows(12).position(|it| it == place).unwrap();
    let mut overlapping = bundle.clone();
    overlapping[at..at + 12].copy_from_slice(&fields([1, 1000, 1000]));
    for bundle in [bundle, overlapping] {
        let bytes: String = bundle.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let module = wat(&format!(
            r#"(module (memory 1) (data (i32.const 0) "{bytes}"))"#
        ));
        let wasm = crate::artifact::with_manifest(module, &manifest());
        let inspection = inspect(&wasm).unwrap();
        assert_eq!(part(&inspection, "project"), Some(1001));
        assert_eq!(sum(&inspection), wasm.len() as u64);
    }
}

#[test]
fn a_memory_of_64_bits_is_not_searched_where_nothing_is() {
    let module = wat(r#"(module
        (memory i64 1)
        (data (i64.const 8) "a")
        (data (i64.const -8) "end of all memory"))"#);
    let wasm = crate::artifact::with_manifest(module, &manifest());
    assert!(part(&inspect(&wasm).unwrap(), "data").is_some());
}

/// What says that it has very many of something, or a very long manifest, is not read into memory.
#[test]
fn what_is_too_much_is_refused() {
    let section = |id: u8, body: &[u8]| {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.push(id);
        // Five bytes of LEB128, whatever the length.
        let length = body.len();
        wasm.extend((0..4).map(|byte| (length >> (7 * byte)) as u8 & 0x7f | 0x80));
        wasm.push((length >> 28) as u8);
        wasm.extend(body);
        wasm
    };
    // 1,000,001 times: an empty name, function 0.
    let mut exports = vec![0xc1, 0x84, 0x3d];
    exports.resize(3 + 3 * 1_000_001, 0);
    let error = inspect(&section(7, &exports)).unwrap_err();
    assert_eq!(error.to_string(), "it has more than 1000000 exports");
    let mut manifest = b"\x0ewadup:manifest".to_vec();
    manifest.resize((1 << 20) + 16, b' ');
    let error = inspect(&section(0, &manifest)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "its manifest has more than 1048576 bytes"
    );
}
