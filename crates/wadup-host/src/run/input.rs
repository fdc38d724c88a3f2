//! How one input is processed: by every artifact, each in a sandbox of its own.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use wadup_engine::{Finished, Kept, Limits};
use wadup_sink::{InputRecord, OutcomeRecord, Rows, Status};
use wadup_wasi::WasiCtx;

use super::{Job, Origin, Run, Work, Workplace};
use crate::events::Event;
use crate::host::RunError;
use crate::inputs::{self, OpenError, Opened, Source, Unreadable};
use crate::intake::Intake;
use crate::outcome::{NoOutcome, Verdict, output};
use crate::resume::Decision;
use crate::settings::Isolation;
use crate::subcontent::{Child, Tree};

/// An input that was processed by all artifacts.
struct Processed {
    record: InputRecord,
    children: Vec<Child>,
}

impl Run<'_> {
    /// Processes an input, sends off what came of it, and returns its sub-content.
    pub(super) fn input(&self, workplace: &mut Workplace<'_>, job: Job) -> Vec<Work> {
        let started = Instant::now();
        self.reporter.report(&Event::InputStarted {
            number: job.number,
            path: &job.path,
        });
        let depth = job.depth;
        let Some(opened) = self.open(&job.origin) else {
            return Vec::new();
        };
        let Some(replaces) = self.replaces(&job, &opened) else {
            return Vec::new();
        };
        let tree = self.tree(&job, &opened);
        let Some(processed) = self.processed(workplace, job, &opened, &tree) else {
            return Vec::new();
        };
        let Processed {
            mut record,
            children,
        } = processed;
        record.replaces = replaces;
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
        if !self.send(record, children.len(), &tree) {
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

    /// The account that an input is charged to.
    fn tree(&self, job: &Job, opened: &Result<Opened, Unreadable>) -> Arc<Tree> {
        match &job.origin {
            Origin::Given(_) => Arc::new(Tree::new(
                job.number,
                opened.as_ref().map_or(0, |opened| opened.size),
                &self.settings.caps,
                Arc::clone(&self.memory),
            )),
            Origin::Emitted { tree, .. } => Arc::clone(tree),
        }
    }

    /// What an input replaces of earlier runs; `None` if they are done with it, or the sink
    /// failed. Sub-content is as its root is.
    fn replaces(&self, job: &Job, opened: &Result<Opened, Unreadable>) -> Option<Vec<i64>> {
        let (Some(past), None) = (&self.past, job.parent) else {
            return Some(Vec::new());
        };
        let sha256 = opened.as_ref().ok().map(|opened| opened.sha256);
        match past.decide(&job.path, sha256) {
            Ok(Decision::Process { replaces }) => Some(replaces),
            Ok(Decision::Done { failed }) => {
                self.unchanged.fetch_add(1, Ordering::Relaxed);
                self.unchanged_failed
                    .fetch_add(u64::from(failed), Ordering::Relaxed);
                self.reporter.report(&Event::Unchanged {
                    number: job.number,
                    path: &job.path,
                    failed,
                });
                None
            }
            Err(error) => {
                self.fail(error.into());
                None
            }
        }
    }

    /// Sends an input to the sink, and says so if its tree is complete; `false` if the sink has
    /// failed.
    fn send(&self, record: InputRecord, children: usize, tree: &Tree) -> bool {
        tree.add(children);
        let completes = tree.is_last().then_some(tree.root());
        if !self.outbox.send(record, completes) {
            return false;
        }
        // Two may have been sent at the same time, neither of which was the last.
        if tree.sent() && completes.is_none() {
            self.outbox.complete(tree.root());
        }
        true
    }

    /// `None` if nothing is to be recorded because the run ends.
    fn processed(
        &self,
        workplace: &mut Workplace<'_>,
        job: Job,
        opened: &Result<Opened, Unreadable>,
        tree: &Arc<Tree>,
    ) -> Option<Processed> {
        let verdict = match opened {
            Err(why) => Some(Verdict::unreadable(why)),
            Ok(_) if job.depth > self.settings.max_depth => {
                Some(Verdict::too_deep(self.settings.max_depth))
            }
            Ok(_) => None,
        };
        let mut children = Vec::new();
        let mut outcomes = Vec::with_capacity(self.artifacts.len());
        for artifact in 0..self.artifacts.len() {
            let outcome = match (&verdict, opened) {
                (None, Ok(opened)) => {
                    let path = job.path.clone();
                    self.execute(workplace, artifact, path, opened, tree, &mut children)?
                }
                (verdict, _) => verdict.as_ref()?.without_execution(artifact),
            };
            outcomes.push(outcome);
        }
        let record = InputRecord {
            number: job.number,
            parent: job.parent,
            path: job.path,
            size: opened.as_ref().ok().map(|opened| opened.size),
            sha256: opened.as_ref().ok().map(|opened| opened.sha256),
            finished_at: SystemTime::now(),
            replaces: Vec::new(),
            outcomes,
        };
        Some(Processed { record, children })
    }

    /// `None` if nothing is to be recorded because the run ends.
    fn open(&self, origin: &Origin) -> Option<Result<Opened, Unreadable>> {
        let stop = || self.cancel.interrupt().is_raised();
        let spool = self.settings.caps.spooled_input;
        let opened = match origin {
            Origin::Given(Source::File { path, follow }) => {
                inputs::open(path, *follow, spool, &stop)
            }
            Origin::Given(Source::Stdin) => inputs::open_stdin(spool, &stop),
            Origin::Given(Source::Content { bytes, .. }) => Ok(inputs::open_content(bytes)),
            Origin::Given(Source::Unreadable { why, .. }) => Err(why.clone().into()),
            Origin::Emitted { piece, .. } => inputs::open_piece(piece, &stop),
        };
        match opened {
            _ if stop() => None,
            Err(OpenError::NotSpooled(error)) => {
                self.fail(RunError::Spool(error));
                None
            }
            Err(OpenError::Unreadable(why)) => Some(Err(why)),
            Ok(opened) => Some(Ok(opened)),
        }
    }

    /// One artifact on one input, in a sandbox of its own. `None` if it was interrupted or the
    /// host failed.
    fn execute(
        &self,
        workplace: &mut Workplace<'_>,
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
        let mut finished = self.run(workplace, artifact, wasi);
        let mut delivery = Intake::collect(&mut finished);
        let changed = opened.content.has_changed();
        let verdict = match Verdict::on(&finished, &mut delivery, changed, &self.schema) {
            Ok(verdict) => verdict,
            Err(NoOutcome::Interrupted) => return None,
            Err(NoOutcome::NotSpooled(error)) => {
                self.fail(RunError::Spool(error));
                return None;
            }
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
            workplace.forget(artifact);
            outcome.rows_dropped = rows.len();
            outcome.subcontent_dropped = dropped.len() as u64;
            tree.refund(&dropped);
        }
        Some(outcome)
    }

    /// Executes an artifact, in an instance as the isolation asks for.
    fn run(&self, workplace: &mut Workplace<'_>, artifact: usize, wasi: WasiCtx) -> Finished {
        let limits = Limits {
            timeout: self.settings.timeout,
            fuel: self.settings.fuel,
            memory: None,
            interrupt: Some(self.cancel.interrupt().clone()),
        };
        let program = self.artifacts[artifact].program();
        let worker = workplace.worker;
        match self.settings.isolation {
            Isolation::Fresh => program.run(worker, wasi, &limits),
            Isolation::Reuse => {
                program.run_reusing(worker, workplace.instance(artifact), wasi, &limits)
            }
        }
    }
}

impl Workplace<'_> {
    fn instance(&mut self, artifact: usize) -> &mut Option<Kept> {
        let place = artifact % self.kept.len();
        &mut self.kept[place]
    }

    /// Drops the instance of an artifact in which an input did not complete.
    fn forget(&mut self, artifact: usize) {
        *self.instance(artifact) = None;
    }
}
