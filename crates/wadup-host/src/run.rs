//! One run: its threads, and what they share.

mod input;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use wadup_engine::{Kept, Worker};
use wadup_sink::{ArtifactRecord, RunEnd, RunStart, TableSink};

use crate::artifact::Artifact;
use crate::cancel::Cancel;
use crate::events::{Event, Reporter};
use crate::host::{Host, RunError};
use crate::inputs::{Found, Inputs, Source};
use crate::queue::Queue;
use crate::resume::Past;
use crate::sandbox::Sandboxes;
use crate::schema::Schema;
use crate::settings::HostSettings;
use crate::subcontent::{Memory, Piece, Tree};
use crate::summary::RunSummary;
use crate::writer::{self, Outbox};

/// What all workers of a run share.
struct Run<'r> {
    settings: &'r HostSettings,
    artifacts: &'r [Artifact],
    sandboxes: Vec<Sandboxes>,
    schema: Schema,
    queue: Arc<Queue<Work>>,
    outbox: Outbox,
    /// The number of the next input.
    numbers: Arc<AtomicU64>,
    skipped: AtomicU64,
    /// Inputs that earlier runs are done with.
    unchanged: AtomicU64,
    unchanged_failed: AtomicU64,
    past: Option<Past>,
    memory: Arc<Memory>,
    reporter: &'r dyn Reporter,
    cancel: &'r Cancel,
    failure: Mutex<Option<RunError>>,
}

/// What is in the queue.
#[derive(Debug)]
enum Work {
    Input(Job),
    Skipped(Found),
    /// How many inputs were given, or why a list could not be read on.
    Discovered(std::io::Result<u64>),
}

/// An input to be processed.
#[derive(Debug)]
struct Job {
    number: u64,
    parent: Option<u64>,
    depth: u32,
    path: OsString,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Given(Source),
    Emitted { piece: Arc<Piece>, tree: Arc<Tree> },
}

/// What a worker has to itself.
struct Workplace<'w> {
    worker: &'w Worker,
    /// Instances for the next input, where they are reused: that of an artifact is at its
    /// index, modulo their number.
    kept: Vec<Option<Kept>>,
}

/// Runs `inputs` through `artifacts`.
pub(crate) fn run(
    host: &Host,
    artifacts: &[Artifact],
    inputs: Inputs,
    sink: &mut dyn TableSink,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<RunSummary, RunError> {
    let started = Instant::now();
    let settings = host.settings();
    let taken = sink.tables()?;
    let start = RunStart {
        started_at: SystemTime::now(),
        wadup_version: env!("CARGO_PKG_VERSION").to_owned(),
        artifacts: artifacts.iter().map(artifact_record).collect(),
        settings: settings.record(),
    };
    let past = match settings.resume {
        Some(resume) => Some(Past::new(
            resume,
            sink.ledger()?,
            &start.artifacts,
            &start.settings,
        )?),
        None => None,
    };
    sink.begin_run(&start)?;
    let run = Run {
        settings,
        artifacts,
        sandboxes: artifacts
            .iter()
            .map(|artifact| Sandboxes::new(settings, artifact))
            .collect(),
        schema: Schema::new(taken, settings.caps.total_tables),
        queue: Arc::new(Queue::new(QUEUE_PER_JOB * settings.jobs.get() as usize)),
        outbox: Outbox::default(),
        numbers: Arc::default(),
        skipped: AtomicU64::new(0),
        unchanged: AtomicU64::new(0),
        unchanged_failed: AtomicU64::new(0),
        past,
        memory: Arc::default(),
        reporter,
        cancel,
        failure: Mutex::new(None),
    };
    run.discover(inputs)?;
    let mut summary = run.process(host, sink)?;
    summary.cancelled = cancel.is_requested();
    // It reads the sink.
    drop(run);
    sink.finish_run(&RunEnd {
        finished_at: SystemTime::now(),
        cancelled: summary.cancelled,
    })?;
    summary.duration = started.elapsed();
    Ok(summary)
}

/// How many given inputs wait for each worker.
const QUEUE_PER_JOB: usize = 16;

fn artifact_record(artifact: &Artifact) -> ArtifactRecord {
    let program = artifact.program();
    let manifest = program.manifest();
    ArtifactRecord {
        name: artifact.name().to_owned(),
        version: manifest.map(|manifest| manifest.version.clone()),
        manifest: manifest.and_then(|manifest| serde_json::to_value(manifest).ok()),
        digest: program.digest(),
    }
}

impl Run<'_> {
    /// Starts the thread that finds the inputs. It is not waited for: a list that comes from a
    /// pipe may keep it for ever, also when the run is cancelled.
    fn discover(&self, inputs: Inputs) -> Result<(), RunError> {
        let queue = Arc::clone(&self.queue);
        let numbers = Arc::clone(&self.numbers);
        let work = move || {
            let mut given = 0;
            let discovered = inputs.discover(|found| {
                let work = match found {
                    Found::Input(source) => {
                        given += 1;
                        let number = numbers.fetch_add(1, Ordering::Relaxed);
                        Work::Input(Job::given(number, source))
                    }
                    skipped => Work::Skipped(skipped),
                };
                match queue.give(work) {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            queue.give(Work::Discovered(discovered.map(|()| given)));
            queue.all_given();
        };
        thread::Builder::new()
            .name("wadup-inputs".to_owned())
            .spawn(work)
            .map(drop)
            .map_err(RunError::Thread)
    }

    /// Starts the writer and the workers, and waits for them.
    fn process(&self, host: &Host, sink: &mut dyn TableSink) -> Result<RunSummary, RunError> {
        let tally = thread::scope(|scope| {
            let write = || {
                let written = writer::write(&self.outbox, sink, self.reporter);
                if written.is_err() {
                    self.queue.stop();
                }
                written
            };
            let writer = thread::Builder::new().name("wadup-writer".to_owned());
            let writer = writer.spawn_scoped(scope, write).map_err(|error| {
                self.queue.stop();
                RunError::Thread(error)
            })?;
            let mut workers = Vec::new();
            for number in 0..self.settings.jobs.get() {
                let name = format!("wadup-worker-{number}");
                match host
                    .engine()
                    .spawn_worker(scope, name, |worker| self.work(worker))
                {
                    Ok(handle) => workers.push(handle),
                    Err(error) => {
                        self.fail(RunError::Worker(error));
                        break;
                    }
                }
            }
            let mut panic = None;
            for worker in workers {
                panic = worker.join().err().or(panic);
            }
            self.outbox.close();
            let written = writer.join();
            if let Some(panic) = panic {
                std::panic::resume_unwind(panic);
            }
            let written = written.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            written.map_err(RunError::Sink)
        })?;
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let mut summary = tally.finish();
        summary.skipped = self.skipped.load(Ordering::Relaxed);
        summary.unchanged = self.unchanged.load(Ordering::Relaxed);
        summary.unchanged_failed = self.unchanged_failed.load(Ordering::Relaxed);
        Ok(summary)
    }

    /// Ends the run; what is committed stays.
    fn fail(&self, error: RunError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.queue.stop();
    }

    /// The life of a worker.
    fn work(&self, worker: &Worker) {
        let kept = self.artifacts.len().min(self.settings.kept() as usize);
        let mut workplace = Workplace {
            worker,
            kept: std::iter::repeat_with(|| None).take(kept).collect(),
        };
        while let Some((work, task)) = self.queue.take(|| self.cancel.is_requested()) {
            let more = match work {
                Work::Input(job) => self.input(&mut workplace, job),
                Work::Skipped(found) => {
                    self.skipped(&found);
                    Vec::new()
                }
                Work::Discovered(Ok(inputs)) => {
                    self.reporter.report(&Event::Discovered { inputs });
                    Vec::new()
                }
                Work::Discovered(Err(error)) => {
                    self.fail(RunError::List(error));
                    Vec::new()
                }
            };
            task.done(more);
        }
    }

    fn skipped(&self, found: &Found) {
        if let Found::Skipped { path, reason } = found {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            self.reporter.report(&Event::Skipped {
                path,
                reason: *reason,
            });
        }
    }
}

impl Job {
    fn given(number: u64, source: Source) -> Self {
        Self {
            number,
            parent: None,
            depth: 0,
            path: source.path(),
            origin: Origin::Given(source),
        }
    }
}
