//! Starting the program, counting its points, and letting one fail.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::process::{Pid, Signal};

use crate::call::{self, Change, Write};
use crate::disk::Disk;
use crate::process::Thread;
use crate::seccomp::{self, Answer, Listener, Notification};

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The program and all that it has started end there, as by `kill -9`. The call is not made.
    Kill,
    /// The same, with the first half of a write made.
    KillHalfway,
    /// The call fails with this error number; the next succeeds.
    Fails(i32),
    /// It fails, and so does every later one; with `ENOSPC`, those that make nothing smaller.
    FailsFromThenOn(i32),
    /// A write takes the first half of what it was given, and says so.
    Short,
}

/// A call that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Of the system call.
    pub call: &'static str,
    /// What it changes, from a root on.
    pub paths: Vec<PathBuf>,
}

/// How a program is run.
#[derive(Debug)]
pub struct Supervisor {
    roots: Vec<PathBuf>,
    fault: Option<(u64, Fault)>,
    follows_disk: bool,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    pub output: Output,
    /// All points that it met, in order.
    pub points: Vec<Point>,
    /// Whether the fault happened.
    pub is_hit: bool,
    /// What it did to the folders, if that was followed.
    pub disk: Option<Disk>,
}

impl Supervisor {
    /// Counts what happens below `roots`, which are there.
    ///
    /// # Errors
    ///
    /// When they are not.
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let roots = roots.into_iter().map(|root| root.canonicalize());
        Ok(Self {
            roots: roots.collect::<io::Result<_>>()?,
            fault: None,
            follows_disk: false,
        })
    }

    /// Lets the point with this number fail, counted from 0.
    #[must_use]
    pub fn fault(self, point: u64, fault: Fault) -> Self {
        Self {
            fault: Some((point, fault)),
            ..self
        }
    }

    /// Finds out what a power loss would leave. Takes memory for all that is written.
    #[must_use]
    pub fn follow_disk(self) -> Self {
        Self {
            follows_disk: true,
            ..self
        }
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or the kernel has no such filters.
    pub fn run(&self, mut command: Command) -> io::Result<Finished> {
        let disk = self.follows_disk.then(|| Disk::new(&self.roots));
        let mut watch = Watch {
            supervisor: self,
            points: Vec::new(),
            is_hit: false,
            disk: disk.transpose()?,
        };
        let stream = seccomp::filter(&mut command, &call::all())?;
        command.process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (sender, group) = channel();
        thread::scope(|scope| {
            let watch = &mut watch;
            let watching = scope.spawn(move || watch.all(&stream, &group));
            let child = command.spawn();
            // It holds the other end of the stream.
            drop(command);
            let output = child.and_then(|child| {
                let _ = sender.send(Pid::from_child(&child));
                child.wait_with_output()
            });
            let watched = watching.join().expect("watching does not panic");
            watched.and(output)
        })
        .map(|output| Finished {
            output,
            points: watch.points,
            is_hit: watch.is_hit,
            disk: watch.disk,
        })
    }
}

struct Watch<'s> {
    supervisor: &'s Supervisor,
    points: Vec<Point>,
    is_hit: bool,
    disk: Option<Disk>,
}

impl Watch<'_> {
    fn all(&mut self, stream: &UnixStream, group: &Receiver<Pid>) -> io::Result<()> {
        let Some(listener) = Listener::receive(stream)? else {
            return Ok(());
        };
        let mut dead = false;
        while let Some(call) = listener.next()? {
            match self.judge(&call)? {
                _ if dead => listener.answer(&call, Answer::Fail(libc::EIO))?,
                Some(answer) => listener.answer(&call, answer)?,
                None => {
                    // Whatever is asked until all are dead is not done.
                    dead = true;
                    let group = group.recv().map_err(io::Error::other)?;
                    rustix::process::kill_process_group(group, Signal::KILL)?;
                }
            }
        }
        Ok(())
    }

    /// `None`: the end of the program.
    fn judge(&mut self, call: &Notification) -> io::Result<Option<Answer>> {
        let Some((name, change)) = Change::of(call) else {
            return Ok(Some(Answer::Continue));
        };
        let Some(paths) = self.below_roots(&change) else {
            return Ok(Some(Answer::Continue));
        };
        let number = self.points.len() as u64;
        self.points.push(Point { call: name, paths });
        let thread = Thread(call.thread);
        match self.supervisor.fault {
            Some((point, fault)) if point == number => {
                self.is_hit = true;
                self.inject(thread, &change, fault)
            }
            Some((point, Fault::FailsFromThenOn(errno)))
                if point < number && takes_space(&change) =>
            {
                Ok(Some(Answer::Fail(errno)))
            }
            _ => {
                self.follow(thread, &change)?;
                Ok(Some(Answer::Continue))
            }
        }
    }

    /// The paths of a change of what is below the roots, from there on.
    fn below_roots(&self, change: &Change) -> Option<Vec<PathBuf>> {
        let roots = &self.supervisor.roots;
        let below = |path: &std::path::Path| {
            roots.iter().find_map(|root| {
                let rest = path.strip_prefix(root).ok()?;
                let name = root.file_name().map(PathBuf::from).unwrap_or_default();
                Some(match rest.as_os_str().is_empty() {
                    true => name,
                    false => name.join(rest),
                })
            })
        };
        let everywhere = matches!(change, Change::Unknown { path } if path.parent().is_none());
        let paths: Vec<PathBuf> = change.paths().into_iter().filter_map(below).collect();
        (everywhere || !paths.is_empty()).then_some(paths)
    }

    fn follow(&mut self, thread: Thread, change: &Change) -> io::Result<()> {
        if let Some(disk) = &mut self.disk {
            let bytes = match change {
                Change::Write(write) => Some(write.bytes(thread)?),
                _ => None,
            };
            disk.follow(change, bytes);
        }
        Ok(())
    }

    fn inject(
        &mut self,
        thread: Thread,
        change: &Change,
        fault: Fault,
    ) -> io::Result<Option<Answer>> {
        match (fault, change) {
            (Fault::Fails(errno) | Fault::FailsFromThenOn(errno), _) => {
                Ok(Some(Answer::Fail(errno)))
            }
            (Fault::KillHalfway, Change::Write(write)) => {
                self.write_half(thread, write)?;
                Ok(None)
            }
            (Fault::Kill | Fault::KillHalfway, _) => Ok(None),
            (Fault::Short, Change::Write(write)) => {
                let written = self.write_half(thread, write)?;
                Ok(Some(Answer::Return(written as i64)))
            }
            (Fault::Short, _) => {
                self.follow(thread, change)?;
                Ok(Some(Answer::Continue))
            }
        }
    }

    /// Does what the process was about to do, up to half of it.
    fn write_half(&mut self, thread: Thread, write: &Write) -> io::Result<usize> {
        let bytes = write.bytes(thread)?;
        let half = &bytes[..bytes.len().div_ceil(2)];
        let file: OwnedFd = thread.share(write.fd)?;
        let written = match write.at {
            Some(at) if !write.moves => rustix::io::pwrite(file, half, at)?,
            _ => rustix::io::write(file, half)?,
        };
        if let Some(disk) = &mut self.disk {
            let change = Change::Write(write.clone());
            disk.follow(&change, Some(half[..written].to_vec()));
        }
        Ok(written)
    }
}

/// What a full disk has no room for.
fn takes_space(change: &Change) -> bool {
    !matches!(
        change,
        Change::Remove { .. } | Change::RemoveFolder { .. } | Change::Attributes { .. }
    )
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        for path in &self.paths {
            write!(f, " {}", path.display())?;
        }
        Ok(())
    }
}
