use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use wadup_vfs::{FileType, OpenOptions, Vfs};

use crate::abi::types::{Fd, Fdflags};
use crate::config::WasiConfig;
use crate::descriptor::{Descriptor, OpenFile};
use crate::descriptors::Descriptors;
use crate::hand_over::{CloseHandler, Watched};
use crate::interrupt::{Deadline, Interrupt};
use crate::output::CappedOutput;
use crate::streams::{Output, StandardStreams};

/// The state of one sandbox.
pub struct WasiCtx {
    pub(crate) config: Arc<WasiConfig>,
    pub(crate) vfs: Vfs,
    pub(crate) descriptors: Descriptors,
    pub(crate) rng: Box<dyn RngCore + Send>,
    pub(crate) stdout: CappedOutput,
    pub(crate) stderr: CappedOutput,
    pub(crate) streams: Option<Box<dyn StandardStreams>>,
    pub(crate) deadline: Deadline,
    stopped: Arc<AtomicBool>,
    pub(crate) close_handler: Option<Box<dyn CloseHandler>>,
    pub(crate) watched: Vec<Watched>,
}

impl WasiCtx {
    /// A sandbox over `vfs`. Directories to watch must be in it already. Randomness is a ChaCha
    /// generator seeded by the operating system.
    pub fn new(config: Arc<WasiConfig>, vfs: Vfs) -> Self {
        let watched = Watched::all(&config.watched, &vfs);
        let mut ctx = Self {
            descriptors: Descriptors::new(config.max_descriptors),
            rng: Box::new(StdRng::from_os_rng()),
            stdout: CappedOutput::new(config.stdout_cap),
            stderr: CappedOutput::new(config.stderr_cap),
            streams: None,
            deadline: Deadline::default(),
            stopped: Arc::default(),
            close_handler: None,
            watched,
            config,
            vfs,
        };
        ctx.descriptors.insert(Descriptor::Stdin);
        ctx.descriptors.insert(Descriptor::Output(Output::Stdout));
        ctx.descriptors.insert(Descriptor::Output(Output::Stderr));
        ctx.preopen_root();
        ctx
    }

    fn preopen_root(&mut self) {
        let options = OpenOptions {
            directory: true,
            ..OpenOptions::read()
        };
        if let Ok(handle) = self.vfs.open(self.vfs.root(), b"/", options) {
            self.descriptors.insert(Descriptor::File(OpenFile {
                handle,
                file_type: FileType::Directory,
                offset: 0,
                flags: Fdflags::empty(),
                is_preopen: true,
            }));
        }
    }

    /// Replaces the source of randomness.
    pub fn set_rng(&mut self, rng: Box<dyn RngCore + Send>) {
        self.rng = rng;
    }

    /// Lets the standard streams lead out of the sandbox; nothing more is kept of them.
    pub fn set_streams(&mut self, streams: Box<dyn StandardStreams>) {
        self.streams = Some(streams);
    }

    /// Puts stdin back where a guest has closed it.
    pub fn reopen_stdin(&mut self) {
        if self.descriptors.get(Fd::from(0)).is_err() {
            // It is the lowest number that is free.
            self.descriptors.insert(Descriptor::Stdin);
        }
    }

    /// When functions that wait or take long end the guest with
    /// [`Interrupted`](crate::Interrupted).
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline.at = deadline;
    }

    /// Replaces the interrupt by one that several sandboxes share.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.deadline.interrupt = interrupt;
    }

    /// While `stopped` is true, every function ends the guest with
    /// [`Interrupted`](crate::Interrupted) instead of doing anything.
    pub fn set_stopped(&mut self, stopped: Arc<AtomicBool>) {
        self.stopped = stopped;
    }

    /// When the guest has to end.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Who is told of files that are complete.
    pub fn set_close_handler(&mut self, handler: Box<dyn CloseHandler>) {
        self.close_handler = Some(handler);
    }

    /// Gives the handler back; as `Box<dyn Any>` it can be downcast.
    pub fn take_close_handler(&mut self) -> Option<Box<dyn CloseHandler>> {
        self.close_handler.take()
    }

    /// The file system.
    pub fn vfs(&self) -> &Vfs {
        &self.vfs
    }

    /// The file system, to put files in or take them out.
    pub fn vfs_mut(&mut self) -> &mut Vfs {
        &mut self.vfs
    }

    /// What was written to stdout.
    pub fn stdout(&self) -> &CappedOutput {
        &self.stdout
    }

    /// What was written to stderr.
    pub fn stderr(&self) -> &CappedOutput {
        &self.stderr
    }

    /// Hands stdout and stderr over; nothing more is kept of them.
    pub fn take_output(&mut self) -> (CappedOutput, CappedOutput) {
        (
            std::mem::take(&mut self.stdout),
            std::mem::take(&mut self.stderr),
        )
    }

    /// Whether the guest ever got `EMFILE`. What the file system refused is in
    /// [`Vfs::refusals`].
    pub fn ran_out_of_descriptors(&self) -> bool {
        self.descriptors.refused
    }

    /// Whether the guest's descriptors are the standard streams and the root, under the numbers
    /// that they had in the beginning.
    pub fn is_as_it_began(&self) -> bool {
        let expected = |number| match self.descriptors.get(Fd::from(number)) {
            Ok(Descriptor::Stdin) => number == 0,
            Ok(Descriptor::Output(Output::Stdout)) => number == 1,
            Ok(Descriptor::Output(Output::Stderr)) => number == 2,
            Ok(Descriptor::File(file)) => number == 3 && file.is_preopen,
            Err(_) => false,
        };
        (0..4).all(expected) && self.descriptors.iter().count() == 4
    }

    /// Ends the guest if it was stopped.
    pub(crate) fn check_stopped(&self) -> Result<(), crate::Interrupted> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(crate::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Ends the guest if its time is over. For work that is long but bounded, between its pieces.
    pub(crate) fn check_interrupt(&self) -> Result<(), crate::Error> {
        Ok(self.deadline.check()?)
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx")
            .field("config", &self.config)
            .field("vfs", &self.vfs)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// A sandbox runs on whatever thread its worker is.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<WasiCtx>();
};
