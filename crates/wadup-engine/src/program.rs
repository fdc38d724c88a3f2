//! A program: a validated and compiled module, ready to be instantiated many times.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wadup_protocol::manifest::Manifest;
use wasmtime::{InstancePre, Module};

use crate::cache::{CacheProblem, CompiledCache};
use crate::digest;
use crate::engine::{Engine, Interruption, Variant};
use crate::execution::Sandbox;
use crate::inspect::{self, Entry, Outline};
use crate::watchdog::{Ranges, Stop};

/// A compiled module that can be instantiated as often as one likes, each time from the same
/// clean state. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    pre: InstancePre<Sandbox>,
    stop: Stop,
    outline: Outline,
    digest: blake3::Hash,
    origin: Origin,
    problems: Vec<CacheProblem>,
}

/// Where the compiled code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the cache, verified.
    Cached,
    /// Compiled just now.
    Compiled {
        /// How long it took.
        took: Duration,
    },
}

/// Why a module cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error("this is not a WebAssembly module")]
    NotWasm,
    #[error("the text does not parse as WebAssembly: {message}")]
    Text { message: String },
    #[error("this is a WebAssembly component; wadup runs core modules")]
    Component,
    #[error("the module is truncated or malformed at byte {offset}: {message}")]
    Malformed { offset: usize, message: String },
    #[error("the module imports what wadup does not provide: {}", list(.imports))]
    UnknownImports {
        /// As `module.name`.
        imports: Vec<String>,
    },
    #[error("the module exports neither `process` nor `_start`")]
    NoEntry,
    #[error("the export `{export}` must take no parameters{}", if *.export == "process" { " and return nothing or an i32" } else { " and return nothing" })]
    EntrySignature { export: &'static str },
    #[error("the module imports WASI functions but does not export its `memory`")]
    NoMemory,
    #[error("the module starts with {needed} bytes of memory, more than the limit of {limit}")]
    NeedsMemory { needed: u64, limit: u64 },
    #[error("the manifest (custom section `wadup:manifest`) does not parse")]
    Manifest(#[source] serde_json::Error),
    #[error("the module has {count} manifests (custom sections `wadup:manifest`)")]
    ManyManifests { count: usize },
    #[error(
        "the artifact speaks version {artifact} of wadup's protocol, this wadup up to {supported}"
    )]
    AbiVersion { artifact: u32, supported: u32 },
    #[error("the module is not valid, or needs what wadup does not enable")]
    Compile(#[source] wasmtime::Error),
    #[error("the module's WASI imports do not have the types that WASI gives them")]
    Link(#[source] wasmtime::Error),
}

impl LoadError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm => Some("`wadup build` makes an artifact of a Python project"),
            Self::Component => Some("build it for wasm32-wasip1 instead of wasm32-wasip2"),
            Self::Malformed { .. } => Some("build or download the file again"),
            Self::UnknownImports { imports } => Some(import_hint(imports)),
            Self::NoEntry => Some(
                "export a function `process` without parameters, or build a WASI command (`_start`)",
            ),
            Self::NoMemory => Some("export the memory under the name `memory`"),
            Self::NeedsMemory { .. } => Some("raise --max-memory"),
            Self::Manifest(_) | Self::ManyManifests { .. } => {
                Some("build the artifact again with `wadup build`")
            }
            Self::AbiVersion { .. } => {
                Some("update wadup, or build the artifact again with this one")
            }
            Self::Text { .. } | Self::EntrySignature { .. } | Self::Compile(_) | Self::Link(_) => {
                None
            }
        }
    }
}

fn import_hint(imports: &[String]) -> &'static str {
    if imports
        .iter()
        .any(|import| import.starts_with("wasi_unstable."))
    {
        "the module was built for WASI preview 0: build it for wasm32-wasip1"
    } else if imports.iter().any(|import| import.starts_with("env.")) {
        "`env` imports are symbols that were left undefined: link without `--allow-undefined`"
    } else {
        "a module may import functions of `wasi_snapshot_preview1` only"
    }
}

/// The first of `names`, and how many more there are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Program {
    /// Validates `wasm` (binary, or WebAssembly text) and compiles it, or takes the compiled
    /// code from `cache`.
    ///
    /// # Errors
    ///
    /// When it is no module that wadup can run. Trouble with the cache is no error: see
    /// [`cache_problems`](Self::cache_problems).
    pub fn load(engine: &Engine, wasm: &[u8], cache: &CompiledCache) -> Result<Self, LoadError> {
        let wasm = binary(wasm)?;
        Self::load_binary(engine, &wasm, blake3::hash(&wasm), cache)
    }

    /// [`load`](Self::load) of the first `length` bytes of a file, which may have changed when it
    /// is shorter.
    ///
    /// # Errors
    ///
    /// When they cannot be read; the inner error when they are no module that wadup can run.
    pub fn load_file(
        engine: &Engine,
        file: &File,
        length: usize,
        cache: &CompiledCache,
    ) -> io::Result<Result<Self, LoadError>> {
        let mut bytes = vec![0; length];
        use_huge_pages(&mut bytes);
        let digest = digest::read_file(file, &mut bytes)?;
        Ok(match binary(&bytes) {
            Ok(Cow::Borrowed(wasm)) => Self::load_binary(engine, wasm, digest, cache),
            Ok(Cow::Owned(wasm)) => Self::load(engine, &wasm, cache),
            Err(error) => Err(error),
        })
    }

    fn load_binary(
        engine: &Engine,
        wasm: &[u8],
        digest: blake3::Hash,
        cache: &CompiledCache,
    ) -> Result<Self, LoadError> {
        let outline = inspect::outline(wasm, engine.settings().max_memory)?;
        let mut problems = Vec::new();
        let (variant, module, origin) = code(engine, wasm, &digest, cache, &mut problems)?;
        let pre = variant
            .linker
            .instantiate_pre(&module)
            .map_err(LoadError::Link)?;
        let stop = match &variant.trap {
            Some(trap) => Stop::Signal(Arc::new(Ranges::new(&module, trap))),
            None => Stop::Epoch(variant.wasmtime.clone()),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                engine: engine.clone(),
                pre,
                stop,
                outline,
                digest,
                origin,
                problems,
            }),
        })
    }

    /// The engine it was compiled for.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The manifest, if it is an artifact of `wadup build`.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.inner.outline.manifest.as_ref()
    }

    /// The export that processes an input.
    pub fn entry(&self) -> Entry {
        self.inner.outline.entry
    }

    /// BLAKE3 of the binary module, in hex.
    pub fn digest(&self) -> String {
        self.inner.digest.to_hex().to_string()
    }

    /// Where the compiled code came from.
    pub fn origin(&self) -> Origin {
        self.inner.origin
    }

    /// What was wrong with the cache or with its entry, which was then not used.
    pub fn cache_problems(&self) -> &[CacheProblem] {
        &self.inner.problems
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.inner.stop
    }

    /// Tells it from other programs that there are.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    pub(crate) fn pre(&self) -> &InstancePre<Sandbox> {
        &self.inner.pre
    }

    pub(crate) fn is_reactor(&self) -> bool {
        self.inner.outline.reactor
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("outline", &self.inner.outline)
            .field("digest", &self.digest())
            .field("origin", &self.inner.origin)
            .finish_non_exhaustive()
    }
}

/// The binary form of a module: WebAssembly text is translated; all else is passed on as it is.
///
/// # Errors
///
/// When the text does not parse.
pub fn binary(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    let is_text = wasm.trim_ascii_start().starts_with(b"(") || wasm.starts_with(b";;");
    if !is_text {
        return Ok(Cow::Borrowed(wasm));
    }
    wat::parse_bytes(wasm).map_err(|error| LoadError::Text {
        message: shorten(&error.to_string()),
    })
}

/// The message shows the line that does not parse, which can be the whole file.
fn shorten(message: &str) -> String {
    const WIDTH: usize = 120;
    let lines = message
        .lines()
        .map(|line| match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// The compiled code, from the cache or made now, in the variant that the module needs. Which
/// one that is takes a look at all of its code, and the second variant a pool of its own: what is
/// cached for signals has been looked at.
fn code<'e>(
    engine: &'e Engine,
    wasm: &[u8],
    digest: &blake3::Hash,
    cache: &CompiledCache,
    problems: &mut Vec<CacheProblem>,
) -> Result<(&'e Variant, Module, Origin), LoadError> {
    let signal = engine
        .variant(Interruption::Signal)
        .map_err(LoadError::Compile)?;
    if let Some(module) = cache.module(signal, digest, problems) {
        return Ok((signal, module, Origin::Cached));
    }
    let start = Instant::now();
    let interruption = inspect::interruption(wasm)?;
    let variant = engine.variant(interruption).map_err(LoadError::Compile)?;
    if !std::ptr::eq(variant, signal)
        && let Some(module) = cache.module(variant, digest, problems)
    {
        return Ok((variant, module, Origin::Cached));
    }
    let code = compile_with_shared_functions(variant, wasm, cache, problems)
        .map_err(LoadError::Compile)?;
    let took = start.elapsed();
    let module = match cache.keep_module(variant, digest, &code, problems) {
        Some(module) => module,
        None => from_compiler(&variant.wasmtime, &code).map_err(LoadError::Compile)?,
    };
    Ok((variant, module, Origin::Compiled { took }))
}

/// The least code, in bytes, whose functions are worth sharing: what is smaller is compiled in
/// no time.
const SHARED_CODE: usize = 1 << 20;

fn compile_with_shared_functions(
    variant: &Variant,
    wasm: &[u8],
    cache: &CompiledCache,
    problems: &mut Vec<CacheProblem>,
) -> wasmtime::Result<Vec<u8>> {
    let code = inspect::code_section(wasm).filter(|code| code.len() >= SHARED_CODE);
    let Some(code) = code.filter(|_| cache.is_enabled()) else {
        return variant.wasmtime.precompile_module(wasm);
    };
    let code = blake3::hash(code);
    let pack = cache.functions(variant, &code, problems);
    let session = variant.functions.begin(pack.unwrap_or_default());
    let compiled = variant.wasmtime.precompile_module(wasm)?;
    if let Some(pack) = session.end() {
        cache.keep_functions(variant, &code, &pack, problems);
    }
    Ok(compiled)
}

#[expect(unsafe_code, reason = "the way to make a module of compiled code")]
fn from_compiler(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: `code` is what `precompile_module` of this very engine has just returned; it has
    // not left this process.
    unsafe { Module::deserialize(engine, code) }
}

/// Asks for huge pages, of which an artifact needs a few and not thousands.
#[expect(unsafe_code, reason = "advice on memory is a C interface")]
fn use_huge_pages(bytes: &mut [u8]) {
    const PAGE: usize = 2 << 20;
    let start = bytes.as_ptr().align_offset(PAGE);
    let Some(rest) = bytes.len().checked_sub(start) else {
        return;
    };
    let huge = &mut bytes[start..][..rest / PAGE * PAGE];
    // SAFETY: the advice does not change what is in the range, which is borrowed for writing.
    // Without huge pages everything works as well.
    let _ = unsafe {
        rustix::mm::madvise(
            huge.as_mut_ptr().cast(),
            huge.len(),
            rustix::mm::Advice::LinuxHugepage,
        )
    };
}
