//! Upstream's suites, in full, against their verdicts.

use std::process::Command;

/// What differs from native CPython in the tests of pydantic_core, pydantic and typing_extensions
/// is what conformance/*.toml says, and nothing else.
#[test]
fn suites_are_as_their_verdicts_say() {
    let suites = ["pydantic-core", "pydantic", "typing-extensions"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_wadup-dev"));
    let output = command.arg("conformance").args(suites).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for suite in suites {
        assert!(said.contains(&format!("suite {suite}\n")), "{said}");
    }
}

#[test]
fn a_suite_that_there_is_not() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wadup-dev"));
    let output = command.args(["conformance", "numpy"]).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("there is no suite numpy") && said.contains("pydantic-core"),
        "{said}"
    );
}

/// The same for CPython's own tests, as far as they are of what users touch.
#[test]
fn cpython_is_as_its_verdict_says() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wadup-dev"));
    let output = command.args(["conformance", "cpython", "--quick"]).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("suite cpython\n"), "{said}");
}
