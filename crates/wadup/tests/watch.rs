//! `--watch`: real saves, seen by a real process.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;
use support::{Scratch, guest};

const ROWS: &str = "SELECT word FROM words ORDER BY word";

/// An app that makes a row of each line of an input, in the form that `shape` gives it.
fn app(shape: &str) -> String {
    format!(
        "import wadup\n\ndef main():\n    wadup.define_table('words', [('word', 'String')])\n    \
         for line in wadup.input.lines():\n        wadup.insert_row('words', [{shape}])\n"
    )
}

/// A `wadup … --watch --json`, and what it tells.
struct Watch {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(scratch: &Scratch, command: &[&str]) -> Self {
        let mut child = scratch
            .command(command.iter().chain(&["--watch", "--json"]))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("wadup starts");
        let events = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, events }
    }

    /// All events up to the one of this name, which is last.
    fn until(&mut self, name: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        for line in &mut self.events {
            let event: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            let is_last = event["event"] == name;
            seen.push(event);
            if is_last {
                return seen;
            }
        }
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        panic!("it ended without `{name}`: {stderr}");
    }

    /// What it does because of a change, from that to its next rest.
    fn again(&mut self) -> Vec<Value> {
        self.until("changed");
        self.until("waiting")
    }

    /// The names of the files that have changed.
    fn changed(&mut self) -> Vec<String> {
        let changed = self.until("changed").pop().expect("an event");
        let files = changed["files"].as_array().expect("files").iter();
        let names = files.map(|file| file["path"].as_str().expect("a path").rsplit('/').next());
        names.flatten().map(str::to_owned).collect()
    }

    fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.expect("kill starts").success());
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        (self.child.wait().expect("it ends").code(), stderr)
    }
}

/// A test that fails leaves nothing running.
impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn finished(events: &[Value]) -> &Value {
    let mut events = events.iter();
    let found = events.find(|event| event["event"] == "run-finished");
    found.expect("a run has finished")
}

/// As many editors save: another file takes the place of the old one.
fn replace(scratch: &Scratch, name: &str, content: &str) {
    let new = scratch.write(format!("{name}~"), content);
    fs::rename(new, scratch.path().join(name)).expect("it is replaced");
}

#[test]
fn a_project_is_built_and_run_again_when_it_or_an_input_is_saved() {
    let scratch = Scratch::new();
    scratch.project("", "", &app("line"));
    scratch.write("inputs/a.txt", "one\n");
    let run = [
        "run",
        "project",
        "--input=inputs",
        "--output=project/out.db",
    ];
    let mut watch = Watch::start(&scratch, &run);
    watch.until("waiting");
    assert_eq!(scratch.query("project/out.db", ROWS), ["one"]);

    // Other code: its rows take the place of the earlier ones.
    scratch.write("project/src/app.py", app("line.upper()"));
    let events = watch.again();
    assert_eq!(finished(&events)["inputs"], 1);
    assert_eq!(scratch.query("project/out.db", ROWS), ["ONE"]);

    // Another input: only that is processed.
    replace(&scratch, "inputs/b.txt", "two\n");
    let events = watch.again();
    assert_eq!(finished(&events)["inputs"], 1);
    assert_eq!(finished(&events)["unchanged_inputs"], 1);
    replace(&scratch, "inputs/a.txt", "three\n");
    watch.again();
    assert_eq!(scratch.query("project/out.db", ROWS), ["THREE", "TWO"]);

    // Errors do not end it, wherever they are.
    scratch.write("project/src/app.py", "def main(:\n");
    let events = watch.again();
    let error = &events[events.len() - 2];
    assert_eq!(
        (&error["event"], &error["exit_code"]),
        (&"error".into(), &4.into())
    );
    let pyproject = scratch.path().join("project/pyproject.toml");
    let good = fs::read_to_string(&pyproject).expect("a file");
    replace(&scratch, "project/pyproject.toml", "[project\n");
    assert_eq!(watch.again().len(), 2, "an error, and that it waits");
    scratch.write("project/src/app.py", app("int(line)"));
    watch.again();
    replace(&scratch, "project/pyproject.toml", &good);
    let events = watch.again();
    assert_eq!(finished(&events)["failed_inputs"], 2);
    scratch.write("project/src/app.py", app("line.title()"));
    watch.again();
    assert_eq!(scratch.query("project/out.db", ROWS), ["Three", "Two"]);

    let (code, stderr) = watch.interrupt();
    assert_eq!(code, Some(9), "{stderr}");
    for said in ["changed: project/src/app.py", "waiting for changes"] {
        assert!(stderr.contains(said), "{said} in {stderr}");
    }
}

/// What a run writes must not begin the next one; nor do files that are nobody's input.
#[test]
fn what_is_no_input_begins_nothing() {
    let scratch = Scratch::new();
    scratch.project("", "", &app("line"));
    scratch.write("project/a.txt", "one\n");
    let run = [
        "run",
        "project",
        "--input=project/a.txt",
        "--output=project/out.db",
    ];
    let mut watch = Watch::start(&scratch, &run);
    watch.until("waiting");
    for name in [
        "dist/app.wasm",
        ".venv/lib/python.py",
        "src/__pycache__/app.pyc",
        "src/.app.py.swp",
        "src/app.py~",
        "out.db-journal",
        "notes.md",
        "tests/test_app.py",
    ] {
        scratch.write(format!("project/{name}"), "x");
    }
    // They are all older than this, which is told of alone.
    scratch.write("project/a.txt", "two\n");
    assert_eq!(watch.changed(), ["a.txt"]);
    watch.until("waiting");
    assert_eq!(watch.interrupt().0, Some(9));
}

#[test]
fn a_database_among_the_inputs_is_none_of_them() {
    let scratch = Scratch::new();
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("inputs/a.txt", "x");
    let run = [
        "run",
        "hello.wasm",
        "--input=inputs",
        "--output=inputs/out.db",
    ];
    let mut watch = Watch::start(&scratch, &run);
    watch.until("waiting");
    scratch.write("inputs/out.db-wal.txt", "x");
    assert_eq!(watch.changed(), ["out.db-wal.txt"]);
    let events = watch.until("waiting");
    assert_eq!(finished(&events)["inputs"], 1);
    assert_eq!(finished(&events)["unchanged_inputs"], 1);
    assert_eq!(watch.interrupt().0, Some(9));
}

#[test]
fn a_project_is_built_again() {
    let scratch = Scratch::new();
    scratch.project("", "", &app("line"));
    let mut watch = Watch::start(&scratch, &["build", "project"]);
    watch.until("built");
    watch.until("waiting");
    scratch.write("project/src/app.py", app("line.upper()"));
    let events = watch.again();
    assert!(events.iter().any(|event| event["event"] == "built"));
    assert_eq!(watch.interrupt().0, Some(9));
}

#[test]
fn an_artifact_is_run_again() {
    let scratch = Scratch::new();
    scratch.write_module("hello.wasm", &guest::greeting());
    scratch.write("a.txt", "x");
    let run = ["run", "hello.wasm", "--input=a.txt", "--output=out.db"];
    let mut watch = Watch::start(&scratch, &run);
    watch.until("waiting");
    let other = guest::raising("ValueError", "no", "Traceback:\n");
    scratch.write_module("hello.wasm", &other);
    let events = watch.again();
    assert_eq!(finished(&events)["failed_inputs"], 1);
    assert_eq!(watch.interrupt().0, Some(9));
}

/// What no save can mend is refused.
#[test]
fn what_cannot_be_watched_is_refused() {
    let scratch = Scratch::new();
    scratch.write_module("hello.wasm", &guest::greeting());
    let watch =
        |input: &str| scratch.wadup(["run", "hello.wasm", input, "--output=out.db", "--watch"]);
    assert_said!(scratch, watch("--input=-"));
    assert_eq!(watch("--input=nowhere").code, Some(8));
}
