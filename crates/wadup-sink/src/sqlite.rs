//! Rows in a SQLite database.
//!
//! **Crash safety.** A batch is one transaction; SQLite's own promise is that after a crash all
//! of it is there or nothing. The run writes with a write-ahead log, so that others can read
//! the results while it goes on and a commit is one `fsync` (`synchronous=FULL`: what was
//! committed survives a power loss). A new database is on the disk before it has its name; the
//! record of the run is written without any `fsync`, and synchronised with the first batch. At
//! the end of the run the log is folded back, which leaves one self-contained file. After a kill,
//! or where somebody is reading just then, the log stays beside the database (`-wal`, `-shm`) and
//! is taken up by whoever opens it next.
//!
//! **What is touched.** Only a database that carries wadup's application id, or an empty file,
//! or a new one. It is recognised by its first bytes before SQLite sees it, so that nothing
//! else is changed in the least. The application id is in the main file (not only in the log)
//! from the beginning.
//!
//! **One run at a time.** A run holds an advisory lock (`flock`) on the database; a second one
//! is refused. The lock goes with the process, however that ends.
//!
//! Tables are `STRICT`, so a type that is declared is a type that can be relied on; readers need
//! SQLite 3.37 (2021).

mod ledger;
mod new;
mod open;
mod schema;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};

use self::ledger::SqliteLedger;
pub use self::open::{OpenError, database_files, read_results};
use self::write::Writer;
use crate::ledger::Ledger;
use crate::record::{Batch, RunEnd, RunStart};
use crate::sink::{SinkError, TableSink, TakenName};

/// What to try when SQLite has failed.
pub(crate) fn hint(error: &rusqlite::Error) -> Option<&'static str> {
    match error.sqlite_error_code()? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some("another program holds the database; close it and run again")
        }
        ErrorCode::DiskFull => {
            Some("the disk is full; what was committed is safe: make room, and go on with --resume")
        }
        _ => None,
    }
}

/// A SQLite database that a run's results go to.
#[derive(Debug)]
pub struct SqliteSink {
    // Dropped in this order: closing any descriptor of a file gives up all POSIX locks that
    // the process has on it, SQLite's among them, so SQLite has to be done by then.
    connection: Connection,
    lock: File,
    path: PathBuf,
    run: Option<Run>,
    /// Whether everything so far survives a power loss.
    durable: bool,
    writer: Writer,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    id: i64,
    /// The id of the run's input number 0.
    first_input: i64,
}

impl SqliteSink {
    /// Opens a database of wadup's, or makes one where there is nothing (or an empty file).
    ///
    /// # Errors
    ///
    /// When `path` is something else, which is then left untouched; when another run is
    /// writing to it; when it cannot be opened or made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let (connection, lock) = open::open(path.as_ref())?;
        Ok(Self {
            connection,
            lock,
            path: path.as_ref().to_path_buf(),
            run: None,
            durable: false,
            writer: Writer::default(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id of the run in `_wadup_runs`, once it has begun.
    pub fn run_id(&self) -> Option<i64> {
        self.run.map(|run| run.id)
    }

    /// Synchronises what is in the database's file. From then on every commit is synchronised by
    /// SQLite; the first of them does the directory, with the log that is new in it.
    fn be_durable(&mut self) -> Result<(), SinkError> {
        if !self.durable {
            self.lock.sync_data().map_err(|source| SinkError::Io {
                step: "write to the disk what is in",
                path: self.path.clone(),
                source,
            })?;
            self.synchronous("FULL")
                .map_err(self.failed("begin a run"))?;
            self.durable = true;
        }
        Ok(())
    }

    fn synchronous(&self, level: &str) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", level)
    }

    fn failed(&self, step: &'static str) -> impl Fn(rusqlite::Error) -> SinkError + use<> {
        let path = self.path.clone();
        move |source| SinkError::Sqlite {
            step,
            path: path.clone(),
            source,
        }
    }
}

impl TableSink for SqliteSink {
    fn tables(&mut self) -> Result<Vec<TakenName>, SinkError> {
        schema::taken_names(&self.connection).map_err(self.failed("read the tables"))
    }

    fn begin_run(&mut self, run: &RunStart) -> Result<(), SinkError> {
        let failed = self.failed("begin a run");
        let artifacts = serde_json::to_string(&run.artifacts).unwrap_or_default();
        let transaction = self.connection.transaction().map_err(&failed)?;
        transaction
            .execute(
                "INSERT INTO _wadup_runs (started_at, wadup_version, artifacts, settings)
                 VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', ?1, 'unixepoch'), ?2, ?3, ?4)",
                params![
                    write::unix_seconds(run.started_at),
                    run.wadup_version,
                    artifacts,
                    run.settings.to_string(),
                ],
            )
            .map_err(&failed)?;
        let id = transaction.last_insert_rowid();
        // Nobody else adds inputs while this run holds the lock.
        let first_input = transaction
            .query_row(
                "SELECT coalesce(max(id), 0) + 1 FROM _wadup_inputs",
                [],
                |row| row.get(0),
            )
            .map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        let names = run.artifacts.iter().map(|artifact| artifact.name.clone());
        self.writer = Writer::new(names.collect());
        self.run = Some(Run { id, first_input });
        Ok(())
    }

    fn ledger(&mut self) -> Result<Box<dyn Ledger>, SinkError> {
        self.be_durable()?;
        schema::index_paths(&self.connection).map_err(self.failed("index the inputs"))?;
        Ok(Box::new(SqliteLedger::open(&self.path)?))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let failed = self.failed("write results");
        let run = self.run.expect("begin_run comes first");
        self.be_durable()?;
        let transaction = self.connection.transaction().map_err(&failed)?;
        self.writer
            .batch(&transaction, run, batch)
            .map_err(|error| error.at(&self.path))?;
        transaction.commit().map_err(&failed)
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), SinkError> {
        let failed = self.failed("finish the run");
        self.be_durable()?;
        // The checkpoint below synchronises it.
        self.synchronous("NORMAL").map_err(&failed)?;
        let run = self.run.expect("begin_run comes first");
        self.connection
            .execute(
                "UPDATE _wadup_runs
                 SET finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', ?2, 'unixepoch'), ended = ?3
                 WHERE id = ?1",
                params![
                    run.id,
                    write::unix_seconds(end.finished_at),
                    if end.cancelled {
                        "cancelled"
                    } else {
                        "finished"
                    },
                ],
            )
            .map_err(&failed)?;
        // One file again. A reader that is still at it keeps the log alive, which is no harm,
        // and is not waited for.
        self.connection
            .busy_timeout(Duration::ZERO)
            .map_err(&failed)?;
        let folded = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                row.get::<_, i64>(0)
            });
        if matches!(folded, Ok(0)) {
            // All is in the file, and it is of no importance whether its header says after a
            // power loss that there is a log.
            self.synchronous("OFF").map_err(&failed)?;
        }
        let _ = self
            .connection
            .pragma_update(None, "journal_mode", "DELETE");
        Ok(())
    }
}
