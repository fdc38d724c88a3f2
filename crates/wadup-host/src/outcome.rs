//! From how an execution ended to what is kept of it.

use wadup_engine::{End, Finished, Limit};
use wadup_sink::{OutcomeRecord, Rows, Status};
use wadup_wasi::WasiCtx;

use crate::inputs::Unreadable;
use crate::intake::{Delivery, Trouble};
use crate::schema::{Disagreement, Schema};

/// The status of an outcome and what is said about it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) traceback: Option<String>,
}

/// What cannot be an outcome.
#[derive(Debug)]
pub(crate) enum NoOutcome {
    /// It was interrupted because the run ends.
    Interrupted,
    /// What the guest handed over could not be kept.
    NotSpooled(std::io::Error),
    /// The host failed.
    HostFailed(String),
}

impl Verdict {
    pub(crate) fn completed() -> Self {
        Self {
            status: Status::Completed,
            kind: None,
            message: None,
            traceback: None,
        }
    }

    fn failed(status: Status, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: Some(kind.into()),
            message: Some(message.into()),
            traceback: None,
        }
    }

    fn limit(kind: &'static str, message: impl Into<String>) -> Self {
        Self::failed(Status::LimitExceeded, kind, message)
    }

    pub(crate) fn unreadable(why: &Unreadable) -> Self {
        Self::failed(Status::Unreadable, why.kind(), why.to_string())
    }

    pub(crate) fn too_deep(max_depth: u32) -> Self {
        Self::limit(
            "depth",
            format!("sub-content is nested deeper than {max_depth} (--max-depth)"),
        )
    }

    /// What is kept when nothing was executed.
    pub(crate) fn without_execution(&self, artifact: usize) -> OutcomeRecord {
        OutcomeRecord {
            artifact,
            status: self.status,
            error_kind: self.kind.clone(),
            message: self.message.clone(),
            traceback: None,
            stdout: String::new(),
            stderr: String::new(),
            output_dropped: 0,
            duration: std::time::Duration::ZERO,
            peak_memory: 0,
            rows: Rows::new(),
            rows_dropped: 0,
            subcontent_dropped: 0,
        }
    }

    /// The verdict on an execution that has ended. `changed` tells whether its input is no
    /// longer what it was when it was opened.
    pub(crate) fn on(
        finished: &Finished,
        delivery: &mut Delivery,
        changed: bool,
        schema: &Schema,
    ) -> Result<Self, NoOutcome> {
        // First: it ends the guest, which must not look as if the run had been interrupted.
        if let Some(Trouble::Spool(error)) = delivery
            .trouble
            .take_if(|trouble| matches!(trouble, Trouble::Spool(_)))
        {
            return Err(NoOutcome::NotSpooled(error));
        }
        match &finished.end {
            End::Interrupted if !matches!(delivery.trouble, Some(Trouble::TooMuch(_))) => {
                return Err(NoOutcome::Interrupted);
            }
            End::HostFailed(message) => return Err(NoOutcome::HostFailed(message.clone())),
            _ => {}
        }
        if let Some(error) = finished.wasi.vfs().content_error() {
            let why = Unreadable::from(std::io::Error::new(error.kind(), error.to_string()));
            return Ok(Self::unreadable(&why));
        }
        if changed {
            return Ok(Self::unreadable(&Unreadable::Changed));
        }
        if let Some(Trouble::TooMuch(cap)) = &delivery.trouble {
            return Ok(Self::limit(cap.kind(), cap.to_string()));
        }
        let verdict = Self::on_end(finished, delivery);
        if verdict.status != Status::Completed {
            return Ok(verdict.blame_refusal(finished));
        }
        if let Some(Trouble::Rejected(rejection)) = &delivery.trouble {
            return Ok(Self::rejected(rejection));
        }
        Ok(match schema.agree(delivery.rows.tables()) {
            Ok(()) => verdict,
            Err(Disagreement::Conflict(rejection)) => Self::rejected(&rejection),
            Err(Disagreement::TooManyTables) => Self::limit(
                "tables",
                "the results have as many tables and columns as they may have already",
            ),
        })
    }

    pub(crate) fn on_end(finished: &Finished, delivery: &mut Delivery) -> Self {
        match &finished.end {
            End::Returned(0) | End::Exited(0) => Self::completed(),
            End::Returned(code) => match delivery.failure.take() {
                Some(Ok(failure)) => Self {
                    status: Status::Raised,
                    kind: Some(without_nul(failure.kind)),
                    message: Some(without_nul(failure.message)),
                    traceback: Some(without_nul(failure.traceback)),
                },
                Some(Err(problem)) => Self::failed(
                    Status::Exited,
                    "failure-file",
                    format!(
                        "the guest returned {code}, and its failure file does not parse: {problem}"
                    ),
                ),
                None => Self::failed(
                    Status::Exited,
                    "returned",
                    format!("the guest returned {code}"),
                ),
            },
            End::Exited(code) => Self::failed(
                Status::Exited,
                "exit",
                format!("the guest exited with code {code}"),
            ),
            End::Trapped(trapped) => Self {
                traceback: Some(trapped.backtrace.clone()),
                ..Self::failed(Status::Trapped, trapped.kind, trap_message(trapped))
            },
            End::LimitExceeded(limit) => Self::on_limit(*limit),
            End::NoExport(name) => Self::failed(
                Status::Trapped,
                "no-export",
                format!("the module has no function `{name}` that can be called"),
            ),
            // Both are no outcomes; `on` has seen to it.
            End::Interrupted | End::HostFailed(_) => {
                Self::failed(Status::Trapped, "host", "the host ended the execution")
            }
        }
    }

    fn on_limit(limit: Limit) -> Self {
        match limit {
            Limit::Time => Self::limit("time", "the time limit was reached (--timeout)"),
            Limit::Fuel => Self::limit("fuel", "all fuel was consumed (--fuel)"),
            Limit::Memory => Self::limit("memory", "memory was refused (--max-memory)"),
            Limit::Table => Self::limit("table", "growth of a table was refused"),
        }
    }

    fn rejected(rejection: &crate::rejection::Rejection) -> Self {
        let mut message = rejection.to_string();
        if let Some(hint) = rejection.hint() {
            message = format!("{message}\nhint: {hint}");
        }
        Self::failed(Status::Rejected, rejection.kind(), message)
    }

    /// A guest that was refused memory or space and then failed, failed for that: a Python
    /// `MemoryError` says so, an abort in C cannot.
    pub(crate) fn blame_refusal(self, finished: &Finished) -> Self {
        if self.status == Status::LimitExceeded {
            return self;
        }
        let (kind, limit) = match refusal(finished) {
            Some(refusal) => refusal,
            None => return self,
        };
        let how = match (&self.kind, &self.message) {
            (Some(kind), Some(message)) if self.status == Status::Raised => {
                format!("{kind}: {message}")
            }
            (_, Some(message)) => message.clone(),
            _ => self.status.to_string(),
        };
        Self {
            traceback: self.traceback,
            ..Self::limit(kind, format!("{limit}, and the guest failed: {how}"))
        }
    }
}

fn trap_message(trapped: &wadup_engine::Trapped) -> String {
    match trapped.kind {
        "stack-overflow" => format!("{} (--max-stack)", trapped.message),
        _ => trapped.message.clone(),
    }
}

/// What the guest asked for and did not get.
fn refusal(finished: &Finished) -> Option<(&'static str, &'static str)> {
    match finished.refused {
        Some(Limit::Table) => return Some(("table", "growth of a table was refused")),
        Some(_) => return Some(("memory", "memory was refused (--max-memory)")),
        None => {}
    }
    let refusals = finished.wasi.vfs().refusals();
    if refusals.any() {
        return Some(("files", "space for files was refused (--max-files)"));
    }
    finished
        .wasi
        .ran_out_of_descriptors()
        .then_some(("descriptors", "an open file too many was refused"))
}

/// Stdout, stderr, and how much of them was dropped.
pub(crate) fn output(wasi: &mut WasiCtx) -> (String, String, u64) {
    let (stdout, stderr) = wasi.take_output();
    let dropped = stdout.dropped() + stderr.dropped();
    (
        text(stdout.into_bytes()),
        text(stderr.into_bytes()),
        dropped,
    )
}

/// Bytes that a guest wrote as a text that SQLite's tools show in full.
fn text(bytes: Vec<u8>) -> String {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    without_nul(text)
}

fn without_nul(text: String) -> String {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}"),
        false => text,
    }
}
