use std::{
    fs::{self, File},
    io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    thread,
};

use bytesize::ByteSize;
use globset::{Glob, GlobSet, GlobSetBuilder};
use wadup_build::BuildSettings;
use wadup_host::{Caps, CompiledCache, HostSettings, Inputs, Isolation, Resume};
use wadup_project::Project;

use super::build::{build_settings, import_limits, load_project};
use super::{compiler, memory};
use crate::{
    cli::{CompilerArgs, EnvVar, IsolationArg, LimitArgs, RunArgs},
    diagnostics::{Failure, display_path, meant},
    exit_code::ExitCode,
};

/// What `-` is on the command line: stdin.
pub(super) const STDIN: &str = "-";

/// What `wadup run` is to do.
#[derive(Debug)]
pub(crate) struct RunCommand {
    pub(crate) artifacts: Vec<ArtifactSource>,
    pub(crate) inputs: Inputs,
    pub(crate) database: PathBuf,
    pub(crate) host: HostSettings,
    /// For projects, which are built first.
    pub(crate) build: BuildSettings,
    pub(crate) output: RunOutput,
}

/// Where an artifact comes from.
#[derive(Debug)]
pub(crate) enum ArtifactSource {
    File(PathBuf),
    Project(Box<Project>),
}

/// What is told while it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunOutput {
    pub(crate) verbose: bool,
    pub(crate) json: bool,
    /// Whether it is done again and again.
    pub(crate) watch: bool,
}

impl RunCommand {
    pub(crate) fn resolve(args: RunArgs) -> Result<Self, Failure> {
        let mut artifacts = Vec::new();
        for path in &args.artifacts {
            artifacts.extend(artifact_sources(path)?);
        }
        for folder in &args.modules {
            artifacts.extend(artifacts_in(folder)?);
        }
        Ok(Self {
            inputs: inputs(&args)?,
            host: HostSettings {
                artifacts: count(&artifacts),
                ..host_settings(&args, compiled_cache()?)
            },
            artifacts,
            build: build_settings(
                args.resolve,
                args.import,
                import_limits(args.limits.timeout, args.limits.max_memory),
                None,
            ),
            output: RunOutput {
                verbose: args.verbose,
                json: args.json,
                watch: args.watch,
            },
            database: args.output,
        })
    }
}

/// A file is an artifact, a folder with a pyproject.toml a project, any other a folder of
/// artifacts.
pub(super) fn artifact_sources(path: &Path) -> Result<Vec<ArtifactSource>, Failure> {
    if is_project(path) {
        let project = load_project(path)?;
        return Ok(vec![ArtifactSource::Project(Box::new(project))]);
    }
    let metadata = fs::metadata(path).map_err(|error| no_artifact(path, &error))?;
    if metadata.is_dir() {
        artifacts_in(path)
    } else {
        Ok(vec![ArtifactSource::File(path.to_owned())])
    }
}

pub(super) fn is_project(path: &Path) -> bool {
    path.join("pyproject.toml").is_file() || path.ends_with("pyproject.toml")
}

/// All `*.wasm` in a folder, by name; not those in folders below it.
fn artifacts_in(folder: &Path) -> Result<Vec<ArtifactSource>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| no_artifact(folder, &error))? {
        let path = entry.map_err(|error| no_artifact(folder, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Failure::new(ExitCode::Artifact, finding(folder))
            .because_of("the folder has no pyproject.toml, and no file *.wasm")
            .hint(Some(
                "name an artifact, a project, or a folder of artifacts",
            )));
    }
    paths.sort();
    Ok(paths.into_iter().map(ArtifactSource::File).collect())
}

fn no_artifact(path: &Path, error: &io::Error) -> Failure {
    let missing = error.kind() == io::ErrorKind::NotFound;
    Failure::new(ExitCode::Artifact, finding(path))
        .because(error)
        .hint(missing.then(|| meant(path)))
}

fn finding(path: &Path) -> String {
    format!("find artifacts in {}", display_path(path))
}

fn inputs(args: &RunArgs) -> Result<Inputs, Failure> {
    let given = args.input.iter().chain(&args.input_list);
    if given.filter(|path| path.as_os_str() == STDIN).count() > 1 {
        return Err(Failure::new(ExitCode::Usage, "read stdin more than once")
            .because_of("it can be read only once")
            .hint(Some("give `-` once, to --input or to --input-list")));
    }
    let mut inputs = Inputs::new().without(wadup_sink::database_files(&args.output));
    for path in &args.input {
        inputs = if path.as_os_str() == STDIN {
            if args.watch {
                return Err(Failure::new(ExitCode::Usage, "watch stdin")
                    .because_of("it can be read only once")
                    .hint(Some("name files or folders")));
            }
            inputs.stdin()
        } else {
            check_input(path)?;
            inputs.path(path)
        };
    }
    if let Some(list) = &args.input_list {
        inputs = if list.as_os_str() == STDIN {
            inputs.list(io::stdin())
        } else {
            inputs.list(File::open(list).map_err(|error| no_list(list, &error))?)
        };
    }
    if !args.glob.is_empty() {
        inputs = inputs.filter(globs(&args.glob)?);
    }
    Ok(inputs)
}

/// A path that is not there at all is a slip of the one who typed it; anything else that is
/// wrong with an input is an outcome.
pub(super) fn check_input(path: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(
            ExitCode::Input,
            format_args!("find the input {}", display_path(path)),
        )
        .because(&error)
        .hint(Some(meant(path)))),
        _ => Ok(()),
    }
}

fn no_list(path: &Path, error: &io::Error) -> Failure {
    let action = format!("read the list of inputs {}", display_path(path));
    let missing = error.kind() == io::ErrorKind::NotFound;
    Failure::new(ExitCode::Input, action)
        .because(error)
        .hint(missing.then(|| meant(path)))
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if pattern.contains('/') {
            return Err(bad_glob(pattern)
                .because_of("it has a `/`, and only the names of files are matched")
                .hint(Some(
                    "filter by folder with `find … -print0` and `--input-list -`",
                )));
        }
        set.add(Glob::new(pattern).map_err(|error| bad_glob(pattern).because(&error))?);
    }
    set.build()
        .map_err(|error| bad_glob(&patterns.join(" ")).because(&error))
}

fn bad_glob(pattern: &str) -> Failure {
    Failure::new(
        ExitCode::Usage,
        format_args!("understand the pattern {pattern}"),
    )
}

fn host_settings(args: &RunArgs, cache: CompiledCache) -> HostSettings {
    let guest = guest_settings(args.limits, &args.env, args.compiler, cache);
    HostSettings {
        jobs: args
            .jobs
            .unwrap_or_else(|| jobs_for(all_cores(), memory::available(), guest.max_memory)),
        isolation: match args.isolation {
            IsolationArg::Fresh => Isolation::Fresh,
            IsolationArg::Reuse => Isolation::Reuse,
        },
        resume: (args.resume || args.watch).then_some(Resume {
            retry_failed: args.retry_failed || args.watch,
        }),
        ..guest
    }
}

/// What a guest is given, whatever it is for: one at a time, in a fresh instance.
pub(super) fn guest_settings(
    limits: LimitArgs,
    env: &[EnvVar],
    compiler_args: CompilerArgs,
    cache: CompiledCache,
) -> HostSettings {
    let LimitArgs {
        max_memory,
        max_stack,
        fuel,
        timeout,
        max_files,
        max_output,
        max_rows,
        max_tables,
        max_stdin,
        max_depth,
        max_subcontent,
        max_subcontent_size,
        max_subcontent_ratio,
    } = limits;
    let default = HostSettings::default();
    let size = |given: Option<ByteSize>, default| given.map_or(default, |size| size.as_u64());
    let caps = Caps {
        files: size(max_files, default.caps.files),
        output: size(max_output, default.caps.output),
        rows: size(max_rows, default.caps.rows),
        tables: max_tables.unwrap_or(default.caps.tables),
        subcontent: max_subcontent.unwrap_or(default.caps.subcontent),
        subcontent_bytes: size(max_subcontent_size, default.caps.subcontent_bytes),
        subcontent_ratio: max_subcontent_ratio.unwrap_or(default.caps.subcontent_ratio),
        spooled_input: size(max_stdin, default.caps.spooled_input),
        ..default.caps
    };
    HostSettings {
        // The rest is for the inputs that are being processed.
        keep_resident: memory::available().map_or(default.keep_resident, |memory| memory / 4),
        max_memory: size(max_memory, default.max_memory),
        max_stack: size(max_stack, default.max_stack),
        fuel,
        timeout: timeout.or(default.timeout),
        max_depth: max_depth.unwrap_or(default.max_depth),
        env: env
            .iter()
            .map(|var| (var.name.clone(), var.value.clone()))
            .collect(),
        cache,
        compiler: compiler(compiler_args),
        caps,
        ..default
    }
}

/// How many inputs are processed at once unless it is given.
pub(crate) fn default_jobs() -> NonZeroU32 {
    let max_memory = HostSettings::default().max_memory;
    jobs_for(all_cores(), memory::available(), max_memory)
}

/// How many artifacts there are; a run without one is refused later.
fn count(artifacts: &[ArtifactSource]) -> NonZeroU32 {
    let count = u32::try_from(artifacts.len()).unwrap_or(u32::MAX);
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// As many as there are cores, but not more than can have all the memory that they may ask for.
fn jobs_for(cores: NonZeroU32, memory: Option<u64>, max_memory: u64) -> NonZeroU32 {
    let fit = memory.map_or(u64::MAX, |memory| memory / max_memory.max(1));
    let fit = u32::try_from(fit).unwrap_or(u32::MAX);
    NonZeroU32::new(fit).unwrap_or(NonZeroU32::MIN).min(cores)
}

fn all_cores() -> NonZeroU32 {
    thread::available_parallelism()
        .ok()
        .and_then(|cores| cores.try_into().ok())
        .unwrap_or(NonZeroU32::MIN)
}

pub(super) fn compiled_cache() -> Result<CompiledCache, Failure> {
    let settings = wadup_toolchain::Settings::from_env().map_err(|error| Failure::cache(&error))?;
    Ok(CompiledCache::at(
        settings.cache.join(wadup_toolchain::derived::COMPILED),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_follow_cores_and_memory() {
        const GIB: u64 = 1 << 30;
        let jobs = |memory, max_memory| {
            let cores = NonZeroU32::new(8).expect("not 0");
            jobs_for(cores, memory, max_memory).get()
        };
        assert_eq!(jobs(None, GIB), 8);
        assert_eq!(jobs(Some(64 * GIB), GIB), 8);
        assert_eq!(jobs(Some(3 * GIB), GIB), 3);
        assert_eq!(jobs(Some(GIB / 2), GIB), 1, "one there has to be");
    }
}
