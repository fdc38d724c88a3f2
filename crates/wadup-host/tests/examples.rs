//! The guest in WebAssembly text under `examples/`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::settings;
use wadup_host::{Cancel, Host, Inputs, Silent};
use wadup_protocol::metadata::Value;
use wadup_sink::MemorySink;

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(path)
}

fn run(wasm: &Path, inputs: &[(&str, &[u8])]) -> MemorySink {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in inputs {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let host = Host::new(settings()).unwrap();
    let artifact = host.load(wasm, &Silent).unwrap();
    let mut sink = MemorySink::new();
    let inputs = Inputs::new().path(folder.path());
    host.run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())
        .unwrap();
    sink.inputs.sort_by(|a, b| a.path.cmp(&b.path));
    sink
}

#[test]
fn the_wat_guest_counts_lines() {
    let many = "line\n".repeat(100_000);
    let sink = run(
        &example("wat-line-count/line-count.wat"),
        &[
            ("a-empty", b""),
            ("b-one", b"no newline"),
            ("c-three", b"1\n2\n3\n"),
            ("d-many", many.as_bytes()),
        ],
    );
    let counts: Vec<i64> = sink
        .rows("lines")
        .into_iter()
        .map(|(_, row)| match row.as_slice() {
            [Some(Value::Int64(lines))] => *lines,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [0, 0, 3, 100_000]);
}
