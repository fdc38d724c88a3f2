//! Each entry of the troubleshooting section of the report that wadup follows: what happens now.

mod support;

use support::{Scratch, guest::Guest};

const USES_PYDANTIC: &str = "
import importlib.metadata
from pydantic import BaseModel

class Model(BaseModel):
    value: int

def main():
    import wadup
    wadup.define_table('versions', [('pydantic', 'String'), ('value', 'Int64')])
    wadup.insert_row('versions', [importlib.metadata.version('pydantic'), Model(value='3').value])
";

/// "Stack Overflow on Import": `from pydantic import BaseModel`, with the option that the report
/// advises, and with a larger and the default stack. "importlib.metadata Errors" as well: it is
/// imported first, and not patched.
#[test]
fn pydantic_is_imported_with_every_stack_size() {
    let scratch = Scratch::new();
    scratch.project("", "\"pydantic\"", USES_PYDANTIC);
    scratch.write("input.txt", "");
    for stack in [None, Some("--max-stack=8388608"), Some("--max-stack=64MiB")] {
        let run = ["run", "project", "--input=input.txt", "--output=out.db"];
        let said = scratch.wadup(run.into_iter().chain(stack));
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
    let versions = scratch.query("out.db", "SELECT pydantic, value FROM versions");
    assert_eq!(versions, ["2.12.5|3"; 3]);
}

/// "`unknown variant` Error", from a guest that writes its own JSON.
#[test]
fn unknown_variant() {
    let scratch = Scratch::new();
    scratch.write("input.txt", "");
    scratch.write_module(
        "bool.wasm",
        &Guest::new()
            .metadata(r#"{"tables":[{"name":"t","columns":[{"name":"flag","data_type":"Bool"}]}]}"#)
            .returns(0),
    );
    let said = scratch.wadup(["run", "bool.wasm", "--input=input.txt", "--output=out.db"]);
    assert!(
        said.stderr
            .contains("unknown variant `Bool`, expected one of `Int64`, `Float64`, `String`"),
        "{}",
        said.text()
    );
    assert_said!(scratch, said);
}

/// "`unknown variant` Error", from Python: raised by the call that is wrong.
#[test]
fn unknown_column_type() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        "import wadup\n\ndef main():\n    wadup.define_table('t', [('flag', 'Bool')])\n",
    );
    scratch.write("input.txt", "");
    let said = scratch.wadup([
        "run",
        "project",
        "-v",
        "--input=input.txt",
        "--output=out.db",
    ]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    insta::assert_debug_snapshot!(scratch.query(
        "out.db",
        "SELECT status, error_kind, message, traceback FROM _wadup_outcomes",
    ));
}

/// "Module Not Found": pydantic is neither a dependency nor listed.
#[test]
fn module_not_found() {
    let scratch = Scratch::new();
    scratch.project("", "", USES_PYDANTIC);
    let said = scratch.wadup(["build", "project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(
        said.stderr.contains("No module named 'pydantic'"),
        "{}",
        said.text()
    );
    assert_said!(scratch, said);
}

/// A dependency entry is enough: the extension need not be listed.
#[test]
fn an_extension_is_found_among_the_dependencies() {
    let scratch = Scratch::new();
    scratch.project("\"pydantic\"", "", USES_PYDANTIC);
    scratch.write("input.txt", "");
    let said = scratch.wadup(["run", "project", "--input=input.txt", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
}
