//! `wadup new`: what it makes runs at once, in the sandbox and without.

mod support;

use support::{Scratch, native};

/// A lock of the user's own, with what an index has now, once was a project that did not build.
#[test]
fn a_lock_of_uv_has_versions_that_there_are_recipes_for() {
    let scratch = Scratch::new();
    let said = scratch.wadup(["new", "my-project"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    native::lock(&scratch.path().join("my-project"));
    let said = scratch.wadup(["build", "my-project", "--locked"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
}

/// Calls every test of the module.
const CALL: &str = r#"
import sys
from importlib import import_module
from pathlib import Path

sys.dont_write_bytecode = True
project = Path(sys.argv[1])
sys.path[:0] = [str(project / "src"), str(project / "tests"), *map(str, project.glob("vendor/*.whl"))]
tests = import_module("test_my_project")
for name, test in vars(tests).items():
    if name.startswith("test_"):
        test()
        print(name, "passed")
"#;

#[test]
fn a_new_project_runs_at_once() {
    let scratch = Scratch::new();
    let said = scratch.wadup(["new", "my-project"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    insta::assert_snapshot!(said.text(), @r"
    exit code: 0
    --- stdout ---
    --- stderr ---
    made my-project: a model that is a table, samples, a test

      cd my-project
      wadup run . --input samples --output users.db
      wadup sql users.db 'SELECT * FROM users'
      wadup test
    ");
    let said = scratch.wadup([
        "run",
        "my-project",
        "--input=my-project/samples",
        "--output=users.db",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(
        scratch.query("users.db", "SELECT name, age, email FROM users"),
        ["Ada|36|ada@example.org", "Bo|7|NULL"]
    );
    assert_eq!(
        scratch.query(
            "users.db",
            "SELECT model, line, location, type FROM validation_errors"
        ),
        ["User|3|age|greater_than_equal"]
    );
    let script = scratch.write("call.py", CALL);
    let said = native::python(&script, [scratch.path().join("my-project")]);
    insta::assert_snapshot!(said, @r"
    test_users passed
    test_what_is_wrong_is_recorded passed
    ");
}

#[test]
fn what_cannot_be_made_is_refused() {
    let scratch = Scratch::new();
    scratch.write("there/file", "");
    for (path, reason) in [
        ("there", "it is there already"),
        ("class", "a keyword of Python"),
        ("1st", "`1st` is no name of a Python project"),
        ("my project", "try `wadup new my-project`"),
        ("sub/json", "try `wadup new sub/json-project`"),
        ("größe", "only ASCII letters"),
        ("..", "is no name of a Python project"),
        ("there/file/new", "Not a directory"),
    ] {
        let said = scratch.wadup(["new", path]);
        assert_eq!(said.code, Some(4), "{}", said.text());
        assert!(said.stderr.contains(reason), "{path}: {}", said.text());
    }
    for path in ["class", "1st", "my project", "sub", "größe"] {
        assert!(!scratch.path().join(path).exists(), "{path}");
    }
}

/// The interpreter says which names are its own.
#[test]
fn the_names_of_the_standard_library_are_known() {
    let scratch = Scratch::new();
    let list = "import keyword, sys\nprint(*sys.stdlib_module_names, *keyword.kwlist, sep='\\n')";
    let script = scratch.write("list.py", list);
    let names = native::python::<_, &str>(&script, []);
    assert!(names.lines().count() > 300, "{names}");
    for name in names.lines() {
        assert!(name.parse::<wadup_project::NewNames>().is_err(), "{name}");
    }
}
