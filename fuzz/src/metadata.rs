//! `/metadata/*.json`: what the host takes from a guest is what a simple reader of the protocol
//! sees in the same bytes, and it takes all that obeys the rules.

use std::collections::HashMap;

use wadup_protocol::metadata::{DataType, Metadata, Row, Table, Value};
use wadup_sink::{Cell, Rows};

const MAX_TABLES: u32 = 8;

pub fn check(data: &[u8]) {
    let taken = take(data, u64::MAX);
    let simple = serde_json::from_slice::<Metadata>(data);
    if let Ok(rows) = &taken {
        let simple = simple.as_ref().expect("what is taken is of the protocol");
        check_same(rows, simple);
        check_cap(data, rows.size() as u64);
    }
    if let Ok(simple) = simple {
        // As a guest should write it: nothing twice, nothing that is unknown.
        let written = serde_json::to_vec(&simple).expect("what was JSON can be written");
        match (take(&written, u64::MAX), breaks_a_rule(&simple)) {
            (Ok(rows), None) => check_same(&rows, &simple),
            (Err(_), Some(_)) => {}
            (Ok(_), Some(rule)) => panic!("taken, although {rule}"),
            (Err(error), None) => panic!("refused: {error}"),
        }
    }
}

fn take(json: &[u8], max_bytes: u64) -> Result<Rows, String> {
    wadup_host::fuzzing::take_metadata(json, max_bytes, MAX_TABLES)
}

/// Rows are refused as soon as they take more space than they may.
fn check_cap(json: &[u8], needed: u64) {
    assert!(take(json, needed).is_ok());
    if needed > 0 {
        assert!(take(json, needed - 1).is_err());
    }
}

fn breaks_a_rule(metadata: &Metadata) -> Option<&'static str> {
    let mut tables: HashMap<String, &Table> = HashMap::new();
    for table in &metadata.tables {
        match tables.get(&table.name.to_ascii_lowercase()) {
            Some(before) if before.columns != table.columns => return Some("a table has changed"),
            Some(_) => {}
            None => {
                if table.check().is_err() {
                    return Some("a table is not well formed");
                }
                tables.insert(table.name.to_ascii_lowercase(), table);
            }
        }
    }
    if tables.len() > MAX_TABLES as usize {
        return Some("there are too many tables");
    }
    metadata.rows.iter().find_map(|row| {
        let Some(table) = tables.get(&row.table_name.to_ascii_lowercase()) else {
            return Some("a row is of no table");
        };
        row_breaks_a_rule(table, row)
    })
}

fn row_breaks_a_rule(table: &Table, row: &Row) -> Option<&'static str> {
    if table.columns.len() != row.values.len() {
        return Some("a row has another number of values than its table columns");
    }
    let mut values = table.columns.iter().zip(&row.values);
    values.find_map(|(column, value)| match (column.data_type, value) {
        (_, None) | (DataType::Int64, Some(Value::Int64(_))) => None,
        (DataType::Float64, Some(Value::Float64(number))) if number.is_finite() => None,
        (DataType::String, Some(Value::String(text))) if !text.contains('\0') => None,
        _ => Some("a value is of another type than its column"),
    })
}

fn check_same(rows: &Rows, simple: &Metadata) {
    assert_eq!(rows.len(), simple.rows.len() as u64);
    for (row, expected) in rows.iter().zip(&simple.rows) {
        let table = &rows.tables()[row.table()];
        assert!(table.name.eq_ignore_ascii_case(&expected.table_name));
        let cells: Vec<Cell<'_>> = row.cells().collect();
        assert_eq!(cells.len(), expected.values.len());
        for (cell, value) in cells.iter().zip(&expected.values) {
            assert!(is_same(cell, value.as_ref()), "{cell:?} {value:?}");
        }
    }
}

fn is_same(cell: &Cell<'_>, value: Option<&Value>) -> bool {
    match (cell, value) {
        (Cell::Null, None) => true,
        (Cell::Int64(one), Some(Value::Int64(other))) => one == other,
        (Cell::Float64(one), Some(Value::Float64(other))) => one.to_bits() == other.to_bits(),
        (Cell::String(one), Some(Value::String(other))) => one == other,
        _ => false,
    }
}
