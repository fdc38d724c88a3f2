//! The toolchain as its users see it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::cache::{Cache, CacheError, UntrustedError};
use crate::fetch::{FetchError, Fetcher, Programs, Uv};
use crate::graph::Graph;
use crate::host::{COrigin, Host};
use crate::recipes::{ExtensionRecipe, RecipeError, Recipes};
use crate::report::{Event, Reporter};
use crate::schedule::{Scheduler, StepError};
use crate::settings::Settings;
use crate::step::ActionError;
use crate::steps::{
    self, C_TOOLCHAIN, NATIVE_PYTHON, RUST_TOOLCHAIN, RuntimeRecord, UV, runtime_step_name,
};
use crate::turns::Cores;

/// Builds and finds runtimes, and the tools that go with them.
#[derive(Debug)]
pub struct Toolchain {
    settings: Settings,
    recipes: Recipes,
    host: Host,
    cache: Cache,
    reporter: Arc<dyn Reporter>,
}

/// The toolchain could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolchainError {
    /// A recipe is wrong: a bug in wadup.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The cache must not be used.
    #[error(transparent)]
    Untrusted(#[from] UntrustedError),
    /// A step failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A finished runtime could not be read.
    #[error("failed to open the runtime in {path}", path = path.display())]
    Runtime {
        /// The runtime's folder.
        path: PathBuf,
        /// Why.
        source: Box<ActionError>,
    },
    /// There is no recipe for an extension.
    #[error("there is no recipe for the extension `{name}`")]
    UnknownExtension {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// No recipe pins a file of this name.
    #[error("no source `{0}` is pinned")]
    UnknownSource(String),
    /// Something has to be built or fetched first, and nothing was to be.
    #[error("not installed yet: {}", steps.join(", "))]
    NotInstalled {
        /// The steps that are missing.
        steps: Vec<String>,
    },
    /// A source could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl ToolchainError {
    /// What to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Step(error) => error.hint().map(str::to_owned),
            Self::UnknownExtension { known, .. } => {
                Some(format!("there are recipes for: {}", known.join(", ")))
            }
            Self::Runtime { .. } => Some("run `wadup toolchain clean`, then try again".to_owned()),
            Self::Cache(_) => Some("is the cache folder writable? see WADUP_CACHE_DIR".to_owned()),
            Self::Untrusted(_) => Some(
                "programs in it are executed: remove it or set WADUP_CACHE_DIR to a folder of \
                 your own, or `chmod go-w` it if you trust what is there"
                    .to_owned(),
            ),
            Self::NotInstalled { .. } => Some("run `wadup toolchain install`".to_owned()),
            Self::Fetch(error) => error.hint().map(str::to_owned),
            Self::Recipe(_) | Self::UnknownSource(_) => None,
        }
    }
}

/// CPython and a set of extensions, linked, without user code.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The module: it imports `wasi_snapshot_preview1` only, and exports what
    /// `guest/runtime/link.toml` lists, and `memory`.
    pub wasm: PathBuf,
    /// The SHA-256 digest of the module.
    pub wasm_sha256: String,
    /// A digest of the module, the standard library and all packages: equal
    /// digests mean equal files.
    pub digest: String,
    /// The folder of the standard library's `.py` files, what is `/lib/python3.13`
    /// in a sandbox.
    pub stdlib: PathBuf,
    /// Folders of packages that go with the runtime (an extension's Python half,
    /// `tzdata`), each laid out like site-packages.
    pub site_packages: Vec<RuntimePackage>,
    /// CPython's version, such as `3.13.5`.
    pub python_version: String,
}

/// A package that goes with a runtime.
#[derive(Debug, Clone)]
pub struct RuntimePackage {
    /// Its normalised name.
    pub name: String,
    /// A folder that is laid out like site-packages.
    pub path: PathBuf,
}

/// The native CPython of the same version and sources.
#[derive(Debug, Clone)]
pub struct NativePython {
    /// The interpreter.
    pub program: PathBuf,
    /// Its version, such as `3.13.5`.
    pub version: String,
}

/// What compiles and links Rust for wasm32-wasip1.
#[derive(Debug, Clone)]
pub struct WasiRust {
    /// The compiler; its sysroot has the standard library for the target.
    pub rustc: PathBuf,
    /// A C compiler driver that links against wasi-libc, for `-Clinker-flavor=gcc`.
    pub linker: PathBuf,
}

/// A step, and whether its result is in the cache.
#[derive(Debug, Clone)]
pub struct StepStatus {
    /// The step's name.
    pub name: String,
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// Where its result is, or will be.
    pub path: PathBuf,
    /// The result's size in bytes, if it is there.
    pub size: Option<u64>,
    /// How long it took to build.
    pub duration: Option<std::time::Duration>,
}

/// A step whose result is not in the cache.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MissingStep {
    /// The step's name.
    pub name: String,
    /// The files that have to be downloaded for it.
    pub downloads: Vec<String>,
}

/// What `clean` removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clean {
    /// All that is in the cache.
    Everything,
    /// What this version of wadup, with these settings, does not use.
    Unused,
}

impl Toolchain {
    /// Opens the toolchain. Nothing is built, and the network is not used.
    ///
    /// # Errors
    ///
    /// When the cache folder cannot be created, others can write to it, or a recipe is wrong.
    pub fn open(settings: Settings, reporter: Arc<dyn Reporter>) -> Result<Self, ToolchainError> {
        let root = &settings.cache;
        let cache = if settings.look_only {
            Cache::look(root)?
        } else {
            Cache::open(root)?
        };
        let recipes = Recipes::embedded()?;
        let target = &recipes.rust_toolchain.target;
        let host = Host::probe(root, settings.wasi_sdk.as_deref(), target);
        Ok(Self {
            cache,
            settings,
            recipes,
            host,
            reporter,
        })
    }

    /// The recipes.
    pub fn recipes(&self) -> &Recipes {
        &self.recipes
    }

    /// The cache folder.
    pub fn cache_dir(&self) -> &Path {
        self.cache.root()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The programs that fetch; uv may not be there yet.
    pub(crate) fn programs(&self) -> Programs {
        let graph = self.graph(&[]).ok();
        graph.map_or_else(Programs::default, |graph| self.programs_of(&graph))
    }

    /// Whether nothing is to be built, fetched or written.
    pub fn looks_only(&self) -> bool {
        self.settings.look_only
    }

    /// The runtime with these extensions, named as packages are; built if it is
    /// not in the cache.
    ///
    /// # Errors
    ///
    /// When there is no recipe for an extension, or a step fails.
    pub fn runtime(&self, extensions: &[impl AsRef<str>]) -> Result<Runtime, ToolchainError> {
        let extensions = self.extensions(extensions)?;
        let name = runtime_step_name(&extensions);
        let graph = self.graph(&[extensions])?;
        let path = self.build(&graph, &[&name])?;
        self.read_runtime(&path)
    }

    /// What has to be built before there is the runtime with these extensions.
    ///
    /// # Errors
    ///
    /// When there is no recipe for an extension.
    pub fn missing_steps(
        &self,
        extensions: &[impl AsRef<str>],
    ) -> Result<Vec<MissingStep>, ToolchainError> {
        let extensions = self.extensions(extensions)?;
        let name = runtime_step_name(&extensions);
        let graph = self.graph(&[extensions])?;
        let missing = graph.missing(&[&name], |id| self.cache.has(id));
        let is_here = |source: &crate::recipes::Source| {
            self.cache.source(source.sha256, &source.file).is_file()
        };
        let steps = missing.into_iter().map(|step| {
            let sources = step.sources.iter().filter(|source| !is_here(source));
            MissingStep {
                name: step.id.name.clone(),
                downloads: sources.map(|source| source.file.clone()).collect(),
            }
        });
        Ok(steps.collect())
    }

    /// The native CPython; built if it is not in the cache.
    ///
    /// # Errors
    ///
    /// When a step fails.
    pub fn native_python(&self) -> Result<NativePython, ToolchainError> {
        let graph = self.graph(&[])?;
        let path = self.build(&graph, &[NATIVE_PYTHON])?;
        let program = path.join(format!("bin/python{}", self.recipes.cpython.series));
        Ok(NativePython {
            program,
            version: self.recipes.cpython.version.clone(),
        })
    }

    /// What compiles Rust for wasm32-wasip1; fetched and built if it is not in the cache.
    ///
    /// # Errors
    ///
    /// When a step fails.
    pub fn wasi_rust(&self) -> Result<WasiRust, ToolchainError> {
        let graph = self.graph(&[])?;
        Ok(WasiRust {
            rustc: self.build(&graph, &[RUST_TOOLCHAIN])?.join("bin/rustc"),
            linker: self.build(&graph, &[C_TOOLCHAIN])?.join("bin/clang"),
        })
    }

    /// `llvm-profdata` of the C toolchain, which makes profiles of what a runtime counted.
    ///
    /// # Errors
    ///
    /// When a step fails.
    pub fn llvm_profdata(&self) -> Result<Command, ToolchainError> {
        let step = self.build(&self.graph(&[])?, &[C_TOOLCHAIN])?;
        let recipe = &self.recipes.c_toolchain.debian;
        Ok(match &self.host.c {
            COrigin::WasiSdk { root, .. } => Command::new(root.join("bin/llvm-profdata")),
            COrigin::Debian => {
                let root = step.join("debian");
                let libraries = recipe.libraries.iter().map(|folder| root.join(folder));
                let mut command = Command::new(root.join(&recipe.programs).join("llvm-profdata"));
                if let Ok(path) = std::env::join_paths(libraries) {
                    command.env("LD_LIBRARY_PATH", path);
                }
                command
            }
        })
    }

    /// The pinned uv; fetched if it is not in the cache.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched.
    pub fn uv(&self) -> Result<Uv, ToolchainError> {
        let graph = self.graph(&[])?;
        Ok(Uv::new(self.build(&graph, &[UV])?.join("bin/uv")))
    }

    /// A file that a recipe pins, such as an sdist; fetched if it is not in the cache.
    ///
    /// # Errors
    ///
    /// When none has this name, or it cannot be fetched.
    pub fn source(&self, name: &str) -> Result<PathBuf, ToolchainError> {
        let source = self.recipes.sources.get(name);
        let source = source.ok_or_else(|| ToolchainError::UnknownSource(name.to_owned()))?;
        let graph = self.graph(&[])?;
        self.build(&graph, &[UV])?;
        Ok(self.fetcher(&graph).ensure(source)?)
    }

    /// Builds everything: all tools, all extensions, the runtime without any of
    /// them and the one with all.
    ///
    /// # Errors
    ///
    /// When a step fails. What was finished is kept.
    pub fn install(&self) -> Result<(), ToolchainError> {
        let graph = self.whole_graph()?;
        let names: Vec<&str> = graph.steps().iter().map(|step| &*step.id.name).collect();
        self.build(&graph, &names)?;
        Ok(())
    }

    /// All steps, each after those that it needs.
    ///
    /// # Errors
    ///
    /// When a recipe is wrong.
    pub fn status(&self) -> Result<Vec<StepStatus>, ToolchainError> {
        let graph = self.whole_graph()?;
        let steps = graph.steps().iter().map(|step| {
            let record = self.cache.record(&step.id);
            StepStatus {
                name: step.id.name.clone(),
                key: step.id.key.to_string(),
                path: self.cache.step(&step.id),
                size: record.as_ref().map(|record| record.size),
                duration: record.map(|it| std::time::Duration::from_millis(it.milliseconds)),
            }
        });
        Ok(steps.collect())
    }

    /// Removes results and downloaded files from the cache, and returns how many
    /// bytes that freed. What another process is building stays.
    ///
    /// # Errors
    ///
    /// When a file cannot be removed.
    pub fn clean(&self, what: Clean) -> Result<u64, ToolchainError> {
        let graph = self.whole_graph()?;
        let steps = graph.steps();
        let ids = steps.iter().map(|step| step.id.to_string());
        let sources = steps.iter().flat_map(|step| &step.sources);
        let sources = sources.map(|source| source.sha256.to_string());
        let used: std::collections::HashSet<String> = ids.chain(sources).collect();
        let unused = what == Clean::Unused;
        let mut freed = self.cache.clean(|name| unused && used.contains(name))?;
        if !unused {
            freed += self.cache.clean_derived()?;
        }
        Ok(freed)
    }

    fn whole_graph(&self) -> Result<Graph, ToolchainError> {
        let all: Vec<&ExtensionRecipe> = self.recipes.extensions().iter().collect();
        self.graph(&[Vec::new(), all])
    }

    fn graph(&self, runtimes: &[Vec<&ExtensionRecipe>]) -> Result<Graph, ToolchainError> {
        let profiling = self.settings.profiling;
        Ok(steps::graph(
            &self.recipes,
            &self.host,
            profiling,
            runtimes,
        )?)
    }

    /// The recipes of these extensions, sorted, without repetitions: a set has
    /// one runtime, however it is written.
    fn extensions(
        &self,
        names: &[impl AsRef<str>],
    ) -> Result<Vec<&ExtensionRecipe>, ToolchainError> {
        let mut chosen = Vec::new();
        for name in names {
            let name = name.as_ref();
            let recipe = self.recipes.extension(name).ok_or_else(|| {
                let known = self.recipes.extensions().iter();
                ToolchainError::UnknownExtension {
                    name: name.to_owned(),
                    known: known.map(|recipe| recipe.name.clone()).collect(),
                }
            })?;
            chosen.push(recipe);
        }
        chosen.sort_by(|a, b| a.name.cmp(&b.name));
        chosen.dedup_by(|a, b| a.name == b.name);
        Ok(chosen)
    }

    /// Builds what is missing of `wanted`, and returns the result of the first.
    fn build(&self, graph: &Graph, wanted: &[&str]) -> Result<PathBuf, ToolchainError> {
        let missing = graph.missing(wanted, |id| self.cache.has(id));
        if self.settings.look_only && !missing.is_empty() {
            let steps = missing.iter().map(|step| step.id.name.clone());
            return Err(ToolchainError::NotInstalled {
                steps: steps.collect(),
            });
        }
        if !missing.is_empty() {
            self.cache.sweep_all()?;
            self.reporter.event(Event::Planned {
                steps: missing.len(),
            });
            let fetcher = self.fetcher(graph);
            let cores = Cores::new(self.settings.jobs.get());
            let scheduler = Scheduler {
                cache: &self.cache,
                recipes: &self.recipes,
                fetcher: &fetcher,
                reporter: &*self.reporter,
                cores: cores.map_err(CacheError::new("create", Path::new("a jobserver")))?,
            };
            scheduler.build(&missing)?;
        }
        let first = wanted.first().and_then(|name| graph.get(name));
        Ok(first
            .map(|step| self.cache.step(&step.id))
            .unwrap_or_default())
    }

    fn programs_of(&self, graph: &Graph) -> Programs {
        let uv = graph
            .get(UV)
            .map(|step| self.cache.step(&step.id).join("bin/uv"));
        Programs {
            uv: uv.unwrap_or_default(),
            cargo: self.host.cargo.clone(),
        }
    }

    fn fetcher(&self, graph: &Graph) -> Fetcher<'_> {
        let programs = self.programs_of(graph);
        let offline = self.settings.offline;
        Fetcher::new(
            &self.cache,
            &self.recipes,
            &*self.reporter,
            programs,
            offline,
        )
    }

    fn read_runtime(&self, path: &Path) -> Result<Runtime, ToolchainError> {
        let failed = |source| ToolchainError::Runtime {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let record = RuntimeRecord::read(path).map_err(failed)?;
        let packages = path.join("site-packages");
        let listing = packages
            .read_dir()
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .map_err(|error| failed(ActionError::file("list", &packages)(error)))?;
        let mut site_packages: Vec<RuntimePackage> = listing
            .into_iter()
            .map(|entry| RuntimePackage {
                name: entry.file_name().to_string_lossy().into_owned(),
                path: entry.path(),
            })
            .collect();
        site_packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Runtime {
            wasm: path.join("runtime.wasm"),
            wasm_sha256: record.wasm,
            digest: record.digest,
            stdlib: path.join("stdlib"),
            site_packages,
            python_version: self.recipes.cpython.version.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
