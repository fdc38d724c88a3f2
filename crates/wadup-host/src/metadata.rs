//! `/metadata/*.json`: parsed in one pass, straight into the spool of rows, and checked on the
//! way.

mod reader;

use std::collections::HashMap;

use wadup_protocol::metadata::{Column, DataType};
use wadup_sink::{Cell, Rows};

use self::reader::{RowText, TableText, ValueText};
use crate::cap::Cap;
use crate::rejection::{Place, Rejection};

/// Tables and rows that one execution has handed over.
#[derive(Debug)]
pub(crate) struct Spool {
    rows: Rows,
    /// Index into the tables of `rows`, by lower-case name.
    tables: HashMap<String, usize>,
    max_bytes: u64,
    max_tables: u32,
}

/// Why a file was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    Rejected(Rejection),
    TooMuch(Cap),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Spool {
    pub(crate) fn new(max_bytes: u64, max_tables: u32) -> Self {
        Self {
            rows: Rows::new(),
            tables: HashMap::new(),
            max_bytes,
            max_tables,
        }
    }

    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }

    /// Takes in the content of `file`. What is refused leaves no rows of this file behind.
    pub(crate) fn take_in(&mut self, file: &str, json: &[u8]) -> Result<(), Refusal> {
        let mark = self.rows.mark();
        let taken = reader::read(self, file, json);
        if taken.is_err() {
            self.rows.truncate(mark);
        }
        taken
    }

    fn define(&mut self, file: &str, table: TableText<'_>) -> Result<(), Refusal> {
        let table = table.parse(file)?;
        let key = table.name.to_ascii_lowercase();
        if let Some(&index) = self.tables.get(&key) {
            let before = &self.rows.tables()[index];
            if before.columns == table.columns {
                return Ok(());
            }
            return Err(Rejection::redefined(file, before, &table).into());
        }
        table.check().map_err(|error| Rejection::Schema {
            file: file.to_owned(),
            error,
        })?;
        if self.tables.len() >= self.max_tables as usize {
            return Err(Refusal::TooMuch(Cap::Tables));
        }
        let index = self.rows.define(table);
        self.tables.insert(key, index);
        Ok(())
    }

    fn push(&mut self, file: &str, number: u64, row: &RowText<'_>) -> Result<(), Refusal> {
        let name = row.table_name.as_ref();
        let place = || Place {
            file: file.to_owned(),
            table: name.to_owned(),
            row: number,
        };
        let found = self.tables.get(name);
        let index = match found {
            Some(index) => *index,
            None => *self
                .tables
                .get(&name.to_ascii_lowercase())
                .ok_or_else(|| Rejection::UndefinedTable(place()))?,
        };
        let columns = &self.rows.tables()[index].columns;
        if columns.len() != row.values.len() {
            return Err(Rejection::Arity {
                expected: columns.len(),
                found: row.values.len(),
                place: place(),
            }
            .into());
        }
        let mut cells = Vec::with_capacity(columns.len());
        for (column, value) in columns.iter().zip(&row.values) {
            cells.push(cell(column, value.as_ref(), place)?);
        }
        self.rows
            .push(index, &cells)
            .map_err(|_| Refusal::TooMuch(Cap::Rows))?;
        if self.rows.size() as u64 > self.max_bytes {
            return Err(Refusal::TooMuch(Cap::Rows));
        }
        Ok(())
    }
}

/// The value, if it suits the column.
fn cell<'a>(
    column: &Column,
    value: Option<&'a ValueText<'_>>,
    place: impl Fn() -> Place,
) -> Result<Cell<'a>, Rejection> {
    let (data_type, cell) = match value {
        None => return Ok(Cell::Null),
        Some(ValueText::Int64(value)) => (DataType::Int64, Cell::Int64(*value)),
        Some(ValueText::Float64(value)) => (DataType::Float64, Cell::Float64(*value)),
        Some(ValueText::String(text)) => (DataType::String, Cell::String(text)),
    };
    if data_type != column.data_type {
        return Err(Rejection::Type {
            column: column.name.clone(),
            expected: column.data_type,
            found: data_type,
            place: place(),
        });
    }
    match cell {
        Cell::Float64(number) if !number.is_finite() => Err(Rejection::NotFinite {
            column: column.name.clone(),
            place: place(),
        }),
        Cell::String(text) if text.contains('\0') => Err(Rejection::Nul {
            column: column.name.clone(),
            place: place(),
        }),
        _ => Ok(cell),
    }
}
