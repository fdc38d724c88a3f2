use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use wadup_host::{Artifact, Cancel, Host, RunSummary};
use wadup_sink::SqliteSink;

use super::{build::build_project, interrupt};
use crate::{
    cli::RunArgs,
    diagnostics::Failure,
    exit_code::ExitCode,
    reporters::{RunReporter, StepReporter},
    settings::{ArtifactSource, RunCommand},
};

/// `wadup run`
pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let command = RunCommand::resolve(args)?;
    // One that will be refused is refused before a project is built, which can take long.
    let existing = open_existing(&command.database)?;
    let paths = build_projects(&command)?;

    let reporter = Arc::new(RunReporter::new(command.output));
    let host = Host::new(command.host).map_err(|error| Failure::engine(&error))?;
    let artifacts = load(&host, &paths, &reporter)?;
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

/// The paths of all artifacts, after projects among them were built.
fn build_projects(command: &RunCommand) -> Result<Vec<PathBuf>, Failure> {
    let reporter = Arc::new(StepReporter::new(false, command.output.json));
    let artifacts = command.artifacts.iter();
    let paths = artifacts.map(|source| match source {
        ArtifactSource::File(path) => Ok(path.clone()),
        ArtifactSource::Project(project) => {
            let output = build_project(project, &command.build, &reporter)?;
            Ok(output.artifact)
        }
    });
    paths.collect()
}

fn load(host: &Host, paths: &[PathBuf], reporter: &RunReporter) -> Result<Vec<Artifact>, Failure> {
    let artifacts = paths.iter().map(|path| {
        reporter.loading(path);
        let artifact = host.load(path, reporter);
        artifact.map_err(|error| Failure::artifact(path, &error))
    });
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>()?;
    reporter.artifacts(artifacts.iter().map(Artifact::name));
    Ok(artifacts)
}

fn exit_code(summary: &RunSummary) -> ExitCode {
    if summary.cancelled {
        ExitCode::Interrupted
    } else if summary.failed_inputs > 0 {
        ExitCode::InputsFailed
    } else {
        ExitCode::Success
    }
}
