//! The database's format: system tables, and how tables of rows are made.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use wadup_protocol::metadata::{Column, DataType, Table};

use crate::sink::TakenName;

/// `wadu`, in the database's header.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"wadu");
/// `PRAGMA user_version`; a reader of version N must not write to a later one.
pub(super) const SCHEMA_VERSION: u32 = 3;
/// The first column of every table of rows.
pub(super) const INPUT_ID: &str = "input_id";
/// All names that begin so are wadup's own.
const PREFIX: &str = "_wadup";
/// All names that begin so are SQLite's own.
const SQLITE_PREFIX: &str = "sqlite_";

const SYSTEM_TABLES: &str = include_str!("schema.sql");
const VIEWS: &str = include_str!("views.sql");
const UPGRADE_TO_2: &str = include_str!("upgrade_2.sql");
const UPGRADE_TO_3: &str = include_str!("upgrade_3.sql");

/// Finds the ids of input `?1` and of all that descends from it.
pub(super) const TREE: &str = "WITH RECURSIVE tree (id) AS (
    SELECT ?1 UNION ALL
    SELECT child.id FROM _wadup_inputs AS child JOIN tree ON child.parent_id = tree.id
) SELECT id FROM tree";

/// Makes the system tables unless they are there, and brings those of an older wadup up to date.
pub(super) fn initialise(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma: &str| transaction.pragma_query_value(None, pragma, |row| row.get(0));
    let (application, version): (u32, u32) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION_ID {
        transaction.execute_batch(SYSTEM_TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute_batch(VIEWS)?;
    } else {
        if version < 2 {
            transaction.execute_batch(UPGRADE_TO_2)?;
        }
        if version < 3 {
            transaction.execute_batch(UPGRADE_TO_3)?;
            transaction.execute_batch(VIEWS)?;
        }
    }
    if version != SCHEMA_VERSION {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

/// The statements that delete what belongs to inputs, which `query` finds: outcomes, and rows,
/// also of tables that somebody has changed since.
pub(super) fn deletes(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = statement.query_map([], |row| row.get(0))?;
    let mut deletes = Vec::new();
    for table in tables {
        let table: String = table?;
        if let Some(column) = input_column(connection, &table)? {
            let (table, column) = (quote(&table), quote(&column));
            deletes.push(format!("DELETE FROM {table} WHERE {column} IN ({query})"));
        }
    }
    Ok(deletes)
}

/// The first column of a table whose rows belong to inputs: it refers to them. That of a copy
/// which somebody has made does not, and its rows stay.
fn input_column(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT first.name FROM pragma_table_xinfo(?1) AS first
         JOIN pragma_foreign_key_list(?1) AS key ON key.\"from\" = first.name
         WHERE first.cid = 0 AND key.\"table\" = '_wadup_inputs' AND key.on_delete = 'NO ACTION'",
    )?;
    statement.query_row([table], |row| row.get(0)).optional()
}

/// Finds what was given as a path. Only runs that go on from others need it, and so it is not
/// there until the first of them.
pub(super) fn index_paths(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS _wadup_inputs_path ON _wadup_inputs (path)
         WHERE parent_id IS NULL",
    )
}

/// All tables of rows, and the names that something else has.
pub(super) fn taken_names(connection: &Connection) -> rusqlite::Result<Vec<TakenName>> {
    let mut statement =
        connection.prepare("SELECT type, name FROM sqlite_schema ORDER BY rowid")?;
    let entries = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut taken = Vec::new();
    for entry in entries {
        let (what, name): (String, String) = entry?;
        if name.starts_with(PREFIX) || name.starts_with(SQLITE_PREFIX) {
            continue;
        }
        taken.push(match (what.as_str(), table(connection, &name)?) {
            ("table", Some(table)) => TakenName::Table(table),
            _ => TakenName::Other { name, what },
        });
    }
    Ok(taken)
}

/// The table `name` as wadup would have defined it; `None` if it would not.
pub(super) fn table(connection: &Connection, name: &str) -> rusqlite::Result<Option<Table>> {
    if input_column(connection, name)?.as_deref() != Some(INPUT_ID) {
        return Ok(None);
    }
    let mut statement =
        connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1) WHERE cid > 0")?;
    let columns = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let columns = columns.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let columns: Option<Vec<Column>> = columns
        .into_iter()
        .map(|(name, sql_type)| {
            let data_type = data_type(&sql_type)?;
            Some(Column { name, data_type })
        })
        .collect();
    Ok(columns.map(|columns| Table {
        name: name.to_owned(),
        columns,
    }))
}

/// Makes a table of rows, and the index that finds the rows of an input.
pub(super) fn create(transaction: &Transaction<'_>, table: &Table) -> rusqlite::Result<()> {
    let columns: String = table
        .columns
        .iter()
        .map(|column| format!(", {} {}", quote(&column.name), sql_type(column.data_type)))
        .collect();
    let name = quote(&table.name);
    let index = quote(&free_name(transaction, &table.name)?);
    transaction.execute_batch(&format!(
        "CREATE TABLE {name} ({INPUT_ID} INTEGER NOT NULL REFERENCES _wadup_inputs (id){columns}) STRICT;
         CREATE INDEX {index} ON {name} ({INPUT_ID});"
    ))
}

/// A name for the index of `table`: that of a table that was renamed since keeps its own.
fn free_name(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let plain = format!("{PREFIX}_index_{table}");
    let mut name = plain.clone();
    let mut number = 1;
    while is_taken(connection, &name)? {
        number += 1;
        name = format!("{plain}_{number}");
    }
    Ok(name)
}

/// Whether there is something of this name.
pub(super) fn is_taken(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE)";
    connection.query_row(sql, [name], |row| row.get(0))
}

/// The statement that adds a row, `input_id` first.
pub(super) fn insert(table: &Table) -> String {
    let columns = ", ?".repeat(table.columns.len());
    format!("INSERT INTO {} VALUES (?{columns})", quote(&table.name))
}

/// A name in SQL, whatever it is made of.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn sql_type(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Int64 => "INTEGER",
        DataType::Float64 => "REAL",
        DataType::String => "TEXT",
    }
}

fn data_type(sql_type: &str) -> Option<DataType> {
    match sql_type {
        "INTEGER" => Some(DataType::Int64),
        "REAL" => Some(DataType::Float64),
        "TEXT" => Some(DataType::String),
        _ => None,
    }
}
