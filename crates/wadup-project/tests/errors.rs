//! Every error of a `pyproject.toml`, as it is told.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use wadup_project::{Project, ProjectError};

const PROJECT: &str = "[project]\nname = \"demo\"\nversion = \"1.0\"\n";
const WADUP: &str = "[tool.wadup]\nentry-point = \"demo\"\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("src/demo")).unwrap();
    fs::write(folder.path().join("src/demo/__init__.py"), "").unwrap();
    folder
}

/// Message, what the span covers, and the hint.
fn told(error: &ProjectError, root: &Path) -> String {
    let mut text = error.to_string();
    if let Some(location) = error.location() {
        let (line, column) = location.line_column();
        let span = &location.text[location.span.clone()];
        write!(text, "\n  at {line}:{column}: {span}").unwrap();
    }
    if let Some(hint) = error.hint() {
        write!(text, "\n  hint: {hint}").unwrap();
    }
    let real = root.canonicalize().unwrap();
    text.replace(&*real.to_string_lossy(), "PROJECT")
        .replace(&*root.to_string_lossy(), "PROJECT")
}

fn error_of(pyproject: &str) -> String {
    let folder = folder();
    fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    let error = Project::load(folder.path()).unwrap_err();
    told(&error, folder.path())
}

/// What is wrong in one place does not hide what is wrong in another.
#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = folder();
    let pyproject = "[project]\nname = \"no/name\"\nversion = 1\nrequires-python = \"<3.13\"\n\
                     dependencies = [\"pydantic >= \", 1, \"ok\"]\n\
                     [tool.wadup]\nentry-point = \"dmo\"\nsnapshots = true\n\
                     c-extensions = [\"a b\"]\nhash-seed = -1\n";
    fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    let errors = Project::load_all(folder.path()).unwrap_err();
    let told: Vec<String> = errors
        .iter()
        .map(|error| told(error, folder.path()))
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
    let first = Project::load(folder.path()).unwrap_err();
    assert_eq!(first.to_string(), errors[0].to_string());
}

/// One slip is one problem.
#[test]
fn a_key_that_is_misspelt_is_not_missing_as_well() {
    let folder = folder();
    let pyproject = format!("{PROJECT}[tool.wadup]\nentry_point = \"demo\"\n");
    fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    assert_eq!(Project::load_all(folder.path()).unwrap_err().len(), 1);
}

#[test]
fn tables_and_fields() {
    let texts = [
        String::new(),
        "[project\n".to_owned(),
        "project = 1\n".to_owned(),
        PROJECT.to_owned(),
        format!("{PROJECT}[tool.wadup]\n"),
        format!("[project]\nname = \"demo\"\n{WADUP}"),
        format!("[project]\nname = \"no/name\"\nversion = \"1\"\n{WADUP}"),
        format!("[project]\nname = \"demo\"\nversion = \"one\"\n{WADUP}"),
        format!("{PROJECT}dependencies = [\"pydantic >= \"]\n{WADUP}"),
        format!("{PROJECT}dependencies = [\"a @ https://example.org/${{HOME}}/a.whl\"]\n{WADUP}"),
        format!("{PROJECT}dependencies = \"pydantic\"\n{WADUP}"),
        format!("{PROJECT}dependencies = [1]\n{WADUP}"),
        format!("{PROJECT}dynamic = [\"dependencies\"]\n{WADUP}"),
        format!("[project]\nname = \"demo\"\ndynamic = [\"version\"]\n{WADUP}"),
        format!("{PROJECT}requires-python = \"<3.13\"\n{WADUP}"),
        format!("{PROJECT}requires-python = \"about 3\"\n{WADUP}"),
        format!("{PROJECT}{WADUP}entry_point = \"demo\"\n"),
        format!("{PROJECT}{WADUP}zzz = 1\n"),
        format!("{PROJECT}{WADUP}snapshot = \"no\"\n"),
        format!("{PROJECT}{WADUP}hash-seed = 4294967296\n"),
        format!("{PROJECT}{WADUP}hash-seed = -1\n"),
        format!("{PROJECT}{WADUP}c-extensions = [\"\"]\n"),
        format!("{PROJECT}[tool.wadup]\nentry-point = \"demo:main\"\n"),
        format!("{PROJECT}[tool.wadup]\nentry-point = \"dmeo\"\n"),
        format!("{PROJECT}[tool.wadup]\nentry-point = \"other\"\n"),
    ];
    let told: Vec<String> = texts.iter().map(|text| error_of(text)).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn files_that_cannot_be_packed() {
    let told_with = |prepare: &dyn Fn(&Path)| {
        let folder = folder();
        fs::write(
            folder.path().join("pyproject.toml"),
            format!("{PROJECT}{WADUP}"),
        )
        .unwrap();
        prepare(folder.path());
        told(&Project::load(folder.path()).unwrap_err(), folder.path())
    };
    let told = [
        told_with(&|root| fs::remove_file(root.join("pyproject.toml")).unwrap()),
        told_with(&|root| fs::write(root.join("pyproject.toml"), b"\xff").unwrap()),
        told_with(&|root| fs::remove_dir_all(root.join("src")).unwrap()),
        told_with(&|root| symlink("/etc/hostname", root.join("src/demo/out.txt")).unwrap()),
        told_with(&|root| symlink("../demo", root.join("src/demo/again")).unwrap()),
        told_with(&|root| symlink("nowhere", root.join("src/demo/gone.py")).unwrap()),
        told_with(&|root| {
            use std::os::unix::ffi::OsStrExt as _;
            let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
            fs::write(root.join("src/demo").join(name), "").unwrap();
        }),
        told_with(&|root| {
            let path = root.join("src/demo/socket");
            std::os::unix::net::UnixListener::bind(path).unwrap();
        }),
    ];
    insta::assert_snapshot!(told.join("\n\n"));
}
