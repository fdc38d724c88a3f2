//! Who gets the next free core: the step that the longest chain of others waits
//! for.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use jobserver::{Acquired, Client};

/// The cores that steps share with the programs that they start.
#[derive(Debug)]
pub(crate) struct Cores {
    jobs: Client,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// A place in the queue; the least is served first.
pub(crate) type Turn = (Reverse<usize>, usize);

#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeSet<Turn>,
    /// Whether somebody has left the queue and waits for the core itself.
    at_the_counter: bool,
}

impl Cores {
    pub(crate) fn new(number: usize) -> io::Result<Self> {
        Ok(Self {
            jobs: Client::new(number)?,
            queue: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// The jobserver that programs are told of.
    pub(crate) fn jobs(&self) -> &Client {
        &self.jobs
    }

    /// Waits for a core; it is free again when the answer is dropped. No two
    /// callers wait with the same turn.
    pub(crate) fn acquire(&self, turn: Turn) -> io::Result<Acquired> {
        let mut queue = self.lock();
        queue.waiting.insert(turn);
        while queue.at_the_counter || queue.waiting.first() != Some(&turn) {
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        queue.waiting.remove(&turn);
        queue.at_the_counter = true;
        drop(queue);
        let core = self.jobs.acquire();
        self.lock().at_the_counter = false;
        self.changed.notify_all();
        core
    }

    /// The queue; whatever a panicking thread did, each change of it is whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_chain_is_served_first() {
        let cores = Cores::new(1).unwrap();
        let (sender, served) = mpsc::channel();
        std::thread::scope(|scope| {
            let held = cores.acquire((Reverse(9), 0)).unwrap();
            // The first to come waits for the core itself, the others in line.
            for turn in [
                (Reverse(1), 1),
                (Reverse(2), 2),
                (Reverse(5), 3),
                (Reverse(2), 4),
            ] {
                let (sender, cores) = (sender.clone(), &cores);
                scope.spawn(move || {
                    let _core = cores.acquire(turn).unwrap();
                    sender.send(turn.1).unwrap();
                });
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(held);
        });
        drop(sender);
        assert_eq!(served.iter().collect::<Vec<_>>(), [1, 3, 2, 4]);
    }
}
