use rand::RngCore;
use wadup_vfs::{Device, FileType};
use wiggle::{GuestMemory, GuestPtr};

use crate::Error;
use crate::abi::types::{Ciovec, Dirent, Errno, Fd, Fdflags, Iovec, Whence};
use crate::context::WasiCtx;
use crate::descriptor::Descriptor;
use crate::memory::{bytes, bytes_mut, transfer};
use crate::streams::Output;

/// What one read or write moves at most; POSIX lets both be short.
const MAX_TRANSFER: usize = 32 << 20;
/// Random bytes between two looks at the deadline.
const RANDOM_PIECE: u32 = 1 << 20;
/// Directory entries between two looks at the deadline.
const READDIR_PIECE: usize = 4096;
/// Bytes of a `dirent` before the name.
const DIRENT: usize = 24;

impl WasiCtx {
    /// `fd_read`, and `fd_pread` where `at` is given.
    pub(crate) fn read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        list: GuestPtr<[Iovec]>,
        at: Option<u64>,
    ) -> Result<u32, Error> {
        let (vfs, rng) = (&mut self.vfs, &mut self.rng);
        let file = match self.descriptors.get_mut(fd)? {
            Descriptor::Stdin if at.is_some() => return Err(Errno::Spipe.into()),
            Descriptor::Stdin => return self.read_stdin(memory, list),
            Descriptor::Output(_) => return Err(Errno::Badf.into()),
            Descriptor::File(file) => file,
        };
        if file.file_type == FileType::Directory {
            return Err(Errno::Isdir.into());
        }
        if !file.handle.is_readable() {
            return Err(Errno::Badf.into());
        }
        let start = at.unwrap_or(file.offset);
        let total = transfer(memory, list, MAX_TRANSFER, |memory, buffer, done| {
            let buffer = bytes_mut(memory, buffer)?;
            match file.file_type {
                FileType::Device(Device::Null) => return Ok(0),
                FileType::Device(Device::Zero) => buffer.fill(0),
                FileType::Device(Device::Random) => {
                    let piece = buffer.len().min(RANDOM_PIECE as usize);
                    rng.fill_bytes(&mut buffer[..piece]);
                    return Ok(piece);
                }
                _ => {
                    return Ok(vfs.read_at(
                        &file.handle,
                        start.saturating_add(done as u64),
                        buffer,
                    )?);
                }
            }
            Ok(buffer.len())
        })?;
        if at.is_none() {
            file.offset += u64::from(total);
        }
        Ok(total)
    }

    /// One read from outside: what there is, once there is something.
    fn read_stdin(
        &mut self,
        memory: &mut GuestMemory<'_>,
        list: GuestPtr<[Iovec]>,
    ) -> Result<u32, Error> {
        let Some(mut streams) = self.streams.take() else {
            return Ok(0);
        };
        let stop = || self.check_interrupt().is_err();
        let read = transfer(memory, list, MAX_TRANSFER, |memory, buffer, done| {
            match bytes_mut(memory, buffer)? {
                // A second buffer must not wait when the first is full.
                [] => Ok(0),
                _ if done > 0 => Ok(0),
                buffer => {
                    let read = streams.read(buffer, &stop);
                    self.check_interrupt()?;
                    read.map_err(|_| Errno::Io.into())
                }
            }
        });
        self.streams = Some(streams);
        read
    }

    /// `fd_write`, and `fd_pwrite` where `at` is given.
    pub(crate) fn write(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        list: GuestPtr<[Ciovec]>,
        at: Option<u64>,
    ) -> Result<u32, Error> {
        let vfs = &mut self.vfs;
        let file = match self.descriptors.get_mut(fd)? {
            Descriptor::Stdin => return Err(Errno::Badf.into()),
            Descriptor::Output(_) if at.is_some() => return Err(Errno::Spipe.into()),
            Descriptor::Output(stream) => {
                let stream = *stream;
                if let Some(streams) = &mut self.streams {
                    return transfer(memory, list, MAX_TRANSFER, |memory, buffer, _| {
                        let bytes = bytes(memory, buffer)?;
                        streams.write(stream, bytes).map_err(|_| Errno::Pipe)?;
                        Ok(bytes.len())
                    });
                }
                let output = match stream {
                    Output::Stdout => &mut self.stdout,
                    Output::Stderr => &mut self.stderr,
                };
                return transfer(memory, list, MAX_TRANSFER, |memory, buffer, _| {
                    let bytes = bytes(memory, buffer)?;
                    output.write(bytes);
                    Ok(bytes.len())
                });
            }
            Descriptor::File(file) => file,
        };
        if !file.handle.is_writable() {
            return Err(Errno::Badf.into());
        }
        let start = match at {
            // As on Linux, a file that is open for appending is appended to by `pwrite` as well.
            _ if file.flags.contains(Fdflags::APPEND) => vfs.metadata(file.handle.inode())?.size,
            Some(at) => at,
            None => file.offset,
        };
        let total = transfer(memory, list, MAX_TRANSFER, |memory, buffer, done| {
            let bytes = bytes(memory, buffer)?;
            match file.file_type {
                FileType::Device(_) => Ok(bytes.len()),
                _ => Ok(vfs.write_at(&file.handle, start.saturating_add(done as u64), bytes)?),
            }
        })?;
        if at.is_none() {
            file.offset = start.saturating_add(u64::from(total));
        }
        Ok(total)
    }

    /// `fd_seek`
    pub(crate) fn seek(&mut self, fd: Fd, delta: i64, whence: u32) -> Result<u64, Error> {
        let whence = Whence::try_from(whence as i32)?;
        let file = match self.descriptors.get_mut(fd)? {
            Descriptor::Stdin => return Ok(0),
            Descriptor::Output(_) => return Err(Errno::Spipe.into()),
            Descriptor::File(file) => file,
        };
        let base = match (file.file_type, whence) {
            // A directory is positioned by the cookies of `fd_readdir`.
            (FileType::Directory, _) => return Err(Errno::Isdir.into()),
            (FileType::Device(_), _) => return Ok(0),
            (_, Whence::Set) => 0,
            (_, Whence::Cur) => file.offset,
            (_, Whence::End) => self.vfs.metadata(file.handle.inode())?.size,
        };
        let offset = base
            .checked_add_signed(delta)
            .filter(|offset| i64::try_from(*offset).is_ok());
        file.offset = offset.ok_or(Errno::Inval)?;
        Ok(file.offset)
    }

    /// `fd_readdir`: fills the buffer to its end unless the directory ends before; the last entry
    /// may be cut.
    pub(crate) fn read_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffer: GuestPtr<[u8]>,
        cookie: u64,
    ) -> Result<u32, Error> {
        let dir = self.descriptors.get(fd)?.directory()?;
        let buffer = bytes_mut(memory, buffer)?;
        let mut filled = 0;
        for (count, entry) in self.vfs.read_dir(dir, cookie)?.enumerate() {
            if count % READDIR_PIECE == READDIR_PIECE - 1 {
                self.check_interrupt()?;
            }
            let header = dirent(&Dirent {
                d_next: entry.next,
                d_ino: entry.number,
                d_namlen: entry.name.len() as u32,
                d_type: crate::stat::file_type(entry.file_type),
            });
            for piece in [&header[..], entry.name] {
                let n = piece.len().min(buffer.len() - filled);
                buffer[filled..filled + n].copy_from_slice(&piece[..n]);
                filled += n;
            }
            if filled == buffer.len() {
                break;
            }
        }
        Ok(filled as u32)
    }

    /// `random_get`
    pub(crate) fn random(
        &mut self,
        memory: &mut GuestMemory<'_>,
        buffer: GuestPtr<[u8]>,
    ) -> Result<(), Error> {
        let len = buffer.len();
        for piece in bytes_mut(memory, buffer)?.chunks_mut(RANDOM_PIECE as usize) {
            self.rng.fill_bytes(piece);
            if len > RANDOM_PIECE {
                self.check_interrupt()?;
            }
        }
        Ok(())
    }
}

/// A `dirent` as it is in memory.
fn dirent(entry: &Dirent) -> [u8; DIRENT] {
    let mut bytes = [0; DIRENT];
    bytes[0..8].copy_from_slice(&entry.d_next.to_le_bytes());
    bytes[8..16].copy_from_slice(&entry.d_ino.to_le_bytes());
    bytes[16..20].copy_from_slice(&entry.d_namlen.to_le_bytes());
    bytes[20] = u8::from(entry.d_type);
    bytes
}
