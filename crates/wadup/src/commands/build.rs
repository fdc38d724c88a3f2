use std::sync::Arc;

use indicatif::HumanBytes;
use wadup_build::{BuildOutput, BuildSettings, ToolchainTools};
use wadup_project::Project;

use super::{dry_run::dry_run, interrupt::Interrupt, toolchain, watch};
use crate::{
    cli::BuildArgs,
    diagnostics::{Failure, OneLine, display_path, short},
    exit_code::ExitCode,
    reporters::{self, StepReporter, WatchReporter},
    settings::{BuildCommand, Watched},
};

/// `wadup build`
pub(super) fn build(args: BuildArgs) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::install()?;
    if !args.watch {
        return once(args, &interrupt);
    }
    let reporter = WatchReporter::new(args.json);
    let watched = || Watched::of_build(&args);
    watch::repeat(&interrupt, &reporter, watched, || {
        once(args.clone(), &interrupt)
    })
}

fn once(args: BuildArgs, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let command = BuildCommand::resolve(args)?;
    if command.dry_run {
        return dry_run(&command);
    }
    let reporter = Arc::new(StepReporter::new(command.verbose, command.json));
    let output = build_project(&command.project, &command.settings, &reporter, interrupt)?;
    if command.verbose {
        reporters::print(&contents(&output));
    }
    reporters::print(&headline(&output));
    Ok(ExitCode::Success)
}

/// Builds a project, and the toolchain where that is needed first.
pub(super) fn build_project(
    project: &Project,
    settings: &BuildSettings,
    reporter: &Arc<StepReporter>,
    interrupt: &Interrupt,
) -> Result<BuildOutput, Failure> {
    let clearing = Arc::clone(reporter);
    interrupt.working(move || clearing.clear());
    let toolchain = toolchain::open(settings.offline, reporter.clone())?;
    let tools = ToolchainTools::new(&toolchain)
        .map_err(|error| Failure::new(ExitCode::Internal, "read the recipes").because(&error))?;
    let built = wadup_build::build(project, settings, &tools, &**reporter);
    reporter.clear();
    let output = built.map_err(|error| Failure::build(project, &error))?;
    reporter.built(&output);
    Ok(output)
}

fn headline(output: &BuildOutput) -> String {
    let state = if output.cached {
        " (was up to date)"
    } else {
        ""
    };
    format!(
        "{} {} in {}, {}{state}\n",
        output.manifest.name,
        output.manifest.version,
        display_path(&short(&output.artifact)),
        HumanBytes(output.size),
    )
}

/// Packages and files, for `--verbose`.
fn contents(output: &BuildOutput) -> String {
    let packages = output.manifest.packages.iter();
    let packages = packages.map(|(name, version)| format!("  package {name} {version}\n"));
    let files = output.files.iter().map(|file| {
        let path = OneLine(&file.path);
        format!("  {:>9}  {path}\n", HumanBytes(file.size).to_string())
    });
    packages.chain(files).collect()
}
