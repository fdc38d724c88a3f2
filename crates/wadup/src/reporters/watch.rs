use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::{
    console::{BOLD, DIM, print, shown},
    event::{JsonPath, milliseconds},
    json_lines::JsonLines,
};
use crate::diagnostics::{self, Failure, columns, display_path, short, wrapped};

/// How many files that have changed are named.
const MOST_FILES: usize = 3;

/// Tells of what `--watch` waits for.
#[derive(Debug)]
pub(crate) struct WatchReporter {
    json: Option<JsonLines>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum WatchEvent<'a> {
    Waiting { duration_ms: f64 },
    Changed { files: Vec<JsonPath<'a>> },
}

impl WatchReporter {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json: json.then(JsonLines::to_stdout),
        }
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        diagnostics::print(failure);
        if let Some(json) = &self.json {
            json.write(&failure.to_event());
        }
    }

    /// The work took so long.
    pub(crate) fn waiting(&self, took: Duration, succeeded: bool) {
        let state = if succeeded { "done in" } else { "failed after" };
        let shown = shown(took);
        print(&format!(
            "{DIM}{state} {shown}; waiting for changes (Ctrl-C ends it){DIM:#}\n"
        ));
        self.write(&WatchEvent::Waiting {
            duration_ms: milliseconds(took),
        });
    }

    pub(crate) fn changed(&self, paths: &[PathBuf]) {
        let names = paths.iter().take(MOST_FILES);
        let names: Vec<String> = names
            .map(|path| display_path(&short(path)).to_string())
            .collect();
        let mut names = names.join(", ");
        let more = paths.len().saturating_sub(MOST_FILES);
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        let names = wrapped(&names, "changed: ".len(), columns());
        print(&format!("\n{BOLD}changed{BOLD:#}: {names}\n"));
        let files = paths.iter().map(|path| JsonPath::new(path.as_os_str()));
        self.write(&WatchEvent::Changed {
            files: files.collect(),
        });
    }

    fn write(&self, event: &WatchEvent<'_>) {
        if let Some(json) = &self.json {
            json.write(event);
        }
    }
}
