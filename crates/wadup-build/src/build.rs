mod check;
mod dry_run;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wadup_engine::Limits;
use wadup_project::Project;
use wadup_protocol::ABI_VERSION;
use wadup_protocol::bundle::APP_DIR;
use wadup_protocol::manifest::{Manifest, Start};

use crate::artifact::{self, STACK_SIZE};
use crate::audit::{ImportReport, Impurities};
use crate::bytecode;
use crate::cache::{Cache, write_atomically};
use crate::digest::Digest;
use crate::dist_info;
use crate::error::BuildError;
use crate::event::{BuildEvent, Reporter, Step};
use crate::output::{BuildOutput, PackedFile, Warning};
use crate::packer::{Packed, Packer};
use crate::plan::BuildPlan;
use crate::product::Product;
use crate::resolve::{Resolver, Selection};
use crate::sandbox::Sandbox;
use crate::settings::{BuildSettings, ImportLimits};
use crate::snapshot::{Snapshot, snapshot};
use crate::tools::{Runtime, Tools};
use crate::tree::ReadError;

pub use check::{Check, PythonCheck, check};
pub use dry_run::{DryRun, DryRunLock, DryRunPackage, Freshness, dry_run};

/// Makes the artifact of a project.
///
/// # Errors
///
/// When dependencies cannot be resolved or packed, the toolchain fails, the entry module is not
/// valid Python, or it fails when it is imported.
pub fn build(
    project: &Project,
    settings: &BuildSettings,
    tools: &dyn Tools,
    reporter: &dyn Reporter,
) -> Result<BuildOutput, BuildError> {
    let mut build = Build {
        project,
        settings,
        tools,
        cache: Cache::new(tools.cache_dir()),
        clock: StepClock::new(reporter),
    };
    let inputs = build.inputs()?;
    let (made, cached) = match build.find(&inputs.plan) {
        Some(made) => (made, true),
        None => (build.make(inputs)?, false),
    };
    build.deliver(made, cached)
}

struct Build<'a> {
    project: &'a Project,
    settings: &'a BuildSettings,
    tools: &'a dyn Tools,
    cache: Cache,
    clock: StepClock<'a>,
}

/// All that an artifact is made of.
struct Inputs {
    selection: Selection,
    runtime: Runtime,
    /// Path below `sys.path` and content, ordered by path.
    sources: Vec<(String, Vec<u8>)>,
    plan: BuildPlan,
}

/// An artifact in the cache.
struct Made {
    path: PathBuf,
    /// Its bytes, which have been verified.
    module: Vec<u8>,
    record: Record,
}

/// What is kept beside an artifact.
#[derive(Serialize, Deserialize)]
struct Record {
    /// BLAKE3 of the artifact, in hex.
    artifact: String,
    manifest: Manifest,
    files: Vec<PackedFile>,
    import: ImportReport,
}

impl Build<'_> {
    fn inputs(&mut self) -> Result<Inputs, BuildError> {
        let resolver = Resolver {
            project: self.project,
            settings: self.settings,
            tools: self.tools,
            cache: &self.cache,
            reporter: self.clock.reporter,
            writes: true,
        };
        let selection = self.clock.time(Step::Resolve, || resolver.resolve())?;
        let (tools, offline) = (self.tools, self.settings.offline);
        let runtime = self.clock.time(Step::Runtime, || {
            let runtime = tools.runtime(&selection.extensions(), offline);
            runtime.map_err(BuildError::Runtime)
        })?;
        let sources = match self.settings.product.sources() {
            Some(sources) => sources,
            None => read_sources(self.project)?,
        };
        let plan = BuildPlan::new(
            self.project,
            self.settings,
            &selection,
            (&runtime, tools.guest_python()),
            &sources,
            dist_info::of_project(self.project).digest(),
        );
        Ok(Inputs {
            selection,
            runtime,
            sources,
            plan,
        })
    }

    /// An artifact of the same plan, if it still is what it was.
    fn find(&self, plan: &BuildPlan) -> Option<Made> {
        let digest = plan.digest();
        let path = self.cache.path("artifacts", &digest);
        let record = self.cache.read("records", &digest)?;
        let record: Record = serde_json::from_slice(&record).ok()?;
        let module = self.cache.read_plain("artifacts", &digest)?;
        let is_same = blake3::hash(&module).to_hex().as_str() == record.artifact;
        is_same.then_some(Made {
            path,
            module,
            record,
        })
    }

    fn make(&mut self, inputs: Inputs) -> Result<Made, BuildError> {
        let wasm = read(&inputs.runtime.wasm)?;
        let sandbox = Sandbox::new(self.tools.cache_dir())?;
        let context = (self.tools, &self.cache, self.settings.offline);
        let runtime = (&inputs.runtime, wasm.as_slice());
        let whole = matches!(self.settings.product, Product::Tests(_));
        let packer = Packer::new(
            self.project,
            &inputs.plan,
            context,
            runtime,
            &sandbox,
            whole,
        );
        let (selection, sources) = (&inputs.selection, inputs.sources);
        let packed = self
            .clock
            .time(Step::Bundle, || packer.pack(selection, sources))?;
        let manifest = self.manifest(&inputs.plan, &packed);
        let files = packed.files.listing();
        let ImportLimits { timeout, memory } = self.settings.import_limits;
        let limits = Limits {
            timeout,
            memory: Some(memory),
            ..Limits::default()
        };
        let Snapshot { module, import } = self.clock.time(Step::Initialize, || {
            let boot = inputs.plan.boot.clone();
            let bundle = packed.files.into_bundle(boot, packed.dictionary)?;
            snapshot(&sandbox, &wasm, bundle, &limits)
                .map_err(|error| import_error(self.project, &inputs.plan, error))
        })?;
        let cache = &self.cache;
        self.clock.time(Step::Artifact, || {
            let module = artifact::with_manifest(module, &manifest);
            artifact::check(&module, STACK_SIZE)?;
            keep(
                cache,
                &inputs.plan.digest(),
                Record {
                    artifact: blake3::hash(&module).to_hex().to_string(),
                    manifest,
                    files,
                    import,
                },
                module,
            )
        })
    }

    fn manifest(&self, plan: &BuildPlan, packed: &Packed) -> Manifest {
        let locked = plan.packages.iter();
        let locked = locked.map(|package| (package.name.to_string(), package.version.to_string()));
        let extensions = plan.packages.iter();
        let extensions = extensions.filter(|package| package.wheel.is_none());
        let own = packed.runtime_packages.iter();
        let own = own.map(|(name, version)| (name.to_string(), version.clone()));
        Manifest {
            abi_version: ABI_VERSION,
            name: plan.name.to_string(),
            version: plan.version.to_string(),
            entry_point: plan.boot.entry_point.clone(),
            runtime: plan.runtime.clone(),
            python: self.tools.python().to_string(),
            start: plan.boot.start,
            packages: locked.chain(own).collect(),
            extensions: extensions.map(|package| package.name.to_string()).collect(),
            hash_seed: Some(plan.boot.hash_seed),
        }
    }

    fn deliver(self, made: Made, cached: bool) -> Result<BuildOutput, BuildError> {
        let reporter = self.clock.reporter;
        let warnings = match self.settings.product {
            Product::Artifact => self.warnings(&made.record.files),
            _ => Vec::new(),
        };
        for warning in &warnings {
            reporter.event(BuildEvent::Warning(warning.clone()));
        }
        let impurities = match self.settings.product {
            Product::Artifact => self.tell_of_import(&made.record)?,
            // What is imported is ours.
            _ => Impurities::of(made.record.import.audit.clone()),
        };
        let artifact = match &self.settings.output {
            Some(output) => place(&made.module, output)?,
            None => made.path,
        };
        Ok(BuildOutput {
            artifact,
            size: made.module.len() as u64,
            manifest: made.record.manifest,
            cached,
            files: made.record.files,
            timings: self.clock.timings,
            warnings,
            impurities,
        })
    }

    fn warnings(&self, packed: &[PackedFile]) -> Vec<Warning> {
        let native = self.project.sources.native.iter();
        let native = native.map(|path| Warning::NativeLibrary { path: path.clone() });
        let invalid = match self.settings.precompile {
            true => bytecode::without(packed, APP_DIR),
            false => Vec::new(),
        };
        let invalid = invalid.into_iter();
        let invalid = invalid.map(|path| Warning::NotPython { path });
        native.chain(invalid).collect()
    }

    /// Also for an artifact from the cache: what it has frozen, it has frozen.
    fn tell_of_import(&self, record: &Record) -> Result<Impurities, BuildError> {
        let ImportReport {
            audit,
            stdout,
            stderr,
        } = record.import.clone();
        let reporter = self.clock.reporter;
        if !stdout.is_empty() || !stderr.is_empty() {
            reporter.event(BuildEvent::Printed { stdout, stderr });
        }
        let entry_point = record.manifest.entry_point.clone();
        let impurities = Impurities::of(audit);
        reporter.event(BuildEvent::Impure {
            entry_point: entry_point.clone(),
            impurities: impurities.clone(),
        });
        if self.settings.deny_impure && !impurities.is_empty() {
            return Err(BuildError::Impure { entry_point });
        }
        Ok(impurities)
    }
}

fn read_sources(project: &Project) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
    let files = project.sources.files.iter();
    files
        .map(|file| Ok((file.path.clone(), read(&file.file)?)))
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    fs::read(path).map_err(|source| ReadError {
        path: path.to_owned(),
        source,
    })
}

fn import_error(project: &Project, plan: &BuildPlan, source: crate::SnapshotError) -> BuildError {
    match plan.boot.start {
        Start::Snapshot => BuildError::Import {
            entry_point: plan.boot.entry_point.clone(),
            file: project.entry_file().to_owned(),
            location: Box::new(project.location(project.entry_point_span.clone())),
            source: Box::new(source),
        },
        Start::Cold => BuildError::Load(source),
    }
}

fn keep(
    cache: &Cache,
    digest: &Digest,
    record: Record,
    module: Vec<u8>,
) -> Result<Made, BuildError> {
    let json = serde_json::to_vec(&record).unwrap_or_default();
    cache.write("records", digest, &json)?;
    cache.write_plain("artifacts", digest, &module)?;
    Ok(Made {
        path: cache.path("artifacts", digest),
        module,
        record,
    })
}

/// Writes the artifact to where it was asked for; it appears there whole or not at all.
fn place(module: &[u8], to: &Path) -> Result<PathBuf, BuildError> {
    write_atomically(to, module).map_err(|error| BuildError::Place {
        path: error.path,
        source: error.source,
    })?;
    Ok(to.to_owned())
}

/// Tells the reporter what is done, and how long it takes.
struct StepClock<'a> {
    reporter: &'a dyn Reporter,
    timings: Vec<(Step, Duration)>,
}

impl<'a> StepClock<'a> {
    fn new(reporter: &'a dyn Reporter) -> Self {
        Self {
            reporter,
            timings: Vec::new(),
        }
    }

    fn time<T, E>(&mut self, step: Step, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.reporter.event(BuildEvent::Started(step));
        let start = Instant::now();
        let result = work()?;
        let elapsed = start.elapsed();
        self.timings.push((step, elapsed));
        self.reporter.event(BuildEvent::Finished { step, elapsed });
        Ok(result)
    }
}
