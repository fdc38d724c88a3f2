//! What is told of an exception of Python code: which line of the user's, and why; nothing of what
//! is between that and the interpreter.

mod support;

use support::Scratch;

const FAILS: &str = r#"
import json
import wadup
from pydantic import BaseModel

class User(BaseModel):
    name: str
    age: int

users = wadup.table(User, name="users")

def main():
    globals()[wadup.input.name]()

def cause():
    try:
        {}["version"]
    except KeyError as error:
        raise RuntimeError("the document has no version") from error

def lines():
    users.insert_many(wadup.input.jsonl(User))

def lazy():
    import rules

def recursion():
    recursion()

def row():
    wadup.define_table("sizes", [("size", "Int64")])
    wadup.insert_row("sizes", ["large"])

def validation():
    users.insert(User.model_validate({"name": "Bo", "age": "old"}))
"#;

/// A project whose inputs fail in as many ways as there are names.
fn failing(inputs: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    scratch.project("", "\"pydantic\"", FAILS);
    scratch.write("project/src/rules.py", "def rule(:\n    pass\n");
    for input in inputs {
        let content = "{\"name\": \"Ada\", \"age\": 36}\n{\"name\": \"Cy\", \"age\": -1.5}\n";
        scratch.write(format!("inputs/{input}"), content);
    }
    scratch
}

fn run(scratch: &Scratch) -> support::Said {
    let said = scratch.wadup([
        "run",
        "project",
        "--jobs=1",
        "--input=inputs",
        "--output=out.db",
    ]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    said
}

#[test]
fn the_summary_has_an_example_of_each_error() {
    let scratch = failing(&["cause", "lines", "row"]);
    let mut said = run(&scratch);
    // Before that is what only the first build says.
    let summary = said.stderr.find("3 inputs in").expect("a summary");
    said.stderr.drain(..summary);
    assert_said!(scratch, said);
}

#[test]
fn the_database_has_every_traceback() {
    let scratch = failing(&["cause", "lazy", "lines", "recursion", "row", "validation"]);
    run(&scratch);
    let tracebacks = scratch.pairs(
        "out.db",
        "SELECT i.path, o.traceback FROM _wadup_outcomes AS o
         JOIN _wadup_inputs AS i ON i.id = o.input_id ORDER BY i.path",
    );
    let text: String = tracebacks
        .iter()
        .map(|(path, traceback)| format!("--- {path}\n{traceback}"))
        .collect();
    insta::assert_snapshot!(text);
    for hidden in ["<frozen", "site-packages/wadup"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    // The page shows the same.
    let said = scratch.wadup(["report", "out.db", "--output=-"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("the document has no version"));
    assert!(!said.stdout.contains("site-packages/wadup"));
}
