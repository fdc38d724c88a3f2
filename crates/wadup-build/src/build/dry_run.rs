use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use wadup_project::{Project, WheelLocation};
use wadup_toolchain::MissingStep;

use super::{Build, StepClock, read, read_sources};
use crate::cache::Cache;
use crate::dist_info;
use crate::error::BuildError;
use crate::event::Silent;
use crate::output::Warning;
use crate::plan::BuildPlan;
use crate::resolve::{Chosen, PackageOrigin, Resolver, Selection};
use crate::settings::BuildSettings;
use crate::tools::Tools;

/// What a build is going to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// None where uv is needed to tell, and not installed.
    pub lock: Option<DryRunLock>,
    /// Ordered by name; none where there is no lock.
    pub packages: Vec<DryRunPackage>,
    /// Steps of the toolchain that come first.
    pub missing_steps: Vec<MissingStep>,
    /// The project's own files, by their path below `sys.path`, with their size in bytes.
    pub files: BTreeMap<String, u64>,
    /// Where the artifact goes; none for the cache.
    pub output: Option<PathBuf>,
    pub freshness: Freshness,
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

/// The lock that the packages are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRunLock {
    pub path: PathBuf,
    /// Whether the build is going to write it.
    pub written: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRunPackage {
    pub name: String,
    pub version: String,
    /// The wheel; none for a package that a recipe builds into the runtime.
    pub wheel: Option<String>,
    /// Of the wheel in bytes, where the lock says it.
    pub size: Option<u64>,
}

/// What is there of the artifact already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// The file is what the build would make.
    UpToDate,
    /// The cache has it, and it is copied from there.
    Cached,
    /// It has to be made.
    Missing,
}

/// Finds out what [`build`](super::build) is going to do. Neither the project nor the cache is
/// written to, if `tools` are of a toolchain that looks only.
///
/// # Errors
///
/// When dependencies cannot be resolved or packed, or a file cannot be read.
pub fn dry_run(
    project: &Project,
    settings: &BuildSettings,
    tools: &dyn Tools,
) -> Result<DryRun, BuildError> {
    let build = Build {
        project,
        settings,
        tools,
        cache: Cache::new(tools.cache_dir()),
        clock: StepClock::new(&Silent),
    };
    let sources = read_sources(project)?;
    let size = |(path, content): &(String, Vec<u8>)| (path.clone(), content.len() as u64);
    let files = sources.iter().map(size).collect();
    let mut plan = DryRun {
        lock: None,
        packages: Vec::new(),
        missing_steps: Vec::new(),
        files,
        output: settings.output.clone(),
        freshness: Freshness::Missing,
        warnings: build.warnings(&[]),
    };
    let Some(selection) = build.select(&mut plan)? else {
        return Ok(plan);
    };
    plan.lock = Some(DryRunLock {
        path: selection.lock.clone(),
        written: selection.is_lock_new,
    });
    plan.packages = selection.packages.iter().map(package).collect();
    let missing = tools.missing_steps(&selection.extensions());
    plan.missing_steps = missing.map_err(BuildError::Runtime)?;
    if plan.missing_steps.is_empty() {
        plan.freshness = build.freshness(&selection, &sources)?;
    }
    Ok(plan)
}

impl Build<'_> {
    /// None where uv is not installed yet, which is a missing step of the plan.
    fn select(&self, plan: &mut DryRun) -> Result<Option<Selection>, BuildError> {
        let resolver = Resolver {
            project: self.project,
            settings: self.settings,
            tools: self.tools,
            cache: &self.cache,
            reporter: &Silent,
            writes: false,
        };
        match resolver.resolve() {
            Ok(selection) => Ok(Some(selection)),
            Err(error) => match error.not_installed() {
                None => Err(error.into()),
                Some(steps) => {
                    let step = |name: &String| MissingStep {
                        name: name.clone(),
                        downloads: Vec::new(),
                    };
                    plan.missing_steps = steps.iter().map(step).collect();
                    Ok(None)
                }
            },
        }
    }

    fn freshness(
        &self,
        selection: &Selection,
        sources: &[(String, Vec<u8>)],
    ) -> Result<Freshness, BuildError> {
        let runtime = self.tools.runtime(&selection.extensions(), true);
        let plan = BuildPlan::new(
            self.project,
            self.settings,
            selection,
            (
                &runtime.map_err(BuildError::Runtime)?,
                self.tools.guest_python(),
            ),
            sources,
            dist_info::of_project(self.project).digest(),
        );
        let Some(made) = self.find(&plan) else {
            return Ok(Freshness::Missing);
        };
        let there = self.settings.output.as_ref().unwrap_or(&made.path);
        Ok(match read(there) {
            Ok(file) if file == made.module => Freshness::UpToDate,
            _ => Freshness::Cached,
        })
    }
}

fn package(chosen: &Chosen) -> DryRunPackage {
    let (wheel, size) = match &chosen.origin {
        PackageOrigin::Runtime => (None, None),
        PackageOrigin::Wheel(pinned) => {
            let wheel = &pinned.wheel;
            let size = match &wheel.location {
                WheelLocation::Url(_) => wheel.size,
                WheelLocation::Path(path) => {
                    let file = pinned.folder.join(path).metadata();
                    file.ok().map(|file| file.len())
                }
            };
            (Some(wheel.filename.to_string()), size)
        }
    };
    DryRunPackage {
        name: chosen.name.to_string(),
        version: chosen.version.to_string(),
        wheel,
        size,
    }
}
