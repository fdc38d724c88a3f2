//! What is typed, and what is answered when it makes no sense.

mod support;

use support::{Scratch, guest};

#[test]
fn help() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["--help"]));
}

#[test]
fn help_of_build() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["build", "--help"]));
}

#[test]
fn help_of_run() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["run", "--help"]));
}

#[test]
fn help_of_toolchain() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["toolchain", "--help"]));
}

#[test]
fn nothing_typed() {
    let scratch = Scratch::new();
    assert_eq!(scratch.wadup::<_, &str>([]).code, Some(2));
}

#[test]
fn run_without_input_and_artifact() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["run", "--output", "x.db"]));
}

#[test]
fn values_that_make_no_sense() {
    let scratch = Scratch::new();
    let complete = ["run", "a.wasm", "--input", "i", "--output", "x.db"];
    for (name, bad) in [
        ("max_memory", ["--max-memory", "lots"]),
        ("max_stack", ["--max-stack", "8 parsecs"]),
        ("timeout", ["--timeout", "3"]),
        ("fuel", ["--fuel", "-1"]),
        ("jobs", ["--jobs", "0"]),
        ("env", ["--env", "NAME"]),
        ("max_depth", ["--max-depth", "deep"]),
    ] {
        let said = scratch.wadup(complete.iter().chain(&bad));
        insta::assert_snapshot!(format!("bad_{name}"), said.text());
    }
    assert!(!scratch.path().join("x.db").exists());
}

#[test]
fn sizes_and_durations_with_units_and_without() {
    let scratch = Scratch::new();
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("input.txt", "x");
    for limits in [
        [
            "--max-memory=67108864",
            "--max-stack=8388608",
            "--timeout=3s",
        ],
        [
            "--max-memory=256MiB",
            "--max-stack=8MiB",
            "--timeout=1500ms",
        ],
        [
            "--max-memory=0.5GiB",
            "--max-stack=64 MiB",
            "--timeout=1m 30s",
        ],
    ] {
        let run = ["run", "hello.wasm", "--input=input.txt", "--output=out.db"];
        let said = scratch.wadup(run.iter().chain(&limits));
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
}

#[test]
fn pattern_that_is_none() {
    let scratch = Scratch::new();
    scratch.write("input.txt", "x");
    let run = [
        "run",
        "a.wasm",
        "--input",
        "input.txt",
        "--output",
        "x.db",
        "--glob",
    ];
    scratch.write_module("a.wasm", &guest::greeting());
    let said = scratch.wadup(run.iter().chain(&["[a-"]));
    insta::assert_snapshot!("glob_unclosed", said.text());
    let said = scratch.wadup(run.iter().chain(&["src/*.toml"]));
    insta::assert_snapshot!("glob_with_folder", said.text());
}

#[test]
fn stdin_is_read_once() {
    let scratch = Scratch::new();
    scratch.write_module("a.wasm", &guest::Guest::new().returns(0));
    let lists: [&[&str]; 3] = [
        &["--input=-", "--input-list=-"],
        &["--input=-", "--input=-"],
        &["--input", "-", "-"],
    ];
    for inputs in lists {
        let run = ["run", "a.wasm", "--output=x.db"];
        let said = scratch.wadup(run.iter().chain(inputs));
        insta::assert_snapshot!("stdin_is_read_once", said.text());
    }
    assert!(!scratch.path().join("x.db").exists());
}
