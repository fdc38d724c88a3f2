//! A TOML document whose values know where they are written.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Location, ProjectError, ProjectErrorKind};

/// A file's text, of which errors show a part.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
}

impl Document {
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'_>>, ProjectError> {
        DeTable::parse(&self.text).map_err(|error| {
            let kind = ProjectErrorKind::Toml {
                message: error.message().to_owned(),
            };
            self.error(kind, error.span().unwrap_or(0..0))
        })
    }

    pub(crate) fn error(&self, kind: ProjectErrorKind, span: Range<usize>) -> ProjectError {
        ProjectError::at(
            kind,
            Location {
                path: self.path.clone(),
                text: Arc::clone(&self.text),
                span,
            },
        )
    }
}

/// One table of a [`Document`], read field by field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'d> {
    document: &'d Document,
    /// Dotted, as in `tool.wadup`; empty for the document itself.
    name: &'static str,
    table: &'d DeTable<'d>,
    span: (usize, usize),
}

/// All that is wrong, in the order in which it was found.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<ProjectError>);

impl Problems {
    pub(crate) fn push(&mut self, error: ProjectError) {
        self.0.push(error);
    }

    /// The value; of an error nothing, and the error is kept.
    pub(crate) fn keep<T>(&mut self, result: Result<T, ProjectError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn into_errors(self) -> Vec<ProjectError> {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A string of a document, with its place.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) span: Range<usize>,
}

impl<'d> Table<'d> {
    pub(crate) fn root(document: &'d Document, root: &'d Spanned<DeTable<'d>>) -> Self {
        Self {
            document,
            name: "",
            table: root.get_ref(),
            span: (0, 0),
        }
    }

    pub(crate) fn document(&self) -> &'d Document {
        self.document
    }

    /// The table's own place.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.0..self.span.1
    }

    /// Every key with its place, in the order of the keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'d str, Range<usize>)> {
        let table = self.table;
        table.keys().map(|key| (key.get_ref().as_ref(), key.span()))
    }

    pub(crate) fn raw(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    pub(crate) fn table(
        &self,
        key: &str,
        name: &'static str,
    ) -> Result<Option<Table<'d>>, ProjectError> {
        let Some((found, value)) = self.table.get_key_value(key) else {
            return Ok(None);
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.mistyped(key, "a table", value));
        };
        Ok(Some(Table {
            document: self.document,
            name,
            table,
            span: (found.span().start, found.span().end),
        }))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<Text>, ProjectError> {
        self.raw(key)
            .map(|value| self.as_string(key, value))
            .transpose()
    }

    pub(crate) fn required_string(&self, key: &str) -> Result<Text, ProjectError> {
        self.string(key)?.ok_or_else(|| self.missing(key))
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, ProjectError> {
        self.raw(key)
            .map(|value| {
                let boolean = value.get_ref().as_bool();
                boolean.ok_or_else(|| self.mistyped(key, "true or false", value))
            })
            .transpose()
    }

    pub(crate) fn unsigned(&self, key: &str) -> Result<Option<u32>, ProjectError> {
        let Some(value) = self.raw(key) else {
            return Ok(None);
        };
        let Some(integer) = value.get_ref().as_integer() else {
            return Err(self.mistyped(key, "an integer", value));
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.invalid(
                key,
                integer.as_str(),
                "it must be between 0 and 4294967295",
                value.span(),
            )),
        }
    }

    /// Strings and nothing else.
    pub(crate) fn all_strings(&self, key: &str) -> Result<Vec<Text>, ProjectError> {
        let mut problems = Problems::default();
        let strings = self.strings(key, &mut problems);
        problems.0.into_iter().next().map_or(Ok(strings), Err)
    }

    /// The items that are strings; what is wrong with others goes to `problems`.
    pub(crate) fn strings(&self, key: &str, problems: &mut Problems) -> Vec<Text> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            problems.push(self.mistyped(key, "an array of strings", value));
            return Vec::new();
        };
        let item = |(index, item)| self.as_string(&format!("{key}[{index}]"), item);
        let items = array.iter().enumerate().map(item);
        items.filter_map(|item| problems.keep(item)).collect()
    }

    /// Refuses every key that is not `known`. Gives those that were meant, most likely.
    pub(crate) fn only(
        &self,
        known: &[&'static str],
        problems: &mut Problems,
    ) -> Vec<&'static str> {
        let mut meant = Vec::new();
        for (key, span) in self.keys().filter(|(key, _)| !known.contains(key)) {
            let nearest = crate::nearest(key, known.iter().copied());
            meant.extend(nearest);
            let kind = ProjectErrorKind::UnknownKey {
                table: self.name,
                key: key.to_owned(),
                nearest: nearest.map(str::to_owned),
                known: known.to_vec(),
            };
            problems.push(self.document.error(kind, span));
        }
        meant
    }

    pub(crate) fn missing(&self, key: &str) -> ProjectError {
        let kind = ProjectErrorKind::Missing {
            field: self.field(key),
        };
        self.document.error(kind, self.span())
    }

    pub(crate) fn invalid(
        &self,
        key: &str,
        value: impl Into<String>,
        reason: impl ToString,
        span: Range<usize>,
    ) -> ProjectError {
        // Some parsers go on with the text and a pointer into it, which the span does better.
        let reason = reason.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        let kind = ProjectErrorKind::Value {
            field: self.field(key),
            value: value.into(),
            reason: reason.to_owned(),
        };
        self.document.error(kind, span)
    }

    fn as_string(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Text, ProjectError> {
        match value.get_ref().as_str() {
            Some(string) => Ok(Text {
                value: string.to_owned(),
                span: value.span(),
            }),
            None => Err(self.mistyped(key, "a string", value)),
        }
    }

    fn mistyped(
        &self,
        key: &str,
        expected: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> ProjectError {
        let kind = ProjectErrorKind::Type {
            field: self.field(key),
            expected,
            found: type_name(value.get_ref()),
        };
        self.document.error(kind, value.span())
    }

    fn field(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
