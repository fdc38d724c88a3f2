//! What earlier runs wrote to the database.
//!
//! Read through a connection of its own, while the run writes: with a write-ahead log neither
//! waits for the other.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, Row, params};

use super::open::BUSY_TIMEOUT;
use super::schema;
use super::write::PathValue;
use crate::ledger::{Entry, Ledger, PastRun};
use crate::sink::SinkError;

/// What the runs wrote that there were when it was opened.
pub(super) struct SqliteLedger {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// The last run that there was when this was opened.
    last_run: i64,
}

impl SqliteLedger {
    pub(super) fn open(path: &Path) -> Result<Self, SinkError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = failed(path);
        let absolute = path.canonicalize().map_err(|source| SinkError::Io {
            step: "resolve",
            path: path.to_path_buf(),
            source,
        })?;
        let connection = Connection::open_with_flags(absolute, flags).map_err(&failed)?;
        // Only where the file system cannot have a write-ahead log.
        connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
        let last_run = "SELECT coalesce(max(id), 0) FROM _wadup_runs";
        let last_run = connection.query_row(last_run, [], |row| row.get(0));
        Ok(Self {
            last_run: last_run.map_err(failed)?,
            connection: Mutex::new(connection),
            path: path.to_path_buf(),
        })
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SinkError> {
        query(&self.connection()).map_err(failed(&self.path))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for SqliteLedger {
    fn runs(&self) -> Result<Vec<PastRun>, SinkError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, artifacts, settings FROM _wadup_runs WHERE id <= ?1 ORDER BY id",
            )?;
            statement.query_map([self.last_run], past_run)?.collect()
        })
    }

    fn entries(&self, path: &OsStr) -> Result<Vec<Entry>, SinkError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, run_id, unhex(sha256), tree_complete FROM _wadup_inputs
                 WHERE path = ?1 AND parent_id IS NULL AND run_id <= ?2 ORDER BY id",
            )?;
            let entries = statement.query_map(params![PathValue(path), self.last_run], entry)?;
            entries.collect()
        })
    }

    fn has_failed(&self, entry: i64) -> Result<bool, SinkError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM _wadup_outcomes
                 WHERE status <> 'completed' AND input_id IN ({}))",
                schema::TREE
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row([entry], |row| row.get(0))
        })
    }
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> SinkError + use<> {
    let path = path.to_path_buf();
    move |source| SinkError::Sqlite {
        step: "read what earlier runs wrote",
        path: path.clone(),
        source,
    }
}

fn past_run(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    let (artifacts, settings): (String, String) = (row.get(1)?, row.get(2)?);
    // What somebody else has changed is nothing to go on from.
    Ok(PastRun {
        id: row.get(0)?,
        artifacts: serde_json::from_str(&artifacts).unwrap_or_default(),
        settings: serde_json::from_str(&settings).unwrap_or_default(),
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        run: row.get(1)?,
        sha256: row.get(2)?,
        is_complete: row.get::<_, Option<bool>>(3)?.unwrap_or(false),
    })
}
