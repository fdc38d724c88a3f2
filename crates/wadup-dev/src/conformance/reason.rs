//! Why a test may differ in the sandbox: a closed list.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a test may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reason {
    NoProcesses,
    NoThreads,
    NoSockets,
    NoSignals,
    NoDynamicLoading,
    NoTerminal,
    StackDepth,
    PointerWidth,
    ReadOnlyFiles,
    SingleUser,
    UpstreamWasi,
    NotInWasi,
    NotInRuntime,
    Embedded,
    NoSystemFiles,
    NoFileLocks,
    Quota,
    /// Nobody has said yet; it never is as expected.
    Unknown,
}

impl Reason {
    /// All that can be given.
    pub(super) const ALL: [Self; 17] = [
        Self::NoProcesses,
        Self::NoThreads,
        Self::NoSockets,
        Self::NoSignals,
        Self::NoDynamicLoading,
        Self::NoTerminal,
        Self::StackDepth,
        Self::PointerWidth,
        Self::ReadOnlyFiles,
        Self::SingleUser,
        Self::UpstreamWasi,
        Self::NotInWasi,
        Self::NotInRuntime,
        Self::Embedded,
        Self::NoSystemFiles,
        Self::NoFileLocks,
        Self::Quota,
    ];

    /// As it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoProcesses => "no-processes",
            Self::NoThreads => "no-threads",
            Self::NoSockets => "no-sockets",
            Self::NoSignals => "no-signals",
            Self::NoDynamicLoading => "no-dynamic-loading",
            Self::NoTerminal => "no-terminal",
            Self::StackDepth => "stack-depth",
            Self::PointerWidth => "pointer-width",
            Self::ReadOnlyFiles => "read-only-files",
            Self::SingleUser => "single-user",
            Self::UpstreamWasi => "upstream-wasi",
            Self::NotInWasi => "not-in-wasi",
            Self::NotInRuntime => "not-in-runtime",
            Self::Embedded => "embedded",
            Self::NoSystemFiles => "no-system-files",
            Self::NoFileLocks => "no-file-locks",
            Self::Quota => "quota",
            Self::Unknown => "unknown",
        }
    }

    /// What it says, in a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::NoProcesses => "A sandbox is one process and cannot start another.",
            Self::NoThreads => "A sandbox has one thread.",
            Self::NoSockets => "A sandbox has no network, and no sockets at all.",
            Self::NoSignals => "WASI has no signals, timers or process groups.",
            Self::NoDynamicLoading => {
                "Native code is linked into the runtime: no shared libraries, no `ctypes`."
            }
            Self::NoTerminal => "A sandbox has no terminal.",
            Self::StackDepth => {
                "WebAssembly's stack is fixed at link time: CPython and packages stop at a lower depth on WASI, by their own choice."
            }
            Self::PointerWidth => "Pointers, `size_t` and `long` have 32 bits.",
            Self::ReadOnlyFiles => {
                "Python, its packages and the project are in the artifact: they cannot be written to, and modules of packages are bytecode without sources."
            }
            Self::SingleUser => "WASI has no users, groups, permissions or file ownership.",
            Self::UpstreamWasi => {
                "Upstream's own code or tests treat WASI, or what is not Linux, differently."
            }
            Self::NotInWasi => {
                "WASI preview 1 has no such call, and so its C library has no such function."
            }
            Self::NotInRuntime => {
                "The runtime is built without this library or module, such as OpenSSL, Tk or readline."
            }
            Self::Embedded => {
                "The interpreter is a part of the artifact: no command line, no `PYTHON…` variables, always UTF-8, extensions built in."
            }
            Self::NoSystemFiles => {
                "A sandbox has no files of an operating system: time zones, for instance, are those of `tzdata`."
            }
            Self::NoFileLocks => "A sandbox is one process: SQLite does without locks there.",
            Self::Quota => "Files count towards a limit, with the size that they have.",
            Self::Unknown => "Not looked into yet.",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_they_are_written() {
        for reason in Reason::ALL.into_iter().chain([Reason::Unknown]) {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
        }
    }
}
