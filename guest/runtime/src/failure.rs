//! Telling the host why a guest fails.

use std::error::Error;
use std::fs;
use std::io::{self, Write};

use wadup_protocol::metadata::Failure;
use wadup_protocol::paths;

/// Writes the failure where the host looks for it. Its text is on stderr already.
pub(crate) fn report(failure: &Failure) {
    let written = serde_json::to_vec(failure)
        .map_err(io::Error::from)
        .and_then(|json| fs::write(paths::FAILURE, json));
    if let Err(error) = written {
        // The host has no `/metadata`, or its quota is used up: the exit status has to do.
        let _ = writeln!(io::stderr(), "failed to write {}: {error}", paths::FAILURE);
    }
}

/// A failure that is not a Python exception: `kind` names the step. Printed to stderr.
pub(crate) fn of_step(kind: &str, error: &dyn Error) -> Failure {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "{kind}: {message}");
    Failure {
        kind: kind.to_owned(),
        message,
        traceback: String::new(),
    }
}
