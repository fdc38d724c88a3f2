use std::{
    io::{self, LineWriter, Stdout, Write as _},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

use crate::diagnostics::JsonText;

/// Events on stdout, one JSON object a line (<https://jsonlines.org>).
#[derive(Debug)]
pub(crate) struct JsonLines {
    /// None once nobody reads any more.
    out: Mutex<Option<LineWriter<Stdout>>>,
}

impl JsonLines {
    pub(crate) fn to_stdout() -> Self {
        Self {
            out: Mutex::new(Some(LineWriter::new(io::stdout()))),
        }
    }

    /// Writes an event. When the reader went away (`| head`), this and all that follow are
    /// dropped: the work itself goes on, what it is for is in files.
    pub(crate) fn write(&self, event: &impl Serialize) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = out.as_mut() else { return };
        let written = serde_json::to_string(event)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(writer, "{}", JsonText(&json)));
        if written.is_err() {
            *out = None;
        }
    }
}
