//! How errors of the libraries become failures of a command.

use std::{error::Error, fmt::Display, path::Path};

use wadup_build::BuildError;
use wadup_host::{ArtifactError, EngineError, RunError};
use wadup_project::{Location, ProjectError};
use wadup_sink::OpenError;
use wadup_toolchain::{SettingsError, ToolchainError};

use super::{Excerpt, Failure, display_path};
use crate::exit_code::ExitCode;

impl Failure {
    pub(crate) fn project(path: &Path, error: &ProjectError) -> Self {
        Self::new(
            ExitCode::Build,
            format_args!("read the project {}", display_path(path)),
        )
        .because(error)
        .at(error.location().map(Excerpt::from))
        .hint(error.hint())
    }

    pub(crate) fn build(path: &Path, error: &BuildError) -> Self {
        let action = format!("build {}", display_path(path));
        if let Some(error) = source::<ToolchainError>(error) {
            return Self::toolchain(action, error);
        }
        Self::new(ExitCode::Build, action)
            .because(error)
            .at(error.location().map(Excerpt::from))
            .log(error.traceback().into_iter().flat_map(str::lines))
            .hint(error.hint())
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
        failure.hint(error.hint())
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

    pub(crate) fn database(path: &Path, error: &OpenError) -> Self {
        let failure = match error {
            OpenError::Io { .. } | OpenError::Sqlite { .. } => {
                Self::new(ExitCode::Database, error).because_of_sources(error)
            }
            _ => {
                let action = format_args!("write results to {}", display_path(path));
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
