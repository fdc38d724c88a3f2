//! What an engine is made with. Everything that changes compiled code or the pool's layout is
//! here; what one execution may use is in [`crate::Limits`].

use crate::compiler::Compiler;

/// One mebibyte, in bytes.
const MIB: u64 = 1 << 20;

/// What [`Engine::new`](crate::Engine::new) is made with.
///
/// ```
/// use wadup_engine::EngineSettings;
///
/// let settings = EngineSettings { instances: 4, ..EngineSettings::default() };
/// assert_eq!(settings.max_memory, 512 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// How many instances can be alive at once; address space for each is reserved at start.
    pub instances: u32,
    /// The most linear memory that any instance may have, in bytes. An execution's own limit
    /// may be lower.
    pub max_memory: u64,
    /// How much native stack WebAssembly code may use before it traps, in bytes. A
    /// [`Worker`](crate::Worker)'s thread has more than that.
    ///
    /// It is unrelated to the stack that a C or Rust program keeps inside its linear memory,
    /// which is fixed when the program is linked.
    pub max_stack: u64,
    /// Whether executions can be limited by fuel, which costs speed.
    pub fuel: bool,
    /// How much memory of an instance stays mapped for the next one in its slot, at most, in
    /// bytes: what was written to, which is copied back instead of being given back.
    pub keep_resident: u64,
    /// Whether the kernel is asked which pages were written to, where it can tell (Linux 6.7).
    /// Otherwise nothing is kept, and every instance begins with page faults.
    pub pagemap_scan: bool,
    /// Whether `perf` is told the names of the guest's functions (`/tmp/perf-PID.map`).
    /// It takes them from there for code that was compiled in this process only, so load the
    /// program with [`CompiledCache::disabled`](crate::CompiledCache::disabled).
    pub perf_map: bool,
    /// Where modules are validated and compiled.
    pub compiler: Compiler,
}

impl EngineSettings {
    /// The least [`max_stack`](Self::max_stack) that is accepted: 64 KiB.
    pub const MIN_STACK: u64 = 64 << 10;
    /// The largest [`max_stack`](Self::max_stack) that is accepted: 1 GiB. The stack is
    /// address space until it is used, but the kernel refuses more of that at once than there
    /// is memory.
    pub const MAX_STACK: u64 = 1 << 30;
    /// The largest [`max_memory`](Self::max_memory) that is accepted: all that a 32-bit
    /// module can address.
    pub const MAX_MEMORY: u64 = 4 << 30;
    /// The largest number of [`instances`](Self::instances) that is accepted. Each reserves
    /// a little over 4 GiB of a 47-bit address space.
    pub const MAX_INSTANCES: u32 = 4096;
}

impl Default for EngineSettings {
    /// One instance, 512 MiB of memory, 16 MiB of stack, no fuel, 16 MiB that stay mapped, and
    /// a compiler in this process.
    fn default() -> Self {
        Self {
            instances: 1,
            max_memory: 512 * MIB,
            max_stack: 16 * MIB,
            fuel: false,
            keep_resident: 16 * MIB,
            pagemap_scan: true,
            perf_map: false,
            compiler: Compiler::InProcess,
        }
    }
}
