//! Writing one input's records.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql, Transaction, params};
use wadup_protocol::metadata::Table;

use super::{Run, schema};
use crate::record::{Batch, InputRecord, OutcomeRecord};
use crate::rows::{Cell, Rows};
use crate::sink::SinkError;

/// What has been found out about the database since the run began.
#[derive(Debug, Default)]
pub(super) struct Writer {
    artifacts: Vec<String>,
    /// Tables known to be there as defined, by lower-case name.
    tables: HashMap<String, Table>,
}

/// Why an input's records could not be written.
pub(super) enum WriteError {
    Sqlite(rusqlite::Error),
    TableChanged { table: String },
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl WriteError {
    pub(super) fn at(self, path: &Path) -> SinkError {
        let path = path.to_path_buf();
        match self {
            Self::Sqlite(source) => SinkError::Sqlite {
                step: "write results",
                path,
                source,
            },
            Self::TableChanged { table } => SinkError::TableChanged { table, path },
        }
    }
}

impl Writer {
    pub(super) fn new(artifacts: Vec<String>) -> Self {
        Self {
            artifacts,
            tables: HashMap::new(),
        }
    }

    /// Writes a batch.
    pub(super) fn batch(
        &mut self,
        transaction: &Transaction<'_>,
        run: Run,
        batch: &Batch,
    ) -> Result<(), WriteError> {
        // What is replaced has no rows in tables that this batch makes.
        let deletes = match batch.inputs.iter().all(|input| input.replaces.is_empty()) {
            true => Vec::new(),
            false => schema::deletes(transaction, schema::TREE)?,
        };
        let mut complete: HashSet<u64> = batch.complete_trees.iter().copied().collect();
        for input in &batch.inputs {
            for entry in &input.replaces {
                delete_tree(transaction, *entry, &deletes)?;
            }
            let is_complete = complete.remove(&input.number);
            self.input(transaction, run, input, is_complete)?;
        }
        // Of inputs that are in earlier batches.
        let mut statement = transaction
            .prepare_cached("UPDATE _wadup_inputs SET tree_complete = 1 WHERE id = ?1")?;
        for number in complete {
            statement.execute([run.input_id(number)])?;
        }
        Ok(())
    }

    /// Writes an input, its outcomes and their rows.
    fn input(
        &mut self,
        transaction: &Transaction<'_>,
        run: Run,
        input: &InputRecord,
        is_complete: bool,
    ) -> Result<(), WriteError> {
        let id = run.input_id(input.number);
        transaction
            .prepare_cached(
                "INSERT INTO _wadup_inputs
                     (id, run_id, parent_id, path, size, sha256, tree_complete, finished_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
                     strftime('%Y-%m-%dT%H:%M:%fZ', ?8, 'unixepoch'))",
            )?
            .execute(params![
                id,
                run.id,
                input.parent.map(|parent| run.input_id(parent)),
                PathValue(&input.path),
                input.size.map(saturating),
                input.sha256.as_ref().map(hex),
                input.parent.is_none().then_some(is_complete),
                unix_seconds(input.finished_at),
            ])?;
        for outcome in &input.outcomes {
            self.outcome(transaction, id, outcome)?;
            self.rows(transaction, id, &outcome.rows)?;
        }
        Ok(())
    }

    fn outcome(
        &self,
        transaction: &Transaction<'_>,
        input: i64,
        outcome: &OutcomeRecord,
    ) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO _wadup_outcomes (
                     input_id, artifact, status, error_kind, message, traceback, stdout, stderr,
                     duration_ms, peak_memory, output_dropped, rows_dropped, subcontent_dropped)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                input,
                self.artifacts[outcome.artifact],
                outcome.status.as_str(),
                outcome.error_kind,
                outcome.message,
                outcome.traceback,
                outcome.stdout,
                outcome.stderr,
                outcome.duration.as_secs_f64() * 1000.0,
                saturating(outcome.peak_memory),
                saturating(outcome.output_dropped),
                saturating(outcome.rows_dropped),
                saturating(outcome.subcontent_dropped),
            ])?;
        Ok(())
    }

    fn rows(
        &mut self,
        transaction: &Transaction<'_>,
        input: i64,
        rows: &Rows,
    ) -> Result<(), WriteError> {
        for table in rows.tables() {
            self.provide(transaction, table)?;
        }
        // Rows of one table usually come together.
        let mut current: Option<(usize, CachedStatement<'_>)> = None;
        for row in rows.iter() {
            let (_, statement) = match current.take() {
                Some(same) if same.0 == row.table() => current.insert(same),
                _ => {
                    let sql = schema::insert(&rows.tables()[row.table()]);
                    current.insert((row.table(), transaction.prepare_cached(&sql)?))
                }
            };
            statement.raw_bind_parameter(1, input)?;
            for (index, cell) in row.cells().enumerate() {
                statement.raw_bind_parameter(index + 2, CellValue(cell))?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    /// Makes sure that the table is there. That it agrees with what the database had when the
    /// run began was seen to by who sent it; somebody else may have changed it since.
    fn provide(&mut self, transaction: &Transaction<'_>, table: &Table) -> Result<(), WriteError> {
        let name = table.name.to_ascii_lowercase();
        if self.tables.contains_key(&name) {
            return Ok(());
        }
        match schema::table(transaction, &table.name)? {
            Some(found) if found.columns == table.columns => {}
            None if !schema::is_taken(transaction, &table.name)? => {
                schema::create(transaction, table)?;
            }
            _ => {
                return Err(WriteError::TableChanged {
                    table: table.name.clone(),
                });
            }
        }
        self.tables.insert(name, table.clone());
        Ok(())
    }
}

/// Deletes an input and all that descends from it, and before them, by `deletes`, what belongs to
/// them.
fn delete_tree(
    transaction: &Transaction<'_>,
    root: i64,
    deletes: &[String],
) -> rusqlite::Result<()> {
    let inputs = format!("DELETE FROM _wadup_inputs WHERE id IN ({})", schema::TREE);
    for sql in deletes.iter().chain([&inputs]) {
        transaction.prepare_cached(sql)?.execute([root])?;
    }
    Ok(())
}

impl Run {
    fn input_id(self, number: u64) -> i64 {
        self.first_input.saturating_add(saturating(number))
    }
}

/// A path: text, or bytes where it is not UTF-8.
pub(super) struct PathValue<'a>(pub(super) &'a OsStr);

impl ToSql for PathValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0.to_str() {
            Some(text) => ValueRef::Text(text.as_bytes()),
            None => ValueRef::Blob(self.0.as_bytes()),
        }))
    }
}

struct CellValue<'a>(Cell<'a>);

impl ToSql for CellValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Int64(value) => ValueRef::Integer(value),
            Cell::Float64(value) => ValueRef::Real(value),
            Cell::String(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// SQLite's integers are signed; nothing that is counted here comes near the end.
fn saturating(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970, for SQLite's date functions. Times before that count as 1970.
pub(super) fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
