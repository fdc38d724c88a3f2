//! From the workers to the sink: records wait in memory, bounded by their size, until one
//! thread commits them in batches. A transaction is open only while a batch is written.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wadup_sink::{InputRecord, SinkError, TableSink};

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
    records: VecDeque<InputRecord>,
    size: usize,
    closed: bool,
    failed: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room; `false` if the sink has failed. A record that is larger than all the
    /// room there is waits until it is alone.
    pub(crate) fn send(&self, record: InputRecord) -> bool {
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
        let wake = state.records.is_empty() || state.size >= BATCH;
        state.records.push_back(record);
        drop(state);
        if wake {
            self.changed.notify_all();
        }
        true
    }

    /// Nothing more will be sent.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn fail(&self) {
        let mut state = self.lock();
        state.failed = true;
        state.records.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until a batch is large or old enough; empty when nothing more will come.
    fn batch(&self) -> Vec<InputRecord> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                state.records.is_empty() && !state.closed
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
        let batch = state.records.drain(..).collect();
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
        if batch.is_empty() {
            return Ok(tally);
        }
        if let Err(error) = sink.commit(&batch) {
            outbox.fail();
            return Err(error);
        }
        let rows = batch.iter().map(rows).sum();
        for input in &batch {
            tally.input(input);
        }
        reporter.report(&Event::Committed {
            inputs: batch.len() as u64,
            rows,
        });
    }
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
