//! From the workers to the sink: records wait in memory, bounded by their size, until one
//! thread commits them in batches. A transaction is open only while a batch is written.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wadup_sink::{Batch, InputRecord, SinkError, TableSink};

use crate::events::{Event, Reporter};
use crate::summary::Tally;

/// How many bytes of records may wait; a worker that has more waits itself.
const CAPACITY: usize = 64 << 20;
/// A batch is committed when it is this large, or this old.
const BATCH: usize = 16 << 20;
const BATCH_AGE: Duration = Duration::from_millis(200);
/// What a record costs apart from its texts and rows.
const OVERHEAD: usize = 512;

/// Records on their way to the sink.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Batch,
    size: usize,
    closed: bool,
    failed: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room; `false` if the sink has failed. A record that is larger than all the
    /// room there is waits until it is alone. `completes` is the number of the input whose tree
    /// is complete with this record.
    pub(crate) fn send(&self, record: InputRecord, completes: Option<u64>) -> bool {
        let size = size(&record);
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                !state.failed && state.size > 0 && state.size + size > CAPACITY
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.failed {
            return false;
        }
        state.size += size;
        let wake = state.waiting.inputs.is_empty() || state.size >= BATCH;
        state.waiting.inputs.push(record);
        state.waiting.complete_trees.extend(completes);
        drop(state);
        if wake {
            self.changed.notify_all();
        }
        true
    }

    /// The tree of an input is complete: all of its records have been sent.
    pub(crate) fn complete(&self, tree: u64) {
        let mut state = self.lock();
        state.waiting.complete_trees.push(tree);
        drop(state);
        self.changed.notify_all();
    }

    /// Nothing more will be sent.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn fail(&self) {
        let mut state = self.lock();
        state.failed = true;
        state.waiting = Batch::default();
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until a batch is large or old enough; empty when nothing more will come.
    fn batch(&self) -> Batch {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                is_empty(&state.waiting) && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let due = Instant::now() + BATCH_AGE;
        while !state.closed && state.size < BATCH {
            let Some(left) = due.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let batch = std::mem::take(&mut state.waiting);
        state.size = 0;
        drop(state);
        self.changed.notify_all();
        batch
    }
}

/// Commits what comes out of `outbox` until it is closed and empty.
pub(crate) fn write(
    outbox: &Outbox,
    sink: &mut dyn TableSink,
    reporter: &dyn Reporter,
) -> Result<Tally, SinkError> {
    let mut tally = Tally::default();
    loop {
        let batch = outbox.batch();
        if is_empty(&batch) {
            return Ok(tally);
        }
        if let Err(error) = sink.commit(&batch) {
            outbox.fail();
            return Err(error);
        }
        let rows = batch.inputs.iter().map(rows).sum();
        for input in &batch.inputs {
            tally.input(input);
        }
        reporter.report(&Event::Committed {
            inputs: batch.inputs.len() as u64,
            rows,
        });
    }
}

fn is_empty(batch: &Batch) -> bool {
    batch.inputs.is_empty() && batch.complete_trees.is_empty()
}

fn rows(input: &InputRecord) -> u64 {
    input
        .outcomes
        .iter()
        .map(|outcome| outcome.rows.len())
        .sum()
}

fn size(input: &InputRecord) -> usize {
    let outcomes = input.outcomes.iter().map(|outcome| {
        let texts = [&outcome.error_kind, &outcome.message, &outcome.traceback];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        OVERHEAD + texts + outcome.stdout.len() + outcome.stderr.len() + outcome.rows.size()
    });
    OVERHEAD + input.path.len() + outcomes.sum::<usize>()
}
