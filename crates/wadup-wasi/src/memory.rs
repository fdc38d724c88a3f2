//! Access to the guest's memory. Everything is checked before it is used, and nothing is copied
//! that can be borrowed.

use wiggle::{GuestError, GuestMemory, GuestPtr};

use crate::Error;
use crate::abi::types::{Ciovec, Errno, Iovec};

/// Entries of a scatter/gather list at most, as on Linux.
pub(crate) const IOV_MAX: u32 = 1024;

pub(crate) fn bytes<'m>(
    memory: &'m GuestMemory<'_>,
    at: GuestPtr<[u8]>,
) -> Result<&'m [u8], Error> {
    memory.as_slice(at)?.ok_or_else(|| Errno::Notsup.into())
}

pub(crate) fn bytes_mut<'m>(
    memory: &'m mut GuestMemory<'_>,
    at: GuestPtr<[u8]>,
) -> Result<&'m mut [u8], Error> {
    memory.as_slice_mut(at)?.ok_or_else(|| Errno::Notsup.into())
}

/// A buffer of a scatter/gather list, cut so that at most `left` bytes are used.
pub(crate) trait Buffer: wiggle::GuestType {
    fn cut(self, left: usize) -> GuestPtr<[u8]>;
}

impl Buffer for Iovec {
    fn cut(self, left: usize) -> GuestPtr<[u8]> {
        self.buf.as_array(self.buf_len.min(left as u32))
    }
}

impl Buffer for Ciovec {
    fn cut(self, left: usize) -> GuestPtr<[u8]> {
        self.buf.as_array(self.buf_len.min(left as u32))
    }
}

/// Hands the buffers of a list to `transfer` one after the other, until `max` bytes are through,
/// or a buffer was not used to its end, or an error comes after the first bytes.
pub(crate) fn transfer<B: Buffer>(
    memory: &mut GuestMemory<'_>,
    list: GuestPtr<[B]>,
    max: usize,
    mut transfer: impl FnMut(&mut GuestMemory<'_>, GuestPtr<[u8]>, usize) -> Result<usize, Error>,
) -> Result<u32, Error> {
    if list.len() > IOV_MAX {
        return Err(Errno::Inval.into());
    }
    let mut total = 0;
    for buffer in list.iter() {
        let buffer = memory.read(buffer?)?.cut(max - total);
        match transfer(memory, buffer, total) {
            Ok(n) => {
                total += n;
                if n < buffer.len() as usize || total == max {
                    break;
                }
            }
            Err(Error::Errno(_)) if total > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(total as u32)
}

/// Writes strings as C wants them: their addresses to `addresses`, the bytes, each with a NUL
/// after it, to `buffer`.
pub(crate) fn write_strings(
    memory: &mut GuestMemory<'_>,
    strings: &[Vec<u8>],
    addresses: GuestPtr<GuestPtr<u8>>,
    buffer: GuestPtr<u8>,
) -> Result<(), Error> {
    let mut at = buffer;
    for (index, string) in (0..).zip(strings) {
        memory.write(addresses.add(index)?, at)?;
        let len = u32::try_from(string.len()).map_err(GuestError::from)?;
        memory.copy_from_slice(string, at.as_array(len))?;
        memory.write(at.add(len)?, 0)?;
        at = at.add(len)?.add(1)?;
    }
    Ok(())
}

/// The number of strings, and the bytes that they take with their NULs.
pub(crate) fn strings_size(strings: &[Vec<u8>]) -> Result<(u32, u32), Error> {
    let bytes: usize = strings.iter().map(|string| string.len() + 1).sum();
    let too_many = |_| Errno::Overflow;
    Ok((
        u32::try_from(strings.len()).map_err(too_many)?,
        u32::try_from(bytes).map_err(too_many)?,
    ))
}
