use std::{fmt::Write as _, sync::Arc};

use indicatif::HumanBytes;
use serde::Serialize;
use wadup_build::{DryRun, Freshness, ToolchainTools};
use wadup_project::Project;
use wadup_toolchain::Silent;

use super::toolchain;
use crate::{
    diagnostics::{self, Failure, OneLine, display_path},
    exit_code::ExitCode,
    reporters::{self, JsonLines},
    settings::BuildCommand,
};

/// `wadup build --dry-run`
pub(super) fn dry_run(command: &BuildCommand) -> Result<ExitCode, Failure> {
    let project = &command.project;
    let toolchain = toolchain::look(Arc::new(Silent))?;
    let tools = ToolchainTools::new(&toolchain)
        .map_err(|error| Failure::new(ExitCode::Internal, "read the recipes").because(&error))?;
    let plan = wadup_build::dry_run(project, &command.settings, &tools)
        .map_err(|error| Failure::build(project, &error))?;
    for warning in &plan.warnings {
        diagnostics::warn(&warning.to_string());
    }
    if command.json {
        JsonLines::to_stdout().write(&Event::new(project, &plan));
    } else {
        reporters::write_data(&text(project, &plan, command.verbose));
    }
    Ok(ExitCode::Success)
}

#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    name: String,
    version: String,
    #[serde(flatten)]
    plan: &'a DryRun,
}

impl<'a> Event<'a> {
    fn new(project: &Project, plan: &'a DryRun) -> Self {
        Self {
            event: "planned",
            name: project.name.to_string(),
            version: project.version.to_string(),
            plan,
        }
    }
}

fn text(project: &Project, plan: &DryRun, verbose: bool) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{label:<12}{value}");
    };
    line("project", format!("{} {}", project.name, project.version));
    if let Some(output) = &plan.output {
        let output = output.strip_prefix(&project.root).unwrap_or(output);
        line("artifact", display_path(output).to_string());
    }
    line("", freshness(plan.freshness).to_owned());
    match &plan.lock {
        Some(lock) => {
            let path = lock.path.strip_prefix(&project.root).unwrap_or(&lock.path);
            let state = if lock.written {
                "to be written"
            } else {
                "up to date"
            };
            line("lock", format!("{}, {state}", display_path(path)));
        }
        None => line(
            "lock",
            "to be made by uv, once that is installed".to_owned(),
        ),
    }
    let mut label = "packages";
    for package in &plan.packages {
        let name = format!("{} {}", package.name, package.version);
        let from = match (&package.wheel, package.size) {
            (None, _) => "by recipe".to_owned(),
            (Some(_), Some(size)) => format!("wheel, {}", HumanBytes(size)),
            (Some(_), None) => "wheel".to_owned(),
        };
        line(std::mem::take(&mut label), format!("{name:<38} {from}"));
    }
    let bytes = HumanBytes(plan.files.values().sum());
    let files = match plan.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    line("files", format!("{files:<38} {bytes}"));
    for (path, size) in plan.files.iter().filter(|_| verbose) {
        let path = OneLine(path).to_string();
        line("", format!("  {path:<36} {}", HumanBytes(*size)));
    }
    if plan.missing_steps.is_empty() {
        line("toolchain", "nothing is missing".to_owned());
    }
    let mut label = "toolchain";
    for step in &plan.missing_steps {
        let downloads = match step.downloads.len() {
            0 => String::new(),
            1 => ", 1 download".to_owned(),
            count => format!(", {count} downloads"),
        };
        let step = format!("{:<38} missing{downloads}", step.name);
        line(std::mem::take(&mut label), step);
    }
    text
}

fn freshness(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::UpToDate => "up to date",
        Freshness::Cached => "to be copied from the cache",
        Freshness::Missing => "to be made",
    }
}
