use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use wadup_build::{BuildSettings, ImportLimits, Product};
use wadup_host::HostSettings;
use wadup_project::Project;

use crate::{
    cli::{BuildArgs, ImportArgs, ResolveArgs},
    diagnostics::Failure,
};

/// Set to ship sources without bytecode, to debug with.
const SKIP_PRECOMPILE: &str = "WADUP_SKIP_PRECOMPILE";

/// What `wadup build` is to do.
#[derive(Debug)]
pub(crate) struct BuildCommand {
    pub(crate) project: Project,
    pub(crate) settings: BuildSettings,
    pub(crate) dry_run: bool,
    pub(crate) verbose: bool,
    pub(crate) json: bool,
}

impl BuildCommand {
    pub(crate) fn resolve(args: BuildArgs) -> Result<Self, Failure> {
        let project = load_project(&args.project)?;
        let limits = import_limits(args.timeout, args.max_memory);
        let output = args.output.unwrap_or_else(|| default_output(&project));
        Ok(Self {
            settings: build_settings(args.resolve, args.import, limits, Some(output)),
            project,
            dry_run: args.dry_run,
            verbose: args.verbose,
            json: args.json,
        })
    }
}

/// Without `output`, the artifact stays in the cache.
pub(crate) fn build_settings(
    resolve: ResolveArgs,
    import: ImportArgs,
    import_limits: ImportLimits,
    output: Option<PathBuf>,
) -> BuildSettings {
    BuildSettings {
        output,
        locked: resolve.locked,
        offline: resolve.offline,
        precompile: !is_set(SKIP_PRECOMPILE),
        deny_impure: import.deny_impure,
        import_limits,
        product: Product::Artifact,
    }
}

/// Those of an input, so that `build` refuses what `run` would end.
pub(crate) fn import_limits(
    timeout: Option<Duration>,
    max_memory: Option<ByteSize>,
) -> ImportLimits {
    let default = HostSettings::default();
    ImportLimits {
        timeout: timeout.or(default.timeout),
        memory: max_memory.map_or(default.max_memory, |size| size.as_u64()),
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
