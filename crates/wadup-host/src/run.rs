//! One run: threads, what they share, and how one input is processed.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use wadup_engine::{Limits, Worker};
use wadup_sink::{
    ArtifactRecord, InputRecord, OutcomeRecord, Rows, RunEnd, RunStart, Status, TableSink,
};

use crate::artifact::Artifact;
use crate::cancel::Cancel;
use crate::events::{Event, Reporter};
use crate::host::{Host, RunError};
use crate::inputs::{self, Found, Inputs, Opened, Source, Unreadable};
use crate::intake::Intake;
use crate::outcome::{NoOutcome, Verdict, output};
use crate::queue::Queue;
use crate::sandbox::Sandboxes;
use crate::schema::Schema;
use crate::settings::HostSettings;
use crate::subcontent::{Child, Memory, Piece, Tree};
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

/// An input that was processed by all artifacts.
struct Processed {
    record: InputRecord,
    children: Vec<Child>,
    tree: Arc<Tree>,
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
    sink.begin_run(&RunStart {
        started_at: SystemTime::now(),
        wadup_version: env!("CARGO_PKG_VERSION").to_owned(),
        artifacts: artifacts.iter().map(artifact_record).collect(),
        settings: settings.record(),
    })?;
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
        memory: Arc::default(),
        reporter,
        cancel,
        failure: Mutex::new(None),
    };
    run.discover(inputs)?;
    let mut summary = run.process(host, sink)?;
    summary.cancelled = cancel.is_requested();
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
    ArtifactRecord {
        name: artifact.name().to_owned(),
        version: program.manifest().map(|manifest| manifest.version.clone()),
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
            let writer = scope.spawn(|| {
                let written = writer::write(&self.outbox, sink, self.reporter);
                if written.is_err() {
                    self.queue.stop();
                }
                written
            });
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
            written.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
        while let Some((work, task)) = self.queue.take(|| self.cancel.is_requested()) {
            let more = match work {
                Work::Input(job) => self.input(worker, job),
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

    /// Processes an input, sends off what came of it, and returns its sub-content.
    fn input(&self, worker: &Worker, job: Job) -> Vec<Work> {
        let started = Instant::now();
        self.reporter.report(&Event::InputStarted {
            number: job.number,
            path: &job.path,
        });
        let depth = job.depth;
        let Some(processed) = self.processed(worker, job) else {
            return Vec::new();
        };
        let Processed {
            record,
            children,
            tree,
        } = processed;
        self.reporter.report(&Event::InputFinished {
            number: record.number,
            parent: record.parent,
            path: &record.path,
            size: record.size,
            duration: started.elapsed(),
            outcomes: &record.outcomes,
            children: children.len() as u64,
        });
        let parent = record.number;
        // Before its children are to be had, so that it is also committed before them.
        if !self.outbox.send(record) {
            return Vec::new();
        }
        let number = |children: usize| self.numbers.fetch_add(children as u64, Ordering::Relaxed);
        let first = number(children.len());
        let jobs = children
            .into_iter()
            .zip(first..)
            .map(|(child, number)| Job {
                number,
                parent: Some(parent),
                depth: depth + 1,
                path: child.path,
                origin: Origin::Emitted {
                    piece: child.content,
                    tree: Arc::clone(&tree),
                },
            });
        jobs.map(Work::Input).collect()
    }

    /// `None` if nothing is to be recorded because the run ends.
    fn processed(&self, worker: &Worker, job: Job) -> Option<Processed> {
        let tree = match &job.origin {
            Origin::Given(_) => Arc::new(Tree::new(
                self.settings.caps.subcontent,
                self.settings.caps.subcontent_bytes,
                Arc::clone(&self.memory),
            )),
            Origin::Emitted { tree, .. } => Arc::clone(tree),
        };
        let opened = self.open(&job.origin);
        if self.cancel.interrupt().is_raised() {
            return None;
        }
        let mut record = InputRecord {
            number: job.number,
            parent: job.parent,
            path: job.path,
            size: opened.as_ref().ok().map(|opened| opened.size),
            sha256: opened.as_ref().ok().map(|opened| opened.sha256),
            outcomes: Vec::with_capacity(self.artifacts.len()),
        };
        let verdict = match &opened {
            Err(why) => Some(Verdict::unreadable(why)),
            Ok(_) if job.depth > self.settings.max_depth => {
                Some(Verdict::too_deep(self.settings.max_depth))
            }
            Ok(_) => None,
        };
        let mut children = Vec::new();
        for artifact in 0..self.artifacts.len() {
            let outcome = match (&verdict, &opened) {
                (None, Ok(opened)) => {
                    let path = record.path.clone();
                    self.execute(worker, artifact, path, opened, &tree, &mut children)?
                }
                (verdict, _) => verdict.as_ref()?.without_execution(artifact),
            };
            record.outcomes.push(outcome);
        }
        Some(Processed {
            record,
            children,
            tree,
        })
    }

    fn open(&self, origin: &Origin) -> Result<Opened, Unreadable> {
        let stop = || self.cancel.interrupt().is_raised();
        let spool = self.settings.caps.spooled_input;
        match origin {
            Origin::Given(Source::File { path, follow }) => {
                inputs::open(path, *follow, spool, &stop)
            }
            Origin::Given(Source::Stdin) => inputs::open_stdin(spool, &stop),
            Origin::Given(Source::Unreadable { why, .. }) => Err(why.clone()),
            Origin::Emitted { piece, .. } => inputs::open_piece(piece, &stop),
        }
    }

    /// One artifact on one input, in a sandbox of its own. `None` if it was interrupted or the
    /// host failed.
    fn execute(
        &self,
        worker: &Worker,
        artifact: usize,
        path: OsString,
        opened: &Opened,
        tree: &Arc<Tree>,
        children: &mut Vec<Child>,
    ) -> Option<OutcomeRecord> {
        let sandbox = self.sandboxes[artifact].make(&path, opened.content.source());
        let mut wasi = match sandbox {
            Ok(wasi) => wasi,
            Err(error) => {
                let message = format!("the limit on files is too small for a sandbox: {error}");
                self.fail(RunError::Host { message });
                return None;
            }
        };
        wasi.set_close_handler(Box::new(Intake::new(&self.settings.caps, Arc::clone(tree))));
        let limits = Limits {
            timeout: self.settings.timeout,
            fuel: self.settings.fuel,
            memory: None,
            interrupt: Some(self.cancel.interrupt().clone()),
        };
        let mut finished = self.artifacts[artifact]
            .program()
            .run(worker, wasi, &limits);
        let mut delivery = Intake::collect(&mut finished);
        let changed = opened.content.has_changed();
        let verdict = match Verdict::on(&finished, &mut delivery, changed, &self.schema) {
            Ok(verdict) => verdict,
            Err(NoOutcome::Interrupted) => return None,
            Err(NoOutcome::HostFailed(message)) => {
                self.fail(RunError::Host { message });
                return None;
            }
        };
        let completed = verdict.status == Status::Completed;
        let (rows, dropped) = (delivery.rows, delivery.children);
        let (stdout, stderr, output_dropped) = output(&mut finished.wasi);
        let mut outcome = OutcomeRecord {
            artifact,
            status: verdict.status,
            error_kind: verdict.kind,
            message: verdict.message,
            traceback: verdict.traceback,
            stdout,
            stderr,
            output_dropped,
            duration: finished.usage.duration,
            peak_memory: finished.usage.peak_memory,
            rows: Rows::new(),
            rows_dropped: 0,
            subcontent_dropped: 0,
        };
        if completed {
            outcome.rows = rows;
            children.extend(dropped);
        } else {
            outcome.rows_dropped = rows.len();
            outcome.subcontent_dropped = dropped.len() as u64;
            tree.refund(&dropped);
        }
        Some(outcome)
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
