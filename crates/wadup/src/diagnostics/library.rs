//! How errors of the libraries become failures of a command.

use std::{any::Any, env, error::Error, fmt::Display, io, path::Path};

use wadup_build::BuildError;
use wadup_host::{ArtifactError, EngineError, RunError, SessionError};
use wadup_project::{Location, Project, ProjectError};
use wadup_sink::OpenError;
use wadup_toolchain::{SettingsError, ToolchainError};

use super::{Excerpt, Failure, display_path, meant, outside};
use crate::exit_code::ExitCode;

impl Failure {
    /// `payload` is what the panic was raised with; its message has been written to stderr.
    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Self::new(ExitCode::Internal, "go on after a panic")
            .because_of(text.unwrap_or("it came without a message"))
            .hint(Some(
                "that is a bug in wadup: please report it, with all that is above",
            ))
    }

    pub(crate) fn project(path: &Path, error: &ProjectError) -> Self {
        // Who has named none is told which one that is.
        let current = (path == Path::new(".")).then(|| env::current_dir().ok());
        let path = current.flatten().unwrap_or_else(|| path.to_owned());
        Self::new(
            ExitCode::Build,
            format_args!("read the project {}", display_path(&path)),
        )
        .because(error)
        .at(error.location().map(Excerpt::from))
        .hint(error.hint())
    }

    pub(crate) fn build(project: &Project, error: &BuildError) -> Self {
        let action = format!("build {}", project.name);
        if let Some(error) = source::<ToolchainError>(error) {
            return Self::toolchain(action, error);
        }
        let failure = Self::new(ExitCode::Build, action).because(error);
        let traceback = error.traceback().unwrap_or_default().trim_end();
        // It ends with what is the last cause already.
        let cause = failure.report.causes.last().map_or("", String::as_str);
        let frames = traceback.strip_suffix(cause).unwrap_or(traceback);
        let frames = outside(frames, &project.sources.root);
        failure
            .at(error.location().map(Excerpt::from))
            .log(frames.lines())
            .hint(error.hint())
    }

    /// One of several reasons why it cannot be built.
    pub(crate) fn build_problem(project: &Project, error: &BuildError) -> Self {
        let mut failure = Self::build(project, error);
        let causes = &mut failure.report.causes;
        let is_general = causes
            .first()
            .is_some_and(|cause| *cause == error.to_string());
        if matches!(error, BuildError::Resolve(_)) && is_general && causes.len() > 1 {
            // What failed is said by why it did.
            causes.remove(0);
        }
        failure
    }

    pub(crate) fn toolchain(action: impl Display, error: &ToolchainError) -> Self {
        let log: &[String] = match error {
            ToolchainError::Step(error) => &error.tail,
            _ => &[],
        };
        Self::new(ExitCode::Toolchain, action)
            .because(error)
            .log(log.iter().map(String::as_str))
            .hint(error.hint())
    }

    pub(crate) fn cache(error: &SettingsError) -> Self {
        Self::new(ExitCode::Toolchain, "find a place for the cache")
            .because(error)
            .hint(Some(error.hint()))
    }

    pub(crate) fn artifact(path: &Path, error: &ArtifactError) -> Self {
        let failure = Self::new(
            ExitCode::Artifact,
            format_args!("load the artifact {}", display_path(path)),
        );
        // One that has a source says no more itself than that.
        let failure = match error.source() {
            Some(source) => failure.because(source),
            None => failure.because(error),
        };
        match error {
            ArtifactError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                failure.hint(Some(meant(path)))
            }
            _ => failure.hint(error.hint()),
        }
    }

    pub(crate) fn engine(error: &EngineError) -> Self {
        let failure = match error {
            EngineError::OutOfRange { .. } => {
                Self::new(ExitCode::Usage, "set the limits").because(error)
            }
            _ => Self::new(ExitCode::Internal, error).because_of_sources(error),
        };
        failure.hint(error.hint())
    }

    pub(crate) fn run(error: &RunError) -> Self {
        let failure = match error {
            RunError::Sink(error) => Self::new(ExitCode::Database, error).because_of_sources(error),
            RunError::Spool(_) => Self::new(ExitCode::Database, error).because_of_sources(error),
            RunError::List(_) => Self::new(ExitCode::Input, error).because_of_sources(error),
            RunError::Worker(_) | RunError::Thread(_) => {
                Self::new(ExitCode::Internal, error).because_of_sources(error)
            }
            RunError::SameName { .. } | RunError::OtherArtifacts { .. } => {
                Self::new(ExitCode::Usage, START_RUN).because(error)
            }
            _ => Self::new(ExitCode::Internal, START_RUN).because(error),
        };
        failure.hint(error.hint())
    }

    pub(crate) fn session(error: &SessionError) -> Self {
        let code = match error {
            SessionError::Input { .. } => ExitCode::Input,
            SessionError::File { .. } => ExitCode::Build,
            _ => ExitCode::Internal,
        };
        let failure = match error {
            // Its text has the cause.
            SessionError::File { .. } => Self::new(code, error),
            _ => Self::new(code, error).because_of_sources(error),
        };
        failure.hint(error.hint())
    }

    /// `action` is what was to be done with its results.
    pub(crate) fn database(action: &str, path: &Path, error: &OpenError) -> Self {
        let failure = match error {
            OpenError::Io { .. } | OpenError::Sqlite { .. } => {
                Self::new(ExitCode::Database, error).because_of_sources(error)
            }
            _ => {
                let action = format_args!("{action} {}", display_path(path));
                Self::new(ExitCode::Database, action).because(error)
            }
        };
        failure.hint(error.hint())
    }
}

const START_RUN: &str = "carry the run through";

impl From<&Location> for Excerpt {
    fn from(location: &Location) -> Self {
        Self {
            path: location.path.clone(),
            text: location.text.clone(),
            span: location.span.clone(),
        }
    }
}

/// The error itself or the first of its sources that is an `E`.
fn source<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
