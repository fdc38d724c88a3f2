//! A program: a validated and compiled module, ready to be instantiated many times.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wadup_protocol::manifest::Manifest;
use wasmtime::{InstancePre, Module};

use crate::cache::{CacheProblem, CompiledCache, Key};
use crate::compiler::{Compiled, Compiler, CompilerError, CompilerProcess, Job, anonymous_file};
use crate::digest;
use crate::engine::{CodeSettings, Engine, Interruption, Variant};
use crate::execution::Sandbox;
use crate::functions::Pack;
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
    #[error("the module imports what wadup does not provide: {}", list(.imports, *.more))]
    UnknownImports {
        /// The first of them, as `module.name`.
        imports: Vec<String>,
        /// How many there are beside those.
        more: usize,
    },
    #[error("the module exports neither `process` nor `_start`")]
    NoEntry,
    #[error("the export `{export}` must take no parameters{}", if *.export == "process" { " and return nothing or an i32" } else { " and return nothing" })]
    EntrySignature { export: &'static str },
    #[error("the module imports WASI functions but does not export its `memory`")]
    NoMemory,
    #[error("the module starts with {needed} bytes of memory, more than the limit of {limit}")]
    NeedsMemory { needed: u64, limit: u64 },
    #[error("the module has {count} memories; wadup runs modules with one")]
    ManyMemories { count: u64 },
    #[error("the manifest (custom section `wadup:manifest`) has {length} bytes, more than {max}")]
    ManifestLength { length: usize, max: usize },
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
    /// The process that was to compile it gave no code.
    #[error(transparent)]
    Compiler(#[from] CompilerError),
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
            Self::UnknownImports { imports, .. } => Some(import_hint(imports)),
            Self::NoEntry => Some(
                "export a function `process` without parameters, or build a WASI command (`_start`)",
            ),
            Self::NoMemory => Some("export the memory under the name `memory`"),
            Self::NeedsMemory { .. } => Some("raise --max-memory"),
            Self::Manifest(_) | Self::ManifestLength { .. } | Self::ManyManifests { .. } => {
                Some("build the artifact again with `wadup build`")
            }
            Self::AbiVersion {
                artifact,
                supported,
            } if artifact < supported => Some("build the artifact again with this wadup"),
            Self::AbiVersion { .. } => {
                Some("update wadup, or build the artifact again with this one")
            }
            Self::Compiler(error) => Some(error.hint()),
            Self::Text { .. }
            | Self::ManyMemories { .. }
            | Self::EntrySignature { .. }
            | Self::Compile(_)
            | Self::Link(_) => None,
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

fn list(names: &[String], more: usize) -> String {
    let names = names.join(", ");
    match more {
        0 => names,
        more => format!("{names} and {more} more"),
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
        let wasm = binary(wasm, &engine.settings().compiler)?;
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
        Ok(match binary(&bytes, &engine.settings().compiler) {
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
            None => Stop::Epoch(variant.compiler.wasmtime.clone()),
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

/// The binary form of a module: WebAssembly text is translated, by `compiler`; all else is passed
/// on as it is.
///
/// # Errors
///
/// When the text does not parse.
pub fn binary<'w>(wasm: &'w [u8], compiler: &Compiler) -> Result<Cow<'w, [u8]>, LoadError> {
    let is_text = wasm.trim_ascii_start().starts_with(b"(") || wasm.starts_with(b";;");
    if !is_text {
        return Ok(Cow::Borrowed(wasm));
    }
    let translated = match compiler {
        Compiler::InProcess => translate(wasm),
        Compiler::Process(process) => match process.translate(wasm)? {
            Compiled::Done(binary) => Ok(binary),
            Compiled::Refused(reasons) => Err(reasons.join("\n")),
        },
    };
    translated
        .map(Cow::Owned)
        .map_err(|message| LoadError::Text { message })
}

/// Text to binary, or what is wrong with the text.
pub(crate) fn translate(text: &[u8]) -> Result<Vec<u8>, String> {
    wat::parse_bytes(text)
        .map(Cow::into_owned)
        .map_err(|error| shorten(&error.to_string()))
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
    let variant = |interruption| engine.variant(interruption).map_err(LoadError::Compile);
    let signal = variant(Interruption::Signal)?;
    let key = |variant: &Variant| Key::module(&variant.compiler.wasmtime, digest);
    let mut cached = |variant: &Variant| {
        let wasmtime = &variant.compiler.wasmtime;
        cache.module(wasmtime, &key(variant), problems)
    };
    if let Some(module) = cached(signal) {
        return Ok((signal, module, Origin::Cached));
    }
    let start = Instant::now();
    let interruption = inspect::interruption(wasm)?;
    let variant = variant(interruption)?;
    if !std::ptr::eq(variant, signal)
        && let Some(module) = cached(variant)
    {
        return Ok((variant, module, Origin::Cached));
    }
    let compilation = Compilation {
        variant,
        wasm,
        key: key(variant),
        cache,
    };
    let module = match &engine.settings().compiler {
        Compiler::InProcess => compilation.here(problems),
        Compiler::Process(process) => {
            let settings = engine.settings().code();
            compilation.in_process(process, settings, interruption, problems)
        }
    }?;
    let took = start.elapsed();
    Ok((variant, module, Origin::Compiled { took }))
}

/// The least code, in bytes, whose functions are worth sharing: what is smaller is compiled in
/// no time.
const SHARED_CODE: usize = 1 << 20;

/// What is to be compiled and kept.
struct Compilation<'a> {
    variant: &'a Variant,
    wasm: &'a [u8],
    key: Key,
    cache: &'a CompiledCache,
}

impl Compilation<'_> {
    fn here(&self, problems: &mut Vec<CacheProblem>) -> Result<Module, LoadError> {
        let shared = self.shared(problems);
        let known = shared
            .as_ref()
            .map(|(_, known)| Pack::parse(known).unwrap_or_default());
        let compiled = self.variant.compiler.compile(self.wasm, known);
        let (code, functions) = compiled.map_err(LoadError::Compile)?;
        if let (Some((key, _)), Some(functions)) = (shared, functions) {
            self.keep(&key, problems, |mut file| {
                file.write_all(&functions.to_bytes())
            });
        }
        let kept = self.keep(&self.key, problems, |mut file| file.write_all(&code));
        match kept.and_then(|()| self.cached(problems)) {
            Some(module) => Ok(module),
            None => self.uncached(&code),
        }
    }

    /// The child writes to where the code is to stay.
    fn in_process(
        &self,
        process: &CompilerProcess,
        settings: CodeSettings,
        interruption: Interruption,
        problems: &mut Vec<CacheProblem>,
    ) -> Result<Module, LoadError> {
        let (shared, functions) = self.shared(problems).unzip();
        let job = Job {
            settings,
            interruption,
            key: *self.key.as_bytes(),
            module: self.wasm,
            functions,
        };
        let mut draft = self.cache.draft(&self.key, problems);
        let output = match &draft {
            Some(draft) => draft.file().try_clone(),
            None => anonymous_file(),
        };
        let mut output = output.map_err(CompilerError::Start)?;
        let mut compiled = process.compile(&job, &output);
        if let Err(CompilerError::NotWritten(error)) = compiled {
            // The cache has no room: once more, into memory.
            if let Some(draft) = draft.take() {
                self.cache.write(draft, |_| Err(error), problems);
            }
            output = anonymous_file().map_err(CompilerError::Start)?;
            compiled = process.compile(&job, &output);
        }
        let lengths = match compiled? {
            Compiled::Done(lengths) => lengths,
            Compiled::Refused(reasons) => return Err(LoadError::Compile(error_of(reasons))),
        };
        if let Some(key) = shared.filter(|_| lengths.functions > 0) {
            self.keep(&key, problems, |mut file| {
                let mut output = &output;
                output.seek(SeekFrom::Start(lengths.code))?;
                io::copy(&mut output.take(lengths.functions), &mut file).map(drop)
            });
        }
        let cut = output.set_len(lengths.code);
        let kept = draft.and_then(|draft| self.cache.write(draft, |_| cut, problems));
        match kept.and_then(|()| self.cached(problems)) {
            Some(module) => Ok(module),
            None => {
                let mut code = Vec::new();
                let mut output = &output;
                output
                    .seek(SeekFrom::Start(0))
                    .and_then(|_| output.take(lengths.code).read_to_end(&mut code))
                    .map_err(CompilerError::Answer)?;
                self.uncached(&code)
            }
        }
    }

    /// Where functions are shared: what they are called in the cache, and what it has of them.
    fn shared(&self, problems: &mut Vec<CacheProblem>) -> Option<(Key, Vec<u8>)> {
        let code = inspect::code_section(self.wasm).filter(|code| code.len() >= SHARED_CODE);
        let code = code.filter(|_| self.cache.is_enabled())?;
        let key = Key::functions(&self.variant.compiler.wasmtime, &blake3::hash(code));
        let known = self.cache.bytes(&key, problems);
        Some((key, known.unwrap_or_default()))
    }

    fn keep(
        &self,
        key: &Key,
        problems: &mut Vec<CacheProblem>,
        write: impl FnOnce(&File) -> io::Result<()>,
    ) -> Option<()> {
        let draft = self.cache.draft(key, problems)?;
        self.cache.write(draft, write, problems)
    }

    fn cached(&self, problems: &mut Vec<CacheProblem>) -> Option<Module> {
        let wasmtime = &self.variant.compiler.wasmtime;
        self.cache.module(wasmtime, &self.key, problems)
    }

    #[expect(unsafe_code, reason = "the way to make a module of compiled code")]
    fn uncached(&self, code: &[u8]) -> Result<Module, LoadError> {
        // SAFETY: `code` is what `precompile_module` has just returned, for this engine or (which
        // the child has compared) for one with the same settings. It has not left this process
        // and its child.
        unsafe { Module::deserialize(&self.variant.compiler.wasmtime, code) }
            .map_err(LoadError::Compile)
    }
}

/// The error that another process had.
fn error_of(reasons: Vec<String>) -> wasmtime::Error {
    let mut reasons = reasons.into_iter().rev();
    let innermost = wasmtime::Error::msg(reasons.next().unwrap_or_default());
    reasons.fold(innermost, wasmtime::Error::context)
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
