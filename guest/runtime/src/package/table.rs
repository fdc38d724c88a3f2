//! Tables of records: rows straight out of the fields of pydantic models, dataclasses and
//! dicts.
//!
//! `guest/python/wadup/_tables.py` works out once what is to happen with each field; here it
//! happens, for each record.
#![expect(unsafe_code, reason = "PyO3 has no call for an object's `__dict__`")]

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{PyTypeInfo as _, ffi};
use wadup_protocol::metadata::Column;

use super::rows;
use super::schema::Definition;
use super::values;

/// A table whose rows are instances of one class: wadup.table() makes it.
#[pyclass(frozen, module = "wadup")]
pub(super) struct Table {
    definition: Arc<Definition>,
    record: Record,
}

/// The fields of a class.
struct Record {
    /// What a record is an instance of; a dict if there is none.
    class: Option<Py<PyType>>,
    fields: Vec<Field>,
}

struct Field {
    name: Py<PyString>,
    /// Whether it may be something else than what the record's `__dict__` has.
    is_attribute: bool,
    content: Content,
}

enum Content {
    Column(values::Conversion),
    Record(Record),
}

#[pymethods]
impl Table {
    #[new]
    fn new(
        name: &Bound<'_, PyAny>,
        class: &Bound<'_, PyAny>,
        fields: &Bound<'_, PyList>,
    ) -> PyResult<Self> {
        let definition = rows::definition(name)?;
        let record = Record::new(class, fields)?;
        if record.columns() != definition.table.columns.len() {
            return Err(rows::wrong_number(&definition, record.columns()));
        }
        Ok(Self { definition, record })
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        &self.definition.table.name
    }

    /// The columns, as pairs of a name and a type.
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let columns = self.definition.table.columns.iter();
        let pair = |column: &Column| (column.name.clone(), column.data_type.name());
        let pairs = columns.map(|column| pair(column).into_pyobject(py));
        PyTuple::new(py, pairs.collect::<PyResult<Vec<_>>>()?)
    }

    /// Add a row.
    fn insert(&self, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut row = rows::make_room()?;
        self.write(&mut row, record)?;
        rows::push(row);
        Ok(())
    }

    /// Add a row for each record, and return how many.
    fn insert_many(&self, records: &Bound<'_, PyAny>) -> PyResult<u64> {
        let mut count = 0;
        for record in records.try_iter()? {
            self.insert(&record?)?;
            count += 1;
        }
        Ok(count)
    }

    fn __repr__(&self) -> String {
        format!("<wadup.Table `{}`>", self.name())
    }

    /// For annotations: `Table[User]`.
    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        _model: &Bound<'_, PyAny>,
    ) -> Bound<'py, PyType> {
        class.clone()
    }
}

impl Table {
    fn write(&self, row: &mut Vec<u8>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut writer = Writer {
            row,
            definition: &self.definition,
            columns: self.definition.table.columns.iter(),
        };
        self.definition.writer.begin(writer.row);
        writer.record(&self.record, record)?;
        self.definition.writer.end(row);
        Ok(())
    }
}

impl Record {
    fn new(class: &Bound<'_, PyAny>, fields: &Bound<'_, PyList>) -> PyResult<Self> {
        Ok(Self {
            class: class.extract()?,
            fields: fields
                .iter()
                .map(|field| Field::new(&field))
                .collect::<PyResult<_>>()?,
        })
    }

    fn columns(&self) -> usize {
        let columns = self.fields.iter().map(|field| match &field.content {
            Content::Column(_) => 1,
            Content::Record(record) => record.columns(),
        });
        columns.sum()
    }
}

impl Field {
    /// `(name, is_attribute, convert, always)` or `(name, is_attribute, class, fields)`.
    fn new(field: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (name, is_attribute, third, fourth): (
            Bound<'_, PyString>,
            bool,
            Bound<'_, PyAny>,
            Bound<'_, PyAny>,
        ) = field.extract()?;
        // Keys of dicts are found faster if they are the very same object.
        let name = PyString::intern(field.py(), name.to_str()?).unbind();
        let content = match fourth.cast::<PyList>() {
            Ok(fields) => Content::Record(Record::new(&third, fields)?),
            Err(_) => Content::Column(values::Conversion::new(&third, fourth.extract()?)?),
        };
        Ok(Self {
            name,
            is_attribute,
            content,
        })
    }
}

/// One row in the making.
struct Writer<'a> {
    row: &'a mut Vec<u8>,
    definition: &'a Definition,
    /// Those that have no value yet.
    columns: std::slice::Iter<'a, Column>,
}

impl Writer<'_> {
    fn record(&mut self, record: &Record, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let members = self.members(record, value)?;
        for field in &record.fields {
            let member = members.get(field)?;
            match (&field.content, member) {
                (Content::Column(conversion), member) => self.column(conversion, member)?,
                (Content::Record(record), Some(member)) if !member.is_none() => {
                    self.record(record, &member)?;
                }
                (Content::Record(record), _) => self.nulls(record.columns()),
            }
        }
        Ok(())
    }

    fn column(
        &mut self,
        conversion: &values::Conversion,
        value: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (Some(column), Some(value)) = (self.columns.as_slice().first(), value) else {
            self.nulls(1);
            return Ok(());
        };
        self.columns.next();
        values::write_converted(self.row, self.definition, column, conversion, &value)
    }

    fn nulls(&mut self, count: usize) {
        for _ in self.columns.by_ref().take(count) {
            self.definition.writer.null(self.row);
        }
    }

    fn members<'py>(&self, record: &Record, value: &Bound<'py, PyAny>) -> PyResult<Members<'py>> {
        let py = value.py();
        let Some(class) = &record.class else {
            let Ok(dict) = value.cast::<PyDict>() else {
                return Err(self.not_a_record(PyDict::type_object(py).as_any(), value));
            };
            return Ok(Members::Dict(dict.clone()));
        };
        let class = class.bind(py);
        if value.get_type().is(class) {
            return Ok(Members::Fields(value.clone(), dict_of(value)));
        }
        // A class that inherits may have made anything of a field.
        match value.is_instance(class)? {
            true => Ok(Members::Fields(value.clone(), None)),
            false => Err(self.not_a_record(class.as_any(), value)),
        }
    }

    #[cold]
    fn not_a_record(&self, class: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyErr {
        let expected = class
            .getattr("__name__")
            .map_or_else(|_| "?".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "table `{}`: expected {expected}, got {}",
            self.definition.table.name,
            values::class_name(value)
        ))
    }
}

/// Where a record's fields are.
enum Members<'py> {
    /// What is missing is NULL.
    Dict(Bound<'py, PyDict>),
    /// Its attributes, most of them in its `__dict__`.
    Fields(Bound<'py, PyAny>, Option<Bound<'py, PyDict>>),
}

impl<'py> Members<'py> {
    fn get(&self, field: &Field) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Dict(dict) => dict.get_item(&field.name),
            Self::Fields(record, dict) => {
                if let (Some(dict), false) = (dict, field.is_attribute)
                    && let Some(value) = dict.get_item(&field.name)?
                {
                    return Ok(Some(value));
                }
                record.getattr(&field.name).map(Some)
            }
        }
    }
}

/// The object's `__dict__`, if it has one.
fn dict_of<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: it takes any object, and returns a new reference or null with an exception.
    let dict = unsafe {
        Bound::from_owned_ptr_or_err(
            value.py(),
            ffi::PyObject_GenericGetDict(value.as_ptr(), std::ptr::null_mut()),
        )
    };
    // A class with slots has none, which is no error here.
    dict.ok()?.cast_into().ok()
}
