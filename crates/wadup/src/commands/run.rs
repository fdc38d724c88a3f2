use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use wadup_build::BuildSettings;
use wadup_host::{Artifact, Cancel, Host, RunSummary};
use wadup_project::Project;
use wadup_sink::SqliteSink;

use super::{build::build_project, interrupt::Interrupt, watch};
use crate::{
    cli::RunArgs,
    diagnostics::Failure,
    exit_code::ExitCode,
    reporters::{self, Results, RunReporter, StepReporter, WatchReporter},
    settings::{ArtifactSource, RunCommand, RunOutput, Watched},
};

/// `wadup run`
pub(super) fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::install()?;
    if !args.watch {
        return once(args, &interrupt);
    }
    let reporter = WatchReporter::new(args.json);
    let watched = || Watched::of_run(&args);
    watch::repeat(&interrupt, &reporter, watched, || {
        once(args.clone(), &interrupt)
    })
}

fn once(args: RunArgs, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let RunCommand {
        artifacts: sources,
        inputs,
        database,
        host,
        build,
        output,
    } = RunCommand::resolve(args)?;
    // One that will be refused is refused before a project is built, which can take long.
    let existing = open_existing(&database)?;
    let built = build_projects(&sources, (&build, output), interrupt)?;

    let reporter = Arc::new(RunReporter::new(output));
    let clearing = Arc::clone(&reporter);
    interrupt.working(move || clearing.clear());
    let host = Host::new(host).map_err(|error| Failure::engine(&error))?;
    let artifacts = load(&host, &built, &reporter)?;
    let mut sink = match existing {
        Some(sink) => sink,
        None => open(&database)?,
    };

    let cancel = Cancel::new();
    interrupt.running(&cancel, &reporter);
    reporter.count(&inputs);
    let ran = host.run(&artifacts, inputs, &mut sink, &*reporter, &cancel);
    reporter.clear();
    let summary = ran.map_err(|error| Failure::run(&error))?;
    let exit_code = exit_code(&summary);
    let results = Results {
        database: &database,
        sources: only_project(&sources).map(|project| &*project.sources.root),
        advice: !output.watch,
    };
    reporter.finish(&summary, &results, exit_code);
    Ok(exit_code)
}

fn open_existing(database: &Path) -> Result<Option<SqliteSink>, Failure> {
    database.exists().then(|| open(database)).transpose()
}

fn open(database: &Path) -> Result<SqliteSink, Failure> {
    SqliteSink::open(database)
        .map_err(|error| Failure::database("write results to", database, &error))
}

/// Where each artifact is, after projects among them were built.
pub(super) fn build_projects<'a>(
    sources: &'a [ArtifactSource],
    (settings, output): (&BuildSettings, RunOutput),
    interrupt: &Interrupt,
) -> Result<Vec<BuiltArtifact<'a>>, Failure> {
    let reporter = Arc::new(StepReporter::new(false, output.json));
    let artifacts = sources.iter().map(|source| match source {
        ArtifactSource::File(path) => Ok(BuiltArtifact {
            source: path,
            path: path.clone(),
        }),
        ArtifactSource::Project(project) => {
            let begun = Instant::now();
            let built = build_project(project, settings, &reporter, interrupt)?;
            if output.watch && !built.cached {
                let took = reporters::shown(begun.elapsed());
                reporters::print(&format!("  built {} in {took}\n", project.name));
            }
            Ok(BuiltArtifact {
                source: &project.root,
                path: built.artifact,
            })
        }
    });
    artifacts.collect()
}

/// An artifact, and what the user called it: its own path, or its project's.
pub(super) struct BuiltArtifact<'a> {
    source: &'a Path,
    path: PathBuf,
}

pub(super) fn load(
    host: &Host,
    built: &[BuiltArtifact<'_>],
    reporter: &RunReporter,
) -> Result<Vec<Artifact>, Failure> {
    let artifacts = built.iter().map(|built| {
        reporter.loading(built.source);
        let artifact = host.load(&built.path, reporter);
        artifact.map_err(|error| Failure::artifact(built.source, &error))
    });
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>();
    let artifacts = artifacts.inspect_err(|_| reporter.clear())?;
    reporter.loaded(artifacts.iter().map(Artifact::name));
    Ok(artifacts)
}

/// The project, where there is nothing else that ran.
fn only_project(sources: &[ArtifactSource]) -> Option<&Project> {
    match sources {
        [ArtifactSource::Project(project)] => Some(project),
        _ => None,
    }
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
