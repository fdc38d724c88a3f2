//! What all commands work with: the toolchain, folders, and Ctrl-C.

use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;
use wadup_host::Cancel;
use wadup_toolchain::{Event, Profiling, Reporter, Settings, Toolchain, derived};

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) toolchain: Toolchain,
    /// Raised by Ctrl-C. What was measured by then is written.
    pub(crate) cancel: Cancel,
}

impl Context {
    pub(crate) fn open() -> anyhow::Result<Self> {
        Self::with(Profiling::Use)
    }

    /// With another kind of runtimes.
    pub(crate) fn with(profiling: Profiling) -> anyhow::Result<Self> {
        let settings = Settings {
            profiling,
            ..Settings::from_env()?
        };
        let toolchain = Toolchain::open(settings, Arc::new(Progress))?;
        let cancel = Cancel::new();
        Ok(Self { toolchain, cancel })
    }

    /// Lets Ctrl-C end what goes on.
    pub(crate) fn heed_interrupts(&self) -> anyhow::Result<()> {
        let cancel = self.cancel.clone();
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("failed to handle Ctrl-C")?;
        thread::spawn(move || signals.forever().for_each(|_| cancel.stop()));
        Ok(())
    }

    /// The folder of what `cargo dev` keeps.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.toolchain.cache_dir().join(derived::DEV)
    }

    /// A folder that `make` fills, named after all that goes into it: it is made once.
    pub(crate) fn kept(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let folder = self.cache_dir().join(name);
        if folder.is_dir() {
            return Ok(folder);
        }
        let scratch = self.scratch()?;
        make(scratch.path()).with_context(|| format!("failed to make {name}"))?;
        // Another process may have been faster.
        if fs::rename(scratch.path(), &folder).is_ok() {
            let _moved = scratch.keep();
        }
        Ok(folder)
    }

    /// A folder that goes when its owner does.
    pub(crate) fn scratch(&self) -> anyhow::Result<TempDir> {
        let folder = self.cache_dir();
        fs::create_dir_all(&folder)
            .and_then(|()| tempfile::tempdir_in(&folder))
            .with_context(|| format!("failed to make a folder in {}", folder.display()))
    }

    /// Fails after Ctrl-C.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.cancel.is_requested() {
            bail!("interrupted");
        }
        Ok(())
    }
}

/// Tells the person in front of the terminal.
pub(crate) fn say(message: impl Display) {
    // Nobody listens: nothing to do about it.
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}

/// Runs a program that must succeed; what it printed to stdout.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_owned();
    let program = Path::new(&program).display();
    let output = command
        .output()
        .with_context(|| format!("failed to start {program}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed: {}\n{}", output.status, stderr.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells of the toolchain's steps, which take minutes the first time.
#[derive(Debug)]
struct Progress;

impl Reporter for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { step } => say(format_args!("toolchain: {step}")),
            Event::Fetching { file } => say(format_args!("fetching {file}")),
            _ => {}
        }
    }
}
