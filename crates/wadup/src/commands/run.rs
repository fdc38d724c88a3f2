use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use wadup_build::BuildSettings;
use wadup_host::{Artifact, Cancel, Host, RunSummary};
use wadup_sink::SqliteSink;

use super::{build::build_project, interrupt};
use crate::{
    cli::RunArgs,
    diagnostics::Failure,
    exit_code::ExitCode,
    reporters::{RunReporter, StepReporter},
    settings::{ArtifactSource, RunCommand, RunOutput},
};

/// `wadup run`
pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let command = RunCommand::resolve(args)?;
    // One that will be refused is refused before a project is built, which can take long.
    let existing = open_existing(&command.database)?;
    let built = build_projects(&command.artifacts, &command.build, command.output)?;

    let reporter = Arc::new(RunReporter::new(command.output));
    let host = Host::new(command.host).map_err(|error| Failure::engine(&error))?;
    let artifacts = load(&host, &built, &reporter)?;
    let mut sink = match existing {
        Some(sink) => sink,
        None => open(&command.database)?,
    };

    let cancel = Cancel::new();
    interrupt::install(&cancel, &reporter)?;
    let ran = host.run(&artifacts, command.inputs, &mut sink, &*reporter, &cancel);
    reporter.clear();
    let summary = ran.map_err(|error| Failure::run(&error))?;
    let exit_code = exit_code(&summary);
    reporter.finish(&summary, &command.database, exit_code);
    Ok(exit_code)
}

fn open_existing(database: &Path) -> Result<Option<SqliteSink>, Failure> {
    database.exists().then(|| open(database)).transpose()
}

fn open(database: &Path) -> Result<SqliteSink, Failure> {
    SqliteSink::open(database).map_err(|error| Failure::database(database, &error))
}

/// Where each artifact is, after projects among them were built.
fn build_projects<'a>(
    sources: &'a [ArtifactSource],
    settings: &BuildSettings,
    output: RunOutput,
) -> Result<Vec<BuiltArtifact<'a>>, Failure> {
    let reporter = Arc::new(StepReporter::new(false, output.json));
    let artifacts = sources.iter().map(|source| match source {
        ArtifactSource::File(path) => Ok(BuiltArtifact {
            source: path,
            path: path.clone(),
        }),
        ArtifactSource::Project(project) => {
            let output = build_project(project, settings, &reporter)?;
            Ok(BuiltArtifact {
                source: &project.root,
                path: output.artifact,
            })
        }
    });
    artifacts.collect()
}

/// An artifact, and what the user called it: its own path, or its project's.
struct BuiltArtifact<'a> {
    source: &'a Path,
    path: PathBuf,
}

fn load(
    host: &Host,
    built: &[BuiltArtifact<'_>],
    reporter: &RunReporter,
) -> Result<Vec<Artifact>, Failure> {
    let artifacts = built.iter().map(|built| {
        reporter.loading(built.source);
        let artifact = host.load(&built.path, reporter);
        artifact.map_err(|error| Failure::artifact(built.source, &error))
    });
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>()?;
    reporter.loaded(artifacts.iter().map(Artifact::name));
    Ok(artifacts)
}

fn exit_code(summary: &RunSummary) -> ExitCode {
    if summary.cancelled {
        ExitCode::Interrupted
    } else if summary.failed() > 0 {
        ExitCode::InputsFailed
    } else {
        ExitCode::Success
    }
}
