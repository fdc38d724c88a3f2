use std::{path::Path, sync::Arc};

use indicatif::HumanBytes;
use serde::Serialize;
use wadup_toolchain::{Clean, Reporter, Settings, Silent, StepStatus, Toolchain};

use super::interrupt::Interrupt;
use crate::{
    cli::ToolchainCommand,
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
    reporters::{self, JsonLines, StepReporter, shown},
};

/// `wadup toolchain`
pub(super) fn toolchain(command: ToolchainCommand) -> Result<ExitCode, Failure> {
    match command {
        ToolchainCommand::Status { json } => status(json),
        ToolchainCommand::Install {
            offline,
            verbose,
            json,
        } => install(offline, verbose, json),
        ToolchainCommand::Path => path(),
        ToolchainCommand::Clean { unused } => clean(unused),
    }
}

/// A line of `status --json`.
#[derive(Debug, Serialize)]
struct JsonStep<'a> {
    step: &'a str,
    key: &'a str,
    path: &'a Path,
    done: bool,
    size: Option<u64>,
    duration_ms: Option<f64>,
}

/// The toolchain, configured by the environment.
pub(super) fn open(offline: bool, reporter: Arc<dyn Reporter>) -> Result<Toolchain, Failure> {
    let settings = Settings::from_env().map_err(|error| Failure::cache(&error))?;
    open_with(
        Settings {
            offline,
            ..settings
        },
        reporter,
    )
}

/// The same, to look at: nothing is installed.
pub(super) fn look(reporter: Arc<dyn Reporter>) -> Result<Toolchain, Failure> {
    let settings = Settings::from_env().map_err(|error| Failure::cache(&error))?;
    open_with(
        Settings {
            look_only: true,
            ..settings
        },
        reporter,
    )
}

fn open_with(settings: Settings, reporter: Arc<dyn Reporter>) -> Result<Toolchain, Failure> {
    Toolchain::open(settings, reporter)
        .map_err(|error| Failure::toolchain("open the toolchain", &error))
}

fn status(json: bool) -> Result<ExitCode, Failure> {
    let toolchain = open(true, Arc::new(Silent))?;
    let steps = toolchain.status();
    let steps = steps.map_err(|error| Failure::toolchain("read the toolchain's status", &error))?;
    if json {
        let out = JsonLines::to_stdout();
        steps
            .iter()
            .for_each(|step| out.write(&JsonStep::from(step)));
    } else {
        let done = steps.iter().filter(|step| step.size.is_some()).count();
        reporters::write_data(&steps.iter().map(line).collect::<String>());
        let folder = display_path(toolchain.cache_dir()).to_string();
        reporters::print(&format!(
            "{done} of {} steps done, in {folder}\n",
            steps.len()
        ));
    }
    Ok(ExitCode::Success)
}

fn line(step: &StepStatus) -> String {
    let state = match (step.size, step.duration) {
        (Some(size), Some(duration)) => {
            format!(
                "{:>10}  in {}",
                HumanBytes(size).to_string(),
                shown(duration)
            )
        }
        (Some(size), None) => format!("{:>10}", HumanBytes(size).to_string()),
        (None, _) => format!("{:>10}", "missing"),
    };
    format!("{:<28}{state}\n", step.name)
}

fn install(offline: bool, verbose: bool, json: bool) -> Result<ExitCode, Failure> {
    let reporter = Arc::new(StepReporter::new(verbose, json));
    let clearing = Arc::clone(&reporter);
    Interrupt::install()?.working(move || clearing.clear());
    let toolchain = open(offline, reporter.clone())?;
    let installed = toolchain.install();
    reporter.clear();
    installed.map_err(|error| Failure::toolchain("install the toolchain", &error))?;
    let folder = display_path(toolchain.cache_dir()).to_string();
    reporters::print(&format!("the toolchain is complete, in {folder}\n"));
    Ok(ExitCode::Success)
}

/// The folder need not be there yet, and is not made.
fn path() -> Result<ExitCode, Failure> {
    let settings = Settings::from_env().map_err(|error| Failure::cache(&error))?;
    reporters::write_path(&settings.cache);
    Ok(ExitCode::Success)
}

fn clean(unused: bool) -> Result<ExitCode, Failure> {
    let toolchain = open(true, Arc::new(Silent))?;
    let what = if unused {
        Clean::Unused
    } else {
        Clean::Everything
    };
    let freed = toolchain.clean(what);
    let freed = freed.map_err(|error| Failure::toolchain("clean the toolchain", &error))?;
    let folder = display_path(toolchain.cache_dir()).to_string();
    reporters::print(&format!("removed {} from {folder}\n", HumanBytes(freed)));
    Ok(ExitCode::Success)
}

impl<'a> From<&'a StepStatus> for JsonStep<'a> {
    fn from(step: &'a StepStatus) -> Self {
        Self {
            step: &step.name,
            key: &step.key,
            path: &step.path,
            done: step.size.is_some(),
            size: step.size,
            duration_ms: step.duration.map(|duration| duration.as_secs_f64() * 1e3),
        }
    }
}
