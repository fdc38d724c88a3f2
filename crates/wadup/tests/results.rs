//! Looking at results: `wadup report` and `wadup sql`.

mod support;

use std::fs;

use support::{
    Scratch,
    guest::{greeting, raising},
};

/// A folder with a database of what two artifacts made of an input; one of them failed.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write_module("greets.wasm", &greeting());
    let raises = raising("ValueError", "no \u{1b}[31mgood", "Traceback");
    scratch.write_module("raises.wasm", &raises);
    scratch.write("hello.txt", "hello");
    let inputs = ["--input", "hello.txt", "--output", "out.db"];
    let said = scratch.wadup(
        ["run", "greets.wasm", "raises.wasm"]
            .into_iter()
            .chain(inputs),
    );
    assert_eq!(said.code, Some(3), "{}", said.text());
    scratch
}

#[test]
fn help() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["report", "--help"]));
    assert_said!(scratch, scratch.wadup(["sql", "--help"]));
}

#[test]
fn a_report_is_a_page_beside_the_database() {
    let scratch = scratch();
    let said = scratch.wadup(["report", "out.db"]);
    assert_said!(scratch, said);
    let page = fs::read_to_string(scratch.path().join("out.html")).expect("a page");
    assert!(page.starts_with("<!doctype html>"), "{page}");
    let said = scratch.wadup(["report", "out.db", "--output", "-", "--rows", "0"]);
    assert!(
        said.stdout.starts_with("<!doctype html>"),
        "{}",
        said.text()
    );
    assert!(said.stderr.is_empty(), "{}", said.text());
}

#[test]
fn a_report_does_not_replace_the_database() {
    let scratch = scratch();
    let before = fs::read(scratch.path().join("out.db")).expect("a database");
    assert_said!(
        scratch,
        scratch.wadup(["report", "out.db", "-o", "./out.db"])
    );
    assert_eq!(
        fs::read(scratch.path().join("out.db")).expect("a database"),
        before
    );
}

#[test]
fn a_report_that_cannot_be_written() {
    let scratch = scratch();
    for output in ["missing/out.html", "."] {
        let said = scratch.wadup(["report", "out.db", "--output", output]);
        assert_said!(scratch, said);
    }
}

#[test]
fn two_columns_of_one_name_are_no_json() {
    let scratch = scratch();
    let query = "SELECT 1 AS a, 2 AS a";
    assert_said!(scratch, scratch.wadup(["sql", "out.db", query, "--json"]));
    assert_eq!(scratch.wadup(["sql", "out.db", query]).code, Some(0));
}

#[test]
fn a_database_is_asked() {
    let scratch = scratch();
    assert_said!(scratch, scratch.wadup(["sql", "out.db"]));
    let query = "SELECT path, greetings.*, NULL AS absent, 1.5 AS half FROM greetings
         JOIN _wadup_paths USING (input_id)";
    assert_said!(scratch, scratch.wadup(["sql", "out.db", query]));
    assert_said!(scratch, scratch.wadup(["sql", "out.db", query, "--json"]));
    let failures = "SELECT * FROM _wadup_failures";
    assert_said!(scratch, scratch.wadup(["sql", "out.db", failures]));
}

#[test]
fn what_is_asked_has_to_be_one_query() {
    let scratch = scratch();
    for query in [
        "SELECT nme FROM greetings",
        "DELETE FROM greetings",
        "SELECT 1; SELECT 2",
        "",
    ] {
        assert_said!(scratch, scratch.wadup(["sql", "out.db", query]));
    }
}

#[test]
fn only_databases_of_results_are_read() {
    let scratch = Scratch::new();
    scratch.write("text.db", "not a database");
    for database in ["none.db", "text.db", "."] {
        assert_said!(scratch, scratch.wadup(["sql", database]));
        assert_said!(scratch, scratch.wadup(["report", database]));
    }
}
