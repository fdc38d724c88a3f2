//! Opening and hashing inputs.
//!
//! What is small is read into memory at once. What is larger is hashed in a first pass and then
//! read by the guest as it needs it, never mapped: a file that is truncated meanwhile must not
//! bring the host down.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{CWD, Mode, OFlags};
use sha2::{Digest, Sha256};

use super::content::{Content, HashedFile, Opened, Stamp};
use super::unreadable::Unreadable;
use crate::subcontent::Piece;

/// Up to this length an input is read into memory at once.
const INLINE: u64 = 1 << 20;
/// How much is read at a time.
const CHUNK: usize = 1 << 18;

/// Why there is no content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It was read, and could not be kept: the host's failure, not the input's.
    #[error("it could not be kept")]
    NotSpooled(#[source] io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Unreadable::from(error).into()
    }
}

/// Asked now and then while a long input is read; `true` gives up.
type StopReading<'a> = &'a dyn Fn() -> bool;

/// Opens and hashes a file. `spool` is the most that is taken of one that does not tell its
/// length.
pub(crate) fn open(
    path: &Path,
    follow: bool,
    spool: u64,
    stop: StopReading<'_>,
) -> Result<Opened, OpenError> {
    let file = open_file(path, follow)?;
    let metadata = file.metadata()?;
    let stamp = Stamp::of(&metadata);
    let opened = match metadata.len() {
        // Empty, or one of /proc.
        0 => read_unsized(&file, spool, stop)?,
        length if length <= INLINE => read_inline(&file, length)?,
        length => hash_file(file.try_clone()?, length, stop)?,
    };
    if Stamp::of(&file.metadata()?) == stamp {
        Ok(opened)
    } else {
        Err(Unreadable::Changed.into())
    }
}

/// All of stdin, up to `spool` bytes.
pub(crate) fn open_stdin(spool: u64, stop: StopReading<'_>) -> Result<Opened, OpenError> {
    read_unsized(Stdin { stop }, spool, stop)
}

/// Stdin without its buffer, that can be given up while nothing comes.
struct Stdin<'a> {
    stop: StopReading<'a>,
}

impl Read for Stdin<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let stdin = rustix::stdio::stdin();
        let patience = Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        loop {
            let mut events = [PollFd::new(&stdin, PollFlags::IN)];
            match rustix::event::poll(&mut events, Some(&patience)) {
                // Nothing yet, or a signal.
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(rustix::io::read(stdin, buf)?),
                Err(error) => return Err(error.into()),
            }
            if (self.stop)() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Waits for something on stdin; 0 is its end. Gives up when `stop` says so.
///
/// # Errors
///
/// When it cannot be read, or was given up.
pub fn read_stdin(buf: &mut [u8], stop: &dyn Fn() -> bool) -> io::Result<usize> {
    Stdin { stop }.read(buf)
}

/// Content that is in memory.
pub(crate) fn open_content(bytes: &Arc<[u8]>) -> Opened {
    Opened {
        size: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
        content: Content::Bytes(Arc::clone(bytes)),
    }
}

/// Content that a guest handed over.
pub(crate) fn open_piece(piece: &Arc<Piece>, stop: StopReading<'_>) -> Result<Opened, OpenError> {
    let mut hasher = Sha256::new();
    let reader = PieceReader { piece, offset: 0 };
    copy(reader, u64::MAX, stop, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    Ok(Opened {
        content: Content::Piece(Arc::clone(piece)),
        size: piece.len(),
        sha256: hasher.finalize().into(),
    })
}

struct PieceReader<'a> {
    piece: &'a Piece,
    offset: u64,
}

impl Read for PieceReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.piece.read_at(self.offset, buf)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Opening a device can have effects, and opening a FIFO waits for a writer: only what is a
/// regular file before and after is opened, and without waiting.
fn open_file(path: &Path, follow: bool) -> Result<File, Unreadable> {
    let metadata = if follow {
        path.metadata()?
    } else {
        path.symlink_metadata()?
    };
    check_type(&metadata)?;
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(io::Error::from)?;
    let file = File::from(file);
    check_type(&file.metadata()?)?;
    Ok(file)
}

fn check_type(metadata: &Metadata) -> Result<(), Unreadable> {
    let file_type = metadata.file_type();
    if file_type.is_file() {
        Ok(())
    } else if file_type.is_fifo() {
        Err(Unreadable::Fifo)
    } else if file_type.is_socket() {
        Err(Unreadable::Socket)
    } else if file_type.is_dir() {
        Err(Unreadable::Directory)
    } else if file_type.is_symlink() {
        // It was none when it was found.
        Err(Unreadable::Changed)
    } else {
        Err(Unreadable::Device)
    }
}

fn read_inline(file: &File, length: u64) -> Result<Opened, Unreadable> {
    // One more than needed, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(length as usize + 1);
    Read::take(file, INLINE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > INLINE {
        return Err(Unreadable::Changed);
    }
    Ok(inline(bytes))
}

fn inline(bytes: Vec<u8>) -> Opened {
    open_content(&bytes.into())
}

fn hash_file(file: File, length: u64, stop: StopReading<'_>) -> Result<Opened, OpenError> {
    let stamp = Stamp::of(&file.metadata()?);
    let mut hasher = Sha256::new();
    let hashed = copy(&file, u64::MAX, stop, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    if hashed != length {
        return Err(Unreadable::Changed.into());
    }
    Ok(Opened {
        content: Content::File(Arc::new(HashedFile {
            file,
            length,
            stamp,
        })),
        size: length,
        sha256: hasher.finalize().into(),
    })
}

/// Reads to the end: what is short into memory, what is long into a file without a name.
fn read_unsized(
    mut reader: impl Read,
    limit: u64,
    stop: StopReading<'_>,
) -> Result<Opened, OpenError> {
    let mut start = Vec::new();
    let inline_limit = INLINE.min(limit);
    reader
        .by_ref()
        .take(inline_limit + 1)
        .read_to_end(&mut start)?;
    if start.len() as u64 <= inline_limit {
        return Ok(inline(start));
    }
    let spool_failed = OpenError::NotSpooled;
    let mut spool = tempfile::tempfile().map_err(spool_failed)?;
    spool.write_all(&start).map_err(spool_failed)?;
    let rest = limit - limit.min(start.len() as u64);
    let copied = copy(reader, rest + 1, stop, |chunk| {
        spool.write_all(chunk).map_err(spool_failed)
    })?;
    if start.len() as u64 + copied > limit {
        return Err(Unreadable::TooLong { limit }.into());
    }
    spool.seek(SeekFrom::Start(0))?;
    hash_file(spool, start.len() as u64 + copied, stop)
}

/// Passes on up to `most` bytes in chunks; how many there were.
fn copy(
    mut reader: impl Read,
    most: u64,
    stop: StopReading<'_>,
    mut sink: impl FnMut(&[u8]) -> Result<(), OpenError>,
) -> Result<u64, OpenError> {
    let mut reader = reader.by_ref().take(most);
    let mut buffer = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        if stop() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        sink(&buffer[..read])?;
        copied += read as u64;
    }
}
