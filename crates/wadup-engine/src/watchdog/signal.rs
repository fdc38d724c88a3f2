//! Stopping a guest by a signal, so that its code needs no checks.
//!
//! The handler runs on the guest's own thread, between two of its instructions. If they are
//! WebAssembly's (a function's body, no trampoline and nothing of the host), it lets the thread
//! go on at an instruction that traps, as WebAssembly's `unreachable` does; wasmtime then does
//! what it does for any trap. Otherwise the handler does nothing, and the signal comes again.
//! A guest that is in WASI functions most of the time is ended by the next one that it calls.
//!
//! Code in which one instruction can stay in the host for long (bulk memory and table operations)
//! is compiled with checks instead: see [`Interruption`](crate::engine::Interruption).

#![expect(
    unsafe_code,
    reason = "signals, and the registers of the interrupted thread"
)]

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use wasmtime::{Engine, Module};

use super::CURRENT;

/// Whether guests can be stopped so on this machine.
pub(crate) const IS_SUPPORTED: bool = cfg!(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

/// A signal that is ignored by who does not handle it, and that debuggers do not stop at.
const SIGNAL: libc::c_int = libc::SIGURG;

/// The encoding of an instruction that traps, as Cranelift emits it for `unreachable`.
#[cfg(target_arch = "x86_64")]
const TRAP: &[u8] = &[0x0f, 0x0b];
#[cfg(target_arch = "aarch64")]
const TRAP: &[u8] = &[0x1f, 0xc1, 0x00, 0x00];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const TRAP: &[u8] = &[];

/// A thread of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thread(libc::pthread_t);

impl Thread {
    pub(super) fn current() -> Self {
        // SAFETY: it has no preconditions.
        Self(unsafe { libc::pthread_self() })
    }

    /// Sends the signal. The thread must not have ended.
    pub(super) fn signal(self) {
        // SAFETY: the caller keeps the thread from ending. A signal that does not arrive is
        // sent again.
        unsafe { libc::pthread_kill(self.0, SIGNAL) };
    }
}

/// An instruction that traps, in code that wasmtime knows.
#[derive(Debug)]
pub(crate) struct TrapAddress {
    address: usize,
    /// Holds the instruction.
    _module: Module,
}

impl TrapAddress {
    /// Compiles a function that traps.
    pub(crate) fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let module = Module::new(engine, "(module (func unreachable))")?;
        let text = module.text();
        let body = module
            .functions()
            .next()
            .map(|function| function.offset..function.offset + function.len)
            .and_then(|range| Some((range.start, text.get(range)?)));
        let offset = body.and_then(|(start, body)| {
            let within = body.windows(TRAP.len()).position(|bytes| bytes == TRAP)?;
            Some(start + within)
        });
        let offset = offset.ok_or_else(|| wasmtime::Error::msg("`unreachable` does not trap"))?;
        Ok(Self {
            address: text.as_ptr().addr() + offset,
            _module: module,
        })
    }
}

/// Where a module's functions are in memory, and where to go instead.
pub(crate) struct Ranges {
    module: Module,
    trap: Arc<TrapAddress>,
    functions: OnceLock<Vec<Range<usize>>>,
}

/// Functions are aligned; what lies between two that are nearer than this is padding, as no
/// trampoline is as short.
const PADDING: usize = 16;

impl Ranges {
    pub(crate) fn new(module: &Module, trap: &Arc<TrapAddress>) -> Self {
        Self {
            module: module.clone(),
            trap: Arc::clone(trap),
            functions: OnceLock::new(),
        }
    }

    /// Must have been called before the handler can use them: this allocates.
    pub(super) fn prepare(&self) {
        self.functions.get_or_init(|| {
            let base = self.module.text().as_ptr().addr();
            let functions = self.module.functions();
            let mut all: Vec<_> = functions
                .map(|function| {
                    let start = base + function.offset;
                    start..start + function.len
                })
                .collect();
            all.sort_by_key(|range| range.start);
            all.dedup_by(|next, range| {
                let adjacent = next.start - range.end < PADDING;
                if adjacent {
                    range.end = next.end;
                }
                adjacent
            });
            all
        });
    }

    fn contain(&self, address: usize) -> bool {
        let functions = self.functions.get().map_or(&[][..], Vec::as_slice);
        let after = functions.partition_point(|range| range.start <= address);
        after
            .checked_sub(1)
            .is_some_and(|index| functions[index].contains(&address))
    }
}

/// Installs the handler, once.
pub(super) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    if !IS_SUPPORTED {
        return Ok(());
    }
    let installed = INSTALLED.get_or_init(|| {
        // SAFETY: all zeroes is a valid `sigaction`, and the handler has the signature that
        // SA_SIGINFO asks for. It runs on the alternate stack that wasmtime gives each thread.
        let result = unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handle as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigaction(SIGNAL, &raw const action, ptr::null_mut())
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
        }
    });
    installed.map_err(io::Error::from_raw_os_error)
}

/// Neither allocates nor locks: it reads a thread-local pointer, two atomics and two vectors.
extern "C" fn handle(
    _signal: libc::c_int,
    _info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let slot = CURRENT.get();
    // SAFETY: the slot lives for as long as it is this thread's current one, and what it has in
    // `stop` for as long as this thread is in the execution. The kernel hands over the context
    // of this very thread, which is not running meanwhile.
    unsafe {
        let Some(slot) = slot.as_ref() else { return };
        let Some(ranges) = slot.stop.load(Ordering::Acquire).as_ref() else {
            return;
        };
        let Some(context) = context.cast::<libc::ucontext_t>().as_mut() else {
            return;
        };
        if let Some(counter) = program_counter(context)
            && ranges.contain(*counter as usize)
        {
            *counter = ranges.trap.address as _;
        }
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn program_counter(context: &mut libc::ucontext_t) -> Option<&mut i64> {
    context
        .uc_mcontext
        .gregs
        .get_mut(usize::try_from(libc::REG_RIP).ok()?)
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn program_counter(context: &mut libc::ucontext_t) -> Option<&mut u64> {
    Some(&mut context.uc_mcontext.pc)
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn program_counter(_context: &mut libc::ucontext_t) -> Option<&mut u64> {
    None
}
