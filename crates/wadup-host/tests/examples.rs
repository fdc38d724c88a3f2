//! The guests under `examples/` that are not Python.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{describe, settings};
use wadup_host::{Cancel, Host, Inputs, Silent, Status};
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

/// Whether this Rust can compile for WASI; the toolchain that `wadup` provisions can.
fn has_wasi_target() -> bool {
    Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-wasip1"])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|path| Path::new(path.trim()).exists())
}

fn build_rust_guest(target: &Path) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--target", "wasm32-wasip1"])
        .arg("--manifest-path")
        .arg(example("rust-guest/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()
        .unwrap();
    assert!(status.success());
    target.join("wasm32-wasip1/release/rust-guest.wasm")
}

#[test]
fn the_rust_guest_counts_words_and_emits_paragraphs() {
    let target = tempfile::tempdir().unwrap();
    let wasm = match std::env::var_os("WADUP_TEST_RUST_GUEST") {
        Some(built) => PathBuf::from(built),
        None if has_wasi_target() => build_rust_guest(target.path()),
        // The standard library for WASI is not installed on this machine.
        None => return,
    };
    let text = "One two three.\n\nFour \"five\".\n";
    let sink = run(&wasm, &[("binary", b"\xff"), ("text", text.as_bytes())]);
    let names: Vec<(String, Status)> = sink
        .inputs
        .iter()
        .map(|input| {
            let name = Path::new(&input.path).file_name().unwrap();
            (
                name.to_string_lossy().into_owned(),
                input.outcomes[0].status,
            )
        })
        .collect();
    let expected = [
        ("binary", Status::Exited),
        ("text", Status::Completed),
        ("paragraph-0", Status::Completed),
        ("paragraph-1", Status::Completed),
    ];
    assert_eq!(
        names,
        expected.map(|(name, status)| (name.to_owned(), status))
    );
    let binary = &sink.inputs[0].outcomes[0];
    assert_eq!(
        describe(binary),
        "exited [exit] the guest exited with code 1"
    );
    assert!(binary.stderr.contains("UTF-8"), "{}", binary.stderr);
    let words: Vec<Option<Value>> = sink
        .rows("texts")
        .into_iter()
        .map(|(_, row)| row[1].clone())
        .collect();
    assert_eq!(words, [5, 3, 2].map(|words| Some(Value::Int64(words))));
}
