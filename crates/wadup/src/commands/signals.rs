//! The signals that ask a process to end.

use std::{fs, io, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{diagnostics::Failure, exit_code::ExitCode};

/// Has `act` called for each of them from now on; once in a process. One that is ignored already
/// stays so: that is how `nohup` works, and how shells keep Ctrl-C from what is in the background.
pub(super) fn handle(act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    listen(act).map_err(|error| {
        Failure::new(ExitCode::Internal, "handle Ctrl-C, SIGTERM and SIGHUP").because(&error)
    })
}

fn listen(mut act: impl FnMut() + Send + 'static) -> io::Result<()> {
    let ignored = ignored(&fs::read_to_string("/proc/self/status").unwrap_or_default());
    let mut signals = [SIGINT, SIGTERM, SIGHUP].to_vec();
    signals.retain(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(signals)?;
    thread::Builder::new()
        .name("wadup-signals".to_owned())
        .spawn(move || signals.forever().for_each(|_| act()))
        .map(drop)
}

/// A bit for each signal, from 1 on: <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[test]
fn ignored_signals_are_read() {
    let status = "Name:\twadup\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
    assert_eq!(ignored(status), 1 << (SIGHUP - 1) | 1 << 12);
    assert_eq!(ignored(""), 0);
}
