//! `/metadata/*.json`: parsed in one pass, straight into the spool of rows, and checked on the
//! way.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wadup_protocol::metadata::{Column, DataType, Table};
use wadup_sink::{Cell, Rows};

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
    /// More rows or tables than may be spooled.
    TooMuch(&'static str),
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
        let taken = self
            .pass(file, json, Pass::First)
            .and_then(|rows_came_first| match rows_came_first {
                true => self.pass(file, json, Pass::RowsOnly).map(|_| ()),
                false => Ok(()),
            });
        if taken.is_err() {
            self.rows.truncate(mark);
        }
        taken
    }

    /// Whether there were rows in front of the tables that they may belong to: they were passed
    /// over.
    fn pass(&mut self, file: &str, json: &[u8], pass: Pass) -> Result<bool, Refusal> {
        let mut reader = Reader {
            spool: self,
            file,
            pass,
            tables_seen: false,
            rows_passed_over: false,
            refusal: None,
        };
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let parsed = (&mut reader)
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end());
        match (reader.refusal.take(), parsed) {
            (Some(refusal), _) => Err(refusal),
            (None, Err(error)) => Err(Rejection::json(file, json, &error).into()),
            (None, Ok(())) => Ok(reader.rows_passed_over),
        }
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
            return Err(Refusal::TooMuch("tables"));
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
            .map_err(|_| Refusal::TooMuch("rows"))?;
        if self.rows.size() as u64 > self.max_bytes {
            return Err(Refusal::TooMuch("rows"));
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

/// [`wadup_protocol::metadata::Table`], borrowed, its types not yet known to be types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    columns: Vec<ColumnText<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnText<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    data_type: Cow<'a, str>,
}

/// [`wadup_protocol::metadata::Row`], borrowed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowText<'a> {
    #[serde(borrow)]
    table_name: Cow<'a, str>,
    #[serde(borrow)]
    values: Vec<Option<ValueText<'a>>>,
}

#[derive(Deserialize)]
enum ValueText<'a> {
    Int64(i64),
    Float64(f64),
    String(#[serde(borrow)] Cow<'a, str>),
}

impl TableText<'_> {
    fn parse(self, file: &str) -> Result<Table, Rejection> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let data_type = column
                .data_type
                .parse()
                .map_err(|error| Rejection::UnknownType {
                    file: file.to_owned(),
                    table: self.name.clone().into_owned(),
                    column: column.name.clone().into_owned(),
                    error,
                })?;
            columns.push(Column {
                name: column.name.into_owned(),
                data_type,
            });
        }
        Ok(Table {
            name: self.name.into_owned(),
            columns,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    RowsOnly,
}

/// Reads the whole object.
struct Reader<'s> {
    spool: &'s mut Spool,
    file: &'s str,
    pass: Pass,
    tables_seen: bool,
    rows_passed_over: bool,
    /// Why reading was given up, if not for the JSON itself.
    refusal: Option<Refusal>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Tables,
    Rows,
}

impl Reader<'_> {
    /// Stops the deserializer; the reason is in `refusal`.
    fn give_up<E: serde::de::Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `tables` and `rows`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rows_seen = false;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Tables if self.tables_seen => {
                    return Err(A::Error::duplicate_field("tables"));
                }
                Key::Rows if rows_seen => return Err(A::Error::duplicate_field("rows")),
                Key::Tables => {
                    self.tables_seen = true;
                    match self.pass {
                        Pass::First => map.next_value_seed(Tables(self))?,
                        Pass::RowsOnly => map.next_value::<IgnoredAny>().map(|_| ())?,
                    }
                }
                Key::Rows => {
                    rows_seen = true;
                    if self.pass == Pass::First && !self.tables_seen {
                        self.rows_passed_over = true;
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        map.next_value_seed(RowsSeed(self))?;
                    }
                }
            }
        }
        Ok(())
    }
}

struct Tables<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Tables<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Tables<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tables")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(reader) = self;
        while let Some(table) = seq.next_element::<TableText<'de>>()? {
            if let Err(refusal) = reader.spool.define(reader.file, table) {
                return Err(reader.give_up(refusal));
            }
        }
        Ok(())
    }
}

struct RowsSeed<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(reader) = self;
        let mut number = 0;
        while let Some(row) = seq.next_element::<RowText<'de>>()? {
            number += 1;
            if let Err(refusal) = reader.spool.push(reader.file, number, &row) {
                return Err(reader.give_up(refusal));
            }
        }
        Ok(())
    }
}
