//! The Python package `wadup` where there is no sandbox: it does what it does in one, type
//! checkers understand it. `--test book` runs the documentation's examples in both.

#[path = "../support/mod.rs"]
mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use support::{Said, Scratch, native, project::repository};

/// Programs of `guest/tests` that are about the package, not about the sandbox.
const PROGRAMS: [&str; 7] = [
    "pydantic_readers",
    "pydantic_tables",
    "readers",
    "start_hooks",
    "subcontent",
    "tables",
    "tables_of_records",
];

fn own(file: &str) -> PathBuf {
    repository("crates/wadup/tests/python_package").join(file)
}

/// The package as users get it, in the folder `packages`.
fn install(scratch: &Scratch) -> PathBuf {
    let said = scratch.wadup(["wheel", "--output", "wheels"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let wheel = scratch.path().join(said.stdout.trim_end());
    let packages = scratch.path().join("packages");
    native::install(&wheel, &packages);
    packages
}

/// Native CPython with the package. What it says, and how it ends.
fn python<'a>(packages: &Path, folder: &Path, args: impl IntoIterator<Item = &'a str>) -> Said {
    let mut command = Command::new(native::interpreter());
    command.args(["-s", "-B"]).args(args).current_dir(folder);
    command.env_clear();
    command
        .env("PYTHONPATH", packages)
        .env("MYPYPATH", packages);
    Said::from(command.output().expect("python starts"))
}

#[test]
fn programs_do_what_they_do_in_the_sandbox() {
    let scratch = Scratch::new();
    let packages = install(&scratch);
    for program in PROGRAMS {
        let programs = repository("guest/tests");
        let said = native::python(
            &own("program.py"),
            [packages.as_os_str(), programs.as_os_str(), program.as_ref()],
        );
        assert!(said.contains("as expected"), "{program}: {said}");
    }
}

#[test]
fn type_checkers_understand_the_package() {
    let scratch = Scratch::new();
    let packages = install(&scratch);
    let types = own("typed_program.py");
    let types = types.to_str().expect("a path in UTF-8");
    for what in [["-p", "wadup"], ["--", types]] {
        let mypy = ["-m", "mypy", "--strict", "--cache-dir=cache"];
        let said = python(&packages, scratch.path(), mypy.into_iter().chain(what));
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
}

/// The stubs of what is native in the sandbox say what there is.
#[test]
fn stubs_are_true() {
    let scratch = Scratch::new();
    let packages = install(&scratch);
    let differing = own("stubs.txt");
    let differing = differing.to_str().expect("a path in UTF-8");
    let said = python(
        &packages,
        &packages,
        ["-m", "mypy.stubtest", "wadup", "--allowlist", differing],
    );
    assert_eq!(said.code, Some(0), "{}", said.text());
}

/// `python -m wadup`: rows to stdout, everything else to stderr, and the exit code of `wadup run`.
#[test]
fn a_project_runs_without_a_sandbox() {
    let scratch = Scratch::new();
    let packages = install(&scratch);
    scratch.project(
        "",
        "",
        "import wadup\n\
         wadup.define_table('lines', [('text', 'String')])\n\
         def main():\n\
         \x20   print('hello')\n\
         \x20   for line in wadup.input.lines():\n\
         \x20       wadup.insert_row('lines', [line])\n\
         \x20   if wadup.input.name == 'a':\n\
         \x20       wadup.emit_bytes(b'inside', 'b')\n\
         \x20   if wadup.input.name == 'bad':\n\
         \x20       raise ValueError('no good')\n",
    );
    scratch.write("a", "one\nzwei\n");
    scratch.write("bad", "lost\n");
    let run = |args: &[&str]| {
        let args = ["-m", "wadup"].iter().chain(args).copied();
        python(&packages, scratch.path(), args)
    };
    let said = run(&["project", "a", "bad"]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    insta::assert_snapshot!(said.stdout, @r#"
    {"input": "a", "table": "lines", "row": {"text": "one"}}
    {"input": "a", "table": "lines", "row": {"text": "zwei"}}
    {"input": "b", "table": "lines", "row": {"text": "inside"}}
    "#);
    assert!(said.stderr.contains("bad:\nTraceback"), "{}", said.stderr);
    assert!(
        said.stderr.contains("ValueError: no good"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.starts_with("hello\nhello\nhello\n"),
        "{}",
        said.stderr
    );

    assert_eq!(run(&["project", "a"]).code, Some(0));
    for (args, message) in [
        (["project", "nowhere"], "nowhere is no file"),
        (
            ["json", "a"],
            "the entry module `json` needs a function `main()`",
        ),
    ] {
        let said = run(&args);
        assert_eq!(said.code, Some(2), "{}", said.text());
        assert!(said.stderr.contains(message), "{}", said.stderr);
    }
}
