//! One value of a row: from Python to JSON.

use pyo3::exceptions::{PyAttributeError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};
use wadup_protocol::metadata::{Column, DataType};

use super::errors::TableError;
use super::iso_format::iso_format;
use super::schema::Definition;

/// What makes a value fit for its column.
pub(super) struct Conversion {
    how: Option<How>,
    /// Whether it is for all values but None, or for those that are of another type than the
    /// column's.
    always: bool,
}

enum How {
    Function(Py<PyAny>),
    /// A method of the value without parameters, such as `hex`.
    Method(Py<PyString>),
    /// The method `isoformat`.
    IsoFormat,
}

impl Conversion {
    /// `how` is a function, the name of a method, or None.
    pub(super) fn new(how: &Bound<'_, PyAny>, always: bool) -> PyResult<Self> {
        let how = match how.cast::<PyString>() {
            _ if how.is_none() => None,
            Ok(name) if name == "isoformat" => Some(How::IsoFormat),
            Ok(name) => Some(How::Method(name.clone().unbind())),
            Err(_) => Some(How::Function(how.clone().unbind())),
        };
        Ok(Self { how, always })
    }
}

/// Writes `value` as the next value of the row, or says why it does not fit the column.
pub(super) fn write(
    row: &mut Vec<u8>,
    definition: &Definition,
    column: &Column,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let refuse = |refusal| error(definition, column, value, refusal);
    let writer = &definition.writer;
    if value.is_none() {
        writer.null(row);
        return Ok(());
    }
    match column.data_type {
        DataType::Int64 => writer.int(row, int(value).map_err(refuse)?),
        DataType::Float64 => writer.float(row, float(value).map_err(refuse)?),
        DataType::String => {
            let Ok(text) = value.cast::<PyString>() else {
                return Err(refuse(Refusal::Type));
            };
            writer.string(row, utf8(text).map_err(refuse)?);
        }
    }
    Ok(())
}

/// [`write`], with a conversion before it.
pub(super) fn write_converted(
    row: &mut Vec<u8>,
    definition: &Definition,
    column: &Column,
    conversion: &Conversion,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let Some(how) = &conversion.how else {
        return write(row, definition, column, value);
    };
    let as_it_is = !conversion.always && is_of(column.data_type, value);
    if value.is_none() || as_it_is {
        return write(row, definition, column, value);
    }
    let py = value.py();
    let converted = match how {
        How::Function(function) => function.bind(py).call1((value,)),
        How::Method(name) => value.call_method0(name),
        How::IsoFormat => {
            if let Some(text) = iso_format(value)? {
                definition.writer.string(row, text.as_str());
                return Ok(());
            }
            value.call_method0("isoformat")
        }
    };
    match converted {
        Ok(converted) => write(row, definition, column, &converted),
        // `isoformat` of what is no date, for instance.
        Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
            write(row, definition, column, value)
        }
        Err(error) if is_refusal(py, &error) => Err(refused(definition, column, py, error)),
        Err(error) => Err(error),
    }
}

fn is_of(data_type: DataType, value: &Bound<'_, PyAny>) -> bool {
    match data_type {
        DataType::Int64 => value.is_instance_of::<PyInt>(),
        DataType::Float64 => value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>(),
        DataType::String => value.is_instance_of::<PyString>(),
    }
}

fn is_refusal(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py)
}

#[cold]
fn refused(definition: &Definition, column: &Column, py: Python<'_>, error: PyErr) -> PyErr {
    let refusal = TableError::new_err(format!(
        "table `{}`, column `{}`: {}",
        definition.table.name,
        column.name,
        error.value(py)
    ));
    refusal.set_cause(py, Some(error));
    refusal
}

/// Why a value does not fit its column.
enum Refusal {
    Type,
    Value(&'static str),
    /// Raised by the value itself.
    Raised(PyErr),
}

/// `int`, `bool` (0 or 1) and what else says by `__index__` that it is a whole number.
fn int(value: &Bound<'_, PyAny>) -> Result<i64, Refusal> {
    let py = value.py();
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(py) {
            Refusal::Value("does not fit 64 bits: Int64 is from -2**63 to 2**63 - 1")
        } else if error.is_instance_of::<PyTypeError>(py) {
            Refusal::Type
        } else {
            Refusal::Raised(error)
        }
    })
}

/// A finite `float`, or an `int` that a float can hold exactly.
fn float(value: &Bound<'_, PyAny>) -> Result<f64, Refusal> {
    let number = if let Ok(number) = value.cast::<PyFloat>() {
        number.value()
    } else if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        exact(value)?
    } else {
        return Err(Refusal::Type);
    };
    if number.is_nan() {
        return Err(Refusal::Value("is NaN, which cannot be stored: use None"));
    }
    if number.is_infinite() {
        return Err(Refusal::Value(
            "is infinite, which cannot be stored: use None",
        ));
    }
    Ok(number)
}

fn exact(value: &Bound<'_, PyAny>) -> Result<f64, Refusal> {
    const INEXACT: Refusal = Refusal::Value(
        "cannot be a Float64 without losing digits: use float(value) if that is meant",
    );
    let number: f64 = value.extract().map_err(|_| INEXACT)?;
    match value.eq(number) {
        Ok(true) => Ok(number),
        _ => Err(INEXACT),
    }
}

fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a str, Refusal> {
    let Ok(text) = text.to_str() else {
        return Err(Refusal::Value(
            "has a lone surrogate in it, which UTF-8 cannot hold: use value.encode(errors=\"replace\").decode()",
        ));
    };
    if text.contains('\0') {
        return Err(Refusal::Value(
            "has a NUL character in it: use value.replace(\"\\0\", \"\")",
        ));
    }
    Ok(text)
}

#[cold]
fn error(
    definition: &Definition,
    column: &Column,
    value: &Bound<'_, PyAny>,
    refusal: Refusal,
) -> PyErr {
    let place = format!(
        "table `{}`, column `{}`",
        definition.table.name, column.name
    );
    match refusal {
        Refusal::Raised(error) => error,
        Refusal::Value(problem) => TableError::new_err(format!("{place}: the value {problem}")),
        Refusal::Type => {
            let got = class_name(value);
            let hint =
                hint(column.data_type, &got).map_or_else(String::new, |hint| format!("; {hint}"));
            PyTypeError::new_err(format!(
                "{place}: expected {} ({} or None), got {got}{hint}",
                column.data_type,
                python_type(column.data_type)
            ))
        }
    }
}

fn python_type(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Int64 => "int",
        DataType::Float64 => "float",
        DataType::String => "str",
    }
}

/// What to write instead.
fn hint(expected: DataType, got: &str) -> Option<&'static str> {
    match (expected, got) {
        (DataType::Int64, "float") => Some("use int(value) or a Float64 column"),
        (DataType::Int64, "str") => Some("use int(value) or a String column"),
        (DataType::Float64, "str" | "Decimal" | "Fraction") => Some("use float(value)"),
        (DataType::Float64, "bool") => Some("use an Int64 column"),
        (DataType::String, "date" | "datetime" | "time") => Some("use value.isoformat()"),
        (DataType::String, "dict" | "list" | "tuple") => Some("use json.dumps(value)"),
        (DataType::String, "bytes" | "bytearray") => Some("use value.decode() or value.hex()"),
        (DataType::String, _) => Some("use str(value)"),
        _ => None,
    }
}

/// The values of a list, a tuple or another iterable in which their order means something.
pub(super) fn sequence<'py>(
    what: &str,
    values: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let is_other = values.is_instance_of::<PyString>()
        || values.is_instance_of::<PyBytes>()
        || values.is_instance_of::<PyByteArray>()
        || values.is_instance_of::<PyDict>()
        || values.is_instance_of::<pyo3::types::PySet>()
        || values.is_instance_of::<pyo3::types::PyFrozenSet>();
    if is_other {
        return Err(not_a_sequence(what, values));
    }
    values
        .py()
        .get_type::<PyTuple>()
        .call1((values,))
        .map_err(|error| {
            if values.try_iter().is_err() {
                not_a_sequence(what, values)
            } else {
                error
            }
        })?
        .cast_into()
        .map_err(PyErr::from)
}

#[cold]
fn not_a_sequence(what: &str, values: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "{what}: expected a list or tuple, got {}",
        class_name(values)
    ))
}

/// The name of the value's class, for a message.
pub(super) fn class_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(
        |_| "?".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
