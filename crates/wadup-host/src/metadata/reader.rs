//! The JSON of one file, read element by element.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use wadup_protocol::metadata::{Column, MAX_COLUMNS, SchemaError, Table};
use wadup_wasi::Deadline;

use super::{Refusal, Spool};
use crate::rejection::{Rejection, clipped};

/// Rows and tables between two looks at the deadline.
const UNWATCHED: u32 = 256;

/// Reads all of `json` into `spool`.
pub(super) fn read(
    spool: &mut Spool,
    file: &str,
    json: &[u8],
    deadline: &Deadline,
) -> Result<(), Refusal> {
    if pass(spool, file, json, deadline, Pass::First)? {
        pass(spool, file, json, deadline, Pass::RowsOnly)?;
    }
    Ok(())
}

/// Whether there were rows in front of the tables that they may belong to: they were passed
/// over.
fn pass(
    spool: &mut Spool,
    file: &str,
    json: &[u8],
    deadline: &Deadline,
    pass: Pass,
) -> Result<bool, Refusal> {
    let mut reader = Reader {
        spool,
        file,
        deadline,
        unwatched: 0,
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

/// [`wadup_protocol::metadata::Table`], borrowed, its types not yet known to be types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableText<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    columns: Columns<ColumnText<'a>>,
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
pub(super) struct RowText<'a> {
    #[serde(borrow)]
    pub(super) table_name: Cow<'a, str>,
    #[serde(borrow)]
    values: Columns<Option<ValueText<'a>>>,
}

/// One for each column of a table. What is beyond the most that there can be is read past and
/// counted: a list of nothing but commas would be several times as long in memory.
struct Columns<T> {
    first: Vec<T>,
    count: usize,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Columns<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ColumnsVisitor(PhantomData))
    }
}

struct ColumnsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ColumnsVisitor<T> {
    type Value = Columns<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Columns<T>, A::Error> {
        let mut first = Vec::new();
        while first.len() < MAX_COLUMNS
            && let Some(value) = seq.next_element()?
        {
            first.push(value);
        }
        let mut count = first.len();
        while first.len() == MAX_COLUMNS && seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Columns { first, count })
    }
}

impl<'a> RowText<'a> {
    /// How many values it has.
    pub(super) fn len(&self) -> usize {
        self.values.count
    }

    /// The values, as many of them as a table can have columns.
    pub(super) fn values(&self) -> &[Option<ValueText<'a>>] {
        &self.values.first
    }
}

#[derive(Deserialize)]
pub(super) enum ValueText<'a> {
    Int64(i64),
    Float64(f64),
    String(#[serde(borrow)] Cow<'a, str>),
}

impl TableText<'_> {
    pub(super) fn parse(self, file: &str) -> Result<Table, Rejection> {
        if self.columns.count > MAX_COLUMNS {
            return Err(Rejection::Schema {
                file: file.to_owned(),
                error: SchemaError::TooManyColumns {
                    table: clipped(&self.name),
                    columns: self.columns.count,
                },
            });
        }
        let mut columns = Vec::with_capacity(self.columns.count);
        for column in self.columns.first {
            let data_type =
                clipped(&column.data_type)
                    .parse()
                    .map_err(|error| Rejection::UnknownType {
                        file: file.to_owned(),
                        table: clipped(&self.name),
                        column: clipped(&column.name),
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
    deadline: &'s Deadline,
    /// Rows and tables since the deadline was last looked at.
    unwatched: u32,
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

    /// Called for each row and table.
    fn watch<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.unwatched += 1;
        if self.unwatched == UNWATCHED {
            self.unwatched = 0;
            let checked = self.deadline.check();
            return checked.map_err(|interrupted| self.give_up(interrupted.into()));
        }
        Ok(())
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
                        Pass::RowsOnly => map.next_value_seed(PassedOver(self))?,
                    }
                }
                Key::Rows => {
                    rows_seen = true;
                    if self.pass == Pass::First && !self.tables_seen {
                        self.rows_passed_over = true;
                        map.next_value_seed(PassedOver(self))?;
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
            reader.watch()?;
            if let Err(refusal) = reader.spool.define(reader.file, table) {
                return Err(reader.give_up(refusal));
            }
        }
        Ok(())
    }
}

/// What another pass reads.
struct PassedOver<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for PassedOver<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PassedOver<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {
            self.0.watch()?;
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
            reader.watch()?;
            if let Err(refusal) = reader.spool.push(reader.file, number, &row) {
                return Err(reader.give_up(refusal));
            }
        }
        Ok(())
    }
}
