//! From a project to rows, with the real toolchain.

mod support;

use std::fs;
use std::sync::Arc;

use support::{Case, Elsewhere, tools};
use wadup_build::{BuildSettings, FileKind, Step, Warning};
use wadup_engine::{CompiledCache, End, Engine, EngineSettings, Limits, Program};
use wadup_protocol::manifest::{Manifest, Start};
use wadup_protocol::metadata::{Metadata, Value};
use wadup_protocol::paths;
use wadup_vfs::{Limits as Quota, Mount, SystemTime, Vfs};
use wadup_wasi::{WasiConfig, WasiCtx};

/// Says what an artifact must be able to say of itself.
const SELF: &str = r#"
import importlib.metadata, importlib.resources, inspect, json, pkgutil, zoneinfo
import wadup
from pydantic import BaseModel, Field

class User(BaseModel):
    name: str
    age: int = Field(ge=0)

def facts():
    yield "version", importlib.metadata.version("demo-app")
    yield "pydantic", importlib.metadata.version("pydantic")
    yield "wadup", importlib.metadata.version("wadup")
    yield "model", User.model_validate_json('{"name": "Ada", "age": "36"}').model_dump_json()
    yield "source", inspect.getsource(facts).splitlines()[0]
    yield "data", pkgutil.get_data("demo", "data.txt").decode()
    yield "resource", importlib.resources.files("demo").joinpath("data.txt").read_text()
    yield "zone", str(zoneinfo.ZoneInfo("Europe/Berlin"))
    yield "bytecode", str(__cached__)
    yield "stdlib", json.__file__
    yield "recorded", str(len(importlib.metadata.files("pydantic")) > 50)

def main():
    wadup.define_table("facts", [("name", "String"), ("value", "String")])
    for name, value in facts():
        wadup.insert_row("facts", [name, value])
"#;

const EXTENSION: &str = "c-extensions = [\"pydantic\"]";

fn demo(wadup: &str) -> Case {
    let sources = [("demo/__init__.py", SELF), ("demo/data.txt", "some data")];
    Case::new("", wadup, &sources)
}

/// The rows of an artifact, each joined by `=`.
fn rows(case: &Case) -> (Manifest, String) {
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let wasm = fs::read(case.output()).unwrap();
    let program = Program::load(&engine, &wasm, &CompiledCache::disabled()).unwrap();
    let mut vfs = Vfs::new(Quota::default(), SystemTime::shared());
    for folder in [
        paths::TMP_DIR,
        paths::METADATA_DIR,
        paths::SUBCONTENT_DIR,
        "/input",
    ] {
        vfs.mount(folder, Mount::Directory).unwrap();
    }
    vfs.mount(paths::DATA, Mount::Content(Box::new(b"input".to_vec())))
        .unwrap();
    vfs.mount(paths::INPUT_PATH, Mount::Content(Box::new(b"x".to_vec())))
        .unwrap();
    let context = WasiCtx::new(Arc::new(WasiConfig::new()), vfs);
    let run = |worker: &wadup_engine::Worker| program.run(worker, context, &Limits::default());
    let finished = engine.on_worker(run).unwrap();
    let stderr = String::from_utf8_lossy(finished.wasi.stderr().bytes()).into_owned();
    assert_eq!(finished.end, End::Returned(0), "{stderr}");
    (
        program.manifest().unwrap().clone(),
        told(finished.wasi.vfs()),
    )
}

fn told(vfs: &Vfs) -> String {
    let folder = vfs
        .lookup(vfs.root(), paths::METADATA_DIR.as_bytes(), true)
        .unwrap();
    let entries = vfs.read_dir(folder, 0).unwrap();
    let names = entries.map(|entry| String::from_utf8(entry.name.to_vec()).unwrap());
    let mut lines = Vec::new();
    for name in names.filter(|name| name.ends_with(".json")) {
        let path = format!("{}/{name}", paths::METADATA_DIR);
        let json = vfs.read_file(&path, 1 << 20).unwrap();
        let metadata: Metadata = serde_json::from_slice(&json).unwrap();
        lines.extend(metadata.rows.into_iter().map(|row| {
            let values = row.values.into_iter().map(|value| match value {
                Some(Value::String(text)) => text,
                other => format!("{other:?}"),
            });
            values.collect::<Vec<_>>().join("=")
        }));
    }
    lines.join("\n")
}

#[test]
fn an_artifact_has_all_that_it_needs_inside() {
    let case = demo(EXTENSION);
    let output = case.build().unwrap();
    let (manifest, told) = rows(&case);
    insta::assert_snapshot!(told);
    assert_eq!(manifest, output.manifest);
    assert_eq!(manifest.name, "demo-app");
    assert_eq!(manifest.start, Start::Snapshot);
    assert_eq!(manifest.packages["pydantic"], "2.12.5");
    assert_eq!(manifest.packages["pydantic-core"], "2.41.5");
    assert_eq!(output.size, fs::metadata(case.output()).unwrap().len());

    let kind = |path: &str| {
        let mut files = output.files.iter();
        files.find(|file| file.path == path).map(|file| file.kind)
    };
    assert_eq!(kind("/app/demo/__init__.py"), Some(FileKind::Source));
    assert_eq!(
        kind("/app/demo/__pycache__/__init__.cpython-313.pyc"),
        Some(FileKind::Bytecode)
    );
    assert_eq!(kind("/lib/python3.13/json/__init__.py"), None);
    assert_eq!(
        kind("/lib/python3.13/json/__init__.pyc"),
        Some(FileKind::Bytecode)
    );
}

#[test]
fn a_cold_start_and_sources_say_the_same() {
    let case = demo(&format!("{EXTENSION}\nsnapshot = false"));
    let settings = BuildSettings {
        precompile: false,
        ..BuildSettings::default()
    };
    let output = case.build_with(&tools(), settings).unwrap();
    assert!(
        output
            .files
            .iter()
            .all(|file| file.kind != FileKind::Bytecode)
    );
    let (manifest, told) = rows(&case);
    assert_eq!(manifest.start, Start::Cold);
    insta::assert_snapshot!(told);
}

#[test]
fn the_same_project_elsewhere_gives_the_same_bytes() {
    let build = |mask: u32| {
        let case = demo("");
        // Without pydantic, so that two caches are filled in reasonable time.
        case.write(
            "src/demo/__init__.py",
            "import json, random\nx = {'a', 'b'}\ndef main(): pass\n",
        );
        let cache = tempfile::tempdir().unwrap();
        let elsewhere = Elsewhere {
            tools: tools(),
            cache: cache.path().to_owned(),
        };
        let mode = rustix::fs::Mode::from_raw_mode(mask);
        let before = rustix::process::umask(mode);
        let output = case.build_with(&elsewhere, BuildSettings::default());
        rustix::process::umask(before);
        assert!(!output.unwrap().cached);
        fs::read(case.output()).unwrap()
    };
    let (first, second) = (build(0o022), build(0o077));
    assert!(first == second, "two builds differ");
}

#[test]
fn a_second_build_is_taken_from_the_cache() {
    let case = demo(EXTENSION);
    case.build().unwrap();
    let first = fs::read(case.output()).unwrap();
    fs::remove_file(case.output()).unwrap();
    let settings = BuildSettings {
        locked: true,
        offline: true,
        ..BuildSettings::default()
    };
    let output = case.build_with(&tools(), settings).unwrap();
    assert!(output.cached);
    assert!(
        output
            .timings
            .iter()
            .all(|(step, _)| *step <= Step::Runtime)
    );
    assert!(fs::read(case.output()).unwrap() == first);
}

/// It is data that decides what rows there are: a changed one is not handed out.
#[test]
fn an_artifact_in_the_cache_that_was_changed_is_made_again() {
    let source = "def main():\n    print('an artifact that is to be changed')\n";
    let case = Case::new("", "", &[("demo/__init__.py", source)]);
    let project = wadup_project::Project::load(case.path()).unwrap();
    let build = || {
        let settings = BuildSettings::default();
        wadup_build::build(&project, &settings, &tools(), &wadup_build::Silent).unwrap()
    };
    let place = build().artifact;
    let good = fs::read(&place).unwrap();
    let (middle, last) = (good.len() / 2, good.len() - 1);
    for position in [0, middle, last] {
        let mut bad = good.clone();
        bad[position] ^= 1;
        fs::write(&place, bad).unwrap();
        let output = build();
        assert!(!output.cached, "byte {position}");
        assert!(
            fs::read(&output.artifact).unwrap() == good,
            "byte {position}"
        );
    }
    assert!(build().cached);
    // Somebody else's, whatever is in it. Only root can give files away.
    if std::os::unix::fs::chown(&place, Some(12345), None).is_ok() {
        assert!(!build().cached);
    }
    assert!(build().cached);
}

#[test]
fn a_source_that_is_no_python_is_shown() {
    let case = Case::new(
        "",
        "",
        &[("demo/__init__.py", "import os\n\ndef main(:\n    pass\n")],
    );
    let error = case.build().unwrap_err();
    insta::assert_snapshot!(case.told(&error));
    assert!(!case.output().exists());
}

#[test]
fn a_source_that_is_no_python_and_not_imported_is_packed() {
    let files = [
        ("demo.py", "def main(): pass\n"),
        ("templates/{{name}}.py", "import {{name}}\n"),
        ("bad.py", "def f(:\n"),
    ];
    let case = Case::new("", "", &files);
    let invalid = ["bad.py", "templates/{{name}}.py"].map(|path| Warning::NotPython {
        path: path.to_owned(),
    });
    let build = || case.build().unwrap();
    let (made, found) = (build(), build());
    assert!(found.cached);
    for output in [made, found] {
        assert_eq!(output.warnings, invalid);
        let packed = |path: &str| output.files.iter().any(|file| file.path == path);
        assert!(packed("/app/bad.py") && !packed("/app/__pycache__/bad.cpython-313.pyc"));
    }
}

#[test]
fn an_entry_module_that_fails_is_shown_with_its_traceback() {
    let source =
        "def load():\n    raise RuntimeError('no settings')\n\nload()\n\ndef main(): pass\n";
    let case = Case::new("", "", &[("demo.py", source)]);
    let error = case.build().unwrap_err();
    insta::assert_snapshot!(case.told(&error));
}

#[test]
fn a_module_that_is_not_packed_is_named() {
    let case = Case::new(
        "",
        "",
        &[("demo.py", "import pydantic\ndef main(): pass\n")],
    );
    let error = case.build().unwrap_err();
    insta::assert_snapshot!(case.told(&error));
}

#[test]
fn the_projects_bytes_decide_about_the_artifact() {
    let case = Case::new("", "", &[("demo.py", "def main(): pass\n")]);
    let one = case.build().unwrap();
    // The cache outlives the test: only what it has never seen is sure to be built.
    let unique = format!("# {}\ndef main(): pass\n", case.path().display());
    case.write("src/demo.py", &unique);
    let other = case.build().unwrap();
    assert!(!other.cached && one.manifest == other.manifest);
    case.write("src/demo.py", "def main(): pass\n");
    assert!(case.build().unwrap().cached);
}
