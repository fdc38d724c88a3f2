//! Importing the entry point fails as an input does, and within the same limits.

mod support;

use support::Scratch;

/// Builds a project whose module does `body`; the build has to fail. Gives what was said.
fn refused(body: &str, options: &[&str]) -> String {
    let scratch = Scratch::new();
    scratch.project("", "", &format!("{body}\n\ndef main():\n    pass\n"));
    let build = ["build", "project", "--output=out.wasm"];
    let said = scratch.wadup(build.iter().chain(options));
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(!scratch.path().join("out.wasm").exists());
    // Before it: a lock that was written, a toolchain that was installed.
    let lines = said.stderr.lines();
    let lines = lines.skip_while(|line| !line.starts_with("error"));
    let said = lines.collect::<Vec<_>>().join("\n");
    said.replace(&*scratch.path().to_string_lossy(), "[SCRATCH]")
}

#[test]
fn an_exception_is_shown_with_its_traceback() {
    insta::assert_snapshot!(refused("import json\njson.loads('[1, 2')", &[]));
}

#[test]
fn recursion_is_an_exception() {
    let said = refused("def deeper():\n    deeper()\n\ndeeper()", &[]);
    assert!(said.contains("RecursionError"), "{said}");
    assert!(said.contains("project/src/app.py"), "{said}");
}

#[test]
fn endless_loops_end() {
    insta::assert_snapshot!(refused("while True:\n    pass", &["--timeout=2s"]));
}

#[test]
fn memory_is_limited() {
    let said = refused("data = [bytes(1 << 20) for _ in range(1 << 20)]", &[]);
    assert!(said.contains("MemoryError"), "{said}");
    assert!(said.contains("src/app.py\", line 1, in <module>"), "{said}");
}

/// An import that needs more than the default is given more.
#[test]
fn limits_can_be_raised_and_lowered() {
    let body = "data = bytes(100 << 20)\ndel data";
    let said = refused(body, &["--max-memory=100MiB"]);
    assert!(said.contains("MemoryError"), "{said}");
    let scratch = Scratch::new();
    let more = "data = bytes(600 << 20)\ndel data\n\ndef main():\n    pass\n";
    scratch.project("", "", more);
    let said = scratch.wadup(["build", "project", "--max-memory=1GiB"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
}

#[test]
fn the_limits_of_a_run_hold_for_what_it_builds() {
    let scratch = Scratch::new();
    let app = "data = bytes(100 << 20)\ndel data\n\ndef main():\n    pass\n";
    scratch.project("", "", app);
    scratch.write("input", "");
    let run = ["run", "project", "--input=input", "--output=out.db"];
    let said = scratch.wadup(run.into_iter().chain(["--max-memory=100MiB"]));
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(said.stderr.contains("MemoryError"), "{}", said.text());
}

#[test]
fn exits_are_refused() {
    insta::assert_snapshot!("sys_exit", refused("import sys\nsys.exit(0)", &[]));
    insta::assert_snapshot!("os_exit", refused("import os\nos._exit(0)", &[]));
}

#[test]
fn a_file_that_is_left_open_is_named_with_its_place() {
    let body = "class Log:\n    def __init__(self):\n        \
                self.file = open('/tmp/log', 'w')\n\nlog = Log()";
    insta::assert_snapshot!(refused(body, &[]));
}

/// A descriptor that no file object of Python's holds.
#[test]
fn a_descriptor_that_is_left_open_is_named_with_its_place() {
    let body = "import os\nfd = os.open('/tmp/log', os.O_CREAT | os.O_WRONLY)\n\
                names = os.scandir('/tmp')\nnext(names)";
    insta::assert_snapshot!(refused(body, &[]));
}

/// The limit was not among what names an artifact: one that had been made with more was taken.
#[test]
fn an_artifact_that_needed_more_is_not_taken_from_the_cache() {
    let scratch = Scratch::new();
    let more = "data = bytes(601 << 20)\ndel data\n\ndef main():\n    pass\n";
    scratch.project("", "", more);
    let said = scratch.wadup(["build", "project", "--max-memory=1GiB"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let said = scratch.wadup(["build", "project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(said.stderr.contains("MemoryError"), "{}", said.text());
}
