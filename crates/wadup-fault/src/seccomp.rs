//! The filter, and the descriptor through which the kernel asks.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::event::{PollFd, PollFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

/// When a call is of interest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Always,
    /// One of the bits is set in the argument.
    Bits {
        argument: u32,
        bits: u32,
    },
    /// The argument is this.
    Is {
        argument: u32,
        value: u32,
    },
}

/// A call that a process waits in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notification {
    id: u64,
    /// Of the thread.
    pub(crate) thread: u32,
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

/// What to do about it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Continue,
    Return(i64),
    Fail(i32),
}

/// Where the kernel asks.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

/// Lets the program that `command` starts ask about `calls`. The listener comes out of the stream
/// once it has been started.
#[expect(unsafe_code, reason = "only the new process itself can set its filter")]
pub(crate) fn filter(command: &mut Command, calls: &[(i64, When)]) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    let program = program(calls);
    let install = move || {
        let listener = install(&program)?;
        send(&theirs, listener.as_fd())
    };
    // SAFETY: it makes system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(install) };
    Ok(ours)
}

/// <https://docs.kernel.org/userspace-api/seccomp_filter.html>: classic BPF over
/// `struct seccomp_data`, of which the low halves of arguments are looked at.
fn program(calls: &[(i64, When)]) -> Vec<libc::sock_filter> {
    const ARCHITECTURE: u32 = 4;
    const X86_64: u32 = 0xc000_003e;
    let argument = |number: u32| 16 + 8 * number;
    let load = |at| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    let skip_unless =
        |test, value, skip| instruction(libc::BPF_JMP | test | libc::BPF_K, 0, skip, value);
    let answer = |answer| instruction(libc::BPF_RET | libc::BPF_K, 0, 0, answer);
    let (notify, allow) = (
        answer(libc::SECCOMP_RET_USER_NOTIF),
        answer(libc::SECCOMP_RET_ALLOW),
    );
    let mut program = vec![
        load(ARCHITECTURE),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, X86_64),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(0),
    ];
    for (number, when) in calls {
        let number = *number as u32;
        match *when {
            When::Always => program.extend([skip_unless(libc::BPF_JEQ, number, 1), notify]),
            When::Bits {
                argument: index,
                bits,
            } => program.extend([
                skip_unless(libc::BPF_JEQ, number, 4),
                load(argument(index)),
                skip_unless(libc::BPF_JSET, bits, 1),
                notify,
                allow,
            ]),
            When::Is {
                argument: index,
                value,
            } => program.extend([
                skip_unless(libc::BPF_JEQ, number, 4),
                load(argument(index)),
                skip_unless(libc::BPF_JEQ, value, 1),
                notify,
                load(0),
            ]),
        }
    }
    program.push(allow);
    program
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

/// `WAIT_KILLABLE_RECV`: a call that is being looked at is not started again by a signal.
const FLAGS: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | 1 << 5;

#[expect(unsafe_code, reason = "there is no safe interface to seccomp")]
fn install(program: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: sets a flag of this process; no pointer is involved.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the filter is there for the length of the call, which only reads it.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            FLAGS,
            &raw const program,
        )
    };
    match i32::try_from(listener) {
        // SAFETY: the kernel has just made it for us. It is closed at `exec`.
        Ok(fd @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn send(stream: &UnixStream, listener: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let rights = [listener];
    control.push(SendAncillaryMessage::ScmRights(&rights));
    let byte = [io::IoSlice::new(&[0])];
    rustix::net::sendmsg(stream, &byte, &mut control, SendFlags::empty())?;
    Ok(())
}

impl Listener {
    /// Waits for a new process to send it; `None` if it was not started.
    pub(crate) fn receive(stream: &UnixStream) -> io::Result<Option<Self>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let into = &mut [io::IoSliceMut::new(&mut byte)];
        rustix::net::recvmsg(stream, into, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        Ok(control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut rights) => rights.next().map(Self),
            _ => None,
        }))
    }

    /// The next call; `None` when all processes have ended.
    pub(crate) fn next(&self) -> io::Result<Option<Notification>> {
        loop {
            let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
            match rustix::event::poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => continue,
                result => result?,
            };
            if !polled[0].revents().contains(PollFlags::IN) {
                return Ok(None);
            }
            if let Some(notification) = self.receive_call()? {
                return Ok(Some(notification));
            }
        }
    }

    /// `None` if the process has been killed meanwhile.
    #[expect(unsafe_code, reason = "there is no safe interface to seccomp")]
    fn receive_call(&self) -> io::Result<Option<Notification>> {
        const RECEIVE: libc::c_ulong = 0xc050_2100;
        let mut raw = MaybeUninit::<libc::seccomp_notif>::zeroed();
        // SAFETY: all zeros is what the kernel wants, and a value of this type; the size is part
        // of the command.
        let raw = unsafe {
            if libc::ioctl(self.0.as_raw_fd(), RECEIVE, raw.as_mut_ptr()) != 0 {
                let error = io::Error::last_os_error();
                return match error.raw_os_error() {
                    Some(libc::ENOENT | libc::EINTR) => Ok(None),
                    _ => Err(error),
                };
            }
            raw.assume_init()
        };
        Ok(Some(Notification {
            id: raw.id,
            thread: raw.pid,
            number: raw.data.nr.into(),
            arguments: raw.data.args,
        }))
    }

    /// Lets the process go on.
    #[expect(unsafe_code, reason = "there is no safe interface to seccomp")]
    pub(crate) fn answer(&self, call: &Notification, answer: Answer) -> io::Result<()> {
        const SEND: libc::c_ulong = 0xc018_2101;
        let (val, error, flags) = match answer {
            Answer::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Answer::Return(value) => (value, 0, 0),
            Answer::Fail(errno) => (0, -errno, 0),
        };
        let mut response = libc::seccomp_notif_resp {
            id: call.id,
            val,
            error,
            flags,
        };
        // SAFETY: the size is part of the command.
        let sent = unsafe { libc::ioctl(self.0.as_raw_fd(), SEND, &raw mut response) };
        let error = io::Error::last_os_error();
        // It may have been killed meanwhile.
        match sent == 0 || error.raw_os_error() == Some(libc::ENOENT) {
            true => Ok(()),
            false => Err(error),
        }
    }
}
