use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};

/// What all sandboxes of a run have in common.
#[derive(Clone)]
pub struct WasiConfig {
    pub(crate) args: Vec<Vec<u8>>,
    /// `KEY=value`
    pub(crate) env: Vec<Vec<u8>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watched: Vec<String>,
    pub(crate) max_descriptors: u32,
    pub(crate) stdout_cap: usize,
    pub(crate) stderr_cap: usize,
}

impl WasiConfig {
    /// No arguments, no environment, the system's clocks, 1024 descriptors, 1 MiB for each of
    /// stdout and stderr.
    pub fn new() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            clock: Arc::new(SystemClock),
            watched: Vec::new(),
            max_descriptors: 1024,
            stdout_cap: 1 << 20,
            stderr_cap: 1 << 20,
        }
    }

    /// Adds an argument; the first is the name of the program. A NUL in it ends it for the guest.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.env.push([key.as_ref(), b"=", value.as_ref()].concat());
        self
    }

    /// Replaces the clocks.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Watches a directory for the [`CloseHandler`](crate::CloseHandler): the files directly in it.
    #[must_use]
    pub fn watch(mut self, directory: impl Into<String>) -> Self {
        self.watched.push(directory.into());
        self
    }

    /// How many descriptors may be open, the standard streams and the root included; `EMFILE`
    /// beyond.
    #[must_use]
    pub fn max_descriptors(mut self, max: u32) -> Self {
        self.max_descriptors = max;
        self
    }

    /// How many bytes of stdout and stderr are kept, each.
    #[must_use]
    pub fn output_caps(mut self, stdout: usize, stderr: usize) -> Self {
        self.stdout_cap = stdout;
        self.stderr_cap = stderr;
        self
    }
}

impl Default for WasiConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WasiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiConfig")
            .field("args", &self.args.len())
            .field("watched", &self.watched)
            .field("max_descriptors", &self.max_descriptors)
            .finish_non_exhaustive()
    }
}
