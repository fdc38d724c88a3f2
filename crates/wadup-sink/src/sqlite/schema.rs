//! The database's format: system tables, and how tables of rows are made.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use wadup_protocol::metadata::{Column, DataType, Table};

use crate::sink::TakenName;

/// `wadu`, in the database's header.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"wadu");
/// `PRAGMA user_version`; a reader of version N must not write to a later one.
pub(super) const SCHEMA_VERSION: u32 = 2;
/// The first column of every table of rows.
pub(super) const INPUT_ID: &str = "input_id";
/// All names that begin so are wadup's own.
const PREFIX: &str = "_wadup";
/// All names that begin so are SQLite's own.
const SQLITE_PREFIX: &str = "sqlite_";

const SYSTEM_TABLES: &str = include_str!("schema.sql");
const UPGRADE_TO_2: &str = include_str!("upgrade_2.sql");

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
    } else if version < 2 {
        transaction.execute_batch(UPGRADE_TO_2)?;
    }
    if version != SCHEMA_VERSION {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

/// All tables of rows.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let taken = taken_names(connection)?;
    Ok(taken
        .into_iter()
        .filter_map(|name| match name {
            TakenName::Table(table) => Some(table),
            TakenName::Other { .. } => None,
        })
        .collect())
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
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1)")?;
    let columns = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let columns = columns.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let Some(((first, _), rest)) = columns.split_first() else {
        return Ok(None);
    };
    let columns: Option<Vec<Column>> = rest
        .iter()
        .map(|(name, sql_type)| {
            Some(Column {
                name: name.clone(),
                data_type: data_type(sql_type)?,
            })
        })
        .collect();
    Ok(columns.filter(|_| first == INPUT_ID).map(|columns| Table {
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
    let index = quote(&format!("{PREFIX}_index_{}", table.name));
    transaction.execute_batch(&format!(
        "CREATE TABLE {name} ({INPUT_ID} INTEGER NOT NULL REFERENCES _wadup_inputs (id){columns}) STRICT;
         CREATE INDEX {index} ON {name} ({INPUT_ID});"
    ))
}

/// The statement that deletes the rows of inputs, which a query finds.
pub(super) fn delete(table: &Table, inputs: &str) -> String {
    format!(
        "DELETE FROM {} WHERE {INPUT_ID} IN ({inputs})",
        quote(&table.name)
    )
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
