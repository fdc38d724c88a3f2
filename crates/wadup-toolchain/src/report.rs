//! What a caller is told while steps run.

use std::fmt;
use std::time::Duration;

/// Takes part in an installation as its listener. Called from several threads.
pub trait Reporter: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// What happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The work is known: so many steps are to be built.
    Planned {
        /// The number of steps that are not cached.
        steps: usize,
    },
    /// A step begins.
    Started {
        /// The step's name.
        step: &'a str,
    },
    /// Another process builds the same step; this one waits for it.
    Waiting {
        /// The step's name.
        step: &'a str,
    },
    /// A file is being downloaded.
    Fetching {
        /// The file's name.
        file: &'a str,
    },
    /// A line of the output of a program that a step runs.
    Progress {
        /// The step's name.
        step: &'a str,
        /// The line, without its end.
        line: &'a str,
    },
    /// A step's result is in the cache.
    Finished {
        /// The step's name.
        step: &'a str,
        /// Since it began, waiting included.
        duration: Duration,
    },
    /// A step failed. Steps that run beside it finish, and are kept.
    Failed {
        /// The step's name.
        step: &'a str,
        /// Since it began.
        duration: Duration,
    },
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: Event<'_>) {}
}

impl fmt::Debug for dyn Reporter + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}
