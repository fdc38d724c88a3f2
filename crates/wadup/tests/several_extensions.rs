//! Several native packages in one runtime, each with its own PyO3 inside, brought by nothing but
//! the project's dependencies: the same rows as from native CPython with the wheels that their
//! authors publish.

mod support;

use support::{Scratch, native, project::repository};

#[test]
fn what_they_say_is_what_they_say_natively() {
    let scratch = Scratch::new();
    let folder = repository("crates/wadup/tests/several_extensions");
    let project = scratch.copy(&folder, "several");
    scratch.write("input", "");
    let said = scratch.wadup(["run", "several", "--input=input", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());

    let rows = scratch.query("out.db", "SELECT topic, value FROM checks");
    let native = native::python(
        &repository("crates/wadup/tests/functionality/rows.py"),
        [project.join("src"), "several".into()],
    );
    let native: Vec<&str> = native.lines().collect();
    assert!(native.len() > 35, "it hardly checks anything: {native:#?}");
    for (in_sandbox, outside) in rows.iter().zip(&native) {
        assert_eq!(
            in_sandbox, outside,
            "the sandbox (left) and CPython (right) differ"
        );
    }
    assert_eq!(rows.len(), native.len());

    let said = scratch.wadup(["build", "several", "--output=several.wasm", "--locked"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let said = scratch.wadup(["inspect", "several.wasm", "--json"]);
    let about = &said.json_lines()[0];
    assert_eq!(
        about["manifest"]["extensions"],
        serde_json::json!(["hypothesis", "pydantic-core", "rpds-py"]),
        "{about}"
    );
}
