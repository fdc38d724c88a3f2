//! The system calls of wasi-libc that take a descriptor or a path.
//!
//! wasm-ld's `--wrap` (see `link.toml`) sends wasi-libc's `__wasi_X` to `__wrap___wasi_X` here
//! and makes its own reachable as `__real___wasi_X`. A call on an object of ours is answered by
//! that object, every other goes to the host, with the host's number (and [`crate::audit`] hears
//! of it).
#![expect(unsafe_code, reason = "these are the C functions that wasi-libc calls")]

mod buffers;
mod poll;

use std::ffi::{CStr, c_char};

use wasip1::{
    Advice, Ciovec, ERRNO_BADF, ERRNO_INVAL, ERRNO_NOTSUP, ERRNO_ROFS, ERRNO_SUCCESS, ERRNO_XDEV,
    Errno, Fd, Fdflags, Fdstat, Filedelta, Filesize, Filestat, Fstflags, Iovec, Lookupflags,
    OFLAGS_CREAT, Oflags, Prestat, RIFLAGS_RECV_PEEK, Riflags, Rights, Roflags, SDFLAGS_RD,
    SDFLAGS_WR, Sdflags, Siflags, Size, Timestamp, Whence,
};

use crate::audit;
use crate::descriptors::{self, Place, place};

pub(crate) use buffers::{Gather, Scatter};

/// Defines each `$wrap`: `$serve` for a descriptor that stands for an `$object` of ours, else
/// the host's `$real`; after the host has done it, `$then`.
macro_rules! system_calls {
    ($($wrap:ident / $real:ident ($($before:ident: $before_type:ty,)* [$fd:ident] $(, $arg:ident: $type:ty)*)
        $object:ident => $serve:expr $(, then $then:expr)?;)*) => {
        unsafe extern "C" {
            $(fn $real($($before: $before_type,)* $fd: Fd $(, $arg: $type)*) -> Errno;)*
        }
        $(
            /// # Safety
            /// The pointers are as wasi-libc's function of the same name wants them.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $wrap($($before: $before_type,)* $fd: Fd $(, $arg: $type)*) -> Errno {
                match place($fd) {
                    Ok(Place::Host($fd)) => {
                        // SAFETY: the arguments are the caller's.
                        let result = unsafe { $real($($before,)* $fd $(, $arg)*) };
                        $(if result == ERRNO_SUCCESS && audit::listening() {
                            $then
                        })?
                        result
                    }
                    Ok(Place::Here($object)) => errno($serve),
                    Err(errno) => errno,
                }
            }
        )*
    };
}

system_calls! {
    // Descriptors.
    __wrap___wasi_fd_advise / __real___wasi_fd_advise([fd], offset: Filesize, len: Filesize, advice: Advice)
        object => object.advise();
    __wrap___wasi_fd_allocate / __real___wasi_fd_allocate([fd], offset: Filesize, len: Filesize)
        object => object.allocate();
    __wrap___wasi_fd_datasync / __real___wasi_fd_datasync([fd])
        object => object.sync();
    __wrap___wasi_fd_fdstat_get / __real___wasi_fd_fdstat_get([fd], result: *mut Fdstat)
        object => put(result, Ok(object.fdstat()));
    __wrap___wasi_fd_fdstat_set_flags / __real___wasi_fd_fdstat_set_flags([fd], flags: Fdflags)
        object => object.set_flags(flags);
    __wrap___wasi_fd_fdstat_set_rights / __real___wasi_fd_fdstat_set_rights([fd], base: Rights, inheriting: Rights)
        _object => Err(ERRNO_NOTSUP);
    __wrap___wasi_fd_filestat_get / __real___wasi_fd_filestat_get([fd], result: *mut Filestat)
        object => put(result, Ok(object.filestat()));
    __wrap___wasi_fd_filestat_set_size / __real___wasi_fd_filestat_set_size([fd], size: Filesize)
        object => object.set_size();
    __wrap___wasi_fd_filestat_set_times / __real___wasi_fd_filestat_set_times([fd], atim: Timestamp, mtim: Timestamp, flags: Fstflags)
        object => object.set_times();
    __wrap___wasi_fd_prestat_dir_name / __real___wasi_fd_prestat_dir_name([fd], path: *mut u8, len: Size)
        _object => Err(ERRNO_BADF);
    __wrap___wasi_fd_sync / __real___wasi_fd_sync([fd])
        object => object.sync();

    // Reading and writing.
    __wrap___wasi_fd_pread / __real___wasi_fd_pread([fd], iovs: *const Iovec, count: usize, offset: Filesize, result: *mut Size)
        object => put(result, object.pread(&mut unsafe { Scatter::new(iovs, count) }, offset));
    __wrap___wasi_fd_read / __real___wasi_fd_read([fd], iovs: *const Iovec, count: usize, result: *mut Size)
        object => put(result, object.read(&mut unsafe { Scatter::new(iovs, count) }));
    __wrap___wasi_fd_seek / __real___wasi_fd_seek([fd], offset: Filedelta, whence: Whence, result: *mut Filesize)
        object => put(result, object.seek(offset, whence));
    __wrap___wasi_fd_tell / __real___wasi_fd_tell([fd], result: *mut Filesize)
        object => put(result, object.tell());
    __wrap___wasi_fd_pwrite / __real___wasi_fd_pwrite([fd], iovs: *const Ciovec, count: usize, offset: Filesize, result: *mut Size)
        object => put(result, object.pwrite(&unsafe { Gather::new(iovs, count) }, offset));
    __wrap___wasi_fd_write / __real___wasi_fd_write([fd], iovs: *const Ciovec, count: usize, result: *mut Size)
        object => put(result, object.write(&unsafe { Gather::new(iovs, count) }));

    // Sockets.
    __wrap___wasi_sock_accept / __real___wasi_sock_accept([fd], flags: Fdflags, result: *mut Fd)
        object => object.is_connected().and(Err(ERRNO_INVAL));
    __wrap___wasi_sock_recv / __real___wasi_sock_recv([fd], iovs: *const Iovec, count: usize, flags: Riflags, result: *mut Size, result_flags: *mut Roflags)
        object => put(result, object.receive(&mut unsafe { Scatter::new(iovs, count) }, flags & RIFLAGS_RECV_PEEK != 0))
            .and(put(result_flags, Ok(0)));
    __wrap___wasi_sock_send / __real___wasi_sock_send([fd], iovs: *const Ciovec, count: usize, flags: Siflags, result: *mut Size)
        object => put(result, object.send(&unsafe { Gather::new(iovs, count) }));
    __wrap___wasi_sock_shutdown / __real___wasi_sock_shutdown([fd], how: Sdflags)
        object => object.shutdown(how & SDFLAGS_RD != 0, how & SDFLAGS_WR != 0);

    // Directories.
    __wrap___wasi_fd_readdir / __real___wasi_fd_readdir([fd], buffer: *mut u8, len: Size, cookie: u64, result: *mut Size)
        object => put(result, object.read_directory(unsafe { core::slice::from_raw_parts_mut(buffer, len) }, cookie));

    // Paths.
    __wrap___wasi_path_filestat_get / __real___wasi_path_filestat_get([fd], lookup: Lookupflags, path: *const c_char, result: *mut Filestat)
        object => put(result, object.filestat_at(unsafe { bytes(path) }));
    __wrap___wasi_path_readlink / __real___wasi_path_readlink([fd], path: *const c_char, buffer: *mut u8, len: Size, result: *mut Size)
        object => object.read_link_at(unsafe { bytes(path) });
    __wrap___wasi_path_create_directory / __real___wasi_path_create_directory([fd], path: *const c_char)
        object => object.create_at(unsafe { bytes(path) }),
        then unsafe { audit::made(path) };
    __wrap___wasi_path_filestat_set_times / __real___wasi_path_filestat_set_times([fd], lookup: Lookupflags, path: *const c_char, atim: Timestamp, mtim: Timestamp, flags: Fstflags)
        object => object.change_at(unsafe { bytes(path) });
    __wrap___wasi_path_remove_directory / __real___wasi_path_remove_directory([fd], path: *const c_char)
        object => object.change_at(unsafe { bytes(path) });
    __wrap___wasi_path_unlink_file / __real___wasi_path_unlink_file([fd], path: *const c_char)
        object => object.change_at(unsafe { bytes(path) });
    __wrap___wasi_path_symlink / __real___wasi_path_symlink(target: *const c_char, [fd], path: *const c_char)
        object => object.create_at(unsafe { bytes(path) });
}

// What changes the table of descriptors, or concerns two of them.
unsafe extern "C" {
    fn __real___wasi_fd_close(fd: Fd) -> Errno;
    fn __real___wasi_fd_prestat_get(fd: Fd, result: *mut Prestat) -> Errno;
    fn __real___wasi_path_open(
        fd: Fd,
        lookup: Lookupflags,
        path: *const c_char,
        oflags: Oflags,
        base: Rights,
        inheriting: Rights,
        fdflags: Fdflags,
        result: *mut Fd,
    ) -> Errno;
    fn __real___wasi_path_link(
        fd: Fd,
        lookup: Lookupflags,
        path: *const c_char,
        new_fd: Fd,
        new_path: *const c_char,
    ) -> Errno;
    fn __real___wasi_path_rename(
        fd: Fd,
        path: *const c_char,
        new_fd: Fd,
        new_path: *const c_char,
    ) -> Errno;
}

#[unsafe(no_mangle)]
extern "C" fn __wrap___wasi_fd_close(fd: Fd) -> Errno {
    errno(close(fd))
}

/// Never called by wasi-libc, but by those who want a `dup2` of it.
#[unsafe(no_mangle)]
extern "C" fn __wrap___wasi_fd_renumber(fd: Fd, to: Fd) -> Errno {
    errno(descriptors::renumber(fd, to).and_then(close_in_host))
}

/// wasi-libc asks for one number after the other, until it is told `EBADF`.
///
/// # Safety
/// `result` can be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_fd_prestat_get(fd: Fd, result: *mut Prestat) -> Errno {
    if !descriptors::may_be_preopened(fd) {
        return ERRNO_BADF;
    }
    // SAFETY: as this function's.
    let found = unsafe { __real___wasi_fd_prestat_get(fd, result) };
    if found == ERRNO_SUCCESS {
        descriptors::preopened(fd);
    }
    found
}

/// # Safety
/// `path` is a C string, and `result` can be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_path_open(
    fd: Fd,
    lookup: Lookupflags,
    path: *const c_char,
    oflags: Oflags,
    base: Rights,
    inheriting: Rights,
    fdflags: Fdflags,
    result: *mut Fd,
) -> Errno {
    let fd = match place(fd) {
        Ok(Place::Host(fd)) => fd,
        Ok(Place::Here(object)) => {
            // SAFETY: as this function's.
            let opened = object.open_at(unsafe { bytes(path) }, oflags, base);
            return errno(put(result, opened.and_then(descriptors::open)));
        }
        Err(errno) => return errno,
    };
    let mut host = 0;
    // SAFETY: the arguments are the caller's.
    let opened = unsafe {
        __real___wasi_path_open(
            fd,
            lookup,
            path,
            oflags,
            base,
            inheriting,
            fdflags,
            &raw mut host,
        )
    };
    if opened != ERRNO_SUCCESS {
        return opened;
    }
    let opened = descriptors::open_in_host(host);
    match opened {
        Err(_) => drop(close_in_host(Some(host))),
        Ok(number) if audit::listening() => {
            // SAFETY: as this function's.
            unsafe { audit::opened(number, path, oflags & OFLAGS_CREAT != 0) };
        }
        Ok(_) => {}
    }
    errno(put(result, opened))
}

/// # Safety
/// The paths are C strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_path_link(
    fd: Fd,
    lookup: Lookupflags,
    path: *const c_char,
    new_fd: Fd,
    new_path: *const c_char,
) -> Errno {
    match both_in_host(fd, new_fd) {
        // SAFETY: the arguments are the caller's.
        Ok((fd, new_fd)) => unsafe { __real___wasi_path_link(fd, lookup, path, new_fd, new_path) },
        Err(errno) => errno,
    }
}

/// # Safety
/// The paths are C strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_path_rename(
    fd: Fd,
    path: *const c_char,
    new_fd: Fd,
    new_path: *const c_char,
) -> Errno {
    let (fd, new_fd) = match both_in_host(fd, new_fd) {
        Ok(both) => both,
        Err(errno) => return errno,
    };
    // SAFETY: the arguments are the caller's.
    let result = unsafe { __real___wasi_path_rename(fd, path, new_fd, new_path) };
    if result == ERRNO_SUCCESS && audit::listening() {
        // SAFETY: as this function's.
        unsafe { audit::made(new_path) };
    }
    result
}

/// Gives a number back and, if it was the last one of a file of the host, closes that.
pub(crate) fn close(fd: Fd) -> Result<(), Errno> {
    let host = descriptors::close(fd)?;
    if audit::listening() {
        audit::closed(fd);
    }
    close_in_host(host)
}

/// Closes what no number of ours stands for any more.
pub(crate) fn close_in_host(host: Option<Fd>) -> Result<(), Errno> {
    match host {
        // SAFETY: any number may be closed.
        Some(host) => match unsafe { __real___wasi_fd_close(host) } {
            ERRNO_SUCCESS => Ok(()),
            errno => Err(errno),
        },
        None => Ok(()),
    }
}

/// The host's numbers for a link or rename. Across file systems that is `EXDEV`, which tells
/// Python's `shutil.move` to copy.
fn both_in_host(fd: Fd, new_fd: Fd) -> Result<(Fd, Fd), Errno> {
    match (place(fd)?, place(new_fd)?) {
        (Place::Host(fd), Place::Host(new_fd)) => Ok((fd, new_fd)),
        (Place::Here(_), Place::Here(_)) => Err(ERRNO_ROFS),
        _ => Err(ERRNO_XDEV),
    }
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

/// # Safety
/// `path` is a C string, for as long as the call lasts.
unsafe fn bytes<'a>(path: *const c_char) -> &'a [u8] {
    // SAFETY: as this function's.
    unsafe { CStr::from_ptr(path) }.to_bytes()
}
