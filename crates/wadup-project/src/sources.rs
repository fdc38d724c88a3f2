//! The files of a project that are packed.
//!
//! Packed are packages and top-level modules, with all data files inside packages. A
//! `.gitignore` is not consulted: generated modules (`_version.py`) are ignored by git as a
//! rule and needed all the same, and what is packed must not depend on git's settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::entry_point::{EntryPoint, is_identifier};
use crate::error::{ProjectError, ProjectErrorKind};

/// Folders beside pyproject.toml that are never a package of a flat layout, unless the
/// entry point is in them.
pub const NOT_PACKAGES: &[&str] = &[
    "benchmarks",
    "build",
    "dist",
    "docs",
    "examples",
    "htmlcov",
    "node_modules",
    "target",
    "test",
    "tests",
    "venv",
];

/// Files beside pyproject.toml that tools run, not the project.
const NOT_MODULES: &[&str] = &["conftest.py", "noxfile.py", "setup.py", "tasks.py"];

/// Where the packages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In `src/`.
    Src,
    /// Beside pyproject.toml.
    Flat,
}

/// The package files of a project, ordered by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    pub layout: Layout,
    /// The folder that is on `sys.path`.
    pub root: PathBuf,
    pub files: Vec<SourceFile>,
    /// Native libraries that were left out, relative to `root`: WebAssembly cannot load them.
    pub native: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to [`Sources::root`], with `/` between its parts.
    pub path: String,
    /// Where it is on the host.
    pub file: PathBuf,
}

impl Sources {
    pub(crate) fn find(project: &Path, entry_point: &EntryPoint) -> Result<Self, ProjectError> {
        let src = project.join("src");
        let (layout, root) = if src.is_dir() && has_python(&src)? {
            (Layout::Src, src)
        } else {
            (Layout::Flat, project.to_owned())
        };
        let mut walk = Walk::new(project);
        for entry in children(&root)? {
            // Beside the packages, a name that is not UTF-8 is nobody's business.
            if let Ok(name) = utf8_name(&entry) {
                walk.top_level(layout, entry_point, name, &entry)?;
            }
        }
        if walk.files.is_empty() {
            return Err(ProjectErrorKind::NoSources { path: root }.into());
        }
        let file = |(path, file)| SourceFile { path, file };
        Ok(Self {
            layout,
            root,
            files: walk.files.into_iter().map(file).collect(),
            native: walk.native,
        })
    }

    /// The file that a module is.
    /// A package takes precedence over a module of its name, as in Python.
    pub(crate) fn module(&self, entry_point: &EntryPoint) -> Option<&SourceFile> {
        let find = |path: String| self.files.iter().find(|file| file.path == path);
        entry_point.files().into_iter().find_map(find)
    }

    pub(crate) fn entry_point_not_found(&self, entry_point: &EntryPoint) -> ProjectErrorKind {
        let modules: Vec<String> = self.modules().collect();
        let mut ranked: Vec<(f64, &String)> = modules
            .iter()
            .map(|module| (strsim::jaro_winkler(entry_point.as_str(), module), module))
            .filter(|(similarity, _)| *similarity > 0.75)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        ranked.truncate(3);
        ProjectErrorKind::EntryPointNotFound {
            entry_point: entry_point.to_string(),
            searched: self.root.clone(),
            nearest: ranked.into_iter().map(|(_, name)| name.clone()).collect(),
        }
    }

    fn modules(&self) -> impl Iterator<Item = String> {
        self.files.iter().filter_map(|file| {
            let module = file.path.strip_suffix(".py")?;
            let module = module.strip_suffix("/__init__").unwrap_or(module);
            Some(module.replace('/', "."))
        })
    }
}

struct Walk<'p> {
    project: &'p Path,
    files: BTreeMap<String, PathBuf>,
    native: Vec<String>,
    /// The real paths of the folders that are open, against loops of symbolic links.
    open: Vec<PathBuf>,
}

impl<'p> Walk<'p> {
    fn new(project: &'p Path) -> Self {
        Self {
            project,
            files: BTreeMap::new(),
            native: Vec::new(),
            open: Vec::new(),
        }
    }

    fn top_level(
        &mut self,
        layout: Layout,
        entry_point: &EntryPoint,
        name: String,
        entry: &Path,
    ) -> Result<(), ProjectError> {
        if is_never_packed(&name, entry) {
            return Ok(());
        }
        let wanted = entry_point.as_str().split('.').next();
        if !entry.is_dir() {
            let module = name.strip_suffix(".py");
            let is_tool =
                layout == Layout::Flat && NOT_MODULES.contains(&name.as_str()) && module != wanted;
            if module.is_some_and(is_identifier) && !is_tool {
                self.file(name, entry)?;
            }
            return Ok(());
        }
        let is_other = layout == Layout::Flat
            && NOT_PACKAGES.contains(&name.as_str())
            && wanted != Some(name.as_str());
        if is_identifier(&name) && !is_other && has_python(entry)? {
            self.folder(&name, entry)?;
        }
        Ok(())
    }

    fn folder(&mut self, path: &str, folder: &Path) -> Result<(), ProjectError> {
        let real = self.inside(folder)?;
        if self.open.contains(&real) {
            let path = folder.to_owned();
            return Err(ProjectErrorKind::SymlinkLoop { path }.into());
        }
        self.open.push(real);
        for entry in children(folder)? {
            let name = utf8_name(&entry)?;
            if is_never_packed(&name, &entry) {
                continue;
            }
            let path = format!("{path}/{name}");
            if entry.is_dir() {
                self.folder(&path, &entry)?;
            } else if is_native_library(&name) {
                self.native.push(path);
            } else {
                self.file(path, &entry)?;
            }
        }
        self.open.pop();
        Ok(())
    }

    fn file(&mut self, path: String, file: &Path) -> Result<(), ProjectError> {
        let real = self.inside(file)?;
        if !real.is_file() {
            let path = file.to_owned();
            return Err(ProjectErrorKind::NotAFile { path }.into());
        }
        self.files.insert(path, real);
        Ok(())
    }

    /// The real path, which must be in the project.
    fn inside(&self, path: &Path) -> Result<PathBuf, ProjectError> {
        let real = path.canonicalize().map_err(|source| read(path, source))?;
        if real.starts_with(self.project) {
            return Ok(real);
        }
        let path = path.to_owned();
        let target = real;
        Err(ProjectErrorKind::SymlinkOutside { path, target }.into())
    }
}

/// Folders beside pyproject.toml that tools fill.
const MADE_BY_TOOLS: &[&str] = &["build", "dist", "htmlcov", "target"];

/// All files below `root` that are the project's own. Links that lead out of it are passed over,
/// as are names that are not UTF-8.
pub(crate) fn all_files(root: &Path) -> Result<Vec<SourceFile>, ProjectError> {
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), root.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in children(&folder)? {
            let Ok(name) = utf8_name(&entry) else {
                continue;
            };
            let is_made = prefix.is_empty() && MADE_BY_TOOLS.contains(&name.as_str());
            if is_made || is_never_packed(&name, &entry) {
                continue;
            }
            let path = format!("{prefix}{name}");
            // A link to a folder is not followed: it could lead in circles.
            if entry.is_dir() && !entry.is_symlink() {
                folders.push((format!("{path}/"), entry));
            } else if let Ok(real) = entry.canonicalize()
                && real.starts_with(root)
                && real.is_file()
            {
                files.push(SourceFile { path, file: real });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// What is neither the project's nor needed at run time, at any depth.
fn is_never_packed(name: &str, entry: &Path) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    name.starts_with('.')
        || name == "__pycache__"
        || name == "node_modules"
        || name.ends_with(".egg-info")
        || name.ends_with(".dist-info")
        || matches!(extension, Some("pyc" | "pyo" | "wasm"))
        || entry.join("pyvenv.cfg").is_file()
}

fn is_native_library(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    matches!(extension, Some("so" | "pyd" | "dylib" | "dll"))
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, ProjectError> {
    let entries = fs::read_dir(folder).map_err(|source| read(folder, source))?;
    let mut children = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| read(folder, source))?;
    children.sort();
    Ok(children)
}

fn utf8_name(entry: &Path) -> Result<String, ProjectError> {
    match entry.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(name.to_owned()),
        None => Err(ProjectErrorKind::NameNotUtf8 {
            path: entry.to_owned(),
        }
        .into()),
    }
}

/// Whether there is a Python source in `folder` or below: a package, with or without
/// `__init__.py` (PEP 420), and not a folder of data or documents.
fn has_python(folder: &Path) -> Result<bool, ProjectError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|source| read(&folder, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| read(&folder, source))?;
            let kind = entry.file_type().map_err(|source| read(&folder, source))?;
            let path = entry.path();
            let name = entry.file_name();
            if is_never_packed(&name.to_string_lossy(), &path) {
                continue;
            }
            if path.extension().is_some_and(|extension| extension == "py") {
                return Ok(true);
            }
            // A link to a folder is not followed here: it could lead anywhere.
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(false)
}

fn read(path: &Path, source: std::io::Error) -> ProjectError {
    let path = path.to_owned();
    ProjectErrorKind::Read { path, source }.into()
}
