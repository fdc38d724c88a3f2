//! `--watch`: once more whenever something has changed.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use notify_debouncer_full::{
    DebounceEventResult, Debouncer, RecommendedCache, new_debouncer,
    notify::{self, EventKind, RecommendedWatcher, RecursiveMode, event::ModifyKind},
};

use super::interrupt::Interrupt;
use crate::{
    diagnostics::{self, Failure},
    exit_code::ExitCode,
    reporters::WatchReporter,
    settings::Watched,
};

/// An editor's save is several changes: how long none must have come.
const QUIET: Duration = Duration::from_millis(150);

/// Does the work now and after each change, until it is interrupted. What can be wrong with a
/// project is mended while this waits; anything else ends it if the first time fails.
pub(super) fn repeat(
    interrupt: &Interrupt,
    reporter: &WatchReporter,
    watched: impl Fn() -> Watched,
    work: impl Fn() -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let mut listener = Listener::new().map_err(|error| cannot_listen(&error))?;
    let mut is_first = true;
    loop {
        // Before the work, during which there may be changes.
        let watched = watched();
        listener.listen_to(&watched);
        let begun = Instant::now();
        let worked = work();
        interrupt.waiting();
        match &worked {
            Ok(ExitCode::Interrupted) => return worked,
            Err(failure) if is_first && failure.exit_code() != ExitCode::Build => return worked,
            Err(failure) => reporter.failed(failure),
            Ok(_) => {}
        }
        is_first = false;
        reporter.waiting(begun.elapsed(), worked.is_ok());
        reporter.changed(&listener.wait(&watched)?);
    }
}

/// Hears of changes in folders.
struct Listener {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    changes: Receiver<DebounceEventResult>,
    folders: BTreeMap<PathBuf, RecursiveMode>,
}

impl Listener {
    fn new() -> notify::Result<Self> {
        let (sender, changes) = mpsc::channel();
        Ok(Self {
            debouncer: new_debouncer(QUIET, None, sender)?,
            changes,
            folders: BTreeMap::new(),
        })
    }

    /// Listens to these folders from now on. One that is gone, or that the system has no room to
    /// watch, is warned of.
    fn listen_to(&mut self, watched: &Watched) {
        let wanted = watched.folders();
        let old: Vec<PathBuf> = self
            .folders
            .iter()
            .filter(|(folder, mode)| wanted.get(*folder) != Some(mode))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in old {
            // It may be gone, and its watch with it.
            let _ = self.debouncer.unwatch(&folder);
            self.folders.remove(&folder);
        }
        for (folder, mode) in wanted {
            if self.folders.contains_key(folder) {
                continue;
            }
            match self.debouncer.watch(folder, *mode) {
                Ok(()) => {
                    self.folders.insert(folder.clone(), *mode);
                }
                Err(error) => diagnostics::warn(&format!("some changes go unnoticed: {error}")),
            }
        }
    }

    /// Waits until something has changed that matters, and tells what.
    fn wait(&mut self, watched: &Watched) -> Result<Vec<PathBuf>, Failure> {
        loop {
            let Ok(changes) = self.changes.recv() else {
                return Err(Failure::new(ExitCode::Internal, "hear of changes"));
            };
            let mut paths = match changes {
                Ok(events) => {
                    let events = events.into_iter().map(|event| event.event);
                    self.changed(events.collect())
                }
                // Such as a queue that was full: something has changed, nobody knows what.
                Err(_) => watched.folders().keys().cloned().collect(),
            };
            paths.retain(|path| watched.concerns(path));
            paths.sort();
            paths.dedup();
            if !paths.is_empty() {
                return Ok(paths);
            }
        }
    }

    fn changed(&mut self, events: Vec<notify::Event>) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for event in events {
            match event.kind {
                // That is what we do.
                EventKind::Access(_) => continue,
                // A folder's watch goes with it.
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                    let gone =
                        |folder: &PathBuf| event.paths.iter().any(|it| folder.starts_with(it));
                    self.folders.retain(|folder, _| !gone(folder));
                }
                _ => {}
            }
            paths.extend(event.paths);
        }
        paths
    }
}

fn cannot_listen(error: &notify::Error) -> Failure {
    Failure::new(ExitCode::Internal, "listen to changes of files").because(error)
}
