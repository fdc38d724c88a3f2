use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde::Serialize;
use wadup_build::{BuildSettings, Check, PythonCheck, ToolchainTools};
use wadup_project::Project;

use super::toolchain;
use crate::{
    cli::CheckArgs,
    diagnostics::{self, Failure, display_path},
    exit_code::ExitCode,
    reporters::{self, JsonLines, StepReporter},
};

/// `wadup check`
pub(super) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let json = args.json.then(JsonLines::to_stdout);
    let tell = |problems: &[Failure]| {
        for problem in problems {
            diagnostics::print_problem(problem);
            if let Some(json) = &json {
                json.write(&problem.to_problem());
            }
        }
        refused(&args.project, problems)
    };
    let project = Project::load_all(&args.project).map_err(|errors| {
        let problem = |error| Failure::project(&args.project, error);
        tell(&errors.iter().map(problem).collect::<Vec<_>>())
    })?;
    let settings = BuildSettings {
        locked: args.resolve.locked,
        offline: args.resolve.offline,
        ..BuildSettings::default()
    };
    let reporter = Arc::new(StepReporter::new(false, args.json));
    let toolchain = toolchain::open(settings.offline, reporter.clone())?;
    let tools = ToolchainTools::new(&toolchain)
        .map_err(|error| Failure::new(ExitCode::Internal, "read the recipes").because(&error))?;
    let check = wadup_build::check(&project, &settings, &tools, &*reporter);
    reporter.clear();
    let check = check.map_err(|error| Failure::build(&project, &error))?;
    for warning in &check.warnings {
        wadup_build::Reporter::event(
            &*reporter,
            wadup_build::BuildEvent::Warning(warning.clone()),
        );
    }
    if !check.problems.is_empty() {
        let problems = check.problems.iter();
        let problem = |error| Failure::build_problem(&project, error);
        return Err(tell(&problems.map(problem).collect::<Vec<_>>()));
    }
    reporters::print(&found(&project, &check));
    if let Some(json) = &json {
        json.write(&Checked::new(&project, &check));
    }
    Ok(ExitCode::Success)
}

/// The end, after the problems have been told one by one.
fn refused(project: &Path, problems: &[Failure]) -> Failure {
    let code = problems.first().map_or(ExitCode::Build, Failure::exit_code);
    let count = match problems.len() {
        1 => "there is 1 problem".to_owned(),
        count => format!("there are {count} problems"),
    };
    Failure::new(code, format!("check {}", display_path(project))).because_of(count)
}

fn found(project: &Project, check: &Check) -> String {
    let recipes = check.packages.iter();
    let recipes = recipes.filter(|package| package.wheel.is_none()).count();
    let python = match check.python {
        PythonCheck::Compiled(1) => "1 file is valid Python".to_owned(),
        PythonCheck::Compiled(files) => format!("{files} files are valid Python"),
        PythonCheck::NotInstalled => {
            "not looked at; the interpreter comes with `wadup toolchain install`".to_owned()
        }
    };
    let main = match check.python {
        PythonCheck::Compiled(_) => ", has `main`",
        PythonCheck::NotInstalled => "",
    };
    format!(
        "{} {}: no problems\n\
         \x20 entry point   {}{main}\n\
         \x20 sources       {python}\n\
         \x20 dependencies  {}, {recipes} of them by recipe\n\
         not run: importing `{}` may still fail, which `wadup build` shows\n",
        project.name,
        project.version,
        project.entry_point,
        check.packages.len(),
        project.entry_point,
    )
}

/// The last line of `--json`.
#[derive(Serialize)]
struct Checked {
    event: &'static str,
    name: String,
    version: String,
    entry_point: String,
    /// Null where there was no interpreter.
    modules: Option<usize>,
    packages: BTreeMap<String, String>,
}

impl Checked {
    fn new(project: &Project, check: &Check) -> Self {
        let packages = check.packages.iter();
        let package = packages.map(|one| (one.name.to_string(), one.version.to_string()));
        Self {
            event: "checked",
            name: project.name.to_string(),
            version: project.version.to_string(),
            entry_point: project.entry_point.to_string(),
            modules: match check.python {
                PythonCheck::Compiled(modules) => Some(modules),
                PythonCheck::NotInstalled => None,
            },
            packages: package.collect(),
        }
    }
}
