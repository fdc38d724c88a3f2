//! Every feature under "Verified Functionality" of the report that wadup follows, and both its
//! code examples: the same script runs in the sandbox and in native CPython with the same
//! packages, and the answers must be the same, line by line.

mod support;

use std::{collections::BTreeMap, sync::OnceLock};

use support::{Scratch, native, project::repository};

const TOPICS: [&str; 9] = [
    "annotations",
    "constraints",
    "core_errors",
    "core_serializer",
    "core_validator",
    "installation",
    "nested_models",
    "optional_fields",
    "validation",
];

/// What the sandbox printed about each topic. One artifact, one run.
fn sandbox() -> &'static BTreeMap<String, String> {
    static PRINTED: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    PRINTED.get_or_init(|| {
        let scratch = Scratch::new();
        let scripts = repository("crates/wadup/tests/functionality");
        scratch.copy(&scripts, "functionality");
        for topic in TOPICS {
            scratch.write(format!("topics/{topic}"), "");
        }
        let said = scratch.wadup(["run", "functionality", "--input=topics", "--output=out.db"]);
        let failures = scratch.query(
            "out.db",
            "SELECT i.path, o.status, o.traceback FROM _wadup_outcomes AS o
             JOIN _wadup_inputs AS i ON i.id = o.input_id WHERE o.status <> 'completed'",
        );
        assert!(failures.is_empty(), "{failures:#?}");
        assert_eq!(said.code, Some(0), "{}", said.text());
        scratch
            .pairs(
                "out.db",
                "SELECT replace(i.path, 'topics/', ''), o.stdout FROM _wadup_outcomes AS o
                 JOIN _wadup_inputs AS i ON i.id = o.input_id",
            )
            .into_iter()
            .collect()
    })
}

fn compare(topic: &str) {
    let native = native::python(
        &repository("crates/wadup/tests/functionality/native.py"),
        [topic],
    );
    let sandbox = &sandbox()[topic];
    assert!(
        native.lines().count() > 5,
        "{topic} hardly checks anything:\n{native}"
    );
    for (in_sandbox, outside) in sandbox.lines().zip(native.lines()) {
        assert_eq!(
            in_sandbox, outside,
            "the sandbox (left) and CPython (right) differ"
        );
    }
    assert_eq!(sandbox.lines().count(), native.lines().count());
}

macro_rules! compare {
    ($($topic:ident),* $(,)?) => {
        $(#[test] fn $topic() { compare(stringify!($topic)); })*

        #[test]
        fn every_topic_is_compared() {
            assert_eq!([$(stringify!($topic)),*], TOPICS);
        }
    };
}

compare!(
    annotations,
    constraints,
    core_errors,
    core_serializer,
    core_validator,
    installation,
    nested_models,
    optional_fields,
    validation,
);

/// The report's first code example, word for word, in a project of its own. Natively, a
/// recorder stands in for the package `wadup` and prints the rows.
#[test]
fn quick_start() {
    let scratch = Scratch::new();
    scratch.copy_example("python-pydantic-test");
    let said = scratch.wadup([
        "run",
        "python-pydantic-test",
        "--input=python-pydantic-test/samples",
        "--output=out.db",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let native = native::python(
        &repository("crates/wadup/tests/functionality/rows.py"),
        [
            repository("examples/python-pydantic-test/src"),
            "my_module".into(),
        ],
    );
    assert_eq!(native.trim_end(), "Alice|30|alice@example.com");
    assert_eq!(
        scratch.query("out.db", "SELECT name, age, email FROM users"),
        [native.trim_end()]
    );
}

/// The one difference, and it is pydantic_core's own: its recursion guard allows 49 levels where
/// the target is WebAssembly, and 255 elsewhere (`RECURSION_GUARD_LIMIT`). Deeper input is a
/// `ValidationError`, not a crash.
#[test]
fn nesting_is_limited_by_pydantic_core() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "\"pydantic\"",
        "from pydantic import BaseModel\n\n\
         class Node(BaseModel):\n    child: 'Node | None' = None\n\n\
         def main():\n    import json\n    import wadup\n\
         \x20   Node.model_validate(json.loads(wadup.input.read_bytes()))\n",
    );
    for depth in [45, 60] {
        let nested = format!("{}null{}", "{\"child\":".repeat(depth), "}".repeat(depth));
        scratch.write(format!("inputs/{depth}"), nested);
    }
    let said = scratch.wadup(["run", "project", "--input=inputs", "--output=out.db"]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    let outcomes = scratch.query(
        "out.db",
        "SELECT i.path, o.error_kind, instr(o.message, 'type=recursion_loop') > 0
         FROM _wadup_outcomes AS o JOIN _wadup_inputs AS i ON i.id = o.input_id ORDER BY i.path",
    );
    assert_eq!(
        outcomes,
        [
            "inputs/45|NULL|NULL",
            "inputs/60|pydantic_core._pydantic_core.ValidationError|1"
        ]
    );
}
