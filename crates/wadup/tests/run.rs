//! `wadup run` with guests that are a few lines of WebAssembly text.

mod support;

use std::{fs, io::Read as _, os::unix::ffi::OsStrExt as _, process::Stdio};

use support::{
    Said, Scratch,
    guest::{self, Guest},
};

/// One job: which of several failures is the example is then always the same.
fn run(scratch: &Scratch, artifact: &str) -> Said {
    let run = [
        "run", artifact, "--jobs=1", "--input", "inputs", "--output", "out.db",
    ];
    scratch.wadup(run)
}

fn with_inputs(names: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    for name in names {
        scratch.write(format!("inputs/{name}"), *name);
    }
    scratch
}

#[test]
fn rows_of_every_input_arrive() {
    let scratch = with_inputs(&["a.txt", "b.txt", "deeper/c.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    assert_said!(scratch, run(&scratch, "hello.wasm"));
    insta::assert_debug_snapshot!(scratch.query(
        "out.db",
        "SELECT i.path, i.size, o.artifact, o.status, g.text, g.number
         FROM _wadup_inputs AS i JOIN _wadup_outcomes AS o ON o.input_id = i.id
         JOIN greetings AS g ON g.input_id = i.id ORDER BY i.path",
    ));
}

#[test]
fn a_second_run_is_added() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    assert_eq!(run(&scratch, "hello.wasm").code, Some(0));
    assert_eq!(run(&scratch, "hello.wasm").code, Some(0));
    let runs = scratch.query(
        "out.db",
        "SELECT run_id, count(*) FROM _wadup_inputs GROUP BY 1",
    );
    assert_eq!(runs, ["1|1", "2|1"]);
}

#[test]
fn a_run_goes_on_from_earlier_ones() {
    let scratch = with_inputs(&["a.txt", "b.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write_module("fails.wasm", &Guest::new().exit(3));
    let resume = |artifact: &str, more: &[&str]| {
        let run = [
            "run",
            artifact,
            "--jobs=1",
            "--input=inputs",
            "--output=out.db",
        ];
        scratch.wadup(run.iter().chain(&["--resume"]).chain(more))
    };
    assert_eq!(resume("hello.wasm", &[]).code, Some(0));
    scratch.write("inputs/b.txt", "other");
    assert_said!(scratch, resume("hello.wasm", &["--verbose"]));
    let greetings = "SELECT i.path, i.run_id FROM greetings AS g
        JOIN _wadup_inputs AS i ON i.id = g.input_id ORDER BY i.path";
    let greetings = scratch.query("out.db", greetings);
    assert_eq!(greetings, ["inputs/a.txt|1", "inputs/b.txt|2"]);

    assert_eq!(resume("fails.wasm", &[]).code, Some(3));
    assert_said!(scratch, resume("fails.wasm", &[]));
    assert_said!(scratch, resume("fails.wasm", &["--retry-failed"]));
    let one = scratch.wadup([
        "run",
        "hello.wasm",
        "fails.wasm",
        "--input=inputs",
        "--output=out.db",
        "--resume",
    ]);
    assert_said!(scratch, one);
}

#[test]
fn failures_are_outcomes_and_the_exit_code_says_so() {
    let scratch = with_inputs(&["a.txt", "b.txt"]);
    scratch.write_module(
        "fails.wasm",
        &guest::raising(
            "ValueError",
            "no good\nat all",
            "Traceback (most recent call last):\n",
        ),
    );
    assert_said!(scratch, run(&scratch, "fails.wasm"));
}

#[test]
fn every_way_to_fail() {
    let scratch = with_inputs(&["a.txt"]);
    for (name, text) in [
        ("exits", Guest::new().exit(3)),
        ("returns", Guest::new().returns(1)),
        ("traps", Guest::new().traps()),
        ("loops", Guest::new().loops()),
        ("rejected", Guest::new().metadata("{").returns(0)),
    ] {
        let artifact = format!("{name}.wasm");
        scratch.write_module(&artifact, &text);
        let run = [
            "run",
            &artifact,
            "--input=inputs",
            "--output=out.db",
            "--timeout=200ms",
        ];
        insta::with_settings!({
            filters => vec![
                (r"\(\d+ inputs/s\)", "([RATE] inputs/s)"),
                (r"\b\d+(\.\d+)? (µs|ms|s)\b", "[TIME]"),
            ],
        }, {
            insta::assert_snapshot!(format!("failure_{name}"), scratch.wadup(run).text());
        });
    }
}

#[test]
fn verbose_tells_of_every_input() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module(
        "hello.wasm",
        &Guest::new().print(1, "hi\n").print(2, "hm\n").returns(0),
    );
    scratch.write_module(
        "fails.wasm",
        &guest::raising(
            "KeyError",
            "'x'",
            "Traceback:\n  File \"app.py\", line 1\nKeyError: 'x'\n",
        ),
    );
    let args = [
        "run",
        "fails.wasm",
        "hello.wasm",
        "-v",
        "--input=inputs",
        "--output=out.db",
    ];
    assert_said!(scratch, scratch.wadup(args));
}

#[test]
fn events_as_json_lines() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    let said = scratch.wadup([
        "run",
        "hello.wasm",
        "--json",
        "--input=inputs",
        "--output=out.db",
    ]);
    let events: Vec<_> = said.json_lines();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str()).collect();
    assert_eq!(
        names,
        [
            Some("artifact-loaded"),
            Some("input-finished"),
            Some("committed"),
            Some("run-finished")
        ]
    );
    assert_said!(scratch, said);
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_run() {
    let names: Vec<String> = (0..500).map(|number| format!("{number}.txt")).collect();
    let scratch = with_inputs(&names.iter().map(String::as_str).collect::<Vec<_>>());
    scratch.write_module("hello.wasm", &guest::greeting());
    let mut child = scratch
        .command([
            "run",
            "hello.wasm",
            "--json",
            "--input=inputs",
            "--output=out.db",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("wadup starts");
    let mut first = [0];
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_exact(&mut first)
        .expect("an event");
    let said = Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(
        scratch.query("out.db", "SELECT count(*) FROM greetings"),
        ["500"]
    );
}

#[test]
fn closed_stderr_does_not_stop_the_run() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    let mut child = scratch
        .command([
            "run",
            "hello.wasm",
            "-v",
            "--input=inputs",
            "--output=out.db",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .expect("wadup starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_guest_cannot_steer_the_terminal() {
    let scratch = with_inputs(&["a\u{1b}]0;owned\u{7}.txt"]);
    let hostile = "\u{1b}[2J\u{9b}31m\u{202e}\r";
    scratch.write_module("evil.wasm", &guest::raising(hostile, hostile, hostile));
    let args = [
        "run",
        "evil.wasm",
        "-v",
        "--input=inputs",
        "--output=out.db",
    ];
    let said = scratch.wadup(args);
    assert!(
        said.stderr
            .chars()
            .all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')),
        "{:?}",
        said.stderr
    );
    assert_said!(scratch, said);
}

#[test]
fn paths_that_are_not_utf8() {
    let scratch = Scratch::new();
    let name = std::ffi::OsStr::from_bytes(b"inputs/a\xff.txt");
    scratch.write(name, "x");
    scratch.write_module("hello.wasm", &guest::greeting());
    let said = scratch.wadup([
        "run".as_ref(),
        "hello.wasm".as_ref(),
        "-v".as_ref(),
        "--input".as_ref(),
        name,
        "--output".as_ref(),
        std::ffi::OsStr::from_bytes(b"out\xfe.db"),
    ]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(said.stderr.contains(r"inputs/a\xff.txt"), "{}", said.text());
    assert!(
        scratch
            .path()
            .join(std::ffi::OsStr::from_bytes(b"out\xfe.db"))
            .exists()
    );
}

#[test]
fn stdin_and_lists_are_inputs() {
    let scratch = with_inputs(&["a.txt", "b.txt", "c.md"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("list", b"inputs/a.txt\0inputs/b.txt\0");
    let said = scratch.wadup([
        "run",
        "hello.wasm",
        "--input",
        "-",
        "--input-list",
        "list",
        "--output",
        "out.db",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let paths = scratch.query("out.db", "SELECT path FROM _wadup_inputs ORDER BY path");
    assert_eq!(paths, ["-", "inputs/a.txt", "inputs/b.txt"]);
}

#[test]
fn patterns_choose_files_in_folders() {
    let scratch = with_inputs(&["a.txt", "deeper/b.txt", "c.md", "d.rst"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    let args = [
        "run",
        "hello.wasm",
        "--input=inputs",
        "--output=out.db",
        "--glob=*.txt",
        "--glob=c.*",
    ];
    assert_eq!(scratch.wadup(args).code, Some(0));
    let paths = scratch.query("out.db", "SELECT path FROM _wadup_inputs ORDER BY path");
    assert_eq!(
        paths,
        ["inputs/a.txt", "inputs/c.md", "inputs/deeper/b.txt"]
    );
}

/// Also of the second run, when it is there before the first input is looked for.
#[test]
fn the_database_is_no_input_of_its_own_run() {
    let scratch = Scratch::new();
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("inputs/a.txt", "a");
    scratch.write("inputs/out.db.txt", "b");
    std::os::unix::fs::symlink("inputs", scratch.path().join("link")).expect("a link");
    let expected = [
        ("inputs", "inputs/out.db"),
        ("./inputs", "link/out.db"),
        ("inputs/../link", "inputs/out.db"),
    ];
    for (input, output) in expected {
        let said = scratch.wadup(["run", "hello.wasm", "--input", input, "--output", output]);
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
    let said = scratch
        .command(["run", "../hello.wasm", "--input", ".", "--output", "out.db"])
        .current_dir(scratch.path().join("inputs"))
        .output()
        .expect("wadup starts");
    let said = Said::from(said);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let paths = "SELECT path FROM _wadup_inputs ORDER BY id";
    assert_eq!(
        scratch.query("inputs/out.db", paths),
        [
            "inputs/a.txt",
            "inputs/out.db.txt",
            "./inputs/a.txt",
            "./inputs/out.db.txt",
            "inputs/../link/a.txt",
            "inputs/../link/out.db.txt",
            "./a.txt",
            "./out.db.txt",
        ]
    );
}

/// To open and close it would drop SQLite's locks.
#[test]
fn the_database_cannot_be_named_as_an_input_of_its_own_run() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    let run = ["run", "hello.wasm", "--output=out.db", "--input=inputs"];
    assert_eq!(scratch.wadup(run).code, Some(0));
    std::os::unix::fs::symlink("out.db", scratch.path().join("link")).expect("a link");
    for named in ["out.db", "link"] {
        let said = scratch.wadup(run.into_iter().chain(["--input", named]));
        assert_eq!(said.code, Some(3), "{}", said.text());
        assert!(
            said.stderr.contains("it is what the run writes"),
            "{}",
            said.text()
        );
    }
}

#[test]
fn folders_of_artifacts() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("modules/one.wasm", &guest::greeting());
    scratch.write_module("modules/two.wasm", &guest::greeting());
    scratch.write("modules/README", "not an artifact");
    for args in [["run", "modules"], ["run", "--modules=modules"]] {
        let said = scratch.wadup(args.iter().chain(&["--input=inputs", "--output=out.db"]));
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
    let outcomes = scratch.query(
        "out.db",
        "SELECT input_id, artifact FROM _wadup_outcomes ORDER BY 1, 2",
    );
    assert_eq!(outcomes, ["1|one", "1|two", "2|one", "2|two"]);
}

#[test]
fn what_is_not_there_or_not_right_is_said_before_anything_runs() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("text.wasm", "this is no module");
    scratch.write("empty.wasm", "");
    scratch.write_module(
        "foreign.wasm",
        r#"(module (import "env" "thing" (func)) (func (export "process")))"#,
    );
    scratch.write_module("no-entry.wasm", "(module)");
    scratch.write("notes.txt", "my notes");
    fs::create_dir_all(scratch.path().join("nothing-inside")).expect("a folder");
    for (name, args) in [
        (
            "no_such_input",
            [
                "run",
                "hello.wasm",
                "--input=nowhere.txt",
                "--output=out.db",
            ],
        ),
        (
            "no_such_list",
            [
                "run",
                "hello.wasm",
                "--input-list=nowhere.txt",
                "--output=out.db",
            ],
        ),
        (
            "no_such_artifact",
            ["run", "nowhere.wasm", "--input=inputs", "--output=out.db"],
        ),
        (
            "no_artifact_in_folder",
            ["run", "nothing-inside", "--input=inputs", "--output=out.db"],
        ),
        (
            "artifact_is_text",
            ["run", "text.wasm", "--input=inputs", "--output=out.db"],
        ),
        (
            "artifact_is_empty",
            ["run", "empty.wasm", "--input=inputs", "--output=out.db"],
        ),
        (
            "artifact_imports_more",
            ["run", "foreign.wasm", "--input=inputs", "--output=out.db"],
        ),
        (
            "artifact_without_entry",
            ["run", "no-entry.wasm", "--input=inputs", "--output=out.db"],
        ),
        (
            "output_is_text",
            ["run", "hello.wasm", "--input=inputs", "--output=notes.txt"],
        ),
        (
            "output_is_a_folder",
            ["run", "hello.wasm", "--input=inputs", "--output=inputs"],
        ),
        (
            "output_folder_missing",
            ["run", "hello.wasm", "--input=inputs", "--output=a/b/out.db"],
        ),
    ] {
        insta::assert_snapshot!(name, scratch.wadup(args).text());
        assert!(
            !scratch.path().join("out.db").exists(),
            "{name} left a database"
        );
    }
    assert_eq!(
        fs::read_to_string(scratch.path().join("notes.txt")).expect("it is there"),
        "my notes"
    );
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let scratch = with_inputs(&["a.txt"]);
    scratch.write_module("hello.wasm", &guest::greeting());
    // Not even root can make a file there.
    let said = scratch.wadup([
        "run",
        "hello.wasm",
        "--input=inputs",
        "--output=/proc/out.db",
    ]);
    assert_said!(scratch, said);
}
