use std::{
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wadup_host::Cancel;

use super::signals;
use crate::{
    diagnostics::{self, Failure},
    exit_code::ExitCode,
    reporters::RunReporter,
};

/// What Ctrl-C (and SIGTERM, SIGHUP) ends. What is committed or cached is safe at any time.
#[derive(Clone, Default)]
pub(super) struct Interrupt(Arc<Mutex<Doing>>);

/// What is going on.
#[derive(Clone, Default)]
enum Doing {
    /// Nothing that would be lost.
    #[default]
    Waiting,
    /// What can be ended at once, once the terminal is as it was.
    Work(Arc<dyn Fn() + Send + Sync>),
    Running {
        cancel: Cancel,
        reporter: Arc<RunReporter>,
        /// How often it has been asked to end.
        asked: u32,
    },
}

impl Interrupt {
    /// Handles signals from now on; once in a process.
    pub(super) fn install() -> Result<Self, Failure> {
        let interrupt = Self::default();
        let handler = interrupt.clone();
        signals::handle(move || handler.signalled())?;
        Ok(interrupt)
    }

    /// The first signal ends it; `clear` leaves the terminal as it was.
    pub(super) fn working(&self, clear: impl Fn() + Send + Sync + 'static) {
        *self.doing() = Doing::Work(Arc::new(clear));
    }

    /// The first signal lets a run finish what it is at, the second stops it, and should even
    /// that hang, the third ends the process.
    pub(super) fn running(&self, cancel: &Cancel, reporter: &Arc<RunReporter>) {
        *self.doing() = Doing::Running {
            cancel: cancel.clone(),
            reporter: Arc::clone(reporter),
            asked: 0,
        };
    }

    pub(super) fn waiting(&self) {
        *self.doing() = Doing::Waiting;
    }

    fn signalled(&self) {
        match &mut *self.doing() {
            Doing::Waiting => end(),
            Doing::Work(clear) => {
                clear();
                diagnostics::warn("interrupted");
                end();
            }
            Doing::Running {
                cancel,
                reporter,
                asked,
            } => {
                *asked += 1;
                match asked {
                    1 => {
                        cancel.request();
                        reporter.warn("finishing what is running; interrupt again to stop at once");
                    }
                    2 => {
                        cancel.stop();
                        reporter.warn("stopping");
                    }
                    _ => end(),
                }
            }
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end() -> ! {
    process::exit(ExitCode::Interrupted as i32)
}

/// For one input, of which nothing is worth keeping once somebody does not want to wait
/// for it: the first ends it, the second ends the process.
pub(super) fn stop_at_once(cancel: &Cancel) -> Result<(), Failure> {
    let cancel = cancel.clone();
    signals::handle(move || match cancel.is_requested() {
        false => cancel.stop(),
        true => end(),
    })
}
