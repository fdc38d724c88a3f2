//! Databases with results that a page has to cope with.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "not every test program uses everything"
)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use wadup_protocol::metadata::{Column, DataType, Table};
use wadup_report::{Limits, Report};
use wadup_sink::{
    ArtifactRecord, Batch, Cell, InputRecord, OutcomeRecord, Rows, RunEnd, RunStart, SqliteSink,
    Status, TableSink, read_results,
};

/// Text of a guest that would like to be markup.
pub const HOSTILE: &str = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";

pub struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn run(&self, inputs: Vec<InputRecord>, ended: bool) {
        let mut sink = SqliteSink::open(self.path("results.db")).expect("a database");
        sink.begin_run(&RunStart {
            started_at: at(0),
            wadup_version: "0.1.0".to_owned(),
            artifacts: vec![ArtifactRecord {
                name: "demo".to_owned(),
                version: Some("1.0".to_owned()),
                digest: "abc123".to_owned(),
                manifest: Some(serde_json::json!({
                    "python": "3.13.5", "entry_point": "demo", "start": "snapshot",
                    "packages": {"pydantic": "2.12.5"}, "extensions": ["pydantic-core"],
                    "hash_seed": 7,
                })),
            }],
            settings: serde_json::json!({"max_depth": 8}),
        })
        .expect("a run");
        sink.commit(&Batch {
            complete_trees: Vec::new(),
            inputs,
        })
        .expect("a batch");
        if ended {
            sink.finish_run(&RunEnd {
                finished_at: at(60),
                cancelled: false,
            })
            .expect("an end");
        }
    }

    pub fn report(&self, limits: Limits) -> Report {
        let mut results = read_results(self.path("results.db")).expect("results");
        Report::read(&mut results, "results.db", limits).expect("a report")
    }

    /// Makes the page, and says where it is.
    pub fn page(&self, limits: Limits) -> PathBuf {
        let path = self.path("report.html");
        std::fs::write(&path, self.report(limits).to_html()).expect("a page");
        path
    }
}

/// Seconds after some moment.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

pub fn input(number: u64, parent: Option<u64>, path: &str, outcome: OutcomeRecord) -> InputRecord {
    InputRecord {
        number,
        parent,
        path: path.into(),
        size: Some(2048),
        sha256: Some([0xab; 32]),
        finished_at: at(number),
        replaces: Vec::new(),
        outcomes: vec![outcome],
    }
}

pub fn completed(rows: Rows) -> OutcomeRecord {
    OutcomeRecord {
        artifact: 0,
        status: Status::Completed,
        error_kind: None,
        message: None,
        traceback: None,
        stdout: String::new(),
        stderr: String::new(),
        output_dropped: 0,
        duration: Duration::from_micros(1500),
        peak_memory: 65536,
        rows,
        rows_dropped: 0,
        subcontent_dropped: 0,
    }
}

pub fn raised(kind: &str, message: &str) -> OutcomeRecord {
    OutcomeRecord {
        status: Status::Raised,
        error_kind: Some(kind.to_owned()),
        message: Some(message.to_owned()),
        traceback: Some(format!(
            "Traceback (most recent call last):\n{kind}: {message}"
        )),
        stdout: "printed \u{1b}[31mred\n".to_owned(),
        rows_dropped: 3,
        ..completed(Rows::new())
    }
}

pub fn people(people: &[(&str, Option<i64>)]) -> Rows {
    let mut rows = Rows::new();
    let column = |name: &str, data_type| Column {
        name: name.to_owned(),
        data_type,
    };
    let table = rows.define(Table {
        name: "people".to_owned(),
        columns: vec![
            column("name", DataType::String),
            column("age", DataType::Int64),
        ],
    });
    for (name, age) in people {
        let age = age.map_or(Cell::Null, Cell::Int64);
        rows.push(table, &[Cell::String(name), age]).expect("a row");
    }
    rows
}

/// A run that had some of everything.
pub fn sample() -> Fixture {
    let fixture = Fixture::new();
    let mut odd = input(4, None, "", raised("KeyError", "'id'"));
    odd.path = OsString::from_vec(b"/data/caf\xe9.json".to_vec());
    fixture.run(
        vec![
            input(
                0,
                None,
                "/data/box.zip",
                completed(people(&[("Ann", Some(30))])),
            ),
            input(
                1,
                Some(0),
                "inner/Bob.json",
                completed(people(&[("Bob", None)])),
            ),
            input(2, Some(1), "deep.json", raised("ValueError", HOSTILE)),
            input(
                3,
                None,
                "/data/large.json",
                completed(people(&[(HOSTILE, Some(i64::MAX))])),
            ),
            odd,
        ],
        true,
    );
    fixture
}
