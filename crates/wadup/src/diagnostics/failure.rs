use std::{error::Error, fmt::Display, io, ops::Range, path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::exit_code::ExitCode;

/// A command that could not do what it was asked to.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    exit_code: ExitCode,
    /// Boxed, as every fallible function passes it on.
    pub(super) report: Box<Report>,
}

/// What to try where an error has nothing better to say.
const DISK_FULL: &str = "make room there, then do the same again";

/// Whether there was no room for a file.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded | FileTooLarge))
}

/// What is said about a failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub(super) action: String,
    pub(super) causes: Vec<String>,
    pub(super) excerpt: Option<Excerpt>,
    pub(super) log: Vec<String>,
    pub(super) hint: Option<String>,
}

/// The place in a text file that is at fault.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    pub(crate) path: PathBuf,
    /// The file's whole text.
    pub(crate) text: Arc<str>,
    /// Byte range into `text`.
    pub(crate) span: Range<usize>,
}

impl Failure {
    /// `action` completes the sentence "failed to …".
    pub(crate) fn new(exit_code: ExitCode, action: impl Display) -> Self {
        Self {
            exit_code,
            report: Box::new(Report {
                action: action.to_string(),
                ..Report::default()
            }),
        }
    }

    /// Adds an error and all its sources as causes.
    pub(crate) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if is_full(error) {
                self.report.hint = Some(DISK_FULL.to_owned());
            }
            let cause = error.to_string();
            // An error that shows its source as itself says nothing new.
            if self.report.causes.last() != Some(&cause) {
                self.report.causes.push(cause);
            }
            next = error.source();
        }
        self
    }

    /// Adds the sources of an error whose own text is the action, or says no more than it.
    pub(crate) fn because_of_sources(self, error: &(dyn Error + 'static)) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    pub(crate) fn because_of(mut self, cause: impl Display) -> Self {
        self.report.causes.push(cause.to_string());
        self
    }

    pub(crate) fn at(mut self, excerpt: Option<Excerpt>) -> Self {
        self.report.excerpt = excerpt;
        self
    }

    /// Adds lines that a program printed: the end of a log, a traceback.
    pub(crate) fn log<'l>(mut self, lines: impl IntoIterator<Item = &'l str>) -> Self {
        self.report.log.extend(lines.into_iter().map(str::to_owned));
        self
    }

    pub(crate) fn hint(mut self, hint: Option<impl Display>) -> Self {
        if let Some(hint) = hint {
            self.report.hint = Some(hint.to_string());
        }
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.exit_code
    }

    /// One of several things that are wrong, for a program.
    pub(crate) fn to_problem(&self) -> impl Serialize {
        let report = &self.report;
        let place = report.excerpt.as_ref().map(|excerpt| {
            let before = &excerpt.text[..excerpt.text.floor_char_boundary(excerpt.span.start)];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            serde_json::json!({
                "path": excerpt.path.to_string_lossy(),
                "line": before.matches('\n').count() + 1,
                "column": before[line_start..].chars().count() + 1,
            })
        });
        serde_json::json!({
            "event": "problem",
            "message": report.causes.first(),
            "causes": report.causes.get(1..),
            "place": place,
            "hint": report.hint,
        })
    }

    /// The same for a program: the event that `--json` ends with.
    pub(crate) fn to_event(&self) -> impl Serialize {
        let report = &self.report;
        serde_json::json!({
            "event": "error",
            "message": format!("failed to {}", report.action),
            "causes": report.causes,
            "hint": report.hint,
            "exit_code": self.exit_code as u8,
        })
    }
}
