//! Running steps: those that are ready run side by side, and share the cores
//! with the makes and cargos that they start through one jobserver.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Instant;

use crate::cache::{Cache, CacheError, StepId, StepRecord, size};
use crate::fetch::Fetcher;
use crate::recipes::Recipes;
use crate::report::{Event, Reporter};
use crate::step::{ActionError, Step, Workbench};
use crate::turns::{Cores, Turn};

/// How many lines of its log a failed step shows.
const TAIL: usize = 30;

/// A step failed.
#[derive(Debug, thiserror::Error)]
#[error("the step `{step}` failed (log: {log})", log = log.display())]
#[non_exhaustive]
pub struct StepError {
    /// The step's name.
    pub step: String,
    /// The file with all that its programs printed.
    pub log: PathBuf,
    /// The last lines of that file.
    pub tail: Vec<String>,
    /// Why it failed.
    #[source]
    pub cause: Box<ActionError>,
}

impl StepError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        self.cause.hint()
    }
}

/// What all steps share.
#[derive(Debug)]
pub(crate) struct Scheduler<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) recipes: &'a Recipes,
    pub(crate) fetcher: &'a Fetcher<'a>,
    pub(crate) reporter: &'a dyn Reporter,
    pub(crate) cores: Cores,
}

impl Scheduler<'_> {
    /// Builds `steps`, which are sorted so that needs come first. After a
    /// failure no further step is begun; those that run are finished and kept.
    pub(crate) fn build(&self, steps: &[&Step]) -> Result<(), StepError> {
        let mut waiting: Vec<&Step> = steps.to_vec();
        let mut open: HashSet<&StepId> = steps.iter().map(|step| &step.id).collect();
        let turns = turns(steps);
        let (sender, finished) = mpsc::channel();
        let mut failure = None;
        std::thread::scope(|scope| {
            let mut running = 0;
            loop {
                if failure.is_none() {
                    let is_ready = |step: &&Step| {
                        let mut needed = step.needs.iter().chain(&step.tools);
                        needed.all(|id| !open.contains(id))
                    };
                    let ready: Vec<&Step> = waiting.extract_if(.., |step| is_ready(step)).collect();
                    for step in ready {
                        let sender = sender.clone();
                        let turn = turns[&step.id];
                        scope.spawn(move || {
                            let result = self.build_step(step, turn);
                            // The receiver outlives the scope.
                            let _ = sender.send((&step.id, result));
                        });
                        running += 1;
                    }
                }
                if running == 0 {
                    break;
                }
                let Ok((id, result)) = finished.recv() else {
                    break;
                };
                running -= 1;
                match result {
                    Ok(()) => {
                        open.remove(id);
                    }
                    Err(error) => failure = failure.take().or(Some(error)),
                }
            }
        });
        failure.map_or(Ok(()), Err)
    }

    fn build_step(&self, step: &Step, turn: Turn) -> Result<(), StepError> {
        let name = &*step.id.name;
        let begun = Instant::now();
        self.reporter.event(Event::Started { step: name });
        let result = self.build_locked(step, turn, begun);
        let duration = begun.elapsed();
        match result {
            Ok(()) => {
                self.reporter.event(Event::Finished {
                    step: name,
                    duration,
                });
                Ok(())
            }
            Err(cause) => {
                self.reporter.event(Event::Failed {
                    step: name,
                    duration,
                });
                let log = self.cache.log(&step.id);
                Err(StepError {
                    step: name.to_owned(),
                    tail: tail(&log),
                    log,
                    cause: Box::new(cause),
                })
            }
        }
    }

    fn build_locked(&self, step: &Step, turn: Turn, begun: Instant) -> Result<(), ActionError> {
        let lock = step.id.to_string();
        let waiting = || {
            self.reporter.event(Event::Waiting {
                step: &step.id.name,
            })
        };
        let _lock = self.cache.lock(&lock, waiting)?;
        if self.cache.has(&step.id) {
            return Ok(());
        }
        for source in &step.sources {
            self.fetcher.ensure(source)?;
        }
        let cores = Path::new("a core");
        let _core = self
            .cores
            .acquire(turn)
            .map_err(CacheError::new("wait for", cores))?;
        let scratch = self.cache.scratch(&lock)?;
        let log = create_log(&self.cache.log(&step.id))?;
        let bench = Workbench {
            step,
            cache: self.cache,
            recipes: self.recipes,
            fetcher: self.fetcher,
            reporter: self.reporter,
            jobs: self.cores.jobs(),
            folder: scratch.path(),
            log: &log,
        };
        for folder in [bench.work(), bench.out()] {
            fs::create_dir(&folder).map_err(ActionError::file("create", &folder))?;
        }
        step.action.run(&bench)?;
        let record = StepRecord {
            size: size(&bench.out()),
            milliseconds: begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        };
        Ok(self.cache.keep(&step.id, &bench.out(), &record)?)
    }
}

/// The turns of `steps`, which are sorted so that needs come first: the longer
/// the chain of steps that wait for a step, the sooner it gets a core.
fn turns<'a>(steps: &[&'a Step]) -> HashMap<&'a StepId, Turn> {
    let mut chains: HashMap<&StepId, usize> = HashMap::new();
    for step in steps.iter().rev() {
        let chain = chains.get(&step.id).copied().unwrap_or(0);
        for needed in step.needs.iter().chain(&step.tools) {
            let longest = chains.entry(needed).or_default();
            *longest = (*longest).max(chain + 1);
        }
    }
    let turn = |(index, step): (usize, &&'a Step)| {
        let chain = chains.get(&step.id).copied().unwrap_or(0);
        (&step.id, (Reverse(chain), index))
    };
    steps.iter().enumerate().map(turn).collect()
}

fn create_log(path: &Path) -> Result<File, CacheError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| File::create(path))
        .map_err(CacheError::new("create", path))
}

/// The last lines of a log.
fn tail(log: &Path) -> Vec<String> {
    let Ok(file) = File::open(log) else {
        return Vec::new();
    };
    let mut lines = std::collections::VecDeque::new();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        if lines.len() == TAIL {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
    lines.into()
}

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "how the other process answers")]
mod tests;
