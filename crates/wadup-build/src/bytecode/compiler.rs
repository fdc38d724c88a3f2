use std::thread;

use serde::Deserialize;
use wadup_engine::{End, Finished, Program, Worker};
use wadup_protocol::bundle::{APP_DIR, Boot};
use wadup_protocol::manifest::{PROCESS_EXPORT, Start};
use wadup_vfs::{Mount, Vfs};
use wadup_wasi::WasiCtx;

use super::{CompileError, SourceError};
use crate::cache::Cache;
use crate::digest::Hasher;
use crate::library;
use crate::sandbox::{self, Sandbox, SandboxError};
use crate::snapshot::{SnapshotError, snapshot};
use crate::tools::{GuestFile, Runtime};
use crate::tree::{Merged, Tree};

/// The module that compiles.
const DRIVER: &str = "_wadup_compile";
const SOURCES: &str = "/src";
const OUTPUT: &str = "/out";
/// Bytecode is rarely larger than its source, and no source is this large.
const OUTPUT_MAX: u64 = 256 << 20;
/// Starting an instance costs more than compiling fewer sources than this.
const WORTH_A_THREAD: usize = 32;

/// The interpreter with the compiling module imported, ready to be instantiated.
#[derive(Debug)]
pub(crate) struct Compiler<'s> {
    sandbox: &'s Sandbox,
    program: Program,
}

#[derive(Deserialize)]
struct ReportedError {
    index: usize,
    path: String,
    line: Option<usize>,
    message: String,
}

type Outcome = Result<Vec<u8>, SourceError>;

impl<'s> Compiler<'s> {
    /// The compiler of a runtime, which is made once and kept.
    pub(crate) fn start(
        sandbox: &'s Sandbox,
        cache: &Cache,
        (runtime, wasm): (&Runtime, &[u8]),
        guest_python: &[GuestFile],
    ) -> Result<Self, CompileError> {
        let is_driver = |(path, _): &&GuestFile| path.strip_suffix(".py") == Some(DRIVER);
        let driver = guest_python.iter().find(is_driver);
        let (_, driver) = driver.ok_or(CompileError::NoDriver)?;
        let mut key = Hasher::new("compiler 1");
        let key = key.text(&runtime.digest).part(driver).finish();
        let module = match cache.read("compilers", &key) {
            Some(module) => module,
            None => {
                let library = library::standard_library(runtime)?;
                let module = make(sandbox, wasm, library, driver.clone())?;
                // A cache that cannot be written costs time, and nothing else.
                let _ = cache.write("compilers", &key, &module);
                module
            }
        };
        Ok(Self {
            sandbox,
            program: sandbox.load(&module)?,
        })
    }

    /// The bytecode of each source, given by its path in the guest and its content.
    /// `columns`: whether it knows columns as well as lines.
    pub(super) fn run(
        &self,
        sources: &[(String, Vec<u8>)],
        columns: bool,
    ) -> Result<Vec<Outcome>, CompileError> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = sources.len().div_ceil(threads).max(WORTH_A_THREAD);
        let threads = sources.len().div_ceil(share).min(sandbox::INSTANCES);
        let share = sources.len().div_ceil(threads);
        let engine = self.sandbox.engine();
        let outcomes = thread::scope(|scope| {
            let start = |(number, part): (usize, _)| {
                let name = format!("wadup-compile-{number}");
                engine.spawn_worker(scope, name, move |worker| {
                    self.run_on(worker, part, columns)
                })
            };
            let handles: Result<Vec<_>, _> = sources.chunks(share).enumerate().map(start).collect();
            let join = |handle: thread::ScopedJoinHandle<'_, _>| {
                handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let handles = handles.map_err(SandboxError::Worker)?;
            handles
                .into_iter()
                .map(join)
                .collect::<Result<Vec<_>, CompileError>>()
        })?;
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn run_on(
        &self,
        worker: &Worker,
        sources: &[(String, Vec<u8>)],
        columns: bool,
    ) -> Result<Vec<Outcome>, CompileError> {
        let context = context(sources, columns)?;
        let limits = sandbox::limits();
        let (mut execution, end) = self.program.instantiate(worker, context, &limits);
        let end = end.unwrap_or_else(|| execution.call(PROCESS_EXPORT));
        let finished = execution.finish(end);
        if finished.end != End::Returned(0) {
            let failure = sandbox::failure(&finished);
            return Err(CompileError::Failed {
                message: format!("{}: {}", failure.kind, failure.message),
                traceback: failure.traceback,
            });
        }
        outcomes(&finished, sources)
    }
}

fn make(
    sandbox: &Sandbox,
    runtime: &[u8],
    library: Tree,
    driver: Vec<u8>,
) -> Result<Vec<u8>, CompileError> {
    let boot = Boot {
        entry_point: DRIVER.to_owned(),
        start: Start::Snapshot,
        hash_seed: 0,
    };
    let mut app = Tree::default();
    app.insert(format!("{APP_DIR}/{DRIVER}.py"), driver);
    let mut merged = Merged::default();
    merged.add(library, "the standard library")?;
    merged.add(app, DRIVER)?;
    let bundle = merged.into_bundle(boot, Vec::new())?;
    let snapshot = snapshot(sandbox, runtime, bundle, &sandbox::limits());
    snapshot
        .map(|made| made.module)
        .map_err(|error| match error {
            SnapshotError::Failed(failure) => CompileError::Failed {
                message: format!("{}: {}", failure.kind, failure.message),
                traceback: failure.traceback,
            },
            error => CompileError::Start(error),
        })
}

fn context(sources: &[(String, Vec<u8>)], columns: bool) -> Result<WasiCtx, SandboxError> {
    let paths: Vec<&str> = sources.iter().map(|(path, _)| path.as_str()).collect();
    let list = serde_json::json!({ "paths": paths, "columns": columns });
    let list = list.to_string().into_bytes();
    let mut context = sandbox::context("/data.bin", Vec::new())?;
    let fill = |vfs: &mut Vfs| {
        vfs.mount(SOURCES, Mount::Directory)?;
        vfs.mount(OUTPUT, Mount::Directory)?;
        vfs.write_file(&format!("{SOURCES}/list.json"), list)?;
        for (index, (_, source)) in sources.iter().enumerate() {
            vfs.write_file(&format!("{SOURCES}/{index}"), source.clone())?;
        }
        Ok(())
    };
    fill(context.vfs_mut()).map_err(|source| SandboxError::Mount {
        path: SOURCES,
        source,
    })?;
    Ok(context)
}

fn outcomes(
    finished: &Finished,
    sources: &[(String, Vec<u8>)],
) -> Result<Vec<Outcome>, CompileError> {
    let vfs = finished.wasi.vfs();
    let missing = |file: &str| CompileError::Output {
        file: file.to_owned(),
    };
    let errors = format!("{OUTPUT}/errors.json");
    let errors: Vec<ReportedError> = vfs
        .read_file(&errors, OUTPUT_MAX)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| missing(&errors))?;
    let mut outcomes: Vec<Option<Outcome>> = sources.iter().map(|_| None).collect();
    for error in errors {
        if let Some(outcome) = outcomes.get_mut(error.index) {
            *outcome = Some(Err(SourceError {
                path: error.path,
                line: error.line,
                message: error.message,
            }));
        }
    }
    let read = |(index, outcome): (usize, Option<Outcome>)| match outcome {
        Some(outcome) => Ok(outcome),
        None => {
            let file = format!("{OUTPUT}/{index}.pyc");
            let bytecode = vfs.read_file(&file, OUTPUT_MAX);
            bytecode.map(Ok).map_err(|_| missing(&file))
        }
    };
    outcomes.into_iter().enumerate().map(read).collect()
}
