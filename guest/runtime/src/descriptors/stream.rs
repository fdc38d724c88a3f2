//! Pipes and pairs of sockets, inside of this instance.
//!
//! There is one thread, and nobody outside who holds the other end. So a call that would have to
//! wait can only wait for ever: where POSIX blocks, it fails with `EDEADLK`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use wasip1::{
    ERRNO_AGAIN, ERRNO_BADF, ERRNO_DEADLK, ERRNO_NOMEM, ERRNO_NOTSOCK, ERRNO_NOTSUP, ERRNO_PIPE,
    Errno, FDFLAGS_NONBLOCK, FILETYPE_SOCKET_STREAM, FILETYPE_UNKNOWN, Fdflags, Fdstat, Filestat,
    RIGHTS_FD_FDSTAT_SET_FLAGS, RIGHTS_FD_FILESTAT_GET, RIGHTS_FD_READ, RIGHTS_FD_WRITE,
    RIGHTS_POLL_FD_READWRITE, RIGHTS_SOCK_SHUTDOWN, Rights, Size, Timestamp,
};

use super::new_identity;
use super::object::{Object, Readiness};
use crate::system_calls::{Gather, Scatter};

/// What a pipe holds, in bytes; as on Linux.
const PIPE_CAPACITY: usize = 64 << 10;
/// A write of so many bytes to a pipe is done as a whole or not at all.
const PIPE_BUF: usize = 4096;
/// What one direction of a pair of sockets holds, in bytes; as on Linux.
const SOCKET_CAPACITY: usize = 208 << 10;

/// `st_dev` of pipes and sockets: "pipes".
const DEVICE: u64 = 0x0070_6970_6573;

/// The end to read from and the end to write to.
pub(crate) fn pipe(flags: Fdflags, now: Timestamp) -> [Rc<dyn Object>; 2] {
    let channel = Rc::new(Channel::new(PIPE_CAPACITY));
    let reader = Stream::new(flags, now, Some(Rc::clone(&channel)), None);
    let writer = Stream::new(flags, now, None, Some(channel));
    [Rc::new(reader), Rc::new(writer)]
}

/// Two sockets that are connected to each other.
pub(crate) fn socket_pair(flags: Fdflags, now: Timestamp) -> [Rc<dyn Object>; 2] {
    let [there, back] = [(); 2].map(|()| Rc::new(Channel::new(SOCKET_CAPACITY)));
    let one = Stream::new(flags, now, Some(Rc::clone(&back)), Some(Rc::clone(&there)));
    let other = Stream::new(flags, now, Some(there), Some(back));
    [Rc::new(one), Rc::new(other)]
}

/// Bytes on their way from a writer to a reader.
struct Channel {
    content: RefCell<VecDeque<u8>>,
    capacity: usize,
    has_reader: Cell<bool>,
    has_writer: Cell<bool>,
}

/// An end of a pipe, or a socket, which has two directions.
struct Stream {
    incoming: Option<Rc<Channel>>,
    outgoing: Option<Rc<Channel>>,
    flags: Cell<Fdflags>,
    number: u64,
    made: Timestamp,
}

impl Channel {
    fn new(capacity: usize) -> Self {
        Self {
            content: RefCell::default(),
            capacity,
            has_reader: Cell::new(true),
            has_writer: Cell::new(true),
        }
    }

    fn len(&self) -> usize {
        self.content.borrow().len()
    }

    fn room(&self) -> usize {
        self.capacity - self.len()
    }

    /// Whether nothing comes any more.
    fn is_ended(&self) -> bool {
        !self.has_reader.get() || !self.has_writer.get()
    }

    /// Copies as much as there is.
    fn take(&self, into: &mut Scatter<'_>, peek: bool) -> Size {
        let mut content = self.content.borrow_mut();
        let (first, second) = content.as_slices();
        let count = into.fill(first) + into.fill(second);
        if !peek {
            content.drain(..count);
        }
        if content.is_empty() {
            // Most pipes are empty most of the time.
            *content = VecDeque::new();
        }
        count
    }

    /// Copies as much as there is room for.
    fn give(&self, from: &Gather<'_>) -> Result<Size, Errno> {
        let count = from.len().min(self.room());
        let mut content = self.content.borrow_mut();
        content.try_reserve(count).map_err(|_| ERRNO_NOMEM)?;
        let mut left = count;
        for piece in from.pieces() {
            let now = &piece[..piece.len().min(left)];
            content.extend(now);
            left -= now.len();
        }
        Ok(count)
    }
}

impl Stream {
    fn new(
        flags: Fdflags,
        made: Timestamp,
        incoming: Option<Rc<Channel>>,
        outgoing: Option<Rc<Channel>>,
    ) -> Self {
        Self {
            incoming,
            outgoing,
            flags: Cell::new(flags),
            number: u64::from(new_identity()) + 1,
            made,
        }
    }

    fn is_socket(&self) -> bool {
        self.incoming.is_some() && self.outgoing.is_some()
    }

    /// What happens to a call that would have to wait.
    fn wait(&self) -> Errno {
        if self.flags.get() & FDFLAGS_NONBLOCK != 0 {
            ERRNO_AGAIN
        } else {
            ERRNO_DEADLK
        }
    }

    /// Whether the other side is gone, and not only silent.
    fn is_hung_up(&self) -> bool {
        let reads = self
            .outgoing
            .as_ref()
            .is_some_and(|channel| channel.has_reader.get());
        let writes = self
            .incoming
            .as_ref()
            .is_some_and(|channel| channel.has_writer.get());
        !reads && !writes
    }

    fn take(&self, into: &mut Scatter<'_>, peek: bool) -> Result<Size, Errno> {
        let channel = self.incoming.as_ref().ok_or(ERRNO_BADF)?;
        if channel.len() == 0 && !channel.is_ended() && into.room() != 0 {
            return Err(self.wait());
        }
        Ok(channel.take(into, peek))
    }

    fn rights(&self) -> Rights {
        let reading = self.incoming.as_ref().map_or(0, |_| RIGHTS_FD_READ);
        let writing = self.outgoing.as_ref().map_or(0, |_| RIGHTS_FD_WRITE);
        let socket = if self.is_socket() {
            RIGHTS_SOCK_SHUTDOWN
        } else {
            0
        };
        reading
            | writing
            | socket
            | RIGHTS_POLL_FD_READWRITE
            | RIGHTS_FD_FDSTAT_SET_FLAGS
            | RIGHTS_FD_FILESTAT_GET
    }
}

impl Object for Stream {
    fn fdstat(&self) -> Fdstat {
        Fdstat {
            fs_filetype: self.filestat().filetype,
            fs_flags: self.flags.get(),
            fs_rights_base: self.rights(),
            fs_rights_inheriting: 0,
        }
    }

    fn filestat(&self) -> Filestat {
        Filestat {
            dev: DEVICE,
            ino: self.number,
            // WASI has no word for a pipe.
            filetype: if self.is_socket() {
                FILETYPE_SOCKET_STREAM
            } else {
                FILETYPE_UNKNOWN
            },
            nlink: 1,
            size: 0,
            atim: self.made,
            mtim: self.made,
            ctim: self.made,
        }
    }

    fn set_flags(&self, flags: Fdflags) -> Result<(), Errno> {
        if flags & !FDFLAGS_NONBLOCK != 0 {
            return Err(ERRNO_NOTSUP);
        }
        self.flags.set(flags);
        Ok(())
    }

    fn readable(&self) -> Readiness {
        let Some(channel) = &self.incoming else {
            return Readiness::Failed(ERRNO_BADF);
        };
        match channel.len() {
            0 if !channel.is_ended() => Readiness::Pending,
            bytes => Readiness::Ready {
                bytes: bytes as u64,
                hangup: self.is_hung_up(),
            },
        }
    }

    fn writable(&self) -> Readiness {
        let Some(channel) = &self.outgoing else {
            return Readiness::Failed(ERRNO_BADF);
        };
        let least = if self.is_socket() { 1 } else { PIPE_BUF };
        match channel.room() {
            _ if !channel.has_reader.get() => Readiness::Failed(ERRNO_PIPE),
            room if room < least && channel.has_writer.get() => Readiness::Pending,
            room => Readiness::Ready {
                bytes: room as u64,
                hangup: false,
            },
        }
    }

    fn read(&self, into: &mut Scatter<'_>) -> Result<Size, Errno> {
        self.take(into, false)
    }

    fn write(&self, from: &Gather<'_>) -> Result<Size, Errno> {
        let channel = self.outgoing.as_ref().ok_or(ERRNO_BADF)?;
        if channel.is_ended() {
            return Err(ERRNO_PIPE);
        }
        let least = match from.len() {
            len if len <= PIPE_BUF && !self.is_socket() => len,
            len => len.min(1),
        };
        if channel.room() < least {
            return Err(self.wait());
        }
        channel.give(from)
    }

    fn receive(&self, into: &mut Scatter<'_>, peek: bool) -> Result<Size, Errno> {
        self.is_connected()?;
        self.take(into, peek)
    }

    fn send(&self, from: &Gather<'_>) -> Result<Size, Errno> {
        self.is_connected()?;
        self.write(from)
    }

    fn shutdown(&self, reading: bool, writing: bool) -> Result<(), Errno> {
        self.is_connected()?;
        if let Some(channel) = self.incoming.as_ref().filter(|_| reading) {
            channel.has_reader.set(false);
        }
        if let Some(channel) = self.outgoing.as_ref().filter(|_| writing) {
            channel.has_writer.set(false);
        }
        Ok(())
    }

    fn is_connected(&self) -> Result<bool, Errno> {
        if self.is_socket() {
            Ok(!self.is_hung_up())
        } else {
            Err(ERRNO_NOTSOCK)
        }
    }
}

/// The other side sees the end of the stream.
impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(channel) = &self.incoming {
            channel.has_reader.set(false);
        }
        if let Some(channel) = &self.outgoing {
            channel.has_writer.set(false);
        }
    }
}
