//! One program, talked to turn by turn.

use wadup_wasi::WasiCtx;

use super::{Execution, Finished, Kept};
use crate::end::End;
use crate::limits::Limits;
use crate::program::Program;
use crate::worker::Worker;

/// An instance whose entry is called again and again, whatever it keeps open: each call finds
/// what the one before has left.
///
/// A call that does not return 0 (a trap, `proc_exit`, a limit, an interrupt) has not happened:
/// the next one finds linear memory as it was before. That is in a fresh instance, whose globals
/// and tables are as at the program's start, so it suits programs that have nothing in those
/// between two calls. What went out through WASI is not taken back.
#[derive(Debug)]
pub struct Session<'w> {
    program: Program,
    worker: &'w Worker,
    /// The instance after a turn that succeeded.
    kept: Option<Kept>,
    /// Its linear memory then.
    image: Option<Vec<u8>>,
}

/// The export that is kept.
const MEMORY: &str = "memory";
const PAGE: usize = 1 << 16;

impl<'w> Session<'w> {
    /// Nothing runs yet.
    pub fn new(program: &Program, worker: &'w Worker) -> Self {
        Self {
            program: program.clone(),
            worker,
            kept: None,
            image: None,
        }
    }

    /// Calls the program's entry once more.
    ///
    /// # Panics
    ///
    /// When the worker is of an engine with less stack than this program's.
    pub fn turn(&mut self, wasi: WasiCtx, limits: &Limits) -> Finished {
        let (mut execution, end) = match self.kept.take() {
            Some(kept) => (kept.resume(self.worker, wasi, limits), None),
            None => self.instantiate(wasi, limits),
        };
        let end = end.unwrap_or_else(|| execution.call(self.program.entry().export()));
        if end != End::Returned(0) {
            return execution.finish(end);
        }
        let image = self.image.get_or_insert_default();
        image.clear();
        image.extend_from_slice(execution.memory(MEMORY).unwrap_or_default());
        let (finished, ended) = execution.end(end);
        self.kept = ended.keep();
        finished
    }

    /// A fresh instance, with the memory of the last turn that succeeded.
    fn instantiate(&self, wasi: WasiCtx, limits: &Limits) -> (Execution<'w>, Option<End>) {
        let (mut execution, end) = self.program.instantiate(self.worker, wasi, limits);
        let end = match (end, &self.image) {
            (None, Some(image)) => execution.restore(image),
            (end, _) => end,
        };
        (execution, end)
    }
}

impl Execution<'_> {
    /// Puts back what memory was; the end, if there is no room for it.
    fn restore(&mut self, image: &[u8]) -> Option<End> {
        let memory = self.instance?.get_memory(&mut self.store, MEMORY)?;
        let missing = image.len().saturating_sub(memory.data_size(&self.store)) / PAGE;
        match memory.grow(&mut self.store, missing as u64) {
            Ok(_) => {
                memory.data_mut(&mut self.store)[..image.len()].copy_from_slice(image);
                None
            }
            Err(error) => Some(End::HostFailed(format!("{error:#}"))),
        }
    }
}
