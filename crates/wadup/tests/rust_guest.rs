//! The example in plain Rust, compiled with the toolchain's own Rust.

mod support;

use std::{path::Path, process::Command, sync::Arc};

use support::Scratch;
use wadup_toolchain::{Settings, Silent, Toolchain};

/// Compiles `examples/rust-guest` into the scratch folder, as its README line says.
fn compile(scratch: &Scratch) {
    let settings = Settings::from_env().expect("a cache folder");
    let toolchain = Toolchain::open(settings, Arc::new(Silent)).expect("the toolchain opens");
    let rust = toolchain.wasi_rust().expect("Rust for WASI");
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rust-guest/Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--target=wasm32-wasip1"])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(scratch.path().join("target"))
        .env("RUSTC", rust.rustc)
        .env("CARGO_TARGET_WASM32_WASIP1_LINKER", rust.linker)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            "-Clinker-flavor=gcc\u{1f}-Clink-self-contained=no",
        )
        .status()
        .expect("cargo starts");
    assert!(status.success());
}

#[test]
fn counts_words_and_emits_paragraphs() {
    let scratch = Scratch::new();
    compile(&scratch);
    scratch.write("in/text", "One two three.\n\nFour \"five\".\n");
    scratch.write("in/binary", b"\xff");
    let said = scratch.wadup([
        "run",
        "target/wasm32-wasip1/release/rust-guest.wasm",
        "--input=in",
        "--output=out.db",
        "--jobs=1",
    ]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    let outcomes = "SELECT i.path, o.status, o.message FROM _wadup_outcomes AS o
        JOIN _wadup_inputs AS i ON i.id = o.input_id ORDER BY i.path";
    assert_eq!(
        scratch.query("out.db", outcomes),
        [
            "in/binary|exited|the guest exited with code 1",
            "in/text|completed|NULL",
            "paragraph-0|completed|NULL",
            "paragraph-1|completed|NULL",
        ]
    );
    let rows = "SELECT t.* FROM texts AS t JOIN _wadup_inputs AS i ON i.id = t.input_id
        ORDER BY i.path";
    insta::assert_debug_snapshot!(scratch.query("out.db", rows));
}
