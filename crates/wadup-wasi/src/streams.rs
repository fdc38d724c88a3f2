//! Standard streams that lead out of the sandbox while the guest runs.

use std::io;

/// What a guest writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// The other end of a guest's standard streams. Without one, stdin is empty, and what is written
/// is kept in a [`CappedOutput`](crate::CappedOutput).
pub trait StandardStreams: Send {
    /// Waits for something on stdin; 0 is its end. Looks at `stop` at least ten times a second
    /// while it waits, and gives up once that says so: the error does not matter then.
    ///
    /// # Errors
    ///
    /// The guest sees any as `EIO`.
    fn read(&mut self, buf: &mut [u8], stop: &dyn Fn() -> bool) -> io::Result<usize>;

    /// Passes all of `bytes` on.
    ///
    /// # Errors
    ///
    /// The guest sees any as `EPIPE`: nobody reads.
    fn write(&mut self, to: Output, bytes: &[u8]) -> io::Result<()>;
}
