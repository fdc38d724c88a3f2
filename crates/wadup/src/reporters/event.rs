//! Events of a run as JSON. Their form is documented in `docs/reference/cli.md`.

use std::{collections::BTreeMap, ffi::OsStr, path::Path, time::Duration};

use serde::Serialize;
use wadup_host::{Event, RunSummary};
use wadup_sink::{OutcomeRecord, Status};

use crate::exit_code::ExitCode;

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum RunEvent<'a> {
    ArtifactLoaded {
        artifact: &'a str,
    },
    InputFinished {
        number: u64,
        parent: Option<u64>,
        #[serde(flatten)]
        path: JsonPath<'a>,
        size: Option<u64>,
        duration_ms: f64,
        outcomes: Vec<JsonOutcome<'a>>,
        children: u64,
    },
    /// An earlier run is done with it.
    InputUnchanged {
        number: u64,
        #[serde(flatten)]
        path: JsonPath<'a>,
        failed: bool,
    },
    /// What these inputs came to is in the database.
    Committed {
        inputs: u64,
        rows: u64,
    },
    RunFinished {
        #[serde(flatten)]
        database: JsonPath<'a>,
        inputs: u64,
        children: u64,
        failed_inputs: u64,
        unchanged_inputs: u64,
        unchanged_failed_inputs: u64,
        outcomes: &'a BTreeMap<Status, u64>,
        rows: &'a BTreeMap<String, u64>,
        rows_dropped: u64,
        duration_ms: f64,
        cancelled: bool,
        exit_code: u8,
    },
}

/// A path as text; its bytes too where it is not UTF-8.
#[derive(Debug, Serialize)]
pub(super) struct JsonPath<'a> {
    path: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<&'a [u8]>,
}

#[derive(Debug, Serialize)]
pub(super) struct JsonOutcome<'a> {
    artifact: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    duration_ms: f64,
    peak_memory: u64,
    rows: u64,
}

impl<'a> RunEvent<'a> {
    /// What programs are told of an event; None for what only people are told.
    pub(super) fn new(event: &Event<'a>, artifacts: &'a [String]) -> Option<Self> {
        match event {
            Event::ArtifactLoaded { name, .. } => Some(Self::ArtifactLoaded { artifact: name }),
            Event::InputFinished {
                number,
                parent,
                path,
                size,
                duration,
                outcomes,
                children,
            } => Some(Self::InputFinished {
                number: *number,
                parent: *parent,
                path: JsonPath::new(path),
                size: *size,
                duration_ms: milliseconds(*duration),
                outcomes: outcomes
                    .iter()
                    .map(|outcome| JsonOutcome::new(outcome, artifacts))
                    .collect(),
                children: *children,
            }),
            Event::Unchanged {
                number,
                path,
                failed,
            } => Some(Self::InputUnchanged {
                number: *number,
                path: JsonPath::new(path),
                failed: *failed,
            }),
            Event::Committed { inputs, rows } => Some(Self::Committed {
                inputs: *inputs,
                rows: *rows,
            }),
            _ => None,
        }
    }

    pub(super) fn finished(
        summary: &'a RunSummary,
        database: &'a Path,
        exit_code: ExitCode,
    ) -> Self {
        Self::RunFinished {
            database: JsonPath::new(database.as_os_str()),
            inputs: summary.inputs,
            children: summary.children,
            failed_inputs: summary.failed_inputs,
            unchanged_inputs: summary.unchanged,
            unchanged_failed_inputs: summary.unchanged_failed,
            outcomes: &summary.outcomes,
            rows: &summary.rows,
            rows_dropped: summary.rows_dropped,
            duration_ms: milliseconds(summary.duration),
            cancelled: summary.cancelled,
            exit_code: exit_code as u8,
        }
    }
}

impl<'a> JsonPath<'a> {
    pub(super) fn new(path: &'a OsStr) -> Self {
        let text = path.to_string_lossy();
        Self {
            path_bytes: path.to_str().is_none().then_some(path.as_encoded_bytes()),
            path: text,
        }
    }
}

impl<'a> JsonOutcome<'a> {
    fn new(outcome: &'a OutcomeRecord, artifacts: &'a [String]) -> Self {
        Self {
            artifact: artifacts.get(outcome.artifact).map_or("", String::as_str),
            status: outcome.status,
            error_kind: outcome.error_kind.as_deref(),
            message: outcome.message.as_deref(),
            duration_ms: milliseconds(outcome.duration),
            peak_memory: outcome.peak_memory,
            rows: outcome.rows.len(),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
