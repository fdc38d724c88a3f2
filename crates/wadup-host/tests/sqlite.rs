//! Whole runs into SQLite, some of which are killed.

mod support;

use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::Rng;
use rusqlite::Connection;
use support::{Script, folder, interpreter, settings};
use wadup_host::{Cancel, Host, HostSettings, Inputs, RunSummary, Silent};
use wadup_sink::SqliteSink;

fn run(settings: HostSettings, inputs: &Path, output: &Path) -> RunSummary {
    let host = Host::new(settings).expect("make a host");
    let artifact = interpreter(&host);
    let mut sink = SqliteSink::open(output).expect("open the results");
    let inputs = Inputs::new().path(inputs);
    host.run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())
        .expect("run")
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn rows_and_outcomes_arrive() {
    let inputs = folder([
        (
            "a",
            Script::new()
                .rows([1, 2])
                .emit("inner", Script::new().rows([3]).bytes()),
        ),
        ("b", Script::new().rows([4]).trap()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("results.db");
    let summary = run(settings(), inputs.path(), &output);
    assert_eq!(summary.inputs, 3);

    let connection = Connection::open(&output).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT coalesce(p.path, ''), i.path, o.status, group_concat(t.n)
             FROM _wadup_inputs i
             JOIN _wadup_outcomes o ON o.input_id = i.id
             LEFT JOIN _wadup_inputs p ON p.id = i.parent_id
             LEFT JOIN t ON t.input_id = i.id
             GROUP BY i.id ORDER BY i.path",
        )
        .unwrap();
    let name = |path: String| path.rsplit('/').next().unwrap().to_owned();
    let rows: Vec<(String, String, String, Option<String>)> = statement
        .query_map([], |row| {
            Ok((
                name(row.get(0)?),
                name(row.get(1)?),
                row.get(2)?,
                row.get(3)?,
            ))
        })
        .unwrap()
        .map(|row| row.unwrap())
        .collect();
    let expected = [
        ("", "a", "completed", Some("1,2")),
        ("", "b", "trapped", None),
        ("a", "inner", "completed", Some("3")),
    ];
    let expected = expected.map(|(parent, path, status, rows)| {
        (
            parent.to_owned(),
            path.to_owned(),
            status.to_owned(),
            rows.map(str::to_owned),
        )
    });
    let mut rows = rows;
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(rows, expected);
}

#[test]
fn tables_must_agree_with_what_the_database_has() {
    let folder_ = tempfile::tempdir().unwrap();
    let output = folder_.path().join("results.db");
    let first = folder([("a", Script::new().rows([1]))]);
    run(settings(), first.path(), &output);
    Connection::open(&output)
        .unwrap()
        .execute_batch("CREATE VIEW summary AS SELECT sum(n) FROM t")
        .unwrap();

    let table = |name: &str| {
        Script::new().metadata(&format!(
            r#"{{"tables":[{{"name":"{name}","columns":[{{"name":"n","data_type":"String"}}]}}]}}"#
        ))
    };
    let second = folder([
        ("conflict", table("T")),
        ("taken", table("Summary")),
        ("good", Script::new().rows([2])),
    ]);
    let summary = run(settings(), second.path(), &output);
    let mut messages: Vec<String> = summary.errors.into_iter().map(|e| e.message).collect();
    messages.sort();
    insta::assert_snapshot!(messages.join("\n"), @r"
    table `Summary` cannot be made: the results already have a view of that name
    table `T` has other columns than another input or artifact gave it: column 1 is `n` Int64 there and `n` String here
    ");
    assert_eq!(summary.rows["t"], 1);
    let connection = Connection::open(&output).unwrap();
    assert_eq!(number(&connection, "SELECT count(*) FROM t"), 2);
}

/// Each input's rows are as many as its name says, and it has a child with as many.
/// Enough for a run to take several transactions, which are 200 ms apart, on a fast machine too.
const INPUTS: i64 = 4000;

fn many_inputs() -> tempfile::TempDir {
    let scripts: Vec<(String, Script)> = (0..INPUTS)
        .map(|n| {
            let rows = n % 5;
            let child = Script::new().rows(0..rows);
            let script = Script::new()
                .rows(0..rows)
                .emit(&format!("child-{rows}"), child.bytes())
                .sleep(Duration::from_millis(1));
            (format!("{n}-{rows}"), script)
        })
        .collect();
    folder(
        scripts
            .iter()
            .map(|(name, script)| (name.as_str(), script.clone())),
    )
}

/// Not a test by itself: the process that `a_killed_run_leaves_whole_inputs` kills.
#[test]
#[ignore = "started by a_killed_run_leaves_whole_inputs, to be killed"]
fn victim() {
    let (Some(inputs), Some(output)) = (
        std::env::var_os("WADUP_TEST_INPUTS"),
        std::env::var_os("WADUP_TEST_OUTPUT"),
    ) else {
        return;
    };
    let settings = HostSettings {
        jobs: NonZeroU32::new(2).unwrap(),
        ..HostSettings::default()
    };
    run(settings, inputs.as_ref(), output.as_ref());
}

/// Whether it was killed before it had ended.
fn start_and_kill(inputs: &Path, output: &Path, after: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored"])
        .env("WADUP_TEST_INPUTS", inputs)
        .env("WADUP_TEST_OUTPUT", output)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(9) || status.success(), "{status}");
    status.signal() == Some(9)
}

fn check(output: &Path) {
    let connection = Connection::open(output).unwrap();
    let ok: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(ok, "ok");
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(orphans.query([]).unwrap().next().unwrap().is_none());
    let has_rows = number(
        &connection,
        "SELECT count(*) FROM sqlite_schema WHERE name = 't'",
    ) == 1;
    if !has_rows {
        assert_eq!(number(&connection, "SELECT count(*) FROM _wadup_inputs"), 0);
        return;
    }
    // Every input has exactly one outcome, and as many rows as its name says.
    let wrong = number(
        &connection,
        "SELECT count(*) FROM _wadup_inputs i
         WHERE (SELECT count(*) FROM _wadup_outcomes o WHERE o.input_id = i.id) <> 1
            OR (SELECT count(*) FROM t WHERE t.input_id = i.id)
               <> CAST(substr(i.path, -1) AS INTEGER)",
    );
    assert_eq!(wrong, 0);
}

#[test]
fn a_killed_run_leaves_whole_inputs() {
    let inputs = many_inputs();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("results.db");
    let mut random = rand::rng();
    let mut killed = 0;
    let mut cut_short = 0;
    while killed < 12 {
        let after = Duration::from_millis(random.random_range(5..900));
        if start_and_kill(inputs.path(), &output, after) {
            killed += 1;
        }
        // The next run takes up what is there, whatever that is.
        drop(SqliteSink::open(&output).unwrap());
        check(&output);
        let connection = Connection::open(&output).unwrap();
        let inputs = number(
            &connection,
            "SELECT count(*) FROM _wadup_inputs
             WHERE run_id = (SELECT max(id) FROM _wadup_runs)",
        );
        cut_short += u32::from((1..2 * INPUTS).contains(&inputs));
    }
    assert!(cut_short > 0, "no kill hit a run in the middle");

    let summary = run(settings(), inputs.path(), &output);
    assert_eq!(summary.inputs, 2 * INPUTS as u64);
    assert!(summary.is_success());
    check(&output);
    let connection = Connection::open(&output).unwrap();
    let last = "(SELECT max(id) FROM _wadup_runs)";
    assert_eq!(
        number(
            &connection,
            &format!("SELECT count(*) FROM _wadup_inputs WHERE run_id = {last}")
        ),
        2 * INPUTS
    );
    assert_eq!(
        number(
            &connection,
            "SELECT count(*) FROM _wadup_runs WHERE ended = 'finished'"
        ),
        1 + number(
            &connection,
            &format!("SELECT count(*) FROM _wadup_runs WHERE ended = 'finished' AND id < {last}")
        )
    );
}

#[test]
fn a_sink_that_fails_ends_the_run() {
    let inputs = folder([("a", Script::new().rows([1]))]);
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("results.db");
    let host = Host::new(settings()).unwrap();
    let artifact = interpreter(&host);
    let mut sink = SqliteSink::open(&output).unwrap();
    // Somebody takes the ledger away.
    Connection::open(&output)
        .unwrap()
        .execute_batch("DROP TABLE _wadup_outcomes")
        .unwrap();
    let inputs = Inputs::new().path(inputs.path());
    let error = host
        .run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())
        .unwrap_err();
    assert_eq!(error.to_string(), "the results could not be written");
    drop(sink);
    let connection = Connection::open(&output).unwrap();
    assert_eq!(number(&connection, "SELECT count(*) FROM _wadup_inputs"), 0);
}
