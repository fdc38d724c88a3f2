//! The system calls of wasi-libc that take a descriptor or a path.
//!
//! wasm-ld's `--wrap` (see `link.toml`) sends wasi-libc's `__wasi_X` to `__wrap___wasi_X` here
//! and makes its own reachable as `__real___wasi_X`. A call on a descriptor of the tree is
//! answered here, every other goes to the host unchanged (and [`crate::audit`] hears of it). The tree cannot be written: what
//! would change it is `EROFS`, and `EBADF` on a descriptor, which is never open for writing.
#![expect(unsafe_code, reason = "these are the C functions that wasi-libc calls")]

mod directories;
mod files;
mod paths;

use std::ffi::c_char;

use wasip1::{
    Advice, Ciovec, ERRNO_BADF, ERRNO_INVAL, ERRNO_NOTCAPABLE, ERRNO_NOTSUP, ERRNO_ROFS,
    ERRNO_SUCCESS, ERRNO_XDEV, Errno, Fdflags, Fdstat, Filedelta, Filesize, Filestat, Fstflags,
    Iovec, Lookupflags, OFLAGS_CREAT, Oflags, Prestat, Rights, Size, Timestamp, Whence,
};

use super::descriptors::{descriptors, is_ours};
use super::stat;
use crate::audit;

/// Defines each `$wrap`: `$serve` where `$ours` holds, else the host's `$real`; after the host
/// has done it, `$then`.
macro_rules! system_calls {
    ($($wrap:ident / $real:ident ($($arg:ident: $type:ty),*) if $ours:expr => $serve:expr $(, then $then:expr)?;)*) => {
        unsafe extern "C" {
            $(fn $real($($arg: $type),*) -> Errno;)*
        }
        $(
            /// # Safety
            /// The pointers are as wasi-libc's function of the same name wants them.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $wrap($($arg: $type),*) -> Errno {
                if $ours {
                    errno($serve)
                } else {
                    // SAFETY: the arguments are the caller's, unchanged.
                    let result = unsafe { $real($($arg),*) };
                    $(if result == ERRNO_SUCCESS && audit::listening() {
                        $then
                    })?
                    result
                }
            }
        )*
    };
}

system_calls! {
    // Descriptors.
    __wrap___wasi_fd_advise / __real___wasi_fd_advise(fd: u32, offset: Filesize, len: Filesize, advice: Advice)
        if is_ours(fd) => is_open(fd);
    __wrap___wasi_fd_allocate / __real___wasi_fd_allocate(fd: u32, offset: Filesize, len: Filesize)
        if is_ours(fd) => Err(ERRNO_BADF);
    __wrap___wasi_fd_close / __real___wasi_fd_close(fd: u32)
        if is_ours(fd) => descriptors().close(fd),
        then audit::closed(fd);
    __wrap___wasi_fd_datasync / __real___wasi_fd_datasync(fd: u32)
        if is_ours(fd) => is_open(fd);
    __wrap___wasi_fd_fdstat_get / __real___wasi_fd_fdstat_get(fd: u32, result: *mut Fdstat)
        if is_ours(fd) => put(result, descriptors().node(fd).map(stat::fdstat));
    __wrap___wasi_fd_fdstat_set_flags / __real___wasi_fd_fdstat_set_flags(fd: u32, flags: Fdflags)
        if is_ours(fd) => is_open(fd).and(if flags == 0 { Ok(()) } else { Err(ERRNO_NOTSUP) });
    __wrap___wasi_fd_fdstat_set_rights / __real___wasi_fd_fdstat_set_rights(fd: u32, base: Rights, inheriting: Rights)
        if is_ours(fd) => is_open(fd).and(Err(ERRNO_NOTSUP));
    __wrap___wasi_fd_filestat_get / __real___wasi_fd_filestat_get(fd: u32, result: *mut Filestat)
        if is_ours(fd) => put(result, descriptors().node(fd).map(stat::filestat));
    __wrap___wasi_fd_filestat_set_size / __real___wasi_fd_filestat_set_size(fd: u32, size: Filesize)
        if is_ours(fd) => is_open(fd).and(Err(ERRNO_INVAL));
    __wrap___wasi_fd_filestat_set_times / __real___wasi_fd_filestat_set_times(fd: u32, atim: Timestamp, mtim: Timestamp, flags: Fstflags)
        if is_ours(fd) => is_open(fd).and(Err(ERRNO_ROFS));
    __wrap___wasi_fd_prestat_get / __real___wasi_fd_prestat_get(fd: u32, result: *mut Prestat)
        if is_ours(fd) => Err(ERRNO_BADF);
    __wrap___wasi_fd_prestat_dir_name / __real___wasi_fd_prestat_dir_name(fd: u32, path: *mut u8, len: Size)
        if is_ours(fd) => Err(ERRNO_BADF);
    __wrap___wasi_fd_renumber / __real___wasi_fd_renumber(fd: u32, to: u32)
        if is_ours(fd) || is_ours(to) => Err(ERRNO_NOTSUP);
    __wrap___wasi_fd_sync / __real___wasi_fd_sync(fd: u32)
        if is_ours(fd) => is_open(fd);

    // Files.
    __wrap___wasi_fd_pread / __real___wasi_fd_pread(fd: u32, iovs: *const Iovec, count: usize, offset: Filesize, result: *mut Size)
        if is_ours(fd) => put(result, unsafe { files::pread(fd, iovs, count, offset) });
    __wrap___wasi_fd_read / __real___wasi_fd_read(fd: u32, iovs: *const Iovec, count: usize, result: *mut Size)
        if is_ours(fd) => put(result, unsafe { files::read(fd, iovs, count) });
    __wrap___wasi_fd_seek / __real___wasi_fd_seek(fd: u32, offset: Filedelta, whence: Whence, result: *mut Filesize)
        if is_ours(fd) => put(result, files::seek(fd, offset, whence));
    __wrap___wasi_fd_tell / __real___wasi_fd_tell(fd: u32, result: *mut Filesize)
        if is_ours(fd) => put(result, files::tell(fd));
    __wrap___wasi_fd_pwrite / __real___wasi_fd_pwrite(fd: u32, iovs: *const Ciovec, count: usize, offset: Filesize, result: *mut Size)
        if is_ours(fd) => Err(ERRNO_BADF);
    __wrap___wasi_fd_write / __real___wasi_fd_write(fd: u32, iovs: *const Ciovec, count: usize, result: *mut Size)
        if is_ours(fd) => Err(ERRNO_BADF);

    // Directories.
    __wrap___wasi_fd_readdir / __real___wasi_fd_readdir(fd: u32, buffer: *mut u8, len: Size, cookie: u64, result: *mut Size)
        if is_ours(fd) => put(result, unsafe { directories::read(fd, buffer, len, cookie) });

    // Paths.
    __wrap___wasi_path_open / __real___wasi_path_open(fd: u32, lookup: Lookupflags, path: *const c_char, oflags: Oflags, base: Rights, inheriting: Rights, fdflags: Fdflags, result: *mut u32)
        if is_ours(fd) => put(result, unsafe { paths::open(fd, path, oflags, base) }),
        then unsafe { audit::opened(*result, path, oflags & OFLAGS_CREAT != 0) };
    __wrap___wasi_path_filestat_get / __real___wasi_path_filestat_get(fd: u32, lookup: Lookupflags, path: *const c_char, result: *mut Filestat)
        if is_ours(fd) => put(result, unsafe { paths::find(fd, path) }.map(stat::filestat));
    __wrap___wasi_path_readlink / __real___wasi_path_readlink(fd: u32, path: *const c_char, buffer: *mut u8, len: Size, result: *mut Size)
        if is_ours(fd) => unsafe { paths::find(fd, path) }.and(Err(ERRNO_INVAL));
    __wrap___wasi_path_create_directory / __real___wasi_path_create_directory(fd: u32, path: *const c_char)
        if is_ours(fd) => unsafe { paths::refuse_new(fd, path) },
        then unsafe { audit::made(path) };
    __wrap___wasi_path_filestat_set_times / __real___wasi_path_filestat_set_times(fd: u32, lookup: Lookupflags, path: *const c_char, atim: Timestamp, mtim: Timestamp, flags: Fstflags)
        if is_ours(fd) => unsafe { paths::refuse_change(fd, path) };
    __wrap___wasi_path_remove_directory / __real___wasi_path_remove_directory(fd: u32, path: *const c_char)
        if is_ours(fd) => unsafe { paths::refuse_change(fd, path) };
    __wrap___wasi_path_unlink_file / __real___wasi_path_unlink_file(fd: u32, path: *const c_char)
        if is_ours(fd) => unsafe { paths::refuse_change(fd, path) };
    __wrap___wasi_path_symlink / __real___wasi_path_symlink(target: *const c_char, fd: u32, path: *const c_char)
        if is_ours(fd) => unsafe { paths::refuse_new(fd, path) };
    __wrap___wasi_path_link / __real___wasi_path_link(fd: u32, lookup: Lookupflags, path: *const c_char, new_fd: u32, new_path: *const c_char)
        if is_ours(fd) || is_ours(new_fd) => refuse_between(fd, new_fd);
    __wrap___wasi_path_rename / __real___wasi_path_rename(fd: u32, path: *const c_char, new_fd: u32, new_path: *const c_char)
        if is_ours(fd) || is_ours(new_fd) => refuse_between(fd, new_fd),
        then unsafe { audit::made(new_path) };
}

fn errno(result: Result<(), Errno>) -> Errno {
    match result {
        Ok(()) => ERRNO_SUCCESS,
        Err(errno) => errno,
    }
}

/// Stores a successful call's result where its caller wants it.
fn put<T>(place: *mut T, result: Result<T, Errno>) -> Result<(), Errno> {
    let value = result?;
    // SAFETY: wasi-libc passes a valid place for the result.
    unsafe { place.write(value) };
    Ok(())
}

fn is_open(fd: u32) -> Result<(), Errno> {
    descriptors().node(fd).map(drop)
}

/// A link or rename: across file systems `EXDEV`, which tells Python's `shutil.move` to copy.
fn refuse_between(fd: u32, new_fd: u32) -> Result<(), Errno> {
    if is_ours(fd) && is_ours(new_fd) {
        Err(ERRNO_ROFS)
    } else {
        Err(ERRNO_XDEV)
    }
}

/// What leads out of a mount is not for the tree to answer.
const OUTSIDE: Errno = ERRNO_NOTCAPABLE;
