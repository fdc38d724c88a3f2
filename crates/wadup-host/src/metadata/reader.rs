//! The JSON of one file, read element by element.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wadup_protocol::metadata::{Column, Table};

use super::{Refusal, Spool};
use crate::rejection::Rejection;

/// Reads all of `json` into `spool`.
pub(super) fn read(spool: &mut Spool, file: &str, json: &[u8]) -> Result<(), Refusal> {
    if pass(spool, file, json, Pass::First)? {
        pass(spool, file, json, Pass::RowsOnly)?;
    }
    Ok(())
}

/// Whether there were rows in front of the tables that they may belong to: they were passed
/// over.
fn pass(spool: &mut Spool, file: &str, json: &[u8], pass: Pass) -> Result<bool, Refusal> {
    let mut reader = Reader {
        spool,
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

/// [`wadup_protocol::metadata::Table`], borrowed, its types not yet known to be types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableText<'a> {
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
pub(super) struct RowText<'a> {
    #[serde(borrow)]
    pub(super) table_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) values: Vec<Option<ValueText<'a>>>,
}

#[derive(Deserialize)]
pub(super) enum ValueText<'a> {
    Int64(i64),
    Float64(f64),
    String(#[serde(borrow)] Cow<'a, str>),
}

impl TableText<'_> {
    pub(super) fn parse(self, file: &str) -> Result<Table, Rejection> {
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
