//! Tables and rows on their way to the host.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use wadup_protocol::metadata::MetadataBuffer;

use super::errors::{TableError, os_error};
use super::output::MetadataFiles;
use super::schema::{self, Definition};
use super::values;

/// Rows are handed over when there are so many bytes of them, so that memory stays bounded.
/// The host counts them only if the input completes.
const AUTO_FLUSH: usize = 1 << 20;

static ROWS: Mutex<Rows> = Mutex::new(Rows {
    definitions: BTreeMap::new(),
    buffer: MetadataBuffer::new(),
    imported: MetadataBuffer::new(),
    scratch: Vec::new(),
    files: MetadataFiles::new(),
});

struct Rows {
    definitions: BTreeMap<String, Arc<Definition>>,
    /// What has not been handed over.
    buffer: MetadataBuffer,
    /// What there was when the entry module had been imported: every input delivers it.
    imported: MetadataBuffer,
    /// Memory for the next row.
    scratch: Vec<u8>,
    files: MetadataFiles,
}

/// Not to be held while Python code can run: that may insert rows itself.
fn rows() -> MutexGuard<'static, Rows> {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// define_table(name, columns)
/// --
///
/// Define a table. `columns` are pairs of a name and a type, which is "Int64", "Float64" or
/// "String". Defining the same table again changes nothing; with other columns it is an error.
#[pyfunction]
#[pyo3(text_signature = "(name, columns)")]
pub(super) fn define_table(name: &Bound<'_, PyAny>, columns: &Bound<'_, PyAny>) -> PyResult<()> {
    let definition = Definition::new(name, columns)?;
    let mut rows = rows();
    if rows.is_defined(&definition)? {
        return Ok(());
    }
    rows.buffer.push_table(&definition.table);
    let name = definition.table.name.clone();
    rows.definitions.insert(name, Arc::new(definition));
    Ok(())
}

/// insert_row(table, values)
/// --
///
/// Add a row: one value for each column, in the order of the columns. None is NULL.
#[pyfunction]
#[pyo3(text_signature = "(table, values)")]
pub(super) fn insert_row(table: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>) -> PyResult<()> {
    let definition = definition(table)?;
    let values = values::sequence("values", values)?;
    let columns = &definition.table.columns;
    if values.len() != columns.len() {
        return Err(wrong_number(&definition, values.len()));
    }
    let mut row = make_room()?;
    definition.writer.begin(&mut row);
    for (column, value) in columns.iter().zip(values.iter_borrowed()) {
        values::write(&mut row, &definition, column, &value)?;
    }
    definition.writer.end(&mut row);
    push(row);
    Ok(())
}

/// Adds a row, whose memory is of [`make_room`].
pub(super) fn push(row: Vec<u8>) {
    rows().push(row);
}

/// flush()
/// --
///
/// Hand all rows over to the host now. It happens by itself when there are many, and when
/// main() returns. While the module is imported, rows wait for main().
#[pyfunction(name = "flush")]
pub(super) fn flush_rows() -> PyResult<()> {
    hand_over()
}

/// Hands over what is left when `main()` has returned.
pub(crate) fn flush(_py: Python<'_>) -> PyResult<()> {
    hand_over()
}

/// The entry module has been imported.
pub(super) fn imported() {
    let mut rows = rows();
    let imported = rows.buffer.clone();
    rows.imported = imported;
}

/// For the next input of an instance that is used again: of the last one nothing is left but
/// its tables, which are told again, as are tables and rows of the import.
pub(super) fn begin_again() {
    let mut rows = rows();
    let Rows {
        buffer,
        imported,
        definitions,
        ..
    } = &mut *rows;
    buffer.clone_from(imported);
    for definition in definitions.values().filter(|table| !table.imported) {
        buffer.push_table(&definition.table);
    }
}

impl Rows {
    /// Whether the very table exists; one of that name with other columns is an error.
    fn is_defined(&self, new: &Definition) -> PyResult<bool> {
        let name = &new.table.name;
        let same_name = |old: &&Arc<Definition>| old.table.name.eq_ignore_ascii_case(name);
        let Some(old) = self.definitions.values().find(same_name) else {
            return Ok(false);
        };
        if old.table == new.table {
            return Ok(true);
        }
        Err(TableError::new_err(format!(
            "table `{}` is defined already, as ({}); it cannot become `{name}` ({})",
            old.table.name,
            schema::signature(&old.table),
            schema::signature(&new.table),
        )))
    }

    fn push(&mut self, mut row: Vec<u8>) {
        self.buffer.push_row(&row);
        row.clear();
        self.scratch = row;
    }

    fn hand_over(&mut self) -> Result<(), (io::Error, String)> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.files.write(&self.buffer.to_json())?;
        self.buffer.clear();
        Ok(())
    }
}

fn hand_over() -> PyResult<()> {
    if !super::processing() {
        return Ok(());
    }
    let result = rows().hand_over();
    result.map_err(|(error, path)| os_error(&error, &path))
}

/// Memory for a row. Flushes first if it is time: if that fails, the row is not inserted, so
/// that inserting it again does not double it.
pub(super) fn make_room() -> PyResult<Vec<u8>> {
    if rows().buffer.len() >= AUTO_FLUSH {
        hand_over()?;
    }
    Ok(std::mem::take(&mut rows().scratch))
}

pub(super) fn definition(table: &Bound<'_, PyAny>) -> PyResult<Arc<Definition>> {
    let Ok(name) = table.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "a table's name is a str, got {}",
            values::class_name(table)
        )));
    };
    let found = name
        .to_str()
        .ok()
        .and_then(|name| rows().definitions.get(name).cloned());
    found.ok_or_else(|| undefined(&name.to_string_lossy()))
}

#[cold]
fn undefined(name: &str) -> PyErr {
    let rows = rows();
    let names: Vec<&str> = rows.definitions.keys().map(String::as_str).collect();
    TableError::new_err(match names.as_slice() {
        [] => format!("table `{name}` is not defined: call wadup.define_table first"),
        names => format!("table `{name}` is not defined; defined: {}", list(names)),
    })
}

/// The first names, in back-quotes.
fn list(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

#[cold]
pub(super) fn wrong_number(definition: &Definition, got: usize) -> PyErr {
    let table = &definition.table;
    TableError::new_err(format!(
        "table `{}` takes {} values ({}), got {got}",
        table.name,
        table.columns.len(),
        schema::column_names(table),
    ))
}
