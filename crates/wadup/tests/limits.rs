//! Limits over all of what is accepted: native stack, and fuel.

mod support;

use support::{Scratch, guest::greeting};

/// Goes down without an end.
const ENDLESS: &str = include_str!("../../../hostile/recursion.wat");

/// Two million calls deep, which takes between 16 and 256 MiB, and back.
const DEEP: &str = r#"(module
    (func $down (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "process") (result i32)
        (i32.ne (call $down (i32.const 2000000)) (i32.const 2000000))))"#;

/// Recursions in Python and in C, each of which ends with an exception or with the instance.
const PYTHON: &str = r#"
import json
import sys

def deeper():
    return deeper() + 1

def main():
    for recursion in (deeper, lambda: json.loads("[" * 10**6), lambda: compile("-" * 10**5 + "1", "", "eval")):
        try:
            recursion()
        except (RecursionError, MemoryError, SyntaxError):
            pass
        else:
            raise AssertionError("there is an end")
"#;

fn outcomes(scratch: &Scratch, artifact: &str) -> Vec<String> {
    let sql = format!(
        "SELECT DISTINCT status || ' ' || coalesce(error_kind, '') FROM _wadup_outcomes
         WHERE artifact = '{artifact}' ORDER BY 1"
    );
    scratch.query("out.db", &sql)
}

#[test]
fn every_stack_that_is_accepted_works() {
    let scratch = Scratch::new();
    scratch.project("", "", PYTHON);
    let built = scratch.wadup(["build", "project", "-o", "python.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    scratch.write_module("endless.wasm", ENDLESS);
    scratch.write_module("deep.wasm", DEEP);
    scratch.write_module("friendly.wasm", &greeting());
    for input in 0..8 {
        scratch.write(format!("inputs/{input}"), "");
    }
    let cases = [
        // Python needs more than this.
        ("64KiB", ["trapped stack-overflow"; 3]),
        ("65537", ["trapped stack-overflow"; 3]),
        (
            "16MiB",
            [
                "completed ",
                "trapped stack-overflow",
                "trapped stack-overflow",
            ],
        ),
        (
            "256MiB",
            ["completed ", "completed ", "trapped stack-overflow"],
        ),
        // Whoever goes down without an end would use all of it.
        ("1GiB", ["completed ", "completed ", ""]),
    ];
    for (stack, expected) in cases {
        let mut names = vec!["friendly", "python", "deep"];
        names.extend((!expected[2].is_empty()).then_some("endless"));
        let mut command = scratch.command(["run", "--input=inputs", "--output=out.db", "--jobs=4"]);
        command.arg(format!("--max-stack={stack}"));
        command.args(names.iter().map(|name| format!("{name}.wasm")));
        let said = support::Said::from(command.output().expect("wadup starts"));
        assert!(matches!(said.code, Some(0 | 3)), "{stack}: {}", said.text());
        assert_eq!(outcomes(&scratch, "friendly"), ["completed "], "{stack}");
        for (name, expected) in ["python", "deep", "endless"].iter().zip(expected) {
            let name = if *name == "python" { "app" } else { name };
            let found = outcomes(&scratch, name);
            let expected = Some(expected).filter(|expected| !expected.is_empty());
            assert_eq!(found, Vec::from_iter(expected), "{name} with {stack}");
        }
        std::fs::remove_file(scratch.path().join("out.db")).expect("the database");
    }
    for stack in ["65535", "1073741825"] {
        let refused = scratch.wadup([
            "run",
            "deep.wasm",
            "--input=inputs",
            "--output=out.db",
            "--max-stack",
            stack,
        ]);
        assert_eq!(refused.code, Some(2), "{}", refused.text());
    }
}

/// The least fuel that is enough is enough every time, and one less is never.
#[test]
fn fuel_ends_an_execution_at_the_same_place_every_time() {
    let scratch = Scratch::new();
    let work = "def main():\n    {str(n): [n] for n in range(2000)}\n";
    scratch.project("", "", work);
    let built = scratch.wadup(["build", "project", "-o", "python.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let run = |fuel: u64, inputs: usize| {
        for input in 0..inputs {
            scratch.write(format!("{inputs}/{input}"), "");
        }
        let said = scratch.wadup([
            "run",
            "python.wasm",
            &format!("--input={inputs}"),
            "--output=out.db",
            &format!("--fuel={fuel}"),
        ]);
        assert!(matches!(said.code, Some(0 | 3)), "{}", said.text());
        let found = outcomes(&scratch, "app");
        std::fs::remove_file(scratch.path().join("out.db")).expect("the database");
        found
    };
    const ENOUGH: &[&str] = &["completed "];
    const TOO_LITTLE: &[&str] = &["limit-exceeded fuel"];
    let (mut less, mut enough) = (1, 1 << 30);
    assert_eq!(run(enough, 1), ENOUGH);
    while less + 1 < enough {
        let middle = less + (enough - less) / 2;
        if run(middle, 1) == ENOUGH {
            enough = middle;
        } else {
            less = middle;
        }
    }
    for _ in 0..3 {
        assert_eq!(run(enough, 20), ENOUGH, "{enough}");
        assert_eq!(run(less, 20), TOO_LITTLE, "{less}");
    }
}
