//! What can be said of a module before it is compiled: what it imports and exports, how much
//! memory it starts with, and its manifest.

use serde::Deserialize;
use wadup_protocol::ABI_VERSION;
use wadup_protocol::manifest::{self, Manifest, PROCESS_EXPORT};
use wasmparser::{
    Chunk, CompositeInnerType, Encoding, ExternalKind, Operator, Parser, Payload, TypeRef, ValType,
};

use crate::engine::Interruption;
use crate::program::LoadError;

/// The only module that a program may import from.
const WASI: &str = "wasi_snapshot_preview1";
/// All functions of WASI preview 1, which is frozen, in order:
/// <https://github.com/WebAssembly/WASI/blob/v0.2.0/legacy/preview1/witx/wasi_snapshot_preview1.witx>
const PREVIEW1: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];
/// The entry of a WASI command.
const START_EXPORT: &str = "_start";
/// Must run once before anything else of a WASI reactor.
const INITIALIZE_EXPORT: &str = "_initialize";

/// The most bytes that a manifest may have. Parsed, it takes several times as many.
pub const MAX_MANIFEST: usize = 1 << 20;

/// How a program is called for one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// `process`, without parameters.
    Process,
    /// `_start`, a WASI command.
    Start,
}

impl Entry {
    /// The name of the export.
    pub fn export(self) -> &'static str {
        match self {
            Self::Process => PROCESS_EXPORT,
            Self::Start => START_EXPORT,
        }
    }
}

/// A module's outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) entry: Entry,
    /// Whether `_initialize` has to be called first.
    pub(crate) reactor: bool,
    pub(crate) manifest: Option<Manifest>,
}

/// Reads the outline of the binary module `wasm`.
pub(crate) fn outline(wasm: &[u8], max_memory: u64) -> Result<Outline, LoadError> {
    check_header(wasm)?;
    let mut scan = Scan::default();
    read(wasm, &mut scan).map_err(|error| malformed(&error))?;
    scan.finish(max_memory)
}

/// Reads all sections but the functions' bodies, which the compiler will see.
fn read<'a>(wasm: &'a [u8], scan: &mut Scan<'a>) -> wasmparser::Result<()> {
    let mut parser = Parser::new(0);
    let mut rest = wasm;
    // It never needs more data, as it is told that there is none.
    while let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? {
        rest = &rest[consumed..];
        match payload {
            Payload::End(_) => break,
            Payload::CodeSectionStart { size, .. } if rest.len() >= size as usize => {
                parser.skip_section();
                rest = &rest[size as usize..];
            }
            payload => scan.payload(payload)?,
        }
    }
    Ok(())
}

/// The bytes of the code section.
pub(crate) fn code_section(wasm: &[u8]) -> Option<&[u8]> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionStart { range, .. } = payload.ok()? {
            return wasm.get(range);
        }
    }
    None
}

/// How guests with the code of the binary module `wasm` can be stopped.
pub(crate) fn interruption(wasm: &[u8]) -> Result<Interruption, LoadError> {
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::CodeSectionEntry(body) = payload.map_err(|error| malformed(&error))? else {
            continue;
        };
        let operators = body.get_operators_reader();
        for operator in operators.map_err(|error| malformed(&error))? {
            if !is_brief(&operator.map_err(|error| malformed(&error))?) {
                return Ok(Interruption::Epoch);
            }
        }
    }
    Ok(Interruption::Signal)
}

/// Whether an operator keeps the guest's thread in its own code, or comes back to it at once,
/// and leaves its frames well formed at any moment.
///
/// Bulk operations are the host's and can take seconds; a tail call moves the frame that it is
/// in. What else is not listed here is not known to be safe.
fn is_brief(operator: &Operator<'_>) -> bool {
    matches!(
        proposal(operator),
        "mvp" | "sign_extension" | "saturating_float_to_int" | "simd" | "relaxed_simd"
    )
}

macro_rules! define_proposal {
    ($(@$proposal:ident $operator:ident $({ $($argument:ident: $type:ty),* })? => $visit:ident ($($annotation:tt)*))*) => {
        /// The name of the WebAssembly proposal that brought an operator.
        fn proposal(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$operator { .. } => stringify!($proposal),)*
                _ => "",
            }
        }
    };
}

wasmparser::for_each_operator!(define_proposal);

fn malformed(error: &wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Malformed {
        offset: error.offset(),
        message: error.message().to_owned(),
    }
}

fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    if !wasm.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm);
    }
    if Parser::is_component(wasm) {
        return Err(LoadError::Component);
    }
    Ok(())
}

/// What is to be known of a module, in little memory: it may say that it has very many of
/// everything.
#[derive(Default)]
struct Scan<'a> {
    /// By type index.
    types: Vec<Signature>,
    /// The type index of each function, imported ones first.
    functions: Vec<u32>,
    imports: usize,
    /// The first imports that there is nothing for.
    foreign: Vec<String>,
    /// How many there are beside those.
    more_foreign: usize,
    /// The indices of the functions that are exported under the names that matter.
    process: Option<u32>,
    start: Option<u32>,
    initialize: Option<u32>,
    exports_memory: bool,
    memories: u64,
    /// Bytes of all memories.
    memory: u64,
    manifests: usize,
    manifest: Option<&'a [u8]>,
}

/// What an entry may look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    Nothing,
    ReturnsInt,
    Other,
}

/// How many foreign imports are told of, and how much of each name.
const FOREIGN: usize = 5;
const FOREIGN_NAME: usize = 100;

impl<'a> Scan<'a> {
    fn payload(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            // `check_header` has seen to it.
            Payload::Version { encoding, .. } => debug_assert_eq!(encoding, Encoding::Module),
            Payload::TypeSection(groups) => {
                for group in groups {
                    self.types.extend(group?.types().map(signature));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    self.import(import?);
                }
            }
            Payload::FunctionSection(functions) => {
                for function in functions {
                    self.functions.push(function?);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory?;
                    let page = 1_u64 << memory.page_size_log2.unwrap_or(16).min(63);
                    let bytes = memory.initial.saturating_mul(page);
                    self.memory = self.memory.saturating_add(bytes);
                    self.memories += 1;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.export(export?);
                }
            }
            Payload::CustomSection(section) if section.name() == manifest::SECTION => {
                self.manifests += 1;
                self.manifest = Some(section.data());
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>) {
        let function = match import.ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => Some(index),
            _ => None,
        };
        self.functions.extend(function);
        self.imports += 1;
        let (module, name) = (import.module, import.name);
        if function.is_some() && module == WASI && PREVIEW1.binary_search(&name).is_ok() {
            return;
        }
        if self.foreign.len() < FOREIGN {
            let cut = |name: &'a str| &name[..name.floor_char_boundary(FOREIGN_NAME)];
            self.foreign.push(format!("{}.{}", cut(module), cut(name)));
        } else {
            self.more_foreign += 1;
        }
    }

    fn export(&mut self, export: wasmparser::Export<'a>) {
        let function = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => Some(export.index),
            ExternalKind::Memory => {
                self.exports_memory |= export.name == "memory";
                None
            }
            _ => None,
        };
        let slot = match export.name {
            PROCESS_EXPORT => &mut self.process,
            START_EXPORT => &mut self.start,
            INITIALIZE_EXPORT => &mut self.initialize,
            _ => return,
        };
        *slot = slot.or(function);
    }

    fn finish(self, max_memory: u64) -> Result<Outline, LoadError> {
        if !self.foreign.is_empty() {
            // All at once, instead of the linker's first complaint after minutes of compiling.
            return Err(LoadError::UnknownImports {
                imports: self.foreign,
                more: self.more_foreign,
            });
        }
        let entry = self.entry()?;
        if self.memory > max_memory {
            return Err(LoadError::NeedsMemory {
                needed: self.memory,
                limit: max_memory,
            });
        }
        if self.memories > 1 {
            return Err(LoadError::ManyMemories {
                count: self.memories,
            });
        }
        if self.imports > 0 && !self.exports_memory {
            return Err(LoadError::NoMemory);
        }
        Ok(Outline {
            entry,
            reactor: entry == Entry::Process && self.signature(self.initialize).is_some(),
            manifest: self.manifest()?,
        })
    }

    fn entry(&self) -> Result<Entry, LoadError> {
        let entries = [(Entry::Process, self.process), (Entry::Start, self.start)];
        for (entry, function) in entries {
            let Some(signature) = self.signature(function) else {
                continue;
            };
            return match (signature, entry) {
                (Signature::Nothing, _) | (Signature::ReturnsInt, Entry::Process) => Ok(entry),
                _ => Err(LoadError::EntrySignature {
                    export: entry.export(),
                }),
            };
        }
        Err(LoadError::NoEntry)
    }

    fn signature(&self, function: Option<u32>) -> Option<Signature> {
        let ty = *self.functions.get(usize::try_from(function?).ok()?)?;
        self.types.get(usize::try_from(ty).ok()?).copied()
    }

    fn manifest(&self) -> Result<Option<Manifest>, LoadError> {
        match (self.manifests, self.manifest) {
            (0 | 1, section) => section.map(parse_manifest).transpose(),
            (count, _) => Err(LoadError::ManyManifests { count }),
        }
    }
}

fn signature(ty: &wasmparser::SubType) -> Signature {
    match &ty.composite_type.inner {
        CompositeInnerType::Func(func) => match (func.params(), func.results()) {
            ([], []) => Signature::Nothing,
            ([], [ValType::I32]) => Signature::ReturnsInt,
            _ => Signature::Other,
        },
        _ => Signature::Other,
    }
}

/// The version first: a newer manifest may have another form altogether.
fn parse_manifest(section: &[u8]) -> Result<Manifest, LoadError> {
    #[derive(Deserialize)]
    struct Version {
        abi_version: u32,
    }
    if section.len() > MAX_MANIFEST {
        return Err(LoadError::ManifestLength {
            length: section.len(),
            max: MAX_MANIFEST,
        });
    }
    let version: Version = serde_json::from_slice(section).map_err(LoadError::Manifest)?;
    if version.abi_version > ABI_VERSION || version.abi_version == 0 {
        return Err(LoadError::AbiVersion {
            artifact: version.abi_version,
            supported: ABI_VERSION,
        });
    }
    serde_json::from_slice(section).map_err(LoadError::Manifest)
}
