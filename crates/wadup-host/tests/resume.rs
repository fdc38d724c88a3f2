//! Runs that go on from earlier ones.

mod support;

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::Rng;
use rusqlite::Connection;
use support::{INTERPRETER, Script, settings};
use wadup_host::{Cancel, Event, Host, HostSettings, Inputs, Resume, RunError, RunSummary, Silent};
use wadup_sink::SqliteSink;

/// Inputs and a database.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inputs")).unwrap();
        Self { folder }
    }

    fn inputs(&self) -> PathBuf {
        self.folder.path().join("inputs")
    }

    fn write(&self, name: &str, script: &Script) {
        fs::write(self.inputs().join(name), script.bytes()).unwrap();
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("results.db")
    }

    fn run(&self, settings: HostSettings) -> RunSummary {
        self.run_with(settings, &["interpreter"], &Cancel::new(), &mut |_| ())
            .unwrap()
    }

    fn run_with(
        &self,
        settings: HostSettings,
        artifacts: &[&str],
        cancel: &Cancel,
        committed: &mut (dyn FnMut(u64) + Send),
    ) -> Result<RunSummary, RunError> {
        let host = Host::new(settings).expect("make a host");
        let artifacts = artifacts.iter().map(|name| {
            let loaded = host.load_bytes(INTERPRETER.as_bytes(), name, &Silent);
            loaded.expect("load the interpreter")
        });
        let artifacts: Vec<_> = artifacts.collect();
        let mut sink = SqliteSink::open(self.database()).expect("open the results");
        let inputs = Inputs::new().path(self.inputs());
        let committed = std::sync::Mutex::new(committed);
        let reporter = |event: &Event<'_>| {
            if let Event::Committed { inputs, .. } = event {
                committed.lock().unwrap()(*inputs);
            }
        };
        host.run(&artifacts, inputs, &mut sink, &reporter, cancel)
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.database()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|row| row.unwrap()).collect()
    }

    /// Everything that does not say when or in which order: for each given input, its tree with
    /// all outcomes and rows.
    fn results(&self) -> Vec<String> {
        let check = self.query("PRAGMA integrity_check");
        assert_eq!(check, ["ok"]);
        let connection = Connection::open(self.database()).unwrap();
        let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(orphans.query([]).unwrap().next().unwrap().is_none());
        let mut results = self.query(
            "WITH RECURSIVE way (id, path, sha256) AS (
                 SELECT id, path, sha256 FROM _wadup_inputs WHERE parent_id IS NULL
                 UNION ALL
                 SELECT i.id, way.path || ' > ' || i.path, i.sha256
                 FROM way JOIN _wadup_inputs AS i ON i.parent_id = way.id
             )
             SELECT way.path || ' ' || coalesce(way.sha256, '') || ' ' || o.artifact || ' '
                 || o.status || ' ' || coalesce(o.message, '') || ': '
                 || (SELECT coalesce(group_concat(n), '') FROM t WHERE input_id = way.id)
             FROM way JOIN _wadup_outcomes AS o ON o.input_id = way.id",
        );
        results.sort();
        let inputs: i64 = connection
            .query_row("SELECT count(*) FROM _wadup_outcomes", [], |row| row.get(0))
            .unwrap();
        assert_eq!(
            results.len() as i64,
            inputs,
            "each is below one that was given"
        );
        results
    }
}

fn resuming(retry_failed: bool) -> HostSettings {
    HostSettings {
        resume: Some(Resume { retry_failed }),
        ..settings()
    }
}

fn rows(numbers: std::ops::Range<i64>) -> Script {
    Script::new().rows(numbers)
}

#[test]
fn a_database_that_is_not_there_is_begun() {
    let place = Place::new();
    place.write("a", &rows(0..2));
    let summary = place.run(resuming(false));
    assert_eq!((summary.inputs, summary.unchanged), (1, 0));
}

#[test]
fn what_has_not_changed_is_passed_over_and_what_has_is_replaced() {
    let place = Place::new();
    place.write("same", &rows(0..2).emit("inner", rows(2..4).bytes()));
    place.write("twin", &rows(0..2).emit("inner", rows(2..4).bytes()));
    place.write("changing", &rows(4..6).emit("inner", rows(6..8).bytes()));
    place.write("going", &rows(8..9));
    place.run(settings());

    place.write(
        "changing",
        &rows(10..11).emit("other", rows(11..12).bytes()),
    );
    place.write("new", &rows(12..13));
    fs::remove_file(place.inputs().join("going")).unwrap();
    let summary = place.run(resuming(false));
    assert_eq!((summary.inputs, summary.unchanged), (3, 2));

    let fresh = Place::new();
    for name in ["same", "twin", "changing", "new"] {
        fs::copy(place.inputs().join(name), fresh.inputs().join(name)).unwrap();
    }
    fresh.run(settings());
    let strip = |place: &Place| -> Vec<String> {
        let inputs = format!("{}/", place.inputs().display());
        let results = place.results().into_iter();
        results.map(|line| line.replace(&inputs, "")).collect()
    };
    let mut expected = strip(&fresh);
    let gone = strip(&place)
        .into_iter()
        .filter(|line| line.starts_with("going"));
    expected.extend(gone);
    expected.sort();
    assert_eq!(expected.len(), 8);
    assert_eq!(strip(&place), expected, "what is no longer given stays");

    let again = place.run(resuming(false));
    assert_eq!((again.inputs, again.unchanged), (0, 4));
}

#[test]
fn failures_are_done_unless_they_are_to_be_retried() {
    let place = Place::new();
    place.write("trap", &rows(0..2).trap());
    // What fails is deep in the tree.
    let inner = Script::new().emit("innermost", Script::new().ret(1).bytes());
    place.write("tree", &rows(0..2).emit("inner", inner.bytes()));
    place.write("good", &rows(0..2));
    place.run(settings());
    let before = place.results();
    let summary = place.run(resuming(false));
    assert_eq!((summary.inputs, summary.unchanged), (0, 3));
    let summary = place.run(resuming(true));
    assert_eq!((summary.inputs, summary.unchanged), (4, 1));
    assert_eq!(place.results(), before);
}

#[test]
fn what_could_not_be_read_is_read_when_it_can_be() {
    let place = Place::new();
    let socket = UnixListener::bind(place.inputs().join("a")).unwrap();
    place.run(settings());
    assert_eq!(place.run(resuming(false)).unchanged, 1);
    drop(socket);
    fs::remove_file(place.inputs().join("a")).unwrap();
    place.write("a", &rows(0..3));
    let summary = place.run(resuming(false));
    assert_eq!((summary.inputs, summary.unchanged), (1, 0));
    assert_eq!(place.results().len(), 1);
}

#[test]
fn settings_that_change_results_outdate_them() {
    let place = Place::new();
    place.write("good", &rows(0..2));
    place.write("slow", &Script::new().spin());
    let timeout = |milliseconds, retry_failed| HostSettings {
        timeout: Some(Duration::from_millis(milliseconds)),
        ..resuming(retry_failed)
    };
    place.run(timeout(200, false));
    let done = |settings| {
        let summary = place.run(settings);
        (summary.inputs, summary.unchanged)
    };
    assert_eq!(done(timeout(200, false)), (0, 2));
    assert_eq!(
        done(timeout(300, false)),
        (1, 1),
        "what failed may complete"
    );
    assert_eq!(done(timeout(100, false)), (2, 0), "what completed may fail");
    let env = |value: &str| HostSettings {
        env: vec![("KEY".to_owned(), value.to_owned())],
        ..timeout(100, false)
    };
    assert_eq!(done(env("a")), (2, 0));
    assert_eq!(done(env("a")), (0, 2));
    assert_eq!(done(env("b")), (2, 0), "values count");
    let settings = place.query("SELECT settings FROM _wadup_runs");
    assert!(!settings.concat().contains(r#""b""#), "but are not shown");
    assert_eq!(place.results().len(), 2);
}

#[test]
fn artifacts_go_on_from_their_own_results_only() {
    let place = Place::new();
    place.write("a", &rows(0..2));
    let run = |artifacts: &[&str]| {
        let cancel = Cancel::new();
        place.run_with(resuming(false), artifacts, &cancel, &mut |_| ())
    };
    assert_eq!(run(&["one"]).unwrap().inputs, 1);
    assert_eq!(run(&["two"]).unwrap().inputs, 1, "they are others");
    assert_eq!(run(&["one"]).unwrap().unchanged, 1);
    assert_eq!(place.results().len(), 2);
    let error = run(&["one", "two"]).unwrap_err();
    insta::assert_snapshot!(error, @"an earlier run had the artifact `one`, and no others");
    let runs = place.query("SELECT CAST(count(*) AS TEXT) FROM _wadup_runs");
    assert_eq!(runs, ["3"], "what is refused is no run");
}

/// Random trees, in which inputs take a while, and fail now and then.
fn script(random: &mut impl Rng, depth: u32) -> Script {
    let mut script = rows(0..random.random_range(0..4));
    if random.random_ratio(1, 3) {
        script = script.sleep(Duration::from_millis(2));
    }
    if depth > 0 && random.random_ratio(1, 2) {
        for number in 0..random.random_range(1..4) {
            let child = self::script(random, depth - 1);
            script = script.emit(&format!("{number}"), child.bytes());
        }
    }
    match random.random_ratio(1, 10) {
        true => script.trap(),
        false => script,
    }
}

/// What was interrupted again and again, gently and at once, is in the end what it would have
/// been.
#[test]
fn a_run_that_is_interrupted_and_resumed_comes_to_the_same() {
    const INPUTS: u32 = 1500;
    let place = Place::new();
    let mut random = rand::rng();
    for number in 0..INPUTS {
        place.write(&number.to_string(), &script(&mut random, 3));
    }
    let mut cut_short = 0;
    loop {
        let cancel = Cancel::new();
        let (gently, after) = (random.random_bool(0.5), random.random_range(0..250));
        let mut committed = 0;
        let mut stop = |inputs| {
            committed += inputs;
            if committed > after {
                match gently {
                    true if cancel.is_requested() => {}
                    true => cancel.request(),
                    false => cancel.stop(),
                }
            }
        };
        let settings = HostSettings {
            jobs: NonZeroU32::new(3).unwrap(),
            ..resuming(false)
        };
        let summary = place
            .run_with(settings, &["interpreter"], &cancel, &mut stop)
            .unwrap();
        if !summary.cancelled {
            break;
        }
        cut_short += 1;
        place.results();
    }
    assert!(cut_short > 3, "{cut_short}");
    let results = place.results();
    fs::remove_file(place.database()).unwrap();
    place.run(settings());
    assert_eq!(place.results(), results);
}

/// Not a test by itself: the process that `a_run_that_is_killed_and_resumed_comes_to_the_same`
/// kills.
#[test]
#[ignore = "started by a_run_that_is_killed_and_resumed_comes_to_the_same, to be killed"]
fn victim() {
    let Some(folder) = std::env::var_os("WADUP_TEST_FOLDER") else {
        return;
    };
    let host = Host::new(resuming(false)).unwrap();
    let artifact = support::interpreter(&host);
    let folder = PathBuf::from(folder);
    let mut sink = SqliteSink::open(folder.join("results.db")).unwrap();
    let inputs = Inputs::new().path(folder.join("inputs"));
    host.run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())
        .unwrap();
}

#[test]
fn a_run_that_is_killed_and_resumed_comes_to_the_same() {
    const INPUTS: u32 = 3000;
    const KILLS: u32 = 15;
    let place = Place::new();
    let mut random = rand::rng();
    for number in 0..INPUTS {
        place.write(&number.to_string(), &script(&mut random, 3));
    }
    place.run(settings());
    let expected = place.results();
    fs::remove_file(place.database()).unwrap();

    let (mut kills, mut in_flight) = (0, 0);
    while kills < KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--ignored"])
            .env("WADUP_TEST_FOLDER", place.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.random_range(5..700)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            // All is done: once more, from the beginning.
            assert_eq!(place.results(), expected);
            fs::remove_file(place.database()).unwrap();
            continue;
        }
        kills += 1;
        if place.database().exists() {
            drop(SqliteSink::open(place.database()).unwrap());
            let partial = place.query("SELECT path FROM _wadup_inputs WHERE parent_id IS NULL");
            in_flight += u32::from((1..INPUTS).contains(&(partial.len() as u32)));
        }
    }
    assert!(in_flight > 0, "no kill hit a run in the middle");
    place.run(resuming(false));
    assert_eq!(place.results(), expected);
    assert_eq!(place.run(resuming(false)).unchanged, u64::from(INPUTS));
}

#[test]
fn a_path_that_is_given_twice_is_done_twice() {
    let place = Place::new();
    place.write("a", &rows(0..2));
    let run = |times: usize| {
        let host = Host::new(resuming(false)).unwrap();
        let artifact = support::interpreter(&host);
        let mut sink = SqliteSink::open(place.database()).unwrap();
        let path: &Path = &place.inputs().join("a");
        let inputs = std::iter::repeat_n(path, times);
        let inputs = inputs.fold(Inputs::new(), Inputs::path);
        let cancel = Cancel::new();
        let ran = host.run(&[artifact], inputs, &mut sink, &Silent, &cancel);
        let summary = ran.unwrap();
        (summary.inputs, summary.unchanged)
    };
    assert_eq!(run(2), (2, 0));
    assert_eq!(run(2), (0, 2));
    assert_eq!(run(3), (1, 2));
    assert_eq!(place.results().len(), 3);
}
