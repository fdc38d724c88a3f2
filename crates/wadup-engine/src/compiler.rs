//! Where modules are validated and compiled.
//!
//! Cranelift needs memory and time that a module's author decides about: a file of some hundred
//! bytes can ask for gigabytes. So a module that is not trusted is compiled in a process of its
//! own, which has limits and is given up when it exceeds them.
//!
//! ```text
//! parent                                        child (`compile_for_parent`)
//!   looks into the cache: all is there, done
//!   starts the command; stdin is a pipe,
//!   stdout a new file without a name of use
//!   sends the request ───────────────────────►    limits itself: memory, time, the length of
//!                                                 that file, no further descriptors, no core;
//!                                                 is killed when its parent's thread ends
//!   sends the module, and functions that are
//!   known ───────────────────────────────────►    validates, compiles
//!   waits, until the time is over           ◄─    writes to stdout; exits
//!   seals the file with its digest, renames
//!   it; verifies and maps it, as any entry
//!   of the cache
//! ```
//!
//! That bounds resources and not trust: the child is as much wadup as its parent, and what it
//! wrote is executed.

mod message;
mod process;
mod serve;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use process::{Compiled, Job, anonymous_file};
pub use serve::compile_for_parent;

/// Where modules are validated and compiled. What the [cache](crate::CompiledCache) has needs
/// neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without limits on memory and time: for modules that are trusted.
    #[default]
    InProcess,
    /// In a process of its own, for modules that are not.
    Process(CompilerProcess),
}

/// How a compiler's process is started, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerProcess {
    /// A program that calls [`compile_for_parent`] and exits with what that returns. It gets
    /// neither this process's environment nor its working directory.
    pub program: PathBuf,
    /// The program's arguments.
    pub args: Vec<OsString>,
    /// Wall-clock time of one module.
    pub timeout: Duration,
    /// Memory of one module, in bytes, and the most bytes of compiled code.
    pub memory: u64,
}

impl CompilerProcess {
    /// Five minutes and 2 GiB. CPython with pydantic takes 7 s of one core, and 0.5 GB.
    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().collect(),
            timeout: Duration::from_secs(300),
            memory: 2 << 30,
        }
    }
}

/// Why a compiler's process gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompilerError {
    #[error("the compiler could not be started")]
    Start(#[source] io::Error),
    #[error("compiling it took longer than {timeout:?}")]
    Timeout { timeout: Duration },
    /// It was ended by a signal, or by a panic, most likely as it met its limit.
    #[error("the compiler, which may use {limit} bytes of memory, {how}{}", colon(.said))]
    Ended {
        limit: u64,
        how: String,
        /// The end of its stderr.
        said: String,
    },
    #[error("the compiler's answer could not be written")]
    NotWritten(#[source] io::Error),
    #[error("the compiler's answer could not be read")]
    Answer(#[source] io::Error),
}

fn colon(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl CompilerError {
    /// What to try.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Start(_) => {
                "it is a process of its own: that takes memory, and `ulimit -u` tells how many there \
                 may be"
            }
            Self::Timeout { .. } => {
                "if the module can be trusted, --compile-timeout gives it more time"
            }
            Self::Ended { .. } => {
                "if the module can be trusted, --compile-memory gives it more memory"
            }
            Self::NotWritten(_) | Self::Answer(_) => {
                "code is handed over in memory: other programs may have taken what there was"
            }
        }
    }
}
