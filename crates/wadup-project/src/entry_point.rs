use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The dotted name of a Python module that has `main()`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPoint(String);

#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidEntryPoint {
    #[error("it names an object; wadup always calls `main()` of a module")]
    NamesObject,
    #[error("it is a path; write the module's dotted name")]
    IsPath,
    #[error("it is not a dotted Python name")]
    NotDottedName,
}

impl EntryPoint {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The files that this module may be, relative to a folder on `sys.path`.
    pub(crate) fn files(&self) -> [String; 2] {
        let path = self.0.replace('.', "/");
        [format!("{path}/__init__.py"), format!("{path}.py")]
    }
}

impl FromStr for EntryPoint {
    type Err = InvalidEntryPoint;

    fn from_str(text: &str) -> Result<Self, InvalidEntryPoint> {
        if text.contains(':') {
            return Err(InvalidEntryPoint::NamesObject);
        }
        if text.contains('/') || text.ends_with(".py") {
            return Err(InvalidEntryPoint::IsPath);
        }
        if text.split('.').all(is_identifier) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEntryPoint::NotDottedName)
        }
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a file's stem can be imported: Python's rule, with `char::is_alphanumeric` for
/// the Unicode classes XID_Start and XID_Continue.
pub fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    starts && chars.all(|c| c == '_' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_are_accepted() {
        for name in ["app", "my_pkg.cli.main", "_x", "größe"] {
            assert_eq!(name.parse::<EntryPoint>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let reason = |text: &str| text.parse::<EntryPoint>().unwrap_err();
        assert_eq!(reason("app:main"), InvalidEntryPoint::NamesObject);
        assert_eq!(reason("src/app.py"), InvalidEntryPoint::IsPath);
        assert_eq!(reason("app.py"), InvalidEntryPoint::IsPath);
        for text in ["", ".", "a..b", "my-module", "1st", "a b"] {
            assert_eq!(reason(text), InvalidEntryPoint::NotDottedName, "{text:?}");
        }
    }
}
