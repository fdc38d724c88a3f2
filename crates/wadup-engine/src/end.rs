//! How an execution ended.

use wadup_wasi::{Interrupted, ProcExit};
use wasmtime::{Trap, WasmBacktrace};

use crate::limits::Limit;

/// How an execution ended, as far as WebAssembly and WASI can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The export returned; 0 when it has no result.
    Returned(i32),
    /// The guest called `proc_exit`.
    Exited(u32),
    /// A WebAssembly trap.
    Trapped(Trapped),
    /// A limit ended it, or kept it from starting.
    LimitExceeded(Limit),
    /// [`Limits::interrupt`](crate::Limits::interrupt) was raised.
    Interrupted,
    /// There is no such export, or it is no function that could be called.
    NoExport(String),
    /// The host failed, not the guest: a slot of the pool was not free, memory could not be
    /// mapped.
    HostFailed(String),
}

/// A trap and where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trapped {
    /// A short name, such as `unreachable` or `stack-overflow`.
    pub kind: &'static str,
    /// WebAssembly's own words.
    pub message: String,
    /// The innermost functions, one a line.
    pub backtrace: String,
}

/// What the error of a call or of an instantiation means. `stopped` tells whether the watchdog
/// was at it, `interrupted` whether the interrupt was raised, `refused` what could not be had on
/// the way.
pub(crate) fn judge(
    error: &wasmtime::Error,
    stopped: bool,
    interrupted: bool,
    refused: Option<Limit>,
) -> End {
    if let Some(ProcExit(code)) = error.downcast_ref() {
        return End::Exited(*code);
    }
    // The watchdog's signal looks like the guest's own `unreachable`.
    let stopped = stopped && error.downcast_ref() == Some(&Trap::UnreachableCodeReached);
    if stopped || error.is::<Interrupted>() {
        return if interrupted {
            End::Interrupted
        } else {
            End::LimitExceeded(Limit::Time)
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => End::LimitExceeded(Limit::Fuel),
        Some(trap) => trapped(kind(*trap), trap.to_string(), error),
        // A WASI function ended the guest: it was given a pointer into nowhere.
        None if error.is::<WasmBacktrace>() => {
            trapped("invalid-wasi-call", error.root_cause().to_string(), error)
        }
        // Nothing of the guest was running: an instance could not be had.
        None => match refused {
            Some(limit) => End::LimitExceeded(limit),
            None => End::HostFailed(format!("{error:#}")),
        },
    }
}

fn trapped(kind: &'static str, message: String, error: &wasmtime::Error) -> End {
    End::Trapped(Trapped {
        kind,
        message,
        backtrace: backtrace(error),
    })
}

fn kind(trap: Trap) -> &'static str {
    match trap {
        Trap::StackOverflow => "stack-overflow",
        Trap::MemoryOutOfBounds => "memory-out-of-bounds",
        Trap::TableOutOfBounds => "table-out-of-bounds",
        Trap::IndirectCallToNull => "indirect-call-to-null",
        Trap::BadSignature => "indirect-call-type-mismatch",
        Trap::IntegerOverflow => "integer-overflow",
        Trap::IntegerDivisionByZero => "integer-divide-by-zero",
        Trap::BadConversionToInteger => "invalid-conversion-to-integer",
        Trap::UnreachableCodeReached => "unreachable",
        _ => "other",
    }
}

fn backtrace(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let lines = backtrace.frames().iter().enumerate().map(|(depth, frame)| {
        let name = frame
            .func_name()
            .map_or_else(|| format!("function {}", frame.func_index()), str::to_owned);
        match frame.module_offset() {
            Some(offset) => format!("{depth:>4}: {name} @ {offset:#x}"),
            None => format!("{depth:>4}: {name}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
