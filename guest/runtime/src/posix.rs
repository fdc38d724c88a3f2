//! Functions of POSIX that wasi-libc does not have, or has without what they are there for.
//!
//! CPython is told of them by `recipes/cpython/config.site` and `recipes/cpython/posix.h`.
#![expect(unsafe_code, reason = "these are C functions")]

use std::ffi::{c_int, c_uint, c_void};
use std::rc::Rc;

use wasip1::{
    CLOCKID_REALTIME, ERRNO_AFNOSUPPORT, ERRNO_BADF, ERRNO_INVAL, ERRNO_NOPROTOOPT, ERRNO_NOTCONN,
    ERRNO_NOTSOCK, ERRNO_PROTONOSUPPORT, ERRNO_PROTOTYPE, Errno, FDFLAGS_NONBLOCK,
    FILETYPE_SOCKET_STREAM, Fd, Fdflags, Timestamp,
};

use crate::descriptors::{self, Object, Place, place};
use crate::system_calls;

// `fcntl.h` and `sys/socket.h` of wasi-libc, and `posix.h`, which adds what it lacks.
const F_DUPFD: c_int = 0;
const F_GETFD: c_int = 1;
const F_SETFD: c_int = 2;
const F_DUPFD_CLOEXEC: c_int = 1030;
const FD_CLOEXEC: c_int = 1;
const AF_UNIX: c_int = 3;
const SOCK_STREAM: c_int = FILETYPE_SOCKET_STREAM.raw() as c_int;
const SOCK_CLOEXEC: c_int = 0x2000;
const SOCK_NONBLOCK: c_int = 0x4000;

/// The one user and group, who may do everything, and whose files all files are.
const ROOT: c_uint = 0;

unsafe extern "C" {
    #[link_name = "errno"]
    static mut ERRNO: c_int;
    fn __real_fcntl(fd: c_int, command: c_int, arguments: *const c_void) -> c_int;
}

#[unsafe(no_mangle)]
extern "C" fn dup(fd: Fd) -> c_int {
    finish(descriptors::duplicate(fd, 0, false))
}

#[unsafe(no_mangle)]
extern "C" fn dup2(fd: Fd, to: Fd) -> c_int {
    let replaced = descriptors::duplicate_to(fd, to);
    // As on Linux, what goes wrong when the other is closed is nobody's to hear.
    finish(replaced.map(|host| {
        let _ = system_calls::close_in_host(host);
        to
    }))
}

/// # Safety
/// `ends` has room for two.
#[unsafe(no_mangle)]
unsafe extern "C" fn pipe(ends: *mut c_int) -> c_int {
    // SAFETY: as this function's.
    unsafe { pipe2(ends, 0) }
}

/// # Safety
/// `ends` has room for two.
#[unsafe(no_mangle)]
unsafe extern "C" fn pipe2(ends: *mut c_int, flags: c_int) -> c_int {
    let result = match Fdflags::try_from(flags) {
        Ok(flags) if flags & !FDFLAGS_NONBLOCK == 0 => open_pair(descriptors::pipe, flags),
        _ => Err(ERRNO_INVAL),
    };
    // SAFETY: as this function's.
    finish(result.map(|pair| unsafe { store(ends, pair) }))
}

/// # Safety
/// `sockets` has room for two.
#[unsafe(no_mangle)]
unsafe extern "C" fn socketpair(
    family: c_int,
    kind: c_int,
    protocol: c_int,
    sockets: *mut c_int,
) -> c_int {
    let flags = if kind & SOCK_NONBLOCK != 0 {
        FDFLAGS_NONBLOCK
    } else {
        0
    };
    let result = match (family, kind & !(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol) {
        (AF_UNIX, SOCK_STREAM, 0 | AF_UNIX) => open_pair(descriptors::socket_pair, flags),
        (AF_UNIX, SOCK_STREAM, _) => Err(ERRNO_PROTONOSUPPORT),
        (AF_UNIX, ..) => Err(ERRNO_PROTOTYPE),
        _ => Err(ERRNO_AFNOSUPPORT),
    };
    // SAFETY: as this function's.
    finish(result.map(|pair| unsafe { store(sockets, pair) }))
}

/// # Safety
/// `address` has room for `*len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getsockname(fd: Fd, address: *mut u8, len: *mut c_uint) -> c_int {
    // SAFETY: as this function's.
    finish(is_connected(fd).map(|_| unsafe { store_no_name(address, len) }))
}

/// # Safety
/// `address` has room for `*len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getpeername(fd: Fd, address: *mut u8, len: *mut c_uint) -> c_int {
    let result = match is_connected(fd) {
        // SAFETY: as this function's.
        Ok(true) => Ok(unsafe { store_no_name(address, len) }),
        Ok(false) => Err(ERRNO_NOTCONN),
        Err(errno) => Err(errno),
    };
    finish(result)
}

/// A socket has no options that could be set.
#[unsafe(no_mangle)]
extern "C" fn setsockopt(
    fd: Fd,
    _level: c_int,
    _option: c_int,
    _value: *const c_void,
    _len: c_uint,
) -> c_int {
    finish(is_connected(fd).and(Err(ERRNO_NOPROTOOPT)))
}

/// With the commands that concern numbers; wasi-libc's has those that concern files.
///
/// # Safety
/// `arguments` are those of a variadic C function, which clang passes in memory.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_fcntl(fd: Fd, command: c_int, arguments: *const c_void) -> c_int {
    // SAFETY: the commands that ask for it have one argument, a number.
    let argument = || unsafe { arguments.cast::<c_int>().read() };
    let duplicate = |close_on_exec| {
        let from = Fd::try_from(argument()).map_err(|_| ERRNO_INVAL)?;
        descriptors::duplicate(fd, from, close_on_exec)
    };
    finish(match command {
        F_DUPFD => duplicate(false),
        F_DUPFD_CLOEXEC => duplicate(true),
        F_GETFD => descriptors::closes_on_exec(fd).map(Fd::from),
        F_SETFD => descriptors::set_close_on_exec(fd, argument() & FD_CLOEXEC != 0).map(|()| 0),
        // SAFETY: the arguments are the caller's.
        _ => return unsafe { __real_fcntl(fd as c_int, command, arguments) },
    })
}

#[unsafe(no_mangle)]
extern "C" fn getuid() -> c_uint {
    ROOT
}

#[unsafe(no_mangle)]
extern "C" fn getgid() -> c_uint {
    ROOT
}

#[unsafe(no_mangle)]
extern "C" fn getegid() -> c_uint {
    ROOT
}

/// Numbers for two objects, or for none.
fn open_pair(
    make: fn(Fdflags, Timestamp) -> [Rc<dyn Object>; 2],
    flags: Fdflags,
) -> Result<[Fd; 2], Errno> {
    // SAFETY: the clock is one that every host has.
    let now = unsafe { wasip1::clock_time_get(CLOCKID_REALTIME, 1) }?;
    let [one, other] = make(flags, now);
    let one = descriptors::open(one)?;
    match descriptors::open(other) {
        Ok(other) => Ok([one, other]),
        Err(errno) => {
            system_calls::close(one)?;
            Err(errno)
        }
    }
}

/// # Safety
/// There is room for two.
unsafe fn store(place: *mut c_int, pair: [Fd; 2]) -> Fd {
    // SAFETY: as this function's.
    unsafe { place.cast::<[Fd; 2]>().write_unaligned(pair) };
    0
}

/// The address of a socket that has none: its family alone.
///
/// # Safety
/// `address` has room for `*len` bytes.
unsafe fn store_no_name(address: *mut u8, len: *mut c_uint) -> Fd {
    let family = (AF_UNIX as u16).to_le_bytes();
    // SAFETY: as this function's.
    unsafe {
        let room = family.len().min(len.read() as usize);
        address.copy_from_nonoverlapping(family.as_ptr(), room);
        len.write(family.len() as c_uint);
    }
    0
}

/// Whether the other side of a socket is open. What is no socket is an error, and the host has
/// none.
fn is_connected(fd: Fd) -> Result<bool, Errno> {
    match place(fd)? {
        Place::Here(object) => object.is_connected(),
        Place::Host(_) => Err(ERRNO_NOTSOCK),
    }
}

fn finish(result: Result<Fd, Errno>) -> c_int {
    let error = match result {
        Ok(value) => match c_int::try_from(value) {
            Ok(value) => return value,
            Err(_) => ERRNO_BADF,
        },
        Err(error) => error,
    };
    // SAFETY: there is one thread, whose variable this is.
    unsafe { ERRNO = error.raw().into() };
    -1
}
