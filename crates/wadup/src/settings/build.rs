use std::path::{Path, PathBuf};

use wadup_build::BuildSettings;
use wadup_project::Project;

use crate::{
    cli::{BuildArgs, ResolveArgs},
    diagnostics::Failure,
};

/// Set to ship sources without bytecode, to debug with.
const SKIP_PRECOMPILE: &str = "WADUP_SKIP_PRECOMPILE";

/// What `wadup build` is to do.
#[derive(Debug)]
pub(crate) struct BuildCommand {
    pub(crate) project: Project,
    pub(crate) settings: BuildSettings,
    pub(crate) verbose: bool,
    pub(crate) json: bool,
}

impl BuildCommand {
    pub(crate) fn resolve(args: BuildArgs) -> Result<Self, Failure> {
        let project = load_project(&args.project)?;
        let output = args.output.unwrap_or_else(|| default_output(&project));
        Ok(Self {
            settings: build_settings(args.resolve, Some(output)),
            project,
            verbose: args.verbose,
            json: args.json,
        })
    }
}

/// Without `output`, the artifact stays in the cache.
pub(crate) fn build_settings(resolve: ResolveArgs, output: Option<PathBuf>) -> BuildSettings {
    BuildSettings {
        output,
        locked: resolve.locked,
        offline: resolve.offline,
        precompile: !is_set(SKIP_PRECOMPILE),
    }
}

pub(crate) fn load_project(path: &Path) -> Result<Project, Failure> {
    Project::load(path).map_err(|error| Failure::project(path, &error))
}

/// Where Python's own tools put what they build.
fn default_output(project: &Project) -> PathBuf {
    let file = format!("{}-{}.wasm", project.name, project.version);
    project.root.join("dist").join(file)
}

/// Whether a variable is there with any value but the empty one and `0`.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
