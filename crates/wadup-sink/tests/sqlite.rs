//! The SQLite sink: what it writes, and which files it leaves alone.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use wadup_protocol::metadata::{Column, DataType, Table};
use wadup_sink::{
    ArtifactRecord, Batch, Cell, Entry, InputRecord, OpenError, OutcomeRecord, Rows, RunEnd,
    RunStart, SinkError, SqliteSink, Status, TableSink, TakenName, read_results,
};

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("results.db")
    }

    fn open(&self) -> SqliteSink {
        SqliteSink::open(self.path()).expect("open the sink")
    }

    /// A whole run with one batch.
    fn run(&self, inputs: &[InputRecord]) {
        let mut sink = self.open();
        sink.begin_run(&start()).unwrap();
        sink.commit(&batch(inputs.to_vec())).unwrap();
        sink.finish_run(&end()).unwrap();
    }

    fn refusal(&self) -> OpenError {
        SqliteSink::open(self.path()).expect_err("it must be refused")
    }

    /// All rows of a query, each as text.
    fn query(&self, sql: &str) -> Vec<String> {
        query(&self.path(), sql)
    }

    fn check(&self) {
        assert_eq!(self.query("PRAGMA integrity_check"), [r#"Text("ok")"#]);
        assert!(self.query("PRAGMA foreign_key_check").is_empty());
    }
}

fn query(path: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement
        .query_map([], |row| {
            let cells = (0..columns).map(|index| {
                let value: rusqlite::types::Value = row.get(index)?;
                Ok(format!("{value:?}"))
            });
            let cells: rusqlite::Result<Vec<String>> = cells.collect();
            Ok(cells?.join(" | "))
        })
        .unwrap();
    rows.map(|row| row.unwrap()).collect()
}

fn start() -> RunStart {
    RunStart {
        started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        wadup_version: "0.1.0".to_owned(),
        artifacts: vec![ArtifactRecord {
            name: "demo".to_owned(),
            version: Some("1.0".to_owned()),
            digest: "abc".to_owned(),
            manifest: None,
        }],
        settings: serde_json::json!({"max_depth": 8}),
    }
}

/// Inputs that are written together. Those without a parent are complete with that.
fn batch(inputs: impl Into<Vec<InputRecord>>) -> Batch {
    let inputs = inputs.into();
    let roots = inputs.iter().filter(|input| input.parent.is_none());
    Batch {
        complete_trees: roots.map(|input| input.number).collect(),
        inputs,
    }
}

fn end() -> RunEnd {
    RunEnd {
        finished_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_001),
        cancelled: false,
    }
}

fn table(name: &str, columns: &[(&str, DataType)]) -> Table {
    let columns = columns.iter().map(|(name, data_type)| Column {
        name: (*name).to_owned(),
        data_type: *data_type,
    });
    Table {
        name: name.to_owned(),
        columns: columns.collect(),
    }
}

fn users() -> Table {
    table(
        "users",
        &[
            ("name", DataType::String),
            ("age", DataType::Int64),
            ("score", DataType::Float64),
        ],
    )
}

fn input(number: u64, parent: Option<u64>, rows: Rows) -> InputRecord {
    InputRecord {
        number,
        parent,
        path: format!("folder/{number}.txt").into(),
        size: Some(3),
        sha256: Some([0xab; 32]),
        finished_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_750),
        replaces: Vec::new(),
        outcomes: vec![OutcomeRecord {
            artifact: 0,
            status: Status::Completed,
            error_kind: None,
            message: None,
            traceback: None,
            stdout: "out".to_owned(),
            stderr: String::new(),
            output_dropped: 0,
            duration: Duration::from_micros(1500),
            peak_memory: 65536,
            rows,
            rows_dropped: 0,
            subcontent_dropped: 0,
        }],
    }
}

fn users_rows() -> Rows {
    let mut rows = Rows::new();
    let users = rows.define(users());
    rows.push(
        users,
        &[Cell::String("Ann"), Cell::Int64(30), Cell::Float64(0.5)],
    )
    .unwrap();
    rows.push(
        users,
        &[Cell::Null, Cell::Int64(i64::MIN), Cell::Float64(2.0)],
    )
    .unwrap();
    rows
}

#[test]
fn a_run_is_written_as_documented() {
    let fixture = Fixture::new();
    let mut failed = input(1, Some(0), Rows::new());
    failed.path = OsString::from_vec(b"caf\xe9".to_vec());
    failed.size = None;
    failed.sha256 = None;
    failed.outcomes[0].status = Status::LimitExceeded;
    failed.outcomes[0].error_kind = Some("time".to_owned());
    failed.outcomes[0].message = Some("the time limit was reached".to_owned());
    failed.outcomes[0].traceback = Some("Traceback".to_owned());
    failed.outcomes[0].rows_dropped = 7;
    fixture.run(&[input(0, None, users_rows()), failed]);
    fixture.check();
    let tables = ["_wadup_runs", "_wadup_inputs", "_wadup_outcomes", "users"];
    let dump: Vec<String> = tables
        .into_iter()
        .flat_map(|table| {
            let mut lines = fixture.query(&format!("SELECT * FROM {table}"));
            lines.insert(0, format!("-- {table}"));
            lines
        })
        .collect();
    insta::assert_snapshot!(dump.join("\n"), @r#"
    -- _wadup_runs
    Integer(1) | Text("2023-11-14T22:13:20.250Z") | Text("2023-11-14T22:13:21.000Z") | Text("finished") | Text("0.1.0") | Text("[{\"name\":\"demo\",\"version\":\"1.0\",\"digest\":\"abc\"}]") | Text("{\"max_depth\":8}")
    -- _wadup_inputs
    Integer(1) | Integer(1) | Null | Text("folder/0.txt") | Integer(3) | Text("abababababababababababababababababababababababababababababababab") | Integer(1) | Text("2023-11-14T22:13:20.750Z")
    Integer(2) | Integer(1) | Integer(1) | Blob([99, 97, 102, 233]) | Null | Null | Null | Text("2023-11-14T22:13:20.750Z")
    -- _wadup_outcomes
    Integer(1) | Text("demo") | Text("completed") | Null | Null | Null | Text("out") | Text("") | Real(1.5) | Integer(65536) | Integer(0) | Integer(0) | Integer(0)
    Integer(2) | Text("demo") | Text("limit-exceeded") | Text("time") | Text("the time limit was reached") | Text("Traceback") | Text("out") | Text("") | Real(1.5) | Integer(65536) | Integer(0) | Integer(7) | Integer(0)
    -- users
    Integer(1) | Text("Ann") | Integer(30) | Real(0.5)
    Integer(1) | Null | Integer(-9223372036854775808) | Real(2.0)
    "#);
    let schema = "SELECT sql FROM sqlite_schema WHERE name IN ('users', '_wadup_index_users')";
    insta::assert_snapshot!(fixture.query(schema).join("\n"), @r#"
    Text("CREATE TABLE \"users\" (input_id INTEGER NOT NULL REFERENCES _wadup_inputs (id), \"name\" TEXT, \"age\" INTEGER, \"score\" REAL) STRICT")
    Text("CREATE INDEX \"_wadup_index_users\" ON \"users\" (input_id)")
    "#);
}

#[test]
fn the_result_is_one_file() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows())]);
    let files: Vec<OsString> = fs::read_dir(fixture.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, ["results.db"]);
}

#[test]
fn others_can_read_while_a_run_writes() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    sink.commit(&batch([input(0, None, users_rows())])).unwrap();
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(2)"]);
    sink.commit(&batch([input(1, None, users_rows())])).unwrap();
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(4)"]);
}

/// One who is at it for as long as `connection` is there.
fn reader(fixture: &Fixture) -> Connection {
    let connection = Connection::open(fixture.path()).unwrap();
    let read = "BEGIN; SELECT * FROM users";
    connection.execute_batch(read).unwrap();
    connection
}

#[test]
fn a_reader_is_not_waited_for() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    sink.commit(&batch([input(0, None, users_rows())])).unwrap();
    let reader = reader(&fixture);
    sink.commit(&batch([input(1, None, users_rows())])).unwrap();
    let begun = Instant::now();
    sink.finish_run(&end()).unwrap();
    drop(sink);
    fixture.run(&[input(0, None, users_rows())]);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let count = reader.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(2));
    drop(reader);
    fixture.check();
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(6)"]);
    assert_eq!(
        fixture.query("SELECT count(*) FROM _wadup_runs WHERE ended = 'finished'"),
        ["Integer(2)"]
    );
}

#[test]
fn a_second_run_is_added() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows()), input(1, Some(0), Rows::new())]);
    fixture.run(&[input(0, None, users_rows()), input(1, Some(0), Rows::new())]);
    fixture.check();
    assert_eq!(
        fixture.query("SELECT id, run_id, parent_id FROM _wadup_inputs ORDER BY id"),
        [
            "Integer(1) | Integer(1) | Null",
            "Integer(2) | Integer(1) | Integer(1)",
            "Integer(3) | Integer(2) | Null",
            "Integer(4) | Integer(2) | Integer(3)",
        ]
    );
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(4)"]);
}

#[test]
fn what_there_is_can_be_asked_for() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows())]);
    let connection = Connection::open(fixture.path()).unwrap();
    connection
        .execute_batch(
            "CREATE VIEW v AS SELECT 1; CREATE TABLE mine (a); CREATE INDEX i ON mine (a)",
        )
        .unwrap();
    drop(connection);
    let other = |name: &str, what: &str| TakenName::Other {
        name: name.to_owned(),
        what: what.to_owned(),
    };
    assert_eq!(
        fixture.open().tables().unwrap(),
        [
            TakenName::Table(users()),
            other("v", "view"),
            other("mine", "table"),
            other("i", "index"),
        ]
    );
}

#[test]
fn odd_names_are_only_names() {
    let fixture = Fixture::new();
    let odd = table(
        r#"x"; DROP TABLE _wadup_runs; --"#,
        &[
            ("select", DataType::Int64),
            (r#"a"b"#, DataType::String),
            ("ümläut [x] `y`", DataType::String),
            ("'", DataType::Float64),
        ],
    );
    let mut rows = Rows::new();
    let index = rows.define(odd.clone());
    rows.push(
        index,
        &[
            Cell::Int64(1),
            Cell::String("'); --"),
            Cell::Null,
            Cell::Float64(1.0),
        ],
    )
    .unwrap();
    fixture.run(&[input(0, None, rows)]);
    fixture.check();
    assert_eq!(fixture.open().tables().unwrap(), [TakenName::Table(odd)]);
}

#[test]
fn a_table_without_rows_is_there() {
    let fixture = Fixture::new();
    let mut rows = Rows::new();
    rows.define(users());
    fixture.run(&[input(0, None, rows)]);
    assert!(fixture.query("SELECT * FROM users").is_empty());
}

#[test]
fn the_widest_table_works() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..wadup_protocol::metadata::MAX_COLUMNS)
        .map(|n| format!("c{n}"))
        .collect();
    let columns: Vec<(&str, DataType)> = names
        .iter()
        .map(|name| (name.as_str(), DataType::Int64))
        .collect();
    let mut rows = Rows::new();
    let wide = rows.define(table("wide", &columns));
    rows.push(wide, &vec![Cell::Int64(1); columns.len()])
        .unwrap();
    fixture.run(&[input(0, None, rows)]);
    assert_eq!(fixture.query("SELECT c1998 FROM wide"), ["Integer(1)"]);
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    sink.commit(&batch([input(0, None, users_rows())])).unwrap();
    // The same number twice cannot be.
    let error = sink
        .commit(&batch([
            input(1, None, users_rows()),
            input(1, None, users_rows()),
        ]))
        .unwrap_err();
    assert!(matches!(error, SinkError::Sqlite { .. }), "{error}");
    drop(sink);
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(2)"]);
    assert_eq!(
        fixture.query("SELECT count(*) FROM _wadup_inputs"),
        ["Integer(1)"]
    );
    fixture.check();
}

#[test]
fn a_table_that_somebody_changed_meanwhile_is_noticed() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    Connection::open(fixture.path())
        .unwrap()
        .execute_batch("CREATE TABLE users (input_id INTEGER, other TEXT)")
        .unwrap();
    let error = sink
        .commit(&batch([input(0, None, users_rows())]))
        .unwrap_err();
    assert!(matches!(error, SinkError::TableChanged { .. }), "{error}");
}

/// Opens what is at the path, which must be refused and stay as it is.
fn refused(fixture: &Fixture) -> String {
    let before = fs::read(fixture.path()).ok();
    let modified = fs::metadata(fixture.path()).and_then(|m| m.modified()).ok();
    let error = fixture.refusal();
    assert_eq!(fs::read(fixture.path()).ok(), before);
    assert_eq!(
        fs::metadata(fixture.path()).and_then(|m| m.modified()).ok(),
        modified
    );
    let entries = fs::read_dir(fixture.folder.path()).unwrap().count();
    assert_eq!(entries, 1, "nothing may be left beside it");
    format!("{error}\nhint: {}", error.hint().unwrap_or("none"))
        .replace(&fixture.folder.path().display().to_string(), "FOLDER")
}

#[test]
fn other_files_are_refused_and_untouched() {
    let text = Fixture::new();
    fs::write(text.path(), "name,age\n").unwrap();

    let short = Fixture::new();
    fs::write(short.path(), "SQLite format 3\0").unwrap();

    let folder = Fixture::new();
    fs::create_dir(folder.path()).unwrap();

    let fifo = Fixture::new();
    let status = std::process::Command::new("mkfifo")
        .arg(fifo.path())
        .status()
        .unwrap();
    assert!(status.success());
    let fifo_error = fifo.refusal().to_string();

    let foreign = Fixture::new();
    Connection::open(foreign.path())
        .unwrap()
        .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        .unwrap();

    let newer = Fixture::new();
    newer.run(&[]);
    Connection::open(newer.path())
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();

    let mut texts: Vec<String> = [&text, &short, &folder, &foreign, &newer]
        .into_iter()
        .map(refused)
        .collect();
    texts.push(fifo_error.replace(&fifo.folder.path().display().to_string(), "FOLDER"));
    insta::assert_snapshot!(texts.join("\n"), @r"
    FOLDER/results.db exists and is not a SQLite database
    hint: choose another file; wadup only adds to its own databases
    FOLDER/results.db exists and is not a SQLite database
    hint: choose another file; wadup only adds to its own databases
    FOLDER/results.db is a directory
    hint: name a file in it, such as results.db
    FOLDER/results.db is a SQLite database that wadup did not make
    hint: choose another file; wadup only adds to its own databases
    FOLDER/results.db was made by a newer wadup (format 99, this one knows up to 3)
    hint: update wadup, or choose another file
    FOLDER/results.db is not a regular file
    ");
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let fixture = Fixture::new();
    let error = SqliteSink::open(fixture.folder.path().join("no/results.db")).unwrap_err();
    assert_eq!(error.hint(), Some("make the folder first"));
}

#[test]
fn an_empty_file_is_as_good_as_none() {
    let fixture = Fixture::new();
    fs::write(fixture.path(), "").unwrap();
    fixture.run(&[input(0, None, users_rows())]);
    fixture.check();
}

#[test]
fn an_empty_file_keeps_its_mode() {
    for mode in [0o600, 0o666] {
        let fixture = Fixture::new();
        fs::write(fixture.path(), "").unwrap();
        fs::set_permissions(fixture.path(), Permissions::from_mode(mode)).unwrap();
        fixture.run(&[input(0, None, users_rows())]);
        let is = fs::metadata(fixture.path()).unwrap().permissions();
        assert_eq!(is.mode() & 0o7777, mode);
    }
}

#[test]
fn a_link_that_leads_nowhere_yet_names_the_place() {
    let fixture = Fixture::new();
    let place = fixture.folder.path().join("place.db");
    std::os::unix::fs::symlink("place.db", fixture.path()).unwrap();
    fixture.run(&[input(0, None, users_rows())]);
    fixture.check();
    assert!(place.metadata().unwrap().len() > 0);
    assert!(fixture.path().is_symlink());
}

#[test]
fn two_runs_at_once_are_refused() {
    let fixture = Fixture::new();
    let first = fixture.open();
    assert!(matches!(fixture.refusal(), OpenError::Locked { .. }));
    drop(first);
    fixture.open();
}

/// What a kill leaves: the database and its log, as they are on disk after a commit.
#[test]
fn what_was_committed_before_a_crash_is_taken_up() {
    let fixture = Fixture::new();
    let crashed = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    sink.commit(&batch([input(0, None, users_rows())])).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("results.db{suffix}");
        fs::copy(
            fixture.folder.path().join(&name),
            crashed.folder.path().join(&name),
        )
        .unwrap();
    }
    crashed.run(&[input(0, None, users_rows())]);
    crashed.check();
    assert_eq!(crashed.query("SELECT count(*) FROM users"), ["Integer(4)"]);
    assert_eq!(
        crashed.query("SELECT id, ended FROM _wadup_runs"),
        [r#"Integer(1) | Null"#, r#"Integer(2) | Text("finished")"#]
    );
}

/// Every length to which a crash could have cut the log.
#[test]
fn a_log_that_was_cut_anywhere_gives_whole_batches() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    for number in 0..5 {
        sink.commit(&batch([input(number, None, users_rows())]))
            .unwrap();
    }
    let database = fs::read(fixture.path()).unwrap();
    let log = fs::read(fixture.folder.path().join("results.db-wal")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..log.len()).step_by(1031) {
        let crashed = Fixture::new();
        fs::write(crashed.path(), &database).unwrap();
        fs::write(crashed.folder.path().join("results.db-wal"), &log[..cut]).unwrap();
        let sink = crashed.open();
        drop(sink);
        crashed.check();
        let inputs = crashed.query("SELECT count(*) FROM _wadup_inputs");
        let has_users = !crashed
            .query("SELECT 1 FROM sqlite_schema WHERE name = 'users'")
            .is_empty();
        let rows = if has_users {
            crashed.query("SELECT count(*) / 2 FROM users")
        } else {
            vec!["Integer(0)".to_owned()]
        };
        assert_eq!(inputs, rows, "cut at {cut}");
        seen.extend(inputs);
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

/// What earlier runs have of an input that was given.
fn entries(fixture: &Fixture, path: &str) -> Vec<Entry> {
    let ledger = fixture.open().ledger().unwrap();
    ledger.entries(path.as_ref()).unwrap()
}

#[test]
fn the_ledger_has_what_earlier_runs_wrote() {
    let fixture = Fixture::new();
    let mut failed = input(1, Some(0), Rows::new());
    failed.outcomes[0].status = Status::Trapped;
    let mut unreadable = input(2, None, Rows::new());
    unreadable.path = OsString::from_vec(b"caf\xe9".to_vec());
    unreadable.sha256 = None;
    fixture.run(&[input(0, None, users_rows()), failed, unreadable]);

    let mut sink = fixture.open();
    let ledger = sink.ledger().unwrap();
    sink.begin_run(&start()).unwrap();
    sink.commit(&batch([input(0, None, Rows::new())])).unwrap();
    let runs = ledger.runs().unwrap();
    assert_eq!(runs.len(), 1, "not the one that goes on");
    assert_eq!(runs[0].artifacts, start().artifacts);
    assert_eq!(runs[0].settings, start().settings);
    let entry = |id, sha256| Entry {
        id,
        run: 1,
        sha256,
        is_complete: true,
    };
    let entries = |path: &[u8]| {
        let path = OsString::from_vec(path.to_vec());
        ledger.entries(&path).unwrap()
    };
    assert_eq!(entries(b"folder/0.txt"), [entry(1, Some([0xab; 32]))]);
    assert_eq!(entries(b"caf\xe9"), [entry(3, None)]);
    assert_eq!(entries(b"folder/1.txt"), [], "it was not given");
    assert!(ledger.has_failed(1).unwrap(), "what descends from it");
    assert!(!ledger.has_failed(3).unwrap());
}

#[test]
fn a_tree_is_complete_when_it_is_said_to_be() {
    let fixture = Fixture::new();
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    let one = |input| Batch {
        inputs: vec![input],
        complete_trees: Vec::new(),
    };
    sink.commit(&one(input(0, None, Rows::new()))).unwrap();
    sink.commit(&one(input(1, Some(0), Rows::new()))).unwrap();
    sink.commit(&one(input(2, None, Rows::new()))).unwrap();
    sink.commit(&Batch {
        inputs: Vec::new(),
        complete_trees: vec![0],
    })
    .unwrap();
    drop(sink);
    assert!(entries(&fixture, "folder/0.txt")[0].is_complete);
    assert!(!entries(&fixture, "folder/2.txt")[0].is_complete);
}

#[test]
fn what_is_replaced_goes_with_all_that_descends_from_it() {
    let fixture = Fixture::new();
    let other = |number, parent| {
        let mut rows = users_rows();
        let table = rows.define(table("Other \"table\"", &[("n", DataType::Int64)]));
        rows.push(table, &[Cell::Int64(number as i64)]).unwrap();
        input(number, parent, rows)
    };
    fixture.run(&[
        other(0, None),
        other(1, Some(0)),
        other(2, Some(1)),
        other(3, None),
    ]);
    let mut anew = other(0, None);
    anew.replaces = vec![1];
    fixture.run(&[anew]);
    fixture.check();
    let ids = fixture.query("SELECT id FROM _wadup_inputs ORDER BY id");
    assert_eq!(ids, ["Integer(4)", "Integer(5)"]);
    for table in ["users", "\"Other \"\"table\"\"\"", "_wadup_outcomes"] {
        let sql = format!("SELECT DISTINCT input_id FROM {table} ORDER BY 1");
        assert_eq!(fixture.query(&sql), ids, "{table}");
    }
}

/// Someone who does `sql`, and then a run that replaces an input.
fn replaced_after(sql: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows())]);
    let connection = Connection::open(fixture.path()).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let mut anew = input(0, None, Rows::new());
    anew.replaces = vec![1];
    fixture.run(&[anew]);
    fixture.check();
    fixture
}

#[test]
fn rows_are_replaced_in_a_table_that_somebody_has_changed() {
    for change in [
        "ALTER TABLE users ADD COLUMN note BLOB",
        "ALTER TABLE users RENAME COLUMN input_id TO source",
    ] {
        let fixture = replaced_after(change);
        assert!(fixture.query("SELECT * FROM users").is_empty(), "{change}");
    }
}

#[test]
fn what_somebody_has_copied_stays() {
    let fixture = replaced_after("CREATE TABLE copy AS SELECT input_id, name FROM users");
    assert_eq!(fixture.query("SELECT count(*) FROM copy"), ["Integer(2)"]);
}

#[test]
fn a_table_that_somebody_has_renamed_leaves_room_for_another() {
    let fixture = Fixture::new();
    for number in 0..3 {
        fixture.run(&[input(0, None, users_rows())]);
        let rename = format!("ALTER TABLE users RENAME TO users_{number}");
        let connection = Connection::open(fixture.path()).unwrap();
        connection.execute_batch(&rename).unwrap();
    }
    fixture.check();
    let indexes = "SELECT name FROM sqlite_schema WHERE name LIKE '%index_users%' ORDER BY rowid";
    assert_eq!(
        fixture.query(indexes),
        [
            r#"Text("_wadup_index_users")"#,
            r#"Text("_wadup_index_users_2")"#,
            r#"Text("_wadup_index_users_3")"#,
        ]
    );
}

#[test]
fn a_batch_that_fails_replaces_nothing() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows())]);
    let mut sink = fixture.open();
    sink.begin_run(&start()).unwrap();
    let mut anew = input(0, None, users_rows());
    anew.replaces = vec![1];
    sink.commit(&batch([anew.clone(), anew])).unwrap_err();
    drop(sink);
    fixture.check();
    assert_eq!(fixture.query("SELECT count(*) FROM users"), ["Integer(2)"]);
}

/// The tables as wadup made them before it could go on from a run.
#[test]
fn a_database_of_format_1_is_brought_up_to_date() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows()), input(1, Some(0), Rows::new())]);
    fixture.run(&[input(2, None, users_rows())]);
    Connection::open(fixture.path())
        .unwrap()
        .execute_batch(
            "DROP VIEW _wadup_failures;
             DROP VIEW _wadup_paths;
             ALTER TABLE _wadup_inputs DROP COLUMN finished_at;
             ALTER TABLE _wadup_inputs DROP COLUMN tree_complete;
             UPDATE _wadup_runs SET ended = NULL WHERE id = 2;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    assert!(entries(&fixture, "folder/0.txt")[0].is_complete);
    assert!(!entries(&fixture, "folder/2.txt")[0].is_complete);
    assert_eq!(fixture.query("PRAGMA user_version"), ["Integer(3)"]);
    assert_eq!(
        fixture.query("SELECT count(*), count(finished_at) FROM _wadup_inputs"),
        ["Integer(3) | Integer(0)"]
    );
    fixture.check();
}

#[test]
fn views_say_where_rows_are_from_and_what_failed() {
    let fixture = Fixture::new();
    let mut failed = input(2, Some(1), Rows::new());
    failed.outcomes[0].status = Status::Raised;
    failed.outcomes[0].error_kind = Some("ValueError".to_owned());
    fixture.run(&[
        input(0, None, users_rows()),
        input(1, Some(0), Rows::new()),
        failed,
    ]);
    insta::assert_snapshot!(
        fixture
            .query("SELECT root_path, path, depth FROM _wadup_paths ORDER BY input_id")
            .join("\n"),
        @r#"
    Text("folder/0.txt") | Text("folder/0.txt") | Integer(0)
    Text("folder/0.txt") | Text("folder/1.txt") | Integer(1)
    Text("folder/0.txt") | Text("folder/2.txt") | Integer(2)
    "#
    );
    insta::assert_snapshot!(
        fixture.query("SELECT * FROM _wadup_failures").join("\n"),
        @r#"Integer(3) | Text("folder/0.txt") | Text("folder/2.txt") | Text("demo") | Text("raised") | Text("ValueError") | Null | Null"#
    );
    let joined = "SELECT path, name FROM users JOIN _wadup_paths USING (input_id) WHERE age = 30";
    assert_eq!(
        fixture.query(joined),
        [r#"Text("folder/0.txt") | Text("Ann")"#]
    );
}

#[test]
fn what_is_opened_to_be_read_cannot_be_changed() {
    let fixture = Fixture::new();
    fixture.run(&[input(0, None, users_rows())]);
    let before = fs::read(fixture.path()).unwrap();
    let results = read_results(fixture.path()).unwrap();
    let count = results.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(2));
    for statement in [
        "DELETE FROM users",
        "CREATE TABLE more (a)",
        "PRAGMA user_version = 9",
    ] {
        results.execute_batch(statement).expect_err(statement);
    }
    drop(results);
    assert_eq!(fs::read(fixture.path()).unwrap(), before);
    assert_eq!(fs::read_dir(fixture.folder.path()).unwrap().count(), 1);
}

#[test]
fn only_results_can_be_read() {
    let fixture = Fixture::new();
    let refused = || read_results(fixture.path()).expect_err("it is no database of results");
    assert!(matches!(refused(), OpenError::Missing { .. }));
    fs::write(fixture.path(), "").unwrap();
    assert!(matches!(refused(), OpenError::NotADatabase { .. }));
    fs::remove_file(fixture.path()).unwrap();
    fixture.run(&[]);
    let connection = Connection::open(fixture.path()).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    assert!(matches!(refused(), OpenError::Older { .. }));
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused(), OpenError::Newer { .. }));
}
