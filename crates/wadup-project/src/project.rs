use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pep508_rs::pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{PackageName, Requirement};

use crate::document::{Document, Problems, Table};
use crate::entry_point::EntryPoint;
use crate::error::{Location, ProjectError, ProjectErrorKind};
use crate::settings::{ProjectTable, WadupTable};
use crate::sources::{SourceFile, Sources, all_files};

/// A Python project: its `pyproject.toml`, validated, and its package files.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder, absolute, symbolic links resolved.
    pub root: PathBuf,
    /// `[project] name`, normalised as PEP 503 says.
    pub name: PackageName,
    pub version: Version,
    pub requires_python: Option<VersionSpecifiers>,
    pub dependencies: Vec<Dependency>,
    /// The Python module whose `main()` handles an input; it is among `sources`.
    pub entry_point: EntryPoint,
    /// `[tool.wadup] c-extensions`.
    pub extensions: Vec<Extension>,
    /// Whether the artifact holds a started interpreter.
    pub snapshot: bool,
    /// The seed of `hash()`, fixed for the life of the artifact.
    pub hash_seed: u32,
    /// `[tool.uv]` as canonical text: uv reads it when it resolves. Empty without one.
    pub uv_settings: String,
    pub sources: Sources,
    /// Where in `pyproject.toml` the entry point is named.
    pub entry_point_span: Range<usize>,
    document: Document,
}

/// One entry of `[project] dependencies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub requirement: Requirement,
    /// As it is written.
    pub text: String,
    /// Where in `pyproject.toml`.
    pub span: Range<usize>,
}

/// One entry of `[tool.wadup] c-extensions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: PackageName,
    /// Where in `pyproject.toml`.
    pub span: Range<usize>,
}

impl Project {
    /// Reads the project in the folder `path`, or the one of the `pyproject.toml` at `path`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, a table is not as PEP 621 or wadup's documentation says,
    /// the interpreter is excluded by `requires-python`, the entry point is not among the
    /// package files, or one of these cannot be packed.
    pub fn load(path: &Path) -> Result<Self, ProjectError> {
        Self::load_all(path).map_err(|mut errors| errors.swap_remove(0))
    }

    /// The same, with all that is wrong: one error at least. What is written in the file does
    /// not keep the package files from being looked at, as long as it names an entry point.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_all(path: &Path) -> Result<Self, Vec<ProjectError>> {
        let document = read_document(path).map_err(|error| vec![error])?;
        let mut problems = Problems::default();
        match Self::read(&document, &mut problems) {
            Some(project) if problems.is_empty() => Ok(project),
            _ => Err(problems.into_errors()),
        }
    }

    /// None only if there are problems.
    fn read(document: &Document, problems: &mut Problems) -> Option<Self> {
        let parsed = problems.keep(document.parse())?;
        let table = Table::root(document, &parsed);
        let project = ProjectTable::read(table, problems);
        let wadup = WadupTable::read(table, problems)?;
        let root = problems.keep(folder(&document.path))?;
        let sources = problems.keep(Sources::find(&root, &wadup.entry_point))?;
        if sources.module(&wadup.entry_point).is_none() {
            let kind = sources.entry_point_not_found(&wadup.entry_point);
            problems.push(document.error(kind, wadup.entry_point_text.span.clone()));
        }
        let project = project?;
        let uv_settings = uv_settings(table);
        Some(Self {
            root,
            name: project.name,
            version: project.version,
            requires_python: project.requires_python,
            dependencies: project.dependencies,
            entry_point: wadup.entry_point,
            extensions: wadup.extensions,
            snapshot: wadup.snapshot,
            hash_seed: wadup.hash_seed,
            uv_settings,
            sources,
            entry_point_span: wadup.entry_point_text.span,
            document: document.clone(),
        })
    }

    /// The file of the entry point's module, relative to the project's folder.
    pub fn entry_file(&self) -> &Path {
        let module = self.sources.module(&self.entry_point);
        let file = module.map_or(self.root.as_path(), |module| &module.file);
        file.strip_prefix(&self.root).unwrap_or(file)
    }

    /// The `pyproject.toml` itself.
    pub fn pyproject(&self) -> &Path {
        &self.document.path
    }

    /// All files of the project's folder that are its own: without hidden ones, environments, and
    /// what tools put there.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn files(&self) -> Result<Vec<SourceFile>, ProjectError> {
        all_files(&self.root)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Whether the file of that path below `sys.path` is the entry module.
    pub fn is_entry(&self, path: &str) -> bool {
        let module = self.sources.module(&self.entry_point);
        module.is_some_and(|module| module.path == path)
    }

    /// A place in `pyproject.toml`, for an error that is found later.
    pub fn location(&self, span: Range<usize>) -> Location {
        Location {
            path: self.document.path.clone(),
            text: Arc::clone(&self.document.text),
            span,
        }
    }
}

fn read_document(path: &Path) -> Result<Document, ProjectError> {
    let file = if path.is_dir() {
        path.join("pyproject.toml")
    } else {
        path.to_owned()
    };
    if file.is_file() && file.extension().is_none_or(|extension| extension != "toml") {
        return Err(ProjectErrorKind::NoProject { path: file }.into());
    }
    let bytes = fs::read(&file).map_err(|source| read_error(path, &file, source))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Document {
            path: file,
            text: text.into(),
        }),
        Err(_) => Err(ProjectErrorKind::NotUtf8 { path: file }.into()),
    }
}

fn read_error(asked: &Path, file: &Path, source: io::Error) -> ProjectError {
    if asked != file && source.kind() == io::ErrorKind::NotFound {
        let path = asked.to_owned();
        return ProjectErrorKind::NoPyproject { path }.into();
    }
    let path = file.to_owned();
    ProjectErrorKind::Read { path, source }.into()
}

fn folder(file: &Path) -> Result<PathBuf, ProjectError> {
    let parent = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    parent.canonicalize().map_err(|source| {
        let path = parent.to_owned();
        ProjectErrorKind::Read { path, source }.into()
    })
}

fn uv_settings(root: Table<'_>) -> String {
    let tool = root.raw("tool").and_then(|tool| tool.get_ref().get("uv"));
    tool.map(|uv| without_spans(uv.get_ref()).to_string())
        .unwrap_or_default()
}

/// Two tables that differ in layout only must be equal.
fn without_spans(value: &toml::de::DeValue<'_>) -> toml::Value {
    use toml::de::DeValue;
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Boolean(boolean) => toml::Value::Boolean(*boolean),
        DeValue::Datetime(time) => toml::Value::Datetime(*time),
        DeValue::Integer(number) => toml::Value::String(number.to_string()),
        DeValue::Float(number) => toml::Value::String(number.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| without_spans(item.get_ref()));
            toml::Value::Array(items.collect())
        }
        DeValue::Table(table) => {
            let pair = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                (key.to_string(), without_spans(value.get_ref()))
            };
            toml::Value::Table(table.iter().map(pair).collect())
        }
    }
}
