//! Tables as Python defines them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use wadup_protocol::metadata::{Column, DataType, RowWriter, Table};

use super::errors::TableError;
use super::values;

/// A table that rows can be inserted into.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) table: Table,
    pub(super) writer: RowWriter,
    /// Whether it was defined while the entry module was imported.
    pub(super) imported: bool,
}

impl Definition {
    /// Checks everything there is to check about a table.
    pub(super) fn new(name: &Bound<'_, PyAny>, columns: &Bound<'_, PyAny>) -> PyResult<Self> {
        let name = text("a table's name", name)?;
        let columns = values::sequence("columns", columns)?;
        let columns = columns
            .iter()
            .map(|column| column_of(&name, &column))
            .collect::<PyResult<Vec<Column>>>()?;
        let table = Table { name, columns };
        table
            .check()
            .map_err(|error| TableError::new_err(error.to_string()))?;
        let writer = RowWriter::new(&table.name);
        Ok(Self {
            table,
            writer,
            imported: !super::processing(),
        })
    }
}

/// One `(name, type)`.
fn column_of(table: &str, column: &Bound<'_, PyAny>) -> PyResult<Column> {
    let pair = values::sequence("a column", column)
        .ok()
        .filter(|pair| pair.len() == 2)
        .ok_or_else(|| wrong_column(table, column))?;
    let name = text("a column's name", &pair.get_item(0)?)?;
    let data_type = pair.get_item(1)?;
    let Ok(data_type) = data_type.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "table `{table}`, column `{name}`: a column type is one of the strings \
             \"Int64\", \"Float64\", \"String\", got {}",
            described(&data_type)
        )));
    };
    let data_type = parse(table, &name, &data_type.to_string_lossy())?;
    Ok(Column { name, data_type })
}

fn parse(table: &str, column: &str, data_type: &str) -> PyResult<DataType> {
    data_type
        .parse()
        .map_err(|error: wadup_protocol::metadata::UnknownDataType| {
            let hint = error
                .hint()
                .map_or_else(String::new, |hint| format!("; {hint}"));
            TableError::new_err(format!("table `{table}`, column `{column}`: {error}{hint}"))
        })
}

fn wrong_column(table: &str, column: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "table `{table}`: a column is a pair such as (\"age\", \"Int64\"), got {}",
        described(column)
    ))
}

/// A name, which has to be a string that UTF-8 can hold.
fn text(what: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(text) = value.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "{what} is a str, got {}",
            described(value)
        )));
    };
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(TableError::new_err(format!(
            "{what} has a lone surrogate in it, which UTF-8 cannot hold: {}",
            described(value)
        ))),
    }
}

/// A value as Python shows it, cut to a reasonable length.
fn described(value: &Bound<'_, PyAny>) -> String {
    let repr = match value.repr() {
        Ok(repr) => repr.to_string_lossy().into_owned(),
        Err(_) => values::class_name(value),
    };
    match repr.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &repr[..end]),
        None => repr,
    }
}

/// What a message lists of a table: `(name, age, email)`.
pub(super) fn column_names(table: &Table) -> String {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    names.join(", ")
}

/// `(name, type)` pairs as they were given, for a message.
pub(super) fn signature(table: &Table) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.data_type))
        .collect();
    columns.join(", ")
}
