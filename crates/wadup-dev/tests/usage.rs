//! What is typed, and what is answered.

use std::process::Command;

fn says(arguments: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_wadup-dev");
    let output = Command::new(program)
        .args(arguments)
        .env("COLUMNS", "100")
        .output();
    let output = output.expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("it writes UTF-8");
    (output.status.code(), text)
}

#[test]
fn help() {
    insta::assert_snapshot!(says(&["--help"]).1);
}

#[test]
fn help_of_bench() {
    insta::assert_snapshot!(says(&["bench", "--help"]).1);
}

#[test]
fn a_section_that_there_is_not() {
    let (code, text) = says(&["bench", "speed"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("throughput"), "{text}");
}
