//! The host: an engine, and what it runs.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use wadup_engine::{Engine, EngineError, Program, WorkerError};
use wadup_sink::{SinkError, TableSink};

use crate::artifact::{self, Artifact, ArtifactError};
use crate::cancel::Cancel;
use crate::events::{Event, Reporter};
use crate::inputs::Inputs;
use crate::run;
use crate::settings::HostSettings;
use crate::summary::RunSummary;

/// Runs inputs through artifacts. See the [crate's documentation](crate).
#[derive(Debug)]
pub struct Host {
    engine: Engine,
    settings: HostSettings,
}

/// Why a run could not be carried through. What was committed before is in the sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    #[error("there is no artifact to run")]
    NoArtifacts,
    #[error("two artifacts are called `{name}`")]
    SameName { name: String },
    #[error("an earlier run had {}, and no others", artifacts(.names))]
    OtherArtifacts { names: Vec<String> },
    #[error("the artifact `{name}` was loaded for another host")]
    OtherHost { name: String },
    #[error("start a worker")]
    Worker(#[source] WorkerError),
    #[error("start a thread")]
    Thread(#[source] io::Error),
    #[error("read the list of inputs")]
    List(#[source] io::Error),
    #[error("the results could not be written")]
    Sink(#[from] SinkError),
    #[error("keep content in {}", std::env::temp_dir().display())]
    Spool(#[source] io::Error),
    #[error("the host failed while it ran a guest: {message}")]
    Host { message: String },
}

/// ``the artifacts `a` and `b` ``
fn artifacts(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("the artifacts {} and {last}", rest.join(", "))
        }
        _ => format!("the artifact {}", names.concat()),
    }
}

impl RunError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::SameName { .. } => {
                Some("results are told apart by the artifact's name: run one at a time")
            }
            Self::OtherArtifacts { .. } => {
                Some("resume with the same artifacts, or write to another database")
            }
            Self::Worker(error) => Some(error.hint()),
            Self::Thread(_) => Some("lower --jobs, or raise the limit on threads (`ulimit -u`)"),
            Self::Sink(error) => error.hint(),
            Self::Spool(_) => Some(
                "content that is too much for memory is kept in files there: make room, or set \
                 TMPDIR, and go on with --resume",
            ),
            Self::Host { .. } => Some("lower --jobs if the machine is out of memory"),
            _ => None,
        }
    }
}

impl Host {
    /// Reserves address space for all workers' sandboxes.
    ///
    /// # Errors
    ///
    /// When a setting is out of range, or the address space cannot be had.
    pub fn new(settings: HostSettings) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Engine::new(settings.engine())?,
            settings,
        })
    }

    /// What it was made with.
    pub fn settings(&self) -> &HostSettings {
        &self.settings
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads, validates and compiles an artifact; compiled code is taken from the cache or kept
    /// there. Its name is the manifest's, or the file's without extension.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no module that can be run.
    pub fn load(&self, path: &Path, reporter: &dyn Reporter) -> Result<Artifact, ArtifactError> {
        let (file, length, stem) = artifact::open(path)?;
        let loaded = Program::load_file(&self.engine, &file, length, &self.settings.cache);
        let loaded = loaded.map_err(|source| ArtifactError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let program = loaded.map_err(|source| ArtifactError::Load {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(loaded_as(program, &stem, reporter))
    }

    /// [`load`](Self::load) from memory. `name` is used where there is no manifest.
    ///
    /// # Errors
    ///
    /// When it is no module that can be run.
    pub fn load_bytes(
        &self,
        wasm: &[u8],
        name: &str,
        reporter: &dyn Reporter,
    ) -> Result<Artifact, wadup_engine::LoadError> {
        let program = Program::load(&self.engine, wasm, &self.settings.cache)?;
        Ok(loaded_as(program, name, reporter))
    }

    /// Runs every input, and all sub-content that comes of it, through every artifact, and
    /// gives `sink` what comes of it. An input that fails is an outcome, not an error.
    ///
    /// # Errors
    ///
    /// When the sink or the host fails. What is committed by then is whole.
    pub fn run(
        &self,
        artifacts: &[Artifact],
        inputs: Inputs,
        sink: &mut dyn TableSink,
        reporter: &dyn Reporter,
        cancel: &Cancel,
    ) -> Result<RunSummary, RunError> {
        self.check(artifacts)?;
        run::run(self, artifacts, inputs, sink, reporter, cancel)
    }

    fn check(&self, artifacts: &[Artifact]) -> Result<(), RunError> {
        if artifacts.is_empty() {
            return Err(RunError::NoArtifacts);
        }
        let mut names = HashSet::new();
        for artifact in artifacts {
            let name = artifact.name();
            if !artifact.program().engine().is_same(&self.engine) {
                return Err(RunError::OtherHost {
                    name: name.to_owned(),
                });
            }
            if !names.insert(name) {
                return Err(RunError::SameName {
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The artifact of a program, under the name in its manifest or else `name`.
fn loaded_as(program: Program, name: &str, reporter: &dyn Reporter) -> Artifact {
    let name = program
        .manifest()
        .map_or(name, |manifest| manifest.name.as_str())
        .to_owned();
    for problem in program.cache_problems() {
        reporter.report(&Event::CacheProblem(problem));
    }
    reporter.report(&Event::ArtifactLoaded {
        name: &name,
        origin: program.origin(),
    });
    Artifact::new(name, program)
}
