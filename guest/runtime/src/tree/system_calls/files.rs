//! Reading files.

use wasip1::{
    ERRNO_INVAL, Errno, Filedelta, Filesize, Iovec, Size, WHENCE_CUR, WHENCE_END, WHENCE_SET,
    Whence,
};

use crate::tree::descriptors::descriptors;

/// # Safety
/// `iovs` points to `count` buffers that can be written.
pub(super) unsafe fn read(fd: u32, iovs: *const Iovec, count: usize) -> Result<Size, Errno> {
    let mut descriptors = descriptors();
    let (content, position) = descriptors.file(fd)?;
    // SAFETY: as this function's.
    let read = unsafe { scatter(after(content, *position), iovs, count) };
    *position += read as u64;
    Ok(read)
}

/// # Safety
/// `iovs` points to `count` buffers that can be written.
pub(super) unsafe fn pread(
    fd: u32,
    iovs: *const Iovec,
    count: usize,
    offset: Filesize,
) -> Result<Size, Errno> {
    let mut descriptors = descriptors();
    let (content, _) = descriptors.file(fd)?;
    // SAFETY: as this function's.
    Ok(unsafe { scatter(after(content, offset), iovs, count) })
}

pub(super) fn seek(fd: u32, offset: Filedelta, whence: Whence) -> Result<Filesize, Errno> {
    let mut descriptors = descriptors();
    let (position, len) = descriptors.position(fd)?;
    let base = match whence {
        WHENCE_SET => 0,
        WHENCE_CUR => *position,
        WHENCE_END => len,
        _ => return Err(ERRNO_INVAL),
    };
    let target = base.checked_add_signed(offset).ok_or(ERRNO_INVAL)?;
    // POSIX's `off_t` is signed.
    if i64::try_from(target).is_err() {
        return Err(ERRNO_INVAL);
    }
    *position = target;
    Ok(target)
}

pub(super) fn tell(fd: u32) -> Result<Filesize, Errno> {
    descriptors().position(fd).map(|(position, _)| *position)
}

/// What is left from `position` on; nothing at the end and behind it.
fn after(content: &[u8], position: u64) -> &[u8] {
    usize::try_from(position)
        .ok()
        .and_then(|position| content.get(position..))
        .unwrap_or_default()
}

/// Fills the buffers one after another and returns how many bytes were copied.
///
/// # Safety
/// `iovs` points to `count` buffers that can be written.
unsafe fn scatter(mut content: &[u8], iovs: *const Iovec, count: usize) -> usize {
    let available = content.len();
    for index in 0..count {
        // SAFETY: there are `count` of them.
        let iov = unsafe { iovs.add(index).read() };
        let (now, later) = content.split_at(content.len().min(iov.buf_len));
        // SAFETY: the buffer holds `buf_len` bytes, which `now` does not exceed. It is the
        // caller's, so it is not in the tree's pages.
        unsafe { iov.buf.copy_from_nonoverlapping(now.as_ptr(), now.len()) };
        content = later;
    }
    available - content.len()
}
