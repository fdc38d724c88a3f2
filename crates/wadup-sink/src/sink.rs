//! The interface of everything that rows can go to.

use std::path::PathBuf;

use wadup_protocol::metadata::Table;

use crate::ledger::Ledger;
use crate::record::{Batch, RunEnd, RunStart};
use crate::sqlite;

/// Takes the results of one run.
///
/// The order of calls is `tables`, `ledger` if the run goes on from earlier ones, `begin_run`,
/// any number of `commit`, `finish_run`.
pub trait TableSink: Send {
    /// The names that are taken: what a new table must agree with or avoid.
    ///
    /// # Errors
    ///
    /// When the sink cannot be read.
    fn tables(&mut self) -> Result<Vec<TakenName>, SinkError>;

    /// What earlier runs wrote. It is to be dropped before `finish_run`.
    ///
    /// # Errors
    ///
    /// When the sink cannot be read.
    fn ledger(&mut self) -> Result<Box<dyn Ledger>, SinkError>;

    /// Adds a run.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn begin_run(&mut self, run: &RunStart) -> Result<(), SinkError>;

    /// Keeps all of `batch` or nothing of it, durably: inputs, outcomes, tables and rows. A
    /// parent is in the same batch before its children, or in an earlier one.
    ///
    /// # Errors
    ///
    /// When it cannot be written; nothing of the batch is kept then.
    fn commit(&mut self, batch: &Batch) -> Result<(), SinkError>;

    /// Marks the run as ended.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn finish_run(&mut self, end: &RunEnd) -> Result<(), SinkError>;
}

/// A name that a sink has something for already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenName {
    /// A table of rows; one of the same name must have the same columns.
    Table(Table),
    /// Something else, such as a view.
    Other { name: String, what: String },
}

/// Why a sink failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    #[error("{step} in {}", .path.display())]
    Sqlite {
        step: &'static str,
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("{step} {}", .path.display())]
    Io {
        step: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("table `{table}` in {} has other columns than when the run began", .path.display())]
    TableChanged { table: String, path: PathBuf },
}

impl SinkError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite { source, .. } => sqlite::hint(source),
            Self::Io { .. } => None,
            Self::TableChanged { .. } => {
                Some("leave the database's tables alone while a run writes to it")
            }
        }
    }
}
