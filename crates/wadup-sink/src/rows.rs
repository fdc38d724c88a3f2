//! Rows on their way to a sink, encoded in one buffer.
//!
//! A row that waits for its input to complete costs about what its JSON did: eight bytes a
//! number, its length a string. Nothing is allocated for a row when it is written.

use wadup_protocol::metadata::Table;

/// Rows of one execution, and the tables that it defined.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    tables: Vec<Table>,
    /// What the tables' definitions occupy.
    defined: usize,
    encoded: Vec<u8>,
    count: u64,
}

/// One value of an encoded row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Int64(i64),
    Float64(f64),
    String(&'a str),
}

/// One encoded row.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    table: usize,
    cells: Cells<'a>,
}

/// The values of a row, in the order of the table's columns.
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    rest: &'a [u8],
    count: u32,
}

/// A position in [`Rows`], to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    encoded: usize,
    count: u64,
}

/// A value did not fit the encoding.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("a row has more than {} values", u32::MAX)]
    TooManyValues,
    #[error("a text has more than {} bytes", u32::MAX)]
    TextTooLong,
}

const NULL: u8 = 0;
const INT64: u8 = 1;
const FLOAT64: u8 = 2;
const STRING: u8 = 3;

impl Rows {
    /// No rows and no tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table and returns its index.
    pub fn define(&mut self, table: Table) -> usize {
        self.defined += definition_cost(&table);
        self.tables.push(table);
        self.tables.len() - 1
    }

    /// The tables, also those without rows.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Appends a row of the table `table`. Whether it suits the table is the caller's matter.
    ///
    /// # Errors
    ///
    /// When a value does not fit the encoding; nothing is appended then.
    pub fn push(&mut self, table: usize, values: &[Cell<'_>]) -> Result<(), EncodeError> {
        let count = u32::try_from(values.len()).map_err(|_| EncodeError::TooManyValues)?;
        if values.iter().any(is_too_long) {
            return Err(EncodeError::TextTooLong);
        }
        self.encoded.extend((table as u64).to_le_bytes());
        self.encoded.extend(count.to_le_bytes());
        for value in values {
            self.encode(*value);
        }
        self.count += 1;
        Ok(())
    }

    fn encode(&mut self, value: Cell<'_>) {
        match value {
            Cell::Null => self.encoded.push(NULL),
            Cell::Int64(value) => {
                self.encoded.push(INT64);
                self.encoded.extend(value.to_le_bytes());
            }
            Cell::Float64(value) => {
                self.encoded.push(FLOAT64);
                self.encoded.extend(value.to_le_bytes());
            }
            Cell::String(text) => {
                self.encoded.push(STRING);
                // `push` has checked that it fits.
                self.encoded.extend((text.len() as u32).to_le_bytes());
                self.encoded.extend(text.as_bytes());
            }
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are no rows; there may be tables.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What the rows and the definitions of their tables occupy, in bytes.
    pub fn size(&self) -> usize {
        self.defined + self.encoded.len()
    }

    /// What a row of these values adds to [`size`](Self::size).
    pub fn cost(values: &[Cell<'_>]) -> usize {
        let values = values.iter().map(|value| match value {
            Cell::Null => 1,
            Cell::Int64(_) | Cell::Float64(_) => 1 + 8,
            Cell::String(text) => 1 + 4 + text.len(),
        });
        8 + 4 + values.sum::<usize>()
    }

    /// Where the next row will be.
    pub fn mark(&self) -> Mark {
        Mark {
            encoded: self.encoded.len(),
            count: self.count,
        }
    }

    /// Drops the rows that were appended after `mark` was taken.
    pub fn truncate(&mut self, mark: Mark) {
        self.encoded.truncate(mark.encoded);
        self.count = mark.count;
    }

    /// All rows, in the order in which they were appended.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = self.encoded.as_slice();
        std::iter::from_fn(move || {
            let row = Row::decode(rest)?;
            rest = row.cells.clone().end();
            Some(row)
        })
    }
}

/// What the definition of a table adds to [`Rows::size`]: 64 bytes and its name, and for each
/// column the same.
pub fn definition_cost(table: &Table) -> usize {
    let columns = table.columns.iter();
    let columns: usize = columns.map(|column| NAMED + column.name.len()).sum();
    NAMED + table.name.len() + columns
}

/// What holds a name, and the name's allocation.
const NAMED: usize = 64;

fn is_too_long(value: &Cell<'_>) -> bool {
    matches!(value, Cell::String(text) if u32::try_from(text.len()).is_err())
}

impl<'a> Row<'a> {
    fn decode(encoded: &'a [u8]) -> Option<Self> {
        let (table, rest) = encoded.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            table: u64::from_le_bytes(*table) as usize,
            cells: Cells {
                rest,
                count: u32::from_le_bytes(*count),
            },
        })
    }

    /// Index into [`Rows::tables`].
    pub fn table(&self) -> usize {
        self.table
    }

    /// The values.
    pub fn cells(&self) -> Cells<'a> {
        self.cells.clone()
    }
}

impl<'a> Cells<'a> {
    /// What follows the row.
    fn end(mut self) -> &'a [u8] {
        while self.next().is_some() {}
        self.rest
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn take_text(&mut self) -> Option<&'a str> {
        let length = u32::from_le_bytes(self.take()?);
        let (text, rest) = self.rest.split_at_checked(length as usize)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        self.count = self.count.checked_sub(1)?;
        match self.take::<1>()? {
            [INT64] => Some(Cell::Int64(i64::from_le_bytes(self.take()?))),
            [FLOAT64] => Some(Cell::Float64(f64::from_le_bytes(self.take()?))),
            [STRING] => Some(Cell::String(self.take_text()?)),
            _ => Some(Cell::Null),
        }
    }
}

#[cfg(test)]
mod tests {
    use wadup_protocol::metadata::{Column, DataType};

    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let values = [
            Cell::Null,
            Cell::Int64(i64::MIN),
            Cell::Float64(-0.5),
            Cell::String("grüße"),
            Cell::String(""),
        ];
        let mut rows = Rows::new();
        rows.push(0, &values).unwrap();
        rows.push(1, &[]).unwrap();
        rows.push(0, &values[..1]).unwrap();

        let decoded: Vec<_> = rows
            .iter()
            .map(|row| (row.table(), row.cells().collect::<Vec<_>>()))
            .collect();
        assert_eq!(rows.len(), 3);
        let expected = [(0, values.to_vec()), (1, vec![]), (0, vec![Cell::Null])];
        assert_eq!(decoded, expected);
    }

    #[test]
    fn a_row_and_a_table_cost_what_they_occupy() {
        let mut rows = Rows::new();
        let column = |name: &str| Column {
            name: name.to_owned(),
            data_type: DataType::String,
        };
        let table = Table {
            name: "t".to_owned(),
            columns: vec![column("one"), column("two")],
        };
        let defined = definition_cost(&table);
        assert_eq!(defined, 3 * 64 + 7);
        rows.define(table);
        for cells in [
            &[][..],
            &[Cell::Null, Cell::Int64(1)],
            &[Cell::Float64(0.5), Cell::String("grüße")],
        ] {
            let before = rows.size();
            rows.push(0, cells).unwrap();
            assert_eq!(rows.size() - before, Rows::cost(cells));
        }
        assert_eq!(rows.size(), defined + rows.encoded.len());
    }

    #[test]
    fn truncate_forgets_what_came_after_the_mark() {
        let mut rows = Rows::new();
        rows.push(0, &[Cell::Int64(1)]).unwrap();
        let mark = rows.mark();
        rows.push(0, &[Cell::Int64(2)]).unwrap();
        rows.truncate(mark);
        assert_eq!(rows.len(), 1);
        let cells: Vec<_> = rows.iter().flat_map(|row| row.cells()).collect();
        assert_eq!(cells, [Cell::Int64(1)]);
    }
}
