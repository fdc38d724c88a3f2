//! Names that a project, and the Python module in it, can have.

use std::str::FromStr;

use thiserror::Error;

/// `sys.stdlib_module_names` of CPython 3.13, one a line: of all platforms.
const STANDARD_LIBRARY: &str = include_str!("names/stdlib.txt");

/// `keyword.kwlist`, in lower case as module names are here.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "false", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "none", "nonlocal", "not", "or", "pass", "raise", "return", "true", "try", "while",
    "with", "yield",
];

/// What is imported in a new project, or by what that imports.
const IMPORTED: &[&str] = &[
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "tzdata",
    "wadup",
];

/// Names that have a meaning for Python or its tools.
const SPECIAL: &[&str] = &[
    "conftest",
    "sitecustomize",
    "src",
    "test",
    "tests",
    "usercustomize",
];

/// Whether a module of that name hides one of the standard library: some file systems do not tell
/// `cprofile` from `cProfile`.
pub fn is_standard_library(module: &str) -> bool {
    let mut names = STANDARD_LIBRARY.lines();
    names.any(|name| name.eq_ignore_ascii_case(module))
}

/// What a new project is called, and its Python module: `my-project` and `my_project`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNames {
    pub project: String,
    pub module: String,
}

/// A project cannot be called that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    #[error(
        "`{name}` is no name of a Python project: only ASCII letters, digits, `-`, `_` and `.` are, with a letter at the start and a letter or digit at the end"
    )]
    Characters { name: String },
    #[error("its module would be `{module}`, a keyword of Python, and could not be imported")]
    Keyword { module: String },
    #[error("its module would be `{module}`, and hide the one of Python's standard library")]
    StandardLibrary { module: String },
    #[error("its module would be `{module}`, and hide the package of that name, which it needs")]
    Imported { module: String },
    #[error("its module would be `{module}`, a name that Python or its tools have a use for")]
    Special { module: String },
}

impl InvalidName {
    /// Another name that can be had.
    pub fn suggestion(&self) -> String {
        let name = match self {
            Self::Characters { name } => name,
            Self::Keyword { module }
            | Self::StandardLibrary { module }
            | Self::Imported { module }
            | Self::Special { module } => module,
        };
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        let plain = words.join("-").to_ascii_lowercase();
        let candidates = [
            plain.clone(),
            format!("{plain}-project"),
            format!("project-{plain}"),
        ];
        let mut candidates = candidates.into_iter();
        let is_free = |name: &String| name.parse::<NewNames>().is_ok();
        candidates
            .find(|candidate| name.is_ascii() && is_free(candidate))
            .unwrap_or_else(|| "my-project".to_owned())
    }
}

impl FromStr for NewNames {
    type Err = InvalidName;

    fn from_str(project: &str) -> Result<Self, InvalidName> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts = project.starts_with(|c: char| c.is_ascii_alphabetic());
        let ends = project.ends_with(|c: char| c.is_ascii_alphanumeric());
        if !(starts && ends && project.chars().all(is_part)) {
            let name = project.to_owned();
            return Err(InvalidName::Characters { name });
        }
        let module = project.replace(['-', '.'], "_").to_ascii_lowercase();
        if KEYWORDS.contains(&&*module) {
            return Err(InvalidName::Keyword { module });
        }
        if is_standard_library(&module) {
            return Err(InvalidName::StandardLibrary { module });
        }
        if IMPORTED.contains(&&*module) {
            return Err(InvalidName::Imported { module });
        }
        if SPECIAL.contains(&&*module) {
            return Err(InvalidName::Special { module });
        }
        Ok(Self {
            project: project.to_owned(),
            module,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_projects_and_the_modules() {
        for (name, module) in [
            ("my-project", "my_project"),
            ("a.b", "a_b"),
            ("Invoices2", "invoices2"),
            ("json-lines", "json_lines"),
            ("match", "match"),
        ] {
            assert_eq!(name.parse::<NewNames>().unwrap().module, module);
        }
    }

    #[test]
    fn names_that_cannot_be_had_come_with_one_that_can() {
        let mut text = String::new();
        for name in [
            "My Project",
            "1st",
            "größe",
            "数据",
            "a--",
            "-a",
            "_a",
            "..",
            "",
            "a/b",
            "class",
            "None",
            "json",
            "Test",
            "_json",
            "wadup",
            "pydantic-core",
            "tests",
            "a\u{1b}[31mb",
        ] {
            let error = name.parse::<NewNames>().unwrap_err();
            let suggestion = error.suggestion();
            suggestion.parse::<NewNames>().unwrap();
            let kind = format!("{error:?}");
            let kind = kind.split(' ').next().unwrap();
            text.push_str(&format!("{name:?}: {kind}, {suggestion}\n"));
        }
        insta::assert_snapshot!(text);
    }
}
