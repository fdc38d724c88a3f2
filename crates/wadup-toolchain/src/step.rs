//! Steps: named units of work whose results are cached under a key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{Cache, CacheError, StepId};
use crate::command::{CommandError, path_with, run_logged};
use crate::digest::KeyBuilder;
use crate::fetch::{FetchError, Fetcher};
use crate::recipes::{Recipes, Source};
use crate::report::{Event, Reporter};
use crate::requirements::Requirement;
use crate::wasm::{LocalizeError, LowerBulkError, RuntimeCheckError};

/// What a step does. An action is plain data until it runs.
pub(crate) trait Action: Send + Sync + std::fmt::Debug {
    /// Adds all that the result depends on: recipe data, patches, identities of
    /// the machine's tools. Sources and needed steps are added by the graph.
    fn describe(&self, key: &mut KeyBuilder);

    /// Builds the result in `bench.out()`.
    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError>;
}

/// A step of the graph.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) id: StepId,
    /// Steps whose results are inputs of this one.
    pub(crate) needs: Vec<StepId>,
    /// Steps that must be there for fetching, without being an input.
    pub(crate) tools: Vec<StepId>,
    pub(crate) sources: Vec<Source>,
    pub(crate) action: Box<dyn Action>,
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// A program failed; what it printed is in the step's log.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A source could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A file of the step could not be read or written.
    #[error("failed to {action} {path}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A patch does not fit.
    #[error("the patch `{patch}` does not apply to `{file}`: {reason}")]
    Patch {
        /// The patch, relative to `recipes/`.
        patch: String,
        /// The file that it changes.
        file: String,
        /// Why.
        reason: String,
    },
    /// An object could not be isolated.
    #[error(transparent)]
    Localize(#[from] LocalizeError),
    /// The linked runtime is not what it must be.
    #[error(transparent)]
    Runtime(#[from] RuntimeCheckError),
    /// Its bulk memory operations could not be replaced.
    #[error(transparent)]
    LowerBulk(#[from] LowerBulkError),
    /// Something of the machine or of the sources is not as expected.
    #[error("{what}")]
    Unexpected {
        /// What, and where.
        what: String,
        /// What to try.
        hint: Option<&'static str>,
    },
}

impl ActionError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    pub(crate) fn unexpected(what: impl Into<String>) -> Self {
        Self::Unexpected {
            what: what.into(),
            hint: None,
        }
    }

    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(error) => error.hint(),
            Self::Unexpected { hint, .. } => *hint,
            Self::Command(CommandError::Start { program, .. }) => Some(
                Requirement::of(program)
                    .map_or("`wadup doctor` says what to install", Requirement::remedy),
            ),
            _ => None,
        }
    }
}

/// What an action works with.
pub(crate) struct Workbench<'a> {
    pub(crate) step: &'a Step,
    pub(crate) cache: &'a Cache,
    pub(crate) recipes: &'a Recipes,
    pub(crate) fetcher: &'a Fetcher<'a>,
    pub(crate) reporter: &'a dyn Reporter,
    pub(crate) jobs: &'a jobserver::Client,
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a File,
}

impl Workbench<'_> {
    /// A folder to work in. It is empty at first, and thrown away.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// The folder that becomes the step's result.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// The result of a needed step, by its name.
    pub(crate) fn needed(&self, name: &str) -> Result<PathBuf, ActionError> {
        let mut needs = self.step.needs.iter();
        let id = needs.find(|id| id.name == name);
        id.map(|id| self.cache.step(id))
            .ok_or_else(|| ActionError::unexpected(format!("the step needs no `{name}`")))
    }

    /// The file of one of the step's sources, by its name.
    pub(crate) fn source(&self, name: &str) -> Result<PathBuf, ActionError> {
        let source = self.step.sources.iter().find(|source| source.name == name);
        source
            .map(|source| self.cache.source(source.sha256, &source.file))
            .ok_or_else(|| ActionError::unexpected(format!("the step has no source `{name}`")))
    }

    /// A program with a clean environment: what is built must depend neither on
    /// the user's settings nor on the day. `path` is searched for programs
    /// first.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, path: &[&Path]) -> Command {
        let epoch = self.recipes.cpython.source_date_epoch;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path_with(path))
            .env("HOME", self.work())
            .env("TMPDIR", std::env::temp_dir())
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("SOURCE_DATE_EPOCH", epoch.to_string())
            .env("ZERO_AR_DATE", "1")
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(self.work());
        command
    }

    /// Runs a program; its output goes to the step's log.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), ActionError> {
        let step = &*self.step.id.name;
        let progress = |line: &str| self.reporter.event(Event::Progress { step, line });
        Ok(run_logged(command, self.log, progress)?)
    }

    /// Runs a make or cargo that shares the cores with what runs beside it.
    pub(crate) fn run_parallel(&self, command: &mut Command) -> Result<(), ActionError> {
        self.jobs.configure_make(command);
        self.run(command)
    }

    /// Writes a line to the step's log.
    pub(crate) fn note(&self, line: &str) {
        let mut log = self.log;
        // A log that cannot be written does not stop the work.
        let _ = writeln!(log, "{line}");
    }

    /// Writes a file below a folder of the step, and the folders above it.
    pub(crate) fn write(&self, path: &Path, content: impl AsRef<[u8]>) -> Result<(), ActionError> {
        let parent = path.parent().unwrap_or(path);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(path, content))
            .map_err(ActionError::file("write", path))
    }
}
