//! Tables, rows, sub-content and failures, as the JSON files that a guest writes.
//!
//! [`Metadata`] is what a reader parses. A writer with many rows uses [`MetadataBuffer`], which
//! appends the same JSON without building values first. [`Table::check`] has the rules for
//! names, which both sides apply.

mod buffer;
mod schema;

use serde::{Deserialize, Serialize};

pub use buffer::{MetadataBuffer, RowWriter};
pub use schema::{MAX_COLUMNS, MAX_NAME_CHARS, SchemaError, UnknownDataType};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataType {
    Int64,
    Float64,
    String,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Int64(i64),
    Float64(f64),
    String(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

/// One row; `None` is NULL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub table_name: String,
    pub values: Vec<Option<Value>>,
}

/// The content of one file `/metadata/*.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    #[serde(default)]
    pub tables: Vec<Table>,
    #[serde(default)]
    pub rows: Vec<Row>,
}

/// The content of one file `/subcontent/N.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubContent {
    pub filename: String,
}

/// The content of [`crate::paths::FAILURE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exception's type, such as `ValueError` or `pydantic_core._pydantic_core.ValidationError`.
    pub kind: String,
    pub message: String,
    pub traceback: String,
}
