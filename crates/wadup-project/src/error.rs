use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// Why a project cannot be loaded: what is wrong, and where in which file.
#[derive(Debug)]
pub struct ProjectError {
    kind: Box<ProjectErrorKind>,
    location: Option<Box<Location>>,
}

/// A place in a text file.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    pub path: PathBuf,
    /// The file's whole text.
    pub text: Arc<str>,
    /// Byte range into `text`.
    pub span: Range<usize>,
}

#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectErrorKind {
    #[error("there is no pyproject.toml in {}", path.display())]
    NoPyproject { path: PathBuf },
    #[error("{} is a file, and no pyproject.toml", path.display())]
    NoProject { path: PathBuf },
    #[error("failed to read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not UTF-8", path.display())]
    NotUtf8 { path: PathBuf },
    #[error("not valid TOML: {message}")]
    Toml { message: String },
    #[error("`{field}` is missing")]
    Missing { field: String },
    #[error("`{field}` must be {expected}, not {found}")]
    Type {
        field: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("unknown key `{key}` in `[{table}]`")]
    UnknownKey {
        table: &'static str,
        key: String,
        nearest: Option<String>,
        known: Vec<&'static str>,
    },
    #[error("`{value}` is not a valid value of `{field}`: {reason}")]
    Value {
        field: String,
        value: String,
        reason: String,
    },
    #[error("`project.{field}` is dynamic, and wadup runs no build backend to compute it")]
    Dynamic { field: String },
    #[error("`requires-python = \"{requires}\"` excludes CPython {python}")]
    RequiresPython { requires: String, python: String },
    #[error("the entry point `{entry_point}` is not among the project's package files")]
    EntryPointNotFound {
        entry_point: String,
        searched: PathBuf,
        nearest: Vec<String>,
    },
    #[error("no Python package or module in {}", path.display())]
    NoSources { path: PathBuf },
    #[error("{} leads out of the project, to {}", path.display(), target.display())]
    SymlinkOutside { path: PathBuf, target: PathBuf },
    #[error("{} is a symbolic link that leads into itself", path.display())]
    SymlinkLoop { path: PathBuf },
    #[error("{} is neither a file nor a folder", path.display())]
    NotAFile { path: PathBuf },
    #[error("the name of {} is not UTF-8", path.display())]
    NameNotUtf8 { path: PathBuf },
}

impl ProjectError {
    /// What is wrong.
    pub fn kind(&self) -> &ProjectErrorKind {
        &self.kind
    }

    /// Where it is written, when a file says it.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_deref()
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        self.kind.hint()
    }

    pub(crate) fn at(kind: ProjectErrorKind, location: Location) -> Self {
        Self {
            kind: Box::new(kind),
            location: Some(Box::new(location)),
        }
    }
}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// The kind is the error itself, and not its cause.
impl std::error::Error for ProjectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

impl From<ProjectErrorKind> for ProjectError {
    fn from(kind: ProjectErrorKind) -> Self {
        Self {
            kind: Box::new(kind),
            location: None,
        }
    }
}

impl ProjectErrorKind {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoPyproject { .. } => {
                "name a folder that has a pyproject.toml, or the file itself".to_owned()
            }
            Self::Missing { field } if field == "tool.wadup.entry-point" => {
                "name the Python module that has `main()`, such as \
                 `entry-point = \"my_module\"`"
                    .to_owned()
            }
            Self::NoProject { .. } => "name the folder of the project's pyproject.toml".to_owned(),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "name the folder of a project, or make one with `wadup new`".to_owned()
            }
            Self::Toml { .. } => {
                "https://toml.io tells how TOML is written: text is in quotes, lists are in \
                 brackets"
                    .to_owned()
            }
            Self::Missing { field } => missing_hint(field),
            Self::Type {
                field, expected, ..
            } => type_hint(field, expected),
            Self::Value { field, .. } => value_hint(field)?.to_owned(),
            Self::UnknownKey {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { known, .. } => format!("there are `{}`", known.join("`, `")),
            Self::Dynamic { field } => format!("write `{field}` in `[project]`"),
            Self::RequiresPython { .. } => {
                "wadup's interpreter is CPython 3.13: widen `requires-python`".to_owned()
            }
            Self::EntryPointNotFound {
                searched, nearest, ..
            } => entry_point_hint(searched, nearest),
            Self::NoSources { .. } => {
                "put a package or module in `src/` or beside pyproject.toml".to_owned()
            }
            Self::SymlinkOutside { .. } => {
                "copy it into the project: what is packed must not depend on other folders"
                    .to_owned()
            }
            Self::NameNotUtf8 { .. } | Self::NotAFile { .. } => {
                "rename it, or move it out of the package".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

/// How a field is written that has to be there.
fn missing_hint(field: &str) -> String {
    match field.rsplit_once('.') {
        Some((table, key)) => format!("add `{key} = \"…\"` to `[{table}]`"),
        None => format!("add a table `[{field}]`"),
    }
}

/// How a value of the type is written.
fn type_hint(field: &str, expected: &str) -> String {
    let key = field.rsplit('.').next().unwrap_or(field);
    // An item of an array needs what its array does.
    let (key, expected) = match key.split_once('[') {
        Some((array, _)) => (array, "an array of strings"),
        None => (key, expected),
    };
    match expected {
        "a table" => format!("write it as `[{field}]`, its keys below"),
        "a string" => format!("write `{key} = \"…\"`"),
        "an array of strings" => format!("write `{key} = [\"…\", \"…\"]`"),
        "an integer" => format!("write `{key} = 0`"),
        _ => format!("write `{key} = true` or `{key} = false`"),
    }
}

/// What a valid value is like.
fn value_hint(field: &str) -> Option<&'static str> {
    Some(match field {
        "project.name" | "tool.wadup.c-extensions" => {
            "a name has letters, digits, `-`, `_` and `.`, such as \"my-project\""
        }
        "project.version" => "versions are such as \"0.1.0\" or \"2026.1rc1\" (PEP 440)",
        "project.requires-python" => "write it such as \">=3.13\" (PEP 440)",
        "project.dependencies" => "write it such as \"jinja2\" or \"jinja2>=3.1,<4\" (PEP 508)",
        "tool.wadup.entry-point" => {
            "name the Python module that has `main()`, such as \"my_module\" or \"my_package.cli\""
        }
        _ => return None,
    })
}

fn entry_point_hint(searched: &std::path::Path, nearest: &[String]) -> String {
    match nearest {
        [] => format!("modules are searched in {}", searched.display()),
        [one] => format!("did you mean `{one}`?"),
        several => format!("did you mean one of `{}`?", several.join("`, `")),
    }
}

impl Location {
    /// Line and column of the span's start, both from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.text[..self.span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.path.display())
    }
}
