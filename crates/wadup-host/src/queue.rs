//! The work of a run: inputs that were given, in order, and their sub-content, which goes first.
//!
//! Given inputs come from one thread that is held back while enough are waiting. Sub-content
//! comes from the workers themselves and is never held back: a worker that waited for another
//! to make room could wait for itself. That it goes first, newest first, keeps the number of
//! trees in progress at the number of workers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an idle worker goes without asking whether the run is cancelled.
const PATIENCE: Duration = Duration::from_millis(50);

/// Work of two kinds for any number of workers.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    /// There is work, or there will never be any.
    ready: Condvar,
    /// There is room for given work, or nobody wants it any more.
    room: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    given: VecDeque<T>,
    emitted: Vec<T>,
    /// Pieces of work that were taken and are not done: they may emit more.
    in_hand: usize,
    all_given: bool,
    stopped: bool,
}

/// A piece of work in a worker's hand. Dropping it without [`Task::done`] (a panic) stops the
/// queue.
#[derive(Debug)]
pub(crate) struct Task<'q, T> {
    queue: &'q Queue<T>,
    done: bool,
}

impl<T> Queue<T> {
    /// Holds back who gives while `capacity` pieces are waiting.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                given: VecDeque::new(),
                emitted: Vec::new(),
                in_hand: 0,
                all_given: false,
                stopped: false,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room; `false` if the queue was stopped.
    pub(crate) fn give(&self, work: T) -> bool {
        let mut state = self
            .room
            .wait_while(self.lock(), |state| {
                state.given.len() >= self.capacity && !state.stopped
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return false;
        }
        state.given.push_back(work);
        drop(state);
        self.ready.notify_one();
        true
    }

    /// Nothing more will be given.
    pub(crate) fn all_given(&self) {
        self.lock().all_given = true;
        self.ready.notify_all();
    }

    /// No more work for anybody; what is waiting is dropped.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let waiting = (
            std::mem::take(&mut state.given),
            std::mem::take(&mut state.emitted),
        );
        drop(state);
        drop(waiting);
        self.ready.notify_all();
        self.room.notify_all();
    }

    /// Waits for work; `None` when there will be none. `cancelled` is asked now and then, and
    /// stops the queue for everybody.
    pub(crate) fn take(&self, cancelled: impl Fn() -> bool) -> Option<(T, Task<'_, T>)> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if cancelled() {
                drop(state);
                self.stop();
                return None;
            }
            if let Some(work) = state.emitted.pop() {
                state.in_hand += 1;
                return Some((work, Task::of(self)));
            }
            if let Some(work) = state.given.pop_front() {
                state.in_hand += 1;
                drop(state);
                self.room.notify_one();
                return Some((work, Task::of(self)));
            }
            if state.all_given && state.in_hand == 0 {
                return None;
            }
            state = self
                .ready
                .wait_timeout(state, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl<'q, T> Task<'q, T> {
    fn of(queue: &'q Queue<T>) -> Self {
        Self { queue, done: false }
    }

    /// The work is done and has emitted `more`, the first of which is to be taken first.
    pub(crate) fn done(mut self, more: Vec<T>) {
        self.done = true;
        let mut state = self.queue.lock();
        state.in_hand -= 1;
        if !state.stopped {
            state.emitted.extend(more.into_iter().rev());
        }
        let idle = state.in_hand == 0 && state.all_given;
        let several = state.emitted.len() > 1;
        drop(state);
        if idle || several {
            self.queue.ready.notify_all();
        }
    }
}

impl<T> Drop for Task<'_, T> {
    fn drop(&mut self) {
        if !self.done {
            self.queue.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn emitted_work_goes_first_and_in_order() {
        let queue = Queue::new(10);
        for given in [1, 2] {
            assert!(queue.give(given));
        }
        queue.all_given();
        let mut order = Vec::new();
        while let Some((work, task)) = queue.take(|| false) {
            order.push(work);
            task.done(match work {
                1 => vec![11, 12],
                11 => vec![111],
                _ => vec![],
            });
        }
        assert_eq!(order, [1, 11, 111, 12, 2]);
    }

    /// Every worker emits much more than there is room for.
    #[test]
    fn a_flood_of_emitted_work_blocks_nobody() {
        let queue = Queue::new(1);
        let done = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100 {
                    queue.give(3_u32);
                }
                queue.all_given();
            });
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((depth, task)) = queue.take(|| false) {
                        done.fetch_add(1, Ordering::Relaxed);
                        let more = depth.checked_sub(1).map_or(vec![], |less| vec![less; 5]);
                        task.done(more);
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 100 * (1 + 5 + 25 + 125));
    }

    #[test]
    fn stopping_releases_everybody() {
        let queue = Queue::new(1);
        std::thread::scope(|scope| {
            let giver = scope.spawn(|| {
                queue.give(1);
                queue.give(2)
            });
            std::thread::sleep(Duration::from_millis(20));
            queue.stop();
            assert!(!giver.join().unwrap());
            assert!(queue.take(|| false).is_none());
        });
    }

    #[test]
    fn work_that_is_dropped_stops_the_queue() {
        let queue = Queue::new(2);
        queue.give(1);
        queue.give(2);
        drop(queue.take(|| false));
        assert!(queue.take(|| false).is_none());
    }
}
