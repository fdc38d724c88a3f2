//! `wadup inspect`: what is in a file, whoever made it.

mod support;

use std::fs;

use support::{Scratch, project::repository};

#[test]
fn help() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["inspect", "--help"]));
}

#[test]
fn a_guest_that_wadup_did_not_make() {
    let scratch = Scratch::new();
    let guest = repository("examples/wat-line-count/line-count.wat");
    let guest = guest.to_str().expect("a path that is UTF-8");
    let said = scratch.wadup(["inspect", "--size", guest]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    insta::assert_snapshot!(said.stdout);
}

/// The sizes add up to the file's, and each part that an artifact must have is there.
#[test]
fn an_artifact_to_the_last_byte() {
    let scratch = Scratch::new();
    let source = "from pydantic import BaseModel\n\ndef main():\n    pass\n";
    let project = scratch.project("", "\"pydantic\"", source);
    let settings = fs::read_to_string(project.join("pyproject.toml")).expect("a file");
    scratch.write("project/pyproject.toml", settings + "hash-seed = 7\n");
    let built = scratch.wadup(["build", "project", "-o", "out.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let said = scratch.wadup(["inspect", "out.wasm", "--size", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let inspected = said.json_lines().remove(0);
    let parts = inspected["parts"].as_array().expect("parts");
    let sum: u64 = parts.iter().filter_map(|part| part["size"].as_u64()).sum();
    let length = fs::metadata(scratch.path().join("out.wasm"))
        .expect("a file")
        .len();
    assert_eq!((sum, inspected["size"].as_u64()), (length, Some(length)));
    for name in [
        "code",
        "heap",
        "data",
        "stdlib",
        "names",
        "package pydantic",
        "package tzdata",
        "project",
        "index",
        "other",
    ] {
        let part = parts.iter().find(|part| part["name"] == name);
        let size = part.and_then(|part| part["size"].as_u64());
        assert!(size.is_some_and(|size| size > 0), "{name}: {parts:?}");
    }
    let manifest = &inspected["manifest"];
    assert_eq!(manifest["hash_seed"], 7);
    assert_eq!(manifest["extensions"], serde_json::json!(["pydantic-core"]));
    assert_eq!(manifest["packages"]["pydantic"], "2.12.5");

    let said = scratch.wadup(["inspect", "out.wasm", "--size"]);
    assert!(
        said.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        said.stdout
    );
    for part in [
        "bytes of heap",
        "60 s (--timeout)",
        "(--max-memory)",
        "elements",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    assert_eq!(inspected["limits"]["max_memory"], 512 << 20);
    assert!(inspected["memory"].as_u64() > Some(8 << 20), "{inspected}");
    assert!(
        inspected["tables"][0]["initial"].as_u64() > Some(1000),
        "{inspected}"
    );
    assert!(
        said.stdout.contains("start         snapshot"),
        "{}",
        said.stdout
    );
}

/// What a module asks for is told apart from what a run gives.
#[test]
fn limits_of_a_module() {
    let scratch = Scratch::new();
    scratch.write_module(
        "a.wasm",
        "(module (memory 16384 32768) (table 3 7 funcref))",
    );
    let said = scratch.wadup(["inspect", "a.wasm"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    insta::assert_snapshot!(said.stdout);
    let said = scratch.wadup(["inspect", "a.wasm", "--json"]);
    let inspected = said.json_lines().remove(0);
    assert_eq!(inspected["memory_max"], 2_u64 << 30);
    assert_eq!(
        inspected["tables"],
        serde_json::json!([{"initial": 3, "maximum": 7}])
    );
}

#[test]
fn files_that_cannot_be_inspected() {
    let scratch = Scratch::new();
    let wasm =
        wat::parse_str("(module (memory 1) (data (i32.const 0) \"some data\"))").expect("a module");
    scratch.write("cut.wasm", &wasm[..wasm.len() - 3]);
    scratch.write("text.wasm", "#!/bin/sh\n");
    scratch.write("empty.wasm", "");
    scratch.write(
        "component.wasm",
        wat::parse_str("(component)").expect("a component"),
    );
    scratch.write("broken.wat", "(module (func (drop)");
    fs::create_dir(scratch.path().join("folder")).expect("a folder");
    let mut all = String::new();
    for name in [
        "cut.wasm",
        "text.wasm",
        "empty.wasm",
        "component.wasm",
        "broken.wat",
        "folder",
        "missing.wasm",
    ] {
        let said = scratch.wadup(["inspect", name]);
        assert_eq!(said.code, Some(6), "{name}: {}", said.text());
        all.push_str(&said.stderr);
    }
    let all = all.replace(&*scratch.path().to_string_lossy(), "[SCRATCH]");
    insta::assert_snapshot!(all);
}

#[test]
fn a_failure_is_an_event_as_well() {
    let scratch = Scratch::new();
    scratch.write("text.wasm", "no");
    let said = scratch.wadup(["inspect", "text.wasm", "--json"]);
    assert_eq!(said.code, Some(6));
    assert_eq!(said.json_lines()[0]["event"], "error");
}
