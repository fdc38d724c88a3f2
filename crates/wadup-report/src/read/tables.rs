use rusqlite::Transaction;

use crate::cell::Cell;
use crate::report::{Column, Limits, Table};

/// Every table of rows, with as many of its first rows as there is room for. What is left of the
/// room is shared by the tables that are still to come.
pub(super) fn read(database: &Transaction<'_>, limits: &Limits) -> rusqlite::Result<Vec<Table>> {
    let mut statement = database.prepare(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE '\\_wadup%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY rowid",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    let mut room = limits.bytes;
    let mut tables = Vec::with_capacity(names.len());
    for (read, name) in names.iter().enumerate() {
        let share = room / (names.len() - read) as u64;
        let (table, size) = table(database, name, limits, share)?;
        room -= size.min(room);
        tables.push(table);
    }
    Ok(tables)
}

fn table(
    database: &Transaction<'_>,
    name: &str,
    limits: &Limits,
    room: u64,
) -> rusqlite::Result<(Table, u64)> {
    let mut columns = database.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let columns = columns.query_map([name], |row| {
        Ok(Column {
            name: row.get(0)?,
            sql_type: row.get(1)?,
        })
    })?;
    let columns: Vec<Column> = columns.collect::<rusqlite::Result<_>>()?;
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let total = format!("SELECT count(*) FROM {quoted}");
    let total = database.query_row(&total, [], |row| row.get(0))?;
    let mut statement = database.prepare(&format!("SELECT * FROM {quoted} LIMIT ?1"))?;
    let mut found = statement.query([limits.rows])?;
    let (mut rows, mut size) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let cells = (0..columns.len())
            .map(|column| Ok::<_, rusqlite::Error>(Cell::new(row.get_ref(column)?, limits.text)));
        let cells = cells.collect::<Result<Vec<Cell>, _>>()?;
        size += cells.iter().map(Cell::size).sum::<u64>();
        if size > room {
            break;
        }
        rows.push(cells);
    }
    let table = Table {
        name: name.to_owned(),
        columns,
        total,
        rows,
    };
    Ok((table, size))
}
