//! How what a guest hands over can break the protocol.

use std::fmt;

use wadup_protocol::metadata::{DataType, SchemaError, Table, UnknownDataType};
use wadup_sink::TakenName;

/// What was wrong with something that a guest handed over.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("failed to parse metadata JSON in {file}: {message}")]
    Json { file: String, message: String },
    #[error(
        "failed to parse metadata JSON in {file}: JSON has no {literal} (line {line} column {column})"
    )]
    NoSuchNumber {
        file: String,
        literal: &'static str,
        line: usize,
        column: usize,
    },
    #[error("failed to parse metadata JSON in {file}: table `{}`, column `{}`: {error}", Short(.table), Short(.column))]
    UnknownType {
        file: String,
        table: String,
        column: String,
        error: UnknownDataType,
    },
    #[error("{file}: {error}")]
    Schema { file: String, error: SchemaError },
    #[error("{file}: table `{table}` was defined before with other columns: {difference}")]
    Redefined {
        file: String,
        table: String,
        difference: String,
    },
    #[error("{0}: the table was not defined")]
    UndefinedTable(Place),
    #[error("{place}: {found} values for {expected} columns")]
    Arity {
        place: Place,
        expected: usize,
        found: usize,
    },
    #[error("{place}, column `{column}`: expected {expected}, got {found}")]
    Type {
        place: Place,
        column: String,
        expected: DataType,
        found: DataType,
    },
    #[error("{place}, column `{column}`: the number is not finite")]
    NotFinite { place: Place, column: String },
    #[error("{place}, column `{column}`: the text contains a NUL character")]
    Nul { place: Place, column: String },
    #[error(
        "table `{table}` has other columns than another input or artifact gave it: {difference}"
    )]
    Conflict { table: String, difference: String },
    #[error("table `{table}` cannot be made: the results already have a {what} of that name")]
    NameTaken { table: String, what: String },
    #[error("failed to parse sub-content JSON in {file}: {message}")]
    SubContentJson { file: String, message: String },
    #[error("{file}: `filename` {problem}")]
    FileName { file: String, problem: &'static str },
    #[error("{json} was written without {content}, the content that it names")]
    MissingContent { json: String, content: String },
    #[error("{content} was written without {json}, which hands it over")]
    OrphanContent { content: String, json: String },
}

/// Where in what was handed over.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) table: String,
    /// Counts the file's rows from 1.
    pub(crate) row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: row {}, table `{}`",
            self.file,
            self.row,
            Short(&self.table)
        )
    }
}

/// A guest's text in a message of ours.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 128;
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(MOST) {
            write!(f, "{}", character.escape_debug())?;
        }
        if characters.next().is_some() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// The start of a guest's text, for a message: all of it may be as long as everything that the
/// guest handed over.
pub(crate) fn clipped(text: &str) -> String {
    const MOST: usize = 1000;
    match text.len() > MOST {
        true => format!("{}…", &text[..text.floor_char_boundary(MOST)]),
        false => text.to_owned(),
    }
}

impl Rejection {
    /// The outcome's `error_kind`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Json { .. } | Self::NoSuchNumber { .. } => "invalid-json",
            Self::UnknownType { .. } => "unknown-type",
            Self::Schema { .. } => "invalid-table",
            Self::Redefined { .. } | Self::Conflict { .. } => "schema-conflict",
            Self::UndefinedTable(_) => "undefined-table",
            Self::Arity { .. } => "wrong-arity",
            Self::Type { .. } => "wrong-type",
            Self::NotFinite { .. } => "not-finite",
            Self::Nul { .. } => "nul-character",
            Self::NameTaken { .. } => "name-taken",
            Self::SubContentJson { .. } | Self::FileName { .. } => "invalid-subcontent",
            Self::MissingContent { .. } | Self::OrphanContent { .. } => "incomplete-subcontent",
        }
    }

    /// What to try.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Json { .. } => {
                Some("values are {\"Int64\": …}, {\"Float64\": …}, {\"String\": …} or null")
            }
            Self::NoSuchNumber { .. } | Self::NotFinite { .. } => {
                Some("insert None (null) for a number that there is not")
            }
            Self::UnknownType { error, .. } => error.hint(),
            Self::UndefinedTable(_) => Some("define the table before its first row"),
            Self::Redefined { .. } | Self::Conflict { .. } | Self::NameTaken { .. } => {
                Some("give the table another name, or write to another database")
            }
            Self::Nul { .. } => Some("remove the NUL, or insert the bytes as hex or base64"),
            Self::MissingContent { .. } | Self::OrphanContent { .. } => {
                Some("write N.bin first, then N.json")
            }
            _ => None,
        }
    }

    /// `json` did not parse.
    pub(crate) fn json(file: &str, json: &[u8], error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match odd_number(json, line, column) {
            Some(literal) => Self::NoSuchNumber {
                file: file.to_owned(),
                literal,
                line,
                column,
            },
            None => Self::Json {
                file: file.to_owned(),
                message: clipped(&error.to_string()),
            },
        }
    }

    /// A table was defined twice by one execution.
    pub(crate) fn redefined(file: &str, before: &Table, now: &Table) -> Self {
        Self::Redefined {
            file: file.to_owned(),
            table: now.name.clone(),
            difference: difference(before, now),
        }
    }

    /// A table does not agree with what has its name.
    pub(crate) fn conflict(table: &Table, taken: &TakenName) -> Self {
        match taken {
            TakenName::Table(before) => Self::Conflict {
                table: table.name.clone(),
                difference: difference(before, table),
            },
            TakenName::Other { what, .. } => Self::NameTaken {
                table: table.name.clone(),
                what: what.clone(),
            },
        }
    }
}

/// Python's `json` writes these where JSON has no number.
fn odd_number(json: &[u8], line: usize, column: usize) -> Option<&'static str> {
    let line = json
        .split(|byte| *byte == b'\n')
        .nth(line.checked_sub(1)?)?;
    let at = column.saturating_sub(1);
    // The column is where the parser stopped: somewhere in the literal.
    let start = at.saturating_sub("-Infinity".len());
    let text = line.get(start..line.len().min(at + "-Infinity".len()))?;
    ["-Infinity", "Infinity", "NaN"]
        .into_iter()
        .find(|literal| {
            text.windows(literal.len())
                .any(|window| window == literal.as_bytes())
        })
}

/// The first column in which two tables differ.
fn difference(before: &Table, now: &Table) -> String {
    let differing = before.columns.iter().zip(&now.columns).enumerate();
    for (index, (before, now)) in differing {
        if before != now {
            return format!(
                "column {} is `{}` {} there and `{}` {} here",
                index + 1,
                before.name,
                before.data_type,
                now.name,
                now.data_type
            );
        }
    }
    format!(
        "{} columns there and {} here",
        before.columns.len(),
        now.columns.len()
    )
}
