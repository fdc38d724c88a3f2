use std::{
    ffi::OsStr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use indicatif::ProgressBar;
use wadup_host::{Event, Inputs, Origin, Reporter, RunSummary, SkipReason};
use wadup_sink::OutcomeRecord;

use super::{
    console::{print, set_bar, set_counting, set_message, set_path, shown, spinner},
    event::RunEvent,
    json_lines::JsonLines,
    outcome,
    summary::{self, Results},
};
use crate::{
    diagnostics::{self, OneLine, display_path, short},
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
    counts: Arc<Counts>,
    /// Names of the artifacts, as outcomes count them.
    artifacts: Mutex<Vec<String>>,
}

/// What there was so far.
#[derive(Debug, Default)]
struct Counts {
    /// All inputs that were given, once they are known.
    given: AtomicU64,
    /// Of those, how many were processed, and how many need not be.
    processed: AtomicU64,
    unchanged: AtomicU64,
    /// Pieces of sub-content.
    emitted: AtomicU64,
}

impl Counts {
    /// All inputs, those to be expected included.
    fn total(&self) -> u64 {
        let known = self.given.load(Ordering::Relaxed) + self.emitted.load(Ordering::Relaxed);
        known.saturating_add(self.expected())
    }

    /// How many pieces of sub-content will come of the inputs that were given and are not
    /// processed yet, if they are like the others.
    fn expected(&self) -> u64 {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let processed = load(&self.processed);
        let ahead = load(&self.given).saturating_sub(processed + load(&self.unchanged));
        let expected = u128::from(ahead) * u128::from(load(&self.emitted));
        (expected / u128::from(processed.max(1))) as u64
    }
}

impl RunReporter {
    pub(crate) fn new(output: RunOutput) -> Self {
        Self {
            progress: spinner(),
            counts: Arc::default(),
            json: output.json.then(JsonLines::to_stdout),
            verbose: output.verbose,
            artifacts: Mutex::default(),
        }
    }

    /// An artifact is about to be loaded; the first time that takes a while.
    pub(crate) fn loading(&self, source: &Path) {
        let source = short(source);
        let message = format!(
            "loading {} (compiled the first time)",
            display_path(&source)
        );
        set_message(&self.progress, &message);
    }

    /// All artifacts are loaded; their names, in the order in which outcomes count them.
    pub(crate) fn loaded<'a>(&self, names: impl Iterator<Item = &'a str>) {
        *self.names() = names.map(str::to_owned).collect();
        set_counting(&self.progress);
    }

    /// Counts the inputs beside the run, for who watches it.
    pub(crate) fn count(self: &Arc<Self>, inputs: &Inputs) {
        if self.progress.is_hidden() {
            return;
        }
        if let Some(count) = inputs.counter() {
            let reporter = Arc::clone(self);
            thread::spawn(move || reporter.expect(count()));
        }
    }

    /// So many inputs were given.
    fn expect(&self, inputs: u64) {
        self.counts.given.store(inputs, Ordering::Relaxed);
        if !self.progress.is_finished() {
            self.progress.set_length(self.counts.total());
            let counts = Arc::clone(&self.counts);
            set_bar(&self.progress, move || counts.expected() > 0);
        }
    }

    /// One input more is done.
    fn advance(&self) {
        // Until all inputs that were given are known, there is no total.
        if self.progress.length().is_some() {
            self.progress.set_length(self.counts.total());
        }
        self.progress.inc(1);
    }

    /// The end: a summary for people, and an event.
    pub(crate) fn finish(&self, summary: &RunSummary, results: &Results<'_>, code: ExitCode) {
        self.progress.finish_and_clear();
        if let Some(json) = &self.json {
            json.write(&RunEvent::finished(summary, results.database, code));
        }
        print(&summary::render(summary, results));
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
            Event::Discovered { inputs } => self.expect(*inputs),
            Event::InputStarted { path, .. } if !self.progress.is_hidden() => {
                let path = display_path(path.as_ref()).to_string();
                set_path(&self.progress, &path);
            }
            Event::InputFinished {
                parent,
                path,
                outcomes,
                children,
                ..
            } => {
                if parent.is_none() {
                    self.counts.processed.fetch_add(1, Ordering::Relaxed);
                }
                self.counts.emitted.fetch_add(*children, Ordering::Relaxed);
                self.advance();
                if self.verbose {
                    self.outcomes(path, outcomes);
                }
            }
            Event::Unchanged { path, .. } => {
                self.counts.unchanged.fetch_add(1, Ordering::Relaxed);
                self.advance();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_that_are_ahead_are_like_those_that_were() {
        let counts = Counts::default();
        assert_eq!(counts.expected(), 0);
        counts.given.store(10, Ordering::Relaxed);
        assert_eq!(counts.expected(), 0);
        counts.processed.store(2, Ordering::Relaxed);
        counts.unchanged.store(5, Ordering::Relaxed);
        counts.emitted.store(200, Ordering::Relaxed);
        assert_eq!(counts.expected(), 300);
        assert_eq!(counts.total(), 510);
        counts.given.store(6, Ordering::Relaxed);
        assert_eq!(counts.expected(), 0);
    }
}
