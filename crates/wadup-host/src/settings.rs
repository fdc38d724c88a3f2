//! What a host is made with.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;
use wadup_engine::{CompiledCache, Compiler, EngineSettings};

use crate::resume::Resume;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The most that a slot of the pool keeps between two instances.
const KEPT_SLOT: u64 = 16 * MIB;

/// What [`Host::new`](crate::Host::new) is made with. The default suits one worker.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// How many inputs are processed at once, each on its own thread.
    pub jobs: NonZeroU32,
    /// Whether an input's sandbox may be the one that another input was processed in.
    pub isolation: Isolation,
    /// How many artifacts a run has: with [`Isolation::Reuse`], a worker keeps as many
    /// instances, each for one artifact. A run may have more, which then take turns.
    pub artifacts: NonZeroU32,
    /// Linear memory of one execution, in bytes.
    pub max_memory: u64,
    /// Memory that all sandboxes together keep between two inputs, in bytes, so that the next
    /// does not begin with page faults. A sandbox keeps what it wrote to, up to 16 MiB.
    pub keep_resident: u64,
    /// Native stack that WebAssembly code may use, in bytes. See
    /// [`EngineSettings::max_stack`].
    pub max_stack: u64,
    /// Fuel of one execution; counting it costs speed.
    pub fuel: Option<u64>,
    /// Wall-clock time of one execution.
    pub timeout: Option<Duration>,
    /// How deep sub-content may be nested. An input that was given has depth 0.
    pub max_depth: u32,
    /// All of the guests' environment.
    pub env: Vec<(String, String)>,
    /// Whether `perf` is told the guest's functions. See [`EngineSettings::perf_map`].
    pub perf_map: bool,
    /// Where compiled code is kept.
    pub cache: CompiledCache,
    /// Where artifacts are compiled that the cache does not have. Those that are not trusted
    /// belong into a process of their own.
    pub compiler: Compiler,
    /// What one execution may hand over and store.
    pub caps: Caps,
    /// Whether runs go on from what the sink has of earlier ones.
    pub resume: Option<Resume>,
}

/// What inputs may have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Nothing: every input gets a new instance, and what it does ends with it.
    #[default]
    Fresh,
    /// The memory of an instance, for code that is trusted to leave it as it should be: each
    /// worker keeps one of each artifact, as long as every input completes in it. Files, descriptors, limits
    /// and clocks are still each input's own. A command (`_start`) runs once, so that it gets a
    /// new instance all the same.
    Reuse,
}

/// What one execution may store and hand over; exceeding one of them is
/// [`Status::LimitExceeded`](wadup_sink::Status), unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caps {
    /// Bytes in the sandbox's file system, bookkeeping included. The guest sees `ENOSPC`.
    pub files: u64,
    /// Bytes of stdout and of stderr that are kept, each. What is beyond is dropped and counted.
    pub output: u64,
    /// Bytes of rows, as they are spooled: 8 a number, its length a text, and a few more each;
    /// and of the tables' definitions, 64 and its name a column. A single metadata file may have
    /// as many, or 1 MiB.
    pub rows: u64,
    /// Tables that one execution defines.
    pub tables: u32,
    /// Tables that there can be in all.
    pub total_tables: u32,
    /// Pieces of sub-content below one given input, at all depths together.
    pub subcontent: u64,
    /// Bytes of sub-content below one given input, at all depths together.
    pub subcontent_bytes: u64,
    /// Bytes of sub-content below one given input for each of its own bytes. 64 MiB are allowed
    /// in any case.
    pub subcontent_ratio: u32,
    /// Bytes that are read from stdin or another input whose length is not known.
    pub spooled_input: u64,
}

impl Default for HostSettings {
    /// One job, fresh instances, 512 MiB of memory, 16 MiB of stack, no fuel, 60 s, depth 8, no environment, no
    /// cache, a compiler in this process.
    fn default() -> Self {
        let engine = EngineSettings::default();
        Self {
            jobs: NonZeroU32::MIN,
            isolation: Isolation::Fresh,
            artifacts: NonZeroU32::MIN,
            max_memory: engine.max_memory,
            keep_resident: GIB,
            max_stack: engine.max_stack,
            fuel: None,
            timeout: Some(Duration::from_secs(60)),
            max_depth: 8,
            env: Vec::new(),
            perf_map: false,
            cache: CompiledCache::disabled(),
            compiler: Compiler::InProcess,
            caps: Caps::default(),
            resume: None,
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            files: 256 * MIB,
            output: 64 * KIB,
            rows: 64 * MIB,
            tables: 256,
            total_tables: 10_000,
            subcontent: 100_000,
            subcontent_bytes: 4 * GIB,
            subcontent_ratio: 200,
            spooled_input: 4 * GIB,
        }
    }
}

impl HostSettings {
    pub(crate) fn engine(&self) -> EngineSettings {
        let instances = self.jobs.get().saturating_mul(self.artifacts.get());
        let default = EngineSettings::default();
        let share = self.keep_resident / u64::from(instances);
        EngineSettings {
            instances,
            keep_resident: share.min(default.keep_resident),
            max_memory: self.max_memory,
            max_stack: self.max_stack,
            fuel: self.fuel.is_some(),
            perf_map: self.perf_map,
            compiler: self.compiler.clone(),
            ..default
        }
    }

    /// What the resident memory of a run stays below, in bytes, whatever its guests do. Compiled
    /// code, which is mapped from its file, comes to that. `docs/inside/security.md` says what it is
    /// made of.
    pub fn memory_bound(&self) -> u64 {
        let (jobs, artifacts) = (u64::from(self.jobs.get()), u64::from(self.artifacts.get()));
        let caps = &self.caps;
        // What artifacts hand over waits for the last of them, and a file that is handed over is
        // there in up to four forms while it is read.
        let rows = caps.rows.max(MIB).saturating_mul(artifacts + 4);
        let of_an_input = [
            self.max_memory,
            self.max_stack,
            caps.files,
            rows,
            caps.output.saturating_mul(4 * artifacts),
            caps.subcontent.saturating_mul(KIB),
            KEPT_SLOT * artifacts,
            48 * MIB,
        ];
        let of_an_input = of_an_input.into_iter().fold(0, u64::saturating_add);
        // Two records that are larger than all room for records are at the sink.
        let at_the_sink = caps.rows.saturating_mul(2 * artifacts);
        jobs.saturating_mul(of_an_input)
            .saturating_add(at_the_sink)
            .saturating_add(512 * MIB)
    }

    /// How many instances a worker has at once.
    pub(crate) fn kept(&self) -> u32 {
        match self.isolation {
            Isolation::Fresh => 1,
            Isolation::Reuse => self.artifacts.get(),
        }
    }

    /// What can change results, for the record: in `limits` what ends an execution that exceeds
    /// it, beside that what a guest can notice.
    pub(crate) fn record(&self) -> serde_json::Value {
        let keys: Vec<&str> = self.env.iter().map(|(key, _)| key.as_str()).collect();
        let caps = &self.caps;
        serde_json::json!({
            "isolation": self.isolation,
            "max_memory": self.max_memory,
            "max_files": caps.files,
            "max_output": caps.output,
            // Values may be secrets.
            "env": keys,
            "env_blake3": self.env_digest(),
            "limits": {
                "max_stack": self.max_stack,
                "fuel": self.fuel,
                "timeout_ms": self.timeout.map(|timeout| u64::try_from(timeout.as_millis()).ok()),
                "max_depth": self.max_depth,
                "rows": caps.rows,
                "tables": caps.tables,
                "total_tables": caps.total_tables,
                "subcontent": caps.subcontent,
                "subcontent_bytes": caps.subcontent_bytes,
                "subcontent_ratio": caps.subcontent_ratio,
                "spooled_input": caps.spooled_input,
            },
        })
    }

    /// Tells whether two runs had the same environment, values included.
    fn env_digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for text in self.env.iter().flat_map(|(name, value)| [name, value]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}
