//! Compares what came of a program with what is expected.

use std::{error::Error, fmt::Write as _};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wadup_build::{BuildError, SnapshotError};
use wadup_protocol::metadata::Value as Cell;
use wadup_sink::{InputRecord, MemorySink, OutcomeRecord, Status};

use crate::{
    expectations::{Expectations, Outcome},
    sandbox::hexadecimal,
};

/// What is not as expected, with all that may tell why.
type Checked = Result<(), String>;

/// A program that was refused when it was built.
pub(crate) fn refusal(error: &BuildError, kind: &str, expected: &Expectations) -> Checked {
    let context = told(error);
    let (found, message, traceback) = match error {
        BuildError::Import { source, .. } => match &**source {
            SnapshotError::Failed(failure) => {
                (&*failure.kind, &*failure.message, &*failure.traceback)
            }
            _ => return Err(context),
        },
        // Found before it is imported, and shown at its place in the project.
        BuildError::Syntax { message, .. } => ("SyntaxError", &**message, ""),
        _ => return Err(context),
    };
    equal("the kind", found, kind, &context)?;
    parts("the message", message, &expected.messages, &context)?;
    match error {
        BuildError::Syntax { line, .. } => {
            let place = expected
                .tracebacks
                .iter()
                .any(|part| part.ends_with(&format!("line {line}")));
            place.then_some(()).ok_or(context)
        }
        _ => parts("the traceback", traceback, &expected.tracebacks, &context),
    }
}

/// A program that was run.
pub(crate) fn run(sink: &MemorySink, expected: &Expectations, wanted: &Outcome) -> Checked {
    let (given, children) = sink.inputs.split_first().ok_or("there is no input")?;
    let [outcome] = &*given.outcomes else {
        return Err(format!("{} outcomes", given.outcomes.len()));
    };
    let context = shown(outcome);
    equal("the outcome", &ended(outcome), wanted, &context)?;
    if outcome.status != Status::Completed {
        let message = outcome.message.as_deref().unwrap_or_default();
        parts("the message", message, &expected.messages, &context)?;
        let traceback = outcome.traceback.as_deref().unwrap_or_default();
        parts("the traceback", traceback, &expected.tracebacks, &context)?;
    }
    lines("stdout", &outcome.stdout, &expected.stdout, &context)?;
    lines("stderr", &outcome.stderr, &expected.stderr, &context)?;
    delivered(outcome, children, expected, &context)
}

/// Two runs of a program, of which no row of `table` may be the same.
pub(crate) fn differs(first: &MemorySink, second: &MemorySink, table: &str) -> Checked {
    let (first, second) = (first.rows(table), second.rows(table));
    if first.is_empty() || first.len() != second.len() {
        return Err(format!("{} rows, then {}", first.len(), second.len()));
    }
    for ((_, one), (_, other)) in first.iter().zip(&second) {
        let name = match one.first() {
            Some(Some(Cell::String(name))) => name,
            _ => return Err(format!("{one:?} has no name")),
        };
        if (one == other) != name.starts_with("same") {
            return Err(format!(
                "{name}: {one:?} in one instance, {other:?} in another"
            ));
        }
    }
    Ok(())
}

/// An error with its causes and the traceback.
pub(crate) fn told(error: &BuildError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, "\n  {error}");
        cause = error.source();
    }
    let _ = write!(text, "\n{}", error.traceback().unwrap_or_default());
    text
}

fn delivered(
    outcome: &OutcomeRecord,
    children: &[InputRecord],
    expected: &Expectations,
    context: &str,
) -> Checked {
    if let Some(count) = expected.row_count {
        equal(
            "the number of rows",
            &outcome.rows.iter().count(),
            &count,
            context,
        )?;
    }
    if let Some(rows) = &expected.rows {
        // As text, for which 1 and 1.0 are different, and so are 0.0 and -0.0.
        equal(
            "the rows",
            &*rows_of(outcome).to_string(),
            &*rows.to_string(),
            context,
        )?;
    }
    let wanted = expected.subcontent.iter().flatten();
    let wanted: Vec<_> = wanted
        .map(|(name, text)| (name.clone(), hexadecimal(&Sha256::digest(text))))
        .collect();
    let found = children.iter().map(|child| {
        let digest = child.sha256.map(|digest| hexadecimal(&digest));
        (
            child.path.to_string_lossy().into_owned(),
            digest.unwrap_or_default(),
        )
    });
    equal("the sub-content", &found.collect(), &wanted, context)
}

fn rows_of(outcome: &OutcomeRecord) -> Value {
    let tables = outcome.rows.tables();
    let rows = outcome.rows.iter().map(|row| {
        let cells = row.cells().map(|cell| match cell {
            wadup_sink::Cell::Null => Value::Null,
            wadup_sink::Cell::Int64(number) => number.into(),
            wadup_sink::Cell::Float64(number) => number.into(),
            wadup_sink::Cell::String(text) => text.into(),
        });
        Value::from(vec![
            Value::from(&*tables[row.table()].name),
            cells.collect(),
        ])
    });
    rows.collect()
}

/// The outcome in the words of the expectations.
fn ended(outcome: &OutcomeRecord) -> Outcome {
    let kind = outcome.error_kind.clone().unwrap_or_default();
    let message = outcome.message.as_deref().unwrap_or_default();
    match outcome.status {
        Status::Completed => Outcome::Completed,
        Status::Raised => Outcome::Raised(kind),
        Status::LimitExceeded => Outcome::LimitExceeded(kind),
        Status::Exited if kind == "exit" => {
            let code = message
                .rsplit(' ')
                .next()
                .and_then(|code| code.parse().ok());
            Outcome::Exited(code.unwrap_or(-1))
        }
        // No program expects it.
        status => Outcome::LimitExceeded(format!("{status}: {kind}: {message}")),
    }
}

fn shown(outcome: &OutcomeRecord) -> String {
    let OutcomeRecord {
        status,
        error_kind,
        message,
        traceback,
        stdout,
        stderr,
        ..
    } = outcome;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "--- {status} {}: {}\n{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
        or_none(error_kind),
        or_none(message),
        or_none(traceback),
    )
}

fn equal<T>(what: &str, found: &T, expected: &T, context: &str) -> Checked
where
    T: PartialEq + std::fmt::Debug + ?Sized,
{
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "{what}: expected {expected:?}, found {found:?}\n{context}"
    ))
}

fn parts(what: &str, text: &str, parts: &[String], context: &str) -> Checked {
    match parts.iter().find(|part| !text.contains(*part)) {
        Some(part) => Err(format!("{what} lacks {part:?}\n{context}")),
        None => Ok(()),
    }
}

fn lines(what: &str, text: &str, lines: &[String], context: &str) -> Checked {
    match lines
        .iter()
        .find(|line| !text.lines().any(|found| found == *line))
    {
        Some(line) => Err(format!("{what} lacks the line {line:?}\n{context}")),
        None => Ok(()),
    }
}
