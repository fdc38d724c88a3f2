//! The thread that makes executions look at the clock.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::EngineWeak;

/// How often a running execution looks at its deadline and at its [`crate::Interrupt`].
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Increments the engine's epoch every [`TICK`] while at least one execution is running, and
/// sleeps otherwise.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    stopped: bool,
}

/// Keeps the ticker ticking.
pub(crate) struct Ticking {
    shared: Arc<Shared>,
}

impl Ticker {
    pub(crate) fn start(engine: EngineWeak) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new()
            .name("wadup-ticker".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.tick(&engine)
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(crate) fn ticking(&self) -> Ticking {
        self.shared.update(|state| state.running += 1);
        Ticking {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn tick(&self, engine: &EngineWeak) {
        while self.wait_for_work() {
            std::thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    }

    /// `false` when the engine is gone.
    fn wait_for_work(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self
            .changed
            .wait_while(state, |state| state.running == 0 && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_idle = state.running == 0;
        change(&mut state);
        if was_idle || state.stopped {
            self.changed.notify_one();
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.shared.update(|state| state.running -= 1);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.update(|state| state.stopped = true);
        if let Some(thread) = self.thread.take() {
            // The thread does nothing that could panic; there is nobody to tell if it did.
            let _ = thread.join();
        }
    }
}
