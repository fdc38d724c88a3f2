use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use wadup_host::Cancel;

use crate::{diagnostics::Failure, exit_code::ExitCode, reporters::RunReporter};

/// Lets Ctrl-C (and SIGTERM, SIGHUP) end a run: the first lets what is running finish, the
/// second stops it, and should even that hang, the third ends the process. What is committed
/// is safe at any time.
pub(super) fn install(cancel: &Cancel, reporter: &Arc<RunReporter>) -> Result<(), Failure> {
    let cancel = cancel.clone();
    let reporter = Arc::clone(reporter);
    let pressed = AtomicU32::new(0);
    ctrlc::set_handler(move || match pressed.fetch_add(1, Ordering::SeqCst) {
        0 => {
            cancel.request();
            reporter.warn("finishing what is running; interrupt again to stop at once");
        }
        1 => {
            cancel.stop();
            reporter.warn("stopping");
        }
        _ => process::exit(ExitCode::Interrupted as i32),
    })
    .map_err(|error| Failure::new(ExitCode::Internal, "handle Ctrl-C").because(&error))
}
