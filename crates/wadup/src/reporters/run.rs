use std::{
    ffi::OsStr,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::ProgressBar;
use wadup_host::{Event, Origin, Reporter, RunSummary, SkipReason};
use wadup_sink::OutcomeRecord;

use super::{
    console::{print, set_counting, set_length, shown, spinner},
    event::RunEvent,
    json_lines::JsonLines,
    outcome, summary,
};
use crate::{
    diagnostics::{self, OneLine, display_path},
    exit_code::ExitCode,
    settings::RunOutput,
};

/// Tells of a run.
#[derive(Debug)]
pub(crate) struct RunReporter {
    /// Hidden unless stderr is a terminal.
    progress: ProgressBar,
    json: Option<JsonLines>,
    verbose: bool,
    /// Pieces of sub-content so far.
    emitted: AtomicU64,
    /// Names of the artifacts, as outcomes count them.
    artifacts: Mutex<Vec<String>>,
}

impl RunReporter {
    pub(crate) fn new(output: RunOutput) -> Self {
        Self {
            progress: spinner(),
            emitted: AtomicU64::new(0),
            json: output.json.then(JsonLines::to_stdout),
            verbose: output.verbose,
            artifacts: Mutex::default(),
        }
    }

    /// An artifact is about to be loaded; the first time that takes a while.
    pub(crate) fn loading(&self, source: &Path) {
        let message = format!("loading {}", display_path(source));
        self.progress.set_message(message);
    }

    /// All artifacts are loaded; their names, in the order in which outcomes count them.
    pub(crate) fn loaded<'a>(&self, names: impl Iterator<Item = &'a str>) {
        *self.names() = names.map(str::to_owned).collect();
        set_counting(&self.progress);
    }

    /// The end: a summary for people, and an event.
    pub(crate) fn finish(&self, summary: &RunSummary, database: &Path, exit_code: ExitCode) {
        self.progress.finish_and_clear();
        if let Some(json) = &self.json {
            json.write(&RunEvent::finished(summary, database, exit_code));
        }
        print(&summary::render(summary, database));
    }

    pub(crate) fn warn(&self, message: &str) {
        self.progress.suspend(|| diagnostics::warn(message));
    }

    /// Nothing more will be told; the terminal is as it was.
    pub(crate) fn clear(&self) {
        self.progress.finish_and_clear();
    }

    /// Writes lines above the progress bar.
    fn say(&self, text: &str) {
        self.progress.suspend(|| print(text));
    }

    fn outcomes(&self, path: &OsStr, outcomes: &[OutcomeRecord]) {
        let names = self.names();
        let text: String = outcomes
            .iter()
            .map(|record| {
                let artifact = names.get(record.artifact).filter(|_| names.len() > 1);
                outcome::render(path, artifact.map(String::as_str), record)
            })
            .collect();
        drop(names);
        self.say(&text);
    }

    fn tell(&self, event: &Event<'_>) {
        match event {
            Event::ArtifactLoaded {
                name,
                origin: Origin::Compiled { took },
            } if *took > Duration::from_secs(1) => {
                let name = OneLine(name);
                self.say(&format!(
                    "  compiled {name} for this machine in {}, once\n",
                    shown(*took)
                ));
            }
            Event::Discovered { inputs } => {
                let emitted = self.emitted.load(Ordering::Relaxed);
                set_length(&self.progress, inputs + emitted);
            }
            Event::InputStarted { path, .. } => {
                let path = display_path(path.as_ref()).to_string();
                self.progress.set_message(path);
            }
            Event::InputFinished {
                path,
                outcomes,
                children,
                ..
            } => {
                self.emitted.fetch_add(*children, Ordering::Relaxed);
                // It has no length, and stays so, until all inputs are known.
                self.progress.inc_length(*children);
                self.progress.inc(1);
                if self.verbose {
                    self.outcomes(path, outcomes);
                }
            }
            Event::Unchanged { path, .. } => {
                self.progress.inc(1);
                if self.verbose {
                    self.say(&format!("done already: {}\n", display_path(path.as_ref())));
                }
            }
            Event::Skipped {
                path,
                reason: reason @ SkipReason::SymbolicLink,
            } if self.verbose => {
                self.say(&format!("skipped {}: {reason}\n", display_path(path)));
            }
            Event::CacheProblem(problem) => {
                self.warn(&problem.to_string());
            }
            _ => {}
        }
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.artifacts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for RunReporter {
    fn report(&self, event: &Event<'_>) {
        self.tell(event);
        let Some(json) = &self.json else { return };
        if let Some(event) = RunEvent::new(event, &self.names()) {
            json.write(&event);
        }
    }
}
