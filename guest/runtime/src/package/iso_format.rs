//! `datetime.isoformat()` without CPython's `printf`: of a row with a time in it, that was a
//! fifth of the work.

use std::fmt::Write as _;

use pyo3::prelude::*;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTimeAccess, PyTzInfoAccess,
};

/// What the method would return for a date or datetime; None for anything else, and for what it
/// is not sure about.
pub(super) fn iso_format(value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let mut text = String::with_capacity(32);
    if let Ok(date) = value.cast_exact::<PyDate>() {
        write_date(&mut text, date);
        return Ok(Some(text));
    }
    let Ok(datetime) = value.cast_exact::<PyDateTime>() else {
        return Ok(None);
    };
    write_date(&mut text, datetime);
    text.push('T');
    write_time(
        &mut text,
        datetime.get_hour().into(),
        datetime.get_minute().into(),
        datetime.get_second().into(),
        datetime.get_microsecond(),
    );
    if datetime.get_tzinfo().is_some() {
        let offset = datetime.call_method0("utcoffset")?;
        match offset.cast::<PyDelta>() {
            Ok(offset) => write_offset(&mut text, offset),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(text))
}

fn write_date(text: &mut String, date: &impl PyDateAccess) {
    let year = u32::try_from(date.get_year()).unwrap_or_default();
    push(text, year / 100);
    push(text, year % 100);
    text.push('-');
    push(text, date.get_month().into());
    text.push('-');
    push(text, date.get_day().into());
}

fn write_time(text: &mut String, hour: u32, minute: u32, second: u32, microsecond: u32) {
    push(text, hour);
    text.push(':');
    push(text, minute);
    text.push(':');
    push(text, second);
    if microsecond != 0 {
        // Writing to a string does not fail.
        let _ = write!(text, ".{microsecond:06}");
    }
}

/// `+01:00`, with seconds and less where there are some.
fn write_offset(text: &mut String, offset: &Bound<'_, PyDelta>) {
    let seconds = i64::from(offset.get_days()) * 86_400 + i64::from(offset.get_seconds());
    let microseconds = seconds * 1_000_000 + i64::from(offset.get_microseconds());
    text.push(if microseconds < 0 { '-' } else { '+' });
    let magnitude = microseconds.unsigned_abs();
    // Less than a day, says CPython.
    let seconds = u32::try_from(magnitude / 1_000_000).unwrap_or_default();
    let fraction = magnitude % 1_000_000;
    push(text, seconds / 3600);
    text.push(':');
    push(text, seconds / 60 % 60);
    if seconds % 60 != 0 || fraction != 0 {
        text.push(':');
        push(text, seconds % 60);
    }
    if fraction != 0 {
        let _ = write!(text, ".{fraction:06}");
    }
}

/// Two digits.
fn push(text: &mut String, number: u32) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}
