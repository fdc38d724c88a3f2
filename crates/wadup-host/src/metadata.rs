//! `/metadata/*.json`: parsed in one pass, straight into the spool of rows, and checked on the
//! way.

mod reader;

use std::collections::HashMap;

use wadup_protocol::metadata::{Column, DataType};
use wadup_sink::{Cell, Rows, definition_cost};
use wadup_wasi::{Deadline, Interrupted};

use self::reader::{RowText, TableText, ValueText};
use crate::cap::Cap;
use crate::rejection::{Place, Rejection, clipped};

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
    /// The guest's time is over.
    Late(Interrupted),
}

impl From<Interrupted> for Refusal {
    fn from(interrupted: Interrupted) -> Self {
        Self::Late(interrupted)
    }
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
    pub(crate) fn take_in(
        &mut self,
        file: &str,
        json: &[u8],
        deadline: &Deadline,
    ) -> Result<(), Refusal> {
        let mark = self.rows.mark();
        let taken = reader::read(self, file, json, deadline);
        if taken.is_err() {
            self.rows.truncate(mark);
        }
        taken
    }

    fn define(&mut self, file: &str, table: TableText<'_>) -> Result<(), Refusal> {
        let table = table.parse(file)?;
        table.check().map_err(|error| Rejection::Schema {
            file: file.to_owned(),
            error,
        })?;
        let key = table.name.to_ascii_lowercase();
        if let Some(&index) = self.tables.get(&key) {
            let before = &self.rows.tables()[index];
            if before.columns == table.columns {
                return Ok(());
            }
            return Err(Rejection::redefined(file, before, &table).into());
        }
        if self.tables.len() >= self.max_tables as usize {
            return Err(Refusal::TooMuch(Cap::Tables));
        }
        self.charge(definition_cost(&table))?;
        let index = self.rows.define(table);
        self.tables.insert(key, index);
        Ok(())
    }

    fn push(&mut self, file: &str, number: u64, row: &RowText<'_>) -> Result<(), Refusal> {
        let name = row.table_name.as_ref();
        let place = || Place {
            file: file.to_owned(),
            table: clipped(name),
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
        if columns.len() != row.len() {
            return Err(Rejection::Arity {
                expected: columns.len(),
                found: row.len(),
                place: place(),
            }
            .into());
        }
        let mut cells = Vec::with_capacity(columns.len());
        for (column, value) in columns.iter().zip(row.values()) {
            cells.push(cell(column, value.as_ref(), place)?);
        }
        self.charge(Rows::cost(&cells))?;
        self.rows
            .push(index, &cells)
            .map_err(|_| Refusal::TooMuch(Cap::Rows))
    }

    /// Whether there is room for so many bytes more.
    fn charge(&self, bytes: usize) -> Result<(), Refusal> {
        let size = self.rows.size().saturating_add(bytes);
        match size as u64 > self.max_bytes {
            true => Err(Refusal::TooMuch(Cap::Rows)),
            false => Ok(()),
        }
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
