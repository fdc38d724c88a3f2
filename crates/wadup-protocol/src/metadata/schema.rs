//! What a table may look like.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{DataType, Table};

/// The longest name of a table or column, in characters.
pub const MAX_NAME_CHARS: usize = 128;
/// The most columns a table can have: what SQLite takes, less the column `input_id`.
pub const MAX_COLUMNS: usize = 1999;

/// The column that every table gets from the host.
const INPUT_ID: &str = "input_id";
/// Tables whose names start so belong to the host or to SQLite.
const RESERVED_PREFIXES: [&str; 2] = ["_wadup", "sqlite_"];

/// Why a table cannot be defined.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaError {
    #[error("a {what} needs a name, got an empty one")]
    EmptyName { what: &'static str },
    #[error(
        "the name of {what} `{start}…` has {chars} characters, more than the {MAX_NAME_CHARS} allowed"
    )]
    LongName {
        what: &'static str,
        start: String,
        chars: usize,
    },
    #[error("the name of {what} {name:?} has a control character in it")]
    ControlCharacter { what: &'static str, name: String },
    #[error("table names that start with `{prefix}` are reserved, got `{name}`")]
    ReservedTable { name: String, prefix: &'static str },
    #[error("table `{table}` has no columns")]
    NoColumns { table: String },
    #[error("table `{table}` has {columns} columns, more than the {MAX_COLUMNS} allowed")]
    TooManyColumns { table: String, columns: usize },
    #[error("table `{table}` has two columns `{column}` (upper and lower case do not count)")]
    DuplicateColumn { table: String, column: String },
    #[error("table `{table}`: the column `{INPUT_ID}` is added to every table by wadup")]
    ReservedColumn { table: String },
}

/// The name of a column type that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown variant `{name}`, expected one of {}", DataType::list())]
pub struct UnknownDataType {
    pub name: String,
}

impl Table {
    /// The rules for names and columns. Two tables or columns whose names differ in nothing
    /// but ASCII case are the same to SQLite.
    pub fn check(&self) -> Result<(), SchemaError> {
        check_name("table", &self.name)?;
        for prefix in RESERVED_PREFIXES {
            let start = self.name.get(..prefix.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                return Err(SchemaError::ReservedTable {
                    name: self.name.clone(),
                    prefix,
                });
            }
        }
        self.check_columns()
    }

    fn check_columns(&self) -> Result<(), SchemaError> {
        let table = || self.name.clone();
        if self.columns.is_empty() {
            return Err(SchemaError::NoColumns { table: table() });
        }
        if self.columns.len() > MAX_COLUMNS {
            return Err(SchemaError::TooManyColumns {
                table: table(),
                columns: self.columns.len(),
            });
        }
        let mut seen = std::collections::BTreeSet::new();
        for column in &self.columns {
            check_name("column", &column.name)?;
            let folded = column.name.to_ascii_lowercase();
            if folded == INPUT_ID {
                return Err(SchemaError::ReservedColumn { table: table() });
            }
            if !seen.insert(folded) {
                return Err(SchemaError::DuplicateColumn {
                    table: table(),
                    column: column.name.clone(),
                });
            }
        }
        Ok(())
    }
}

fn check_name(what: &'static str, name: &str) -> Result<(), SchemaError> {
    if name.is_empty() {
        return Err(SchemaError::EmptyName { what });
    }
    let chars = name.chars().count();
    if chars > MAX_NAME_CHARS {
        return Err(SchemaError::LongName {
            what,
            start: name.chars().take(32).collect(),
            chars,
        });
    }
    if name.contains(char::is_control) {
        return Err(SchemaError::ControlCharacter {
            what,
            name: name.to_owned(),
        });
    }
    Ok(())
}

impl DataType {
    pub const ALL: [Self; 3] = [Self::Int64, Self::Float64, Self::String];

    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int64 => "Int64",
            Self::Float64 => "Float64",
            Self::String => "String",
        }
    }

    fn list() -> String {
        Self::ALL
            .map(|data_type| format!("`{data_type}`"))
            .join(", ")
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = UnknownDataType;

    fn from_str(name: &str) -> Result<Self, UnknownDataType> {
        let mut all = Self::ALL.into_iter();
        all.find(|data_type| data_type.name() == name)
            .ok_or_else(|| UnknownDataType { name: name.into() })
    }
}

impl UnknownDataType {
    /// The type that was probably meant.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self.name.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => Some("use Int64 for booleans: True is stored as 1, False as 0"),
            "int" | "integer" | "int32" | "bigint" | "int64" | "uint64" | "i64" | "long" => {
                Some("use Int64 for whole numbers")
            }
            "float" | "double" | "real" | "float32" | "float64" | "f64" | "number" | "decimal" => {
                Some("use Float64 for numbers with a fraction")
            }
            "str" | "string" | "text" | "varchar" | "utf8" => Some("use String for text"),
            "date" | "datetime" | "time" | "timestamp" => {
                Some("use String with value.isoformat(), or Int64 with a Unix timestamp")
            }
            "json" | "dict" | "list" | "object" | "array" => {
                Some("use String with json.dumps(value)")
            }
            "bytes" | "blob" | "binary" => Some("use String with value.hex()"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Column;

    fn table(name: &str, columns: &[&str]) -> Table {
        let columns = columns.iter().map(|name| Column {
            name: (*name).to_owned(),
            data_type: DataType::Int64,
        });
        Table {
            name: name.to_owned(),
            columns: columns.collect(),
        }
    }

    fn refusal(name: &str, columns: &[&str]) -> String {
        table(name, columns).check().unwrap_err().to_string()
    }

    #[test]
    fn ordinary_and_odd_but_harmless_names_pass() {
        for name in ["users", "Ünïcode", "with space", "select", "a\"b", "x;--"] {
            assert_eq!(table(name, &["id", "Name"]).check(), Ok(()), "{name}");
        }
        assert_eq!(table(&"é".repeat(128), &["a"]).check(), Ok(()));
    }

    #[test]
    fn bad_names_are_told_apart() {
        assert!(refusal("", &["a"]).contains("a table needs a name"));
        assert!(refusal("t", &[""]).contains("a column needs a name"));
        assert!(refusal(&"é".repeat(129), &["a"]).contains("129 characters"));
        assert!(refusal("a\0b", &["a"]).contains("control character"));
        assert!(refusal("_wadup_runs", &["a"]).contains("`_wadup` are reserved"));
        assert!(refusal("SQLite_x", &["a"]).contains("`sqlite_` are reserved"));
        assert!(refusal("t", &[]).contains("no columns"));
        assert!(refusal("t", &["a", "A"]).contains("two columns `A`"));
        assert!(refusal("t", &["Input_ID"]).contains("added to every table"));
        let many: Vec<String> = (0..2000).map(|index| format!("c{index}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(refusal("t", &many).contains("2000 columns"));
    }

    #[test]
    fn an_unknown_type_reads_as_serde_says_it() {
        let ours = "Bool".parse::<DataType>().unwrap_err();
        let serde = serde_json::from_str::<DataType>("\"Bool\"").unwrap_err();
        assert!(serde.to_string().starts_with(&ours.to_string()), "{serde}");
        assert!(ours.hint().is_some_and(|hint| hint.contains("Int64")));
        for data_type in DataType::ALL {
            assert_eq!(data_type.name().parse(), Ok(data_type));
            let json = serde_json::to_string(&data_type).unwrap();
            assert_eq!(json, format!("\"{data_type}\""));
        }
    }
}
