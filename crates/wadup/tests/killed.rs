//! `kill -9` in the middle of everything that takes time, again and again: the next call carries
//! on, and what it makes is what it would have made.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::{Said, Scratch, toolchain};

/// How often each is killed.
const KILLS: u32 = 5;

/// A command that is started again and again.
type Start<'a> = &'a dyn Fn() -> Command;

/// Runs the command to its end, which must be good, and tells how long it takes.
fn whole(start: Start<'_>) -> Duration {
    let begun = Instant::now();
    let said = Said::from(start().output().expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    begun.elapsed()
}

/// Starts the command `KILLS` times and kills it, at moments that are spread over `whole`, each
/// time later than the time before. `killed` sees what is left. A command that has ended before
/// its moment has come is started again, from what `reset` makes, and killed earlier.
fn kill_at_moments(
    start: Start<'_>,
    whole: Duration,
    mut reset: impl FnMut(),
    mut killed: impl FnMut(u32),
) {
    let mut whole = whole;
    for number in 1..=KILLS {
        loop {
            let child = spawn(&mut start());
            thread::sleep(whole * number / (KILLS + 1));
            if kill(child) {
                break;
            }
            whole = whole * 3 / 4;
            assert!(!whole.is_zero(), "it cannot be caught");
            reset();
        }
        killed(number);
    }
}

fn spawn(command: &mut Command) -> Child {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().expect("wadup starts")
}

/// Whether the process was still there.
fn kill(mut child: Child) -> bool {
    let running = child.try_wait().expect("it is ours").is_none();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    running
}

/// All files below a folder, with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// The steps that are left to do: cheap ones, of every kind. Downloads are unpacked, C is
/// compiled, and all is linked.
const STEPS: [&str; 4] = [
    "tzdata",
    "zlib-wasm",
    "runtime",
    "runtime-hypothesis+pydantic-core+rpds-py",
];

#[test]
fn install() {
    let scratch = Scratch::new();
    let cache = scratch.path().join("cache");
    toolchain::cache_with_toolchain(&cache);
    let steps = STEPS.map(|name| {
        let wanted = toolchain::step(name);
        let path = cache
            .join("steps")
            .join(wanted.file_name().expect("a name"));
        (wanted, path)
    });
    let undo = || {
        for (_, path) in &steps {
            let _ = fs::remove_dir_all(path);
        }
    };
    let start = || {
        let mut command = scratch.command(["toolchain", "install"]);
        command.env("WADUP_CACHE_DIR", &cache);
        command
    };
    undo();
    let duration = whole(&start);
    undo();
    let mut half_done = 0;
    kill_at_moments(&start, duration, undo, |_| {
        // What is in place is whole.
        for (wanted, path) in steps.iter().filter(|(_, path)| path.exists()) {
            assert_same(wanted, path);
        }
        half_done += u32::from(steps.iter().any(|(_, path)| !path.exists()));
        undo();
    });
    assert!(half_done > 0, "every kill came too late");
    whole(&start);
    for (wanted, path) in &steps {
        assert_same(wanted, path);
    }
    let left: Vec<_> = fs::read_dir(cache.join("tmp")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Two results of a step are the same, but for the record of how long it took.
fn assert_same(wanted: &Path, found: &Path) {
    const RECORD: &str = ".wadup-step.json";
    let (mut wanted_files, mut found_files) = (files(wanted), files(found));
    assert!(wanted_files.remove(Path::new(RECORD)).is_some());
    assert!(
        found_files.remove(Path::new(RECORD)).is_some(),
        "{} is not whole",
        found.display()
    );
    let different = |name: &&PathBuf| wanted_files.get(*name) != found_files.get(*name);
    let names = wanted_files.keys().chain(found_files.keys());
    let different: Vec<_> = names.filter(different).collect();
    assert!(different.is_empty(), "{}: {different:?}", found.display());
}

#[test]
fn build() {
    let scratch = Scratch::new();
    let project = scratch.project("", "", ROWS);
    let locked = scratch.wadup(["build".as_ref(), project.as_os_str()]);
    assert_eq!(locked.code, Some(0), "{}", locked.text());
    let before = files(&project);
    let out = scratch.path().join("out/artifact.wasm");
    let empty = |cache: &Path| {
        for entry in fs::read_dir(cache).expect("a folder") {
            let path = entry.expect("an entry").path();
            // Links to the toolchain are made once.
            if !path.ends_with("steps") && !path.ends_with("sources") {
                fs::remove_dir_all(path).expect("it can be removed");
            }
        }
    };
    let cache = scratch.path().join("cache");
    toolchain::cache_with_toolchain(&cache);
    let start = || {
        let mut command = scratch.command(["build", "project", "-o"]);
        command.arg(&out).env("WADUP_CACHE_DIR", &cache);
        command
    };
    let duration = whole(&start);
    let artifact = fs::read(&out).expect("an artifact");
    empty(&cache);
    fs::remove_file(&out).expect("it is there");
    kill_at_moments(
        &start,
        duration,
        || empty(&cache),
        |number| {
            // The file is there whole or not at all, and nothing else was written.
            if out.exists() {
                assert!(fs::read(&out).expect("it is there") == artifact);
                fs::remove_file(&out).expect("it is there");
            }
            // Of a kill within the milliseconds of the last copy, its temporary file stays.
            let mut beside = files(out.parent().expect("it is in a folder")).into_keys();
            let is_temporary = |path: PathBuf| path.to_string_lossy().starts_with(".wadup-");
            assert!(beside.all(is_temporary), "kill {number} left a file");
            assert_eq!(
                files(&project).keys().collect::<Vec<_>>(),
                before.keys().collect::<Vec<_>>()
            );
            // Each is killed on the way from the start, and the last is carried on from there.
            if number < KILLS {
                empty(&cache);
            }
        },
    );
    whole(&start);
    assert!(
        fs::read(&out).expect("an artifact") == artifact,
        "it is another artifact"
    );
    assert!(files(&project) == before, "the project was changed");
}

const INPUTS: usize = 400;

/// Two tables, and one row in five inputs that fails.
const ROWS: &str = r#"
import wadup

def main():
    number = int(wadup.input.name)
    wadup.define_table("numbers", [("number", "Int64")])
    wadup.define_table("texts", [("text", "String")])
    for i in range(20):
        wadup.insert_row("numbers", [number * 100 + i])
        wadup.flush()
        wadup.insert_row("texts", [str(number) * 10])
    if number % 5 == 0:
        raise ValueError(number)
"#;

#[test]
fn run() {
    let scratch = Scratch::new();
    let project = scratch.project("", "", ROWS);
    for number in 0..INPUTS {
        scratch.write(format!("inputs/{number}"), "x");
    }
    let built = scratch.wadup(["build".as_ref(), project.as_os_str(), "-oapp.wasm".as_ref()]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let run = [
        "run",
        "app.wasm",
        "--input=inputs",
        "--jobs=2",
        "--output=out.db",
    ];
    let start = || scratch.command(run);
    let begun = Instant::now();
    let output: Output = start().output().expect("wadup starts");
    let duration = begun.elapsed();
    assert_eq!(output.status.code(), Some(3));
    let all = assert_whole(&scratch);
    assert_eq!(all, INPUTS);
    let mut kept = all;
    kill_at_moments(&start, duration, || (), |_| kept = assert_whole(&scratch));
    let said = scratch.wadup(run);
    assert_eq!(said.code, Some(3), "{}", said.text());
    assert_eq!(assert_whole(&scratch), kept + INPUTS);
    let ends = "SELECT count(*) FROM _wadup_runs WHERE ended IS NULL";
    let killed: u32 = scratch.query("out.db", ends)[0].parse().expect("a number");
    assert!((1..=KILLS).contains(&killed), "{killed} runs were killed");
}

/// Every input in the database has its outcome, and its rows if it completed. How many inputs
/// there are.
fn assert_whole(scratch: &Scratch) -> usize {
    assert_eq!(scratch.query("out.db", "PRAGMA integrity_check"), ["ok"]);
    let wrong = "SELECT i.id, i.path, o.status,
            (SELECT count(*) FROM numbers AS n WHERE n.input_id = i.id) AS numbers,
            (SELECT count(*) FROM texts AS t WHERE t.input_id = i.id) AS texts
        FROM _wadup_inputs AS i LEFT JOIN _wadup_outcomes AS o ON o.input_id = i.id
        WHERE o.status IS NULL OR o.status NOT IN ('completed', 'raised')
            OR numbers <> iif(o.status = 'completed', 20, 0) OR texts <> numbers";
    assert_eq!(scratch.query("out.db", wrong), [""; 0]);
    let failed = "SELECT count(*) FROM _wadup_outcomes AS o
        JOIN _wadup_inputs AS i ON i.id = o.input_id
        WHERE (o.status = 'raised') <> (CAST(replace(i.path, 'inputs/', '') AS INTEGER) % 5 = 0)";
    assert_eq!(scratch.query("out.db", failed), ["0"]);
    let strays =
        "SELECT count(*) FROM numbers WHERE input_id NOT IN (SELECT id FROM _wadup_inputs)";
    assert_eq!(scratch.query("out.db", strays), ["0"]);
    let count = "SELECT count(*) FROM _wadup_inputs";
    scratch.query("out.db", count)[0].parse().expect("a number")
}
