//! What a page shows.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;

use crate::cell::{Cell, Text};
use crate::{ReadError, page, read};

/// How much of a database a page has at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Rows of each table, and inputs.
    pub rows: u32,
    /// Bytes of each text.
    pub text: u32,
    /// Bytes of all rows together.
    pub bytes: u64,
}

impl Default for Limits {
    /// 1,000 rows of each table, 4,000 bytes of each text, 16 MiB in all.
    fn default() -> Self {
        Self {
            rows: 1000,
            text: 4000,
            bytes: 16 << 20,
        }
    }
}

/// What a database has to show. As JSON it is what the page's script reads.
#[derive(Debug, Serialize)]
pub struct Report {
    pub(crate) title: String,
    /// The version of wadup that made the page.
    pub(crate) version: String,
    pub(crate) limits: Limits,
    pub(crate) totals: Totals,
    /// The latest first.
    pub(crate) runs: Vec<Run>,
    /// The most frequent first.
    pub(crate) failures: Vec<Failure>,
    pub(crate) durations: Durations,
    pub(crate) inputs: Vec<Input>,
    pub(crate) tables: Vec<Table>,
}

impl Report {
    /// Reads a database that [`wadup_sink::read_results`](https://docs.rs/wadup-sink) has opened.
    ///
    /// # Errors
    ///
    /// When a query fails.
    pub fn read(
        database: &mut Connection,
        title: impl Into<String>,
        limits: Limits,
    ) -> Result<Self, ReadError> {
        read::report(database, title.into(), limits)
    }

    /// One page that needs nothing else.
    pub fn to_html(&self) -> String {
        page::render(self)
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Totals {
    pub(crate) runs: i64,
    /// Files and sub-content.
    pub(crate) inputs: i64,
    pub(crate) files: i64,
    /// Inputs with an outcome other than `completed`.
    pub(crate) failed: i64,
    pub(crate) rows: i64,
    pub(crate) outcomes: BTreeMap<String, i64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) id: i64,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) ended: Option<String>,
    pub(crate) version: String,
    pub(crate) artifacts: serde_json::Value,
    pub(crate) settings: serde_json::Value,
    pub(crate) inputs: i64,
    pub(crate) failed: i64,
    pub(crate) timeline: Option<Timeline>,
}

/// How many inputs ended when.
#[derive(Debug, Serialize)]
pub(crate) struct Timeline {
    /// Seconds since 1970.
    pub(crate) start: f64,
    /// Seconds for each of the steps.
    pub(crate) step: f64,
    pub(crate) completed: Vec<i64>,
    pub(crate) failed: Vec<i64>,
}

/// Outcomes of one artifact that failed in the same way.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) artifact: String,
    pub(crate) status: String,
    pub(crate) kind: Option<Text>,
    pub(crate) count: i64,
    /// How many different messages there are.
    pub(crate) messages: i64,
    /// The most frequent messages.
    pub(crate) examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Example {
    pub(crate) message: Option<Text>,
    pub(crate) count: i64,
    /// The first input with this message.
    pub(crate) input: i64,
    pub(crate) path: Cell,
    pub(crate) traceback: Option<Text>,
}

/// How long executions took: counts by powers of 10^(1/10).
#[derive(Debug, Serialize)]
pub(crate) struct Durations {
    /// The exponent of the first count: it is of what took from 10^(first / 10) ms on.
    pub(crate) first: i32,
    pub(crate) counts: Vec<i64>,
    pub(crate) longest_ms: f64,
    /// Bytes.
    pub(crate) most_memory: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(crate) id: i64,
    pub(crate) run: i64,
    pub(crate) parent: Option<i64>,
    pub(crate) path: Cell,
    pub(crate) size: Option<i64>,
    pub(crate) sha256: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) outcomes: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) artifact: String,
    pub(crate) status: String,
    pub(crate) kind: Option<Text>,
    pub(crate) message: Option<Text>,
    pub(crate) traceback: Option<Text>,
    pub(crate) stdout: Text,
    pub(crate) stderr: Text,
    pub(crate) duration_ms: f64,
    pub(crate) peak_memory: i64,
    pub(crate) output_dropped: i64,
    pub(crate) rows_dropped: i64,
    pub(crate) subcontent_dropped: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) total: i64,
    /// Each begins with its `input_id`.
    pub(crate) rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) sql_type: String,
}
