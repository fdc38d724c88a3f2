//! What `--watch` waits for.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use notify_debouncer_full::notify::RecursiveMode;
use wadup_project::{NOT_PACKAGES, Project};

use super::run::is_project;
use crate::cli::{BuildArgs, RunArgs};

/// Files and folders whose changes matter. All paths are absolute.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The folders that are to be listened to.
    folders: BTreeMap<PathBuf, RecursiveMode>,
    /// Files that are read.
    files: Vec<PathBuf>,
    projects: Vec<Sources>,
    /// Folders of inputs.
    inputs: Vec<PathBuf>,
    /// Files that are written.
    outputs: Vec<PathBuf>,
}

/// What a project is made of.
#[derive(Debug)]
struct Sources {
    /// The folder of pyproject.toml.
    root: PathBuf,
    /// The folder of the packages.
    folder: PathBuf,
    /// Packages and modules.
    packages: Vec<PathBuf>,
}

impl Watched {
    /// What `wadup build` reads.
    pub(crate) fn of_build(args: &BuildArgs) -> Self {
        let mut watched = Self::default();
        watched.artifact(&args.project);
        if let Some(output) = &args.output {
            watched.outputs.push(absolute(output));
        }
        watched
    }

    /// What `wadup run` reads.
    pub(crate) fn of_run(args: &RunArgs) -> Self {
        let mut watched = Self::default();
        for path in &args.artifacts {
            watched.artifact(path);
        }
        for path in args.modules.iter().chain(&args.input) {
            watched.input(path);
        }
        watched.outputs = wadup_sink::database_files(&args.output);
        watched
    }

    /// An artifact, a folder of some, or a project.
    fn artifact(&mut self, path: &Path) {
        if !is_project(path) {
            return self.input(path);
        }
        match Project::load(path) {
            Ok(project) => self.project(&project),
            Err(_) => self.unreadable_project(path),
        }
    }

    /// A file, which may be replaced by another one.
    fn file(&mut self, path: &Path) {
        let path = absolute(path);
        if let Some(folder) = path.parent() {
            self.listen(folder, RecursiveMode::NonRecursive);
        }
        self.files.push(path);
    }

    /// A file, or a folder with all that is in it.
    fn input(&mut self, path: &Path) {
        let path = absolute(path);
        if path.is_dir() {
            self.listen(&path, RecursiveMode::Recursive);
            self.inputs.push(path);
        } else {
            self.file(&path);
        }
    }

    /// The packages of a project and what says how it is built.
    fn project(&mut self, project: &Project) {
        let sources = &project.sources;
        let names = sources.files.iter().map(|file| file.path.split('/').next());
        let mut packages: Vec<PathBuf> = names
            .flatten()
            .map(|name| sources.root.join(name))
            .collect();
        packages.dedup();
        self.listen(&project.root, RecursiveMode::NonRecursive);
        self.listen(&sources.root, RecursiveMode::NonRecursive);
        for package in packages.iter().filter(|package| package.is_dir()) {
            self.listen(package, RecursiveMode::Recursive);
        }
        self.projects.push(Sources {
            root: project.root.clone(),
            folder: sources.root.clone(),
            packages,
        });
    }

    /// A project that cannot be read: whatever in it may be what is wrong.
    fn unreadable_project(&mut self, path: &Path) {
        let folder = match path.is_dir() {
            true => absolute(path),
            false => absolute(path.parent().unwrap_or(path)),
        };
        self.listen(&folder, RecursiveMode::NonRecursive);
        let src = folder.join("src");
        let is_src = src.is_dir();
        if is_src {
            self.listen(&src, RecursiveMode::Recursive);
        }
        self.projects.push(Sources {
            folder: if is_src { src.clone() } else { folder.clone() },
            root: folder,
            packages: is_src.then_some(src).into_iter().collect(),
        });
    }

    /// The folders to listen to, and whether to what is below them as well.
    pub(crate) fn folders(&self) -> &BTreeMap<PathBuf, RecursiveMode> {
        &self.folders
    }

    /// Whether what is done would come out differently now that a file has changed.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        !self.outputs.iter().any(|output| output == path)
            && (self.files.iter().any(|file| file == path)
                || self.inputs.iter().any(|folder| is_input(folder, path))
                || self.projects.iter().any(|project| is_source(project, path)))
    }

    fn listen(&mut self, folder: &Path, mode: RecursiveMode) {
        let known = self.folders.entry(folder.to_owned()).or_insert(mode);
        if mode == RecursiveMode::Recursive {
            *known = mode;
        }
    }
}

/// With its symbolic links resolved where it is there, as the system tells of changes.
fn absolute(path: &Path) -> PathBuf {
    let whole = env::current_dir().unwrap_or_default().join(path);
    whole.canonicalize().unwrap_or(whole)
}

/// Names that editors give to what is not meant to stay.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~') || name == "4913"
}

fn is_input(folder: &Path, path: &Path) -> bool {
    path.starts_with(folder) && !path.file_name().is_some_and(is_temporary)
}

fn is_source(project: &Sources, path: &Path) -> bool {
    let mut packages = project.packages.iter();
    if let Some(inside) = packages.find_map(|package| path.strip_prefix(package).ok()) {
        let mut parts = inside.components().map(Component::as_os_str);
        return !parts.any(|part| is_temporary(part) || part == "__pycache__");
    }
    let name = path.file_name().unwrap_or_default();
    let is_in = |folder: &PathBuf| path.parent() == Some(folder);
    // The lock that a build writes is no news.
    let is_plan = ["pyproject.toml", "uv.lock", "pylock.toml"]
        .iter()
        .any(|it| name == *it);
    let is_new = !is_temporary(name)
        && name != "__pycache__"
        && !NOT_PACKAGES.iter().any(|it| name == *it)
        && (path.extension().is_some_and(|it| it == "py") || path.is_dir());
    is_in(&project.root) && is_plan || is_in(&project.folder) && is_new
}
