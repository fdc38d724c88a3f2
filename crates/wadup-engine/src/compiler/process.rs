//! The parent's half.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::process::Signal;

use super::message::{DONE, Lengths, NOT_WRITTEN, REFUSED, Request, Task};
use super::{CompilerError, CompilerProcess};
use crate::engine::{CodeSettings, Interruption};

/// How much of what a child says is kept.
const SAID_MAX: usize = 1 << 10;
/// The most bytes of the reasons for a refusal.
const REASONS_MAX: u64 = 1 << 20;

/// What is to be compiled.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) settings: CodeSettings,
    pub(crate) interruption: Interruption,
    pub(crate) key: [u8; 32],
    pub(crate) module: &'a [u8],
    /// Known functions, where they are to be shared.
    pub(crate) functions: Option<Vec<u8>>,
}

/// What a child came to.
#[derive(Debug)]
pub(crate) enum Compiled<T> {
    Done(T),
    /// The module is not valid: why, the innermost reason last.
    Refused(Vec<String>),
}

/// A file in memory.
pub(crate) fn anonymous_file() -> io::Result<File> {
    let file = rustix::fs::memfd_create("wadup-compiled", MemfdFlags::CLOEXEC)?;
    Ok(File::from(file))
}

impl CompilerProcess {
    /// Text to binary.
    pub(crate) fn translate(&self, text: &[u8]) -> Result<Compiled<Vec<u8>>, CompilerError> {
        let output = anonymous_file().map_err(CompilerError::Start)?;
        let task = Task::Translate {
            text: text.len() as u64,
        };
        if let Some(reasons) = self.ask(task, &[text], &output)? {
            return Ok(Compiled::Refused(reasons));
        }
        read_all(&output, self.memory)
            .map(Compiled::Done)
            .map_err(CompilerError::Answer)
    }

    /// Writes compiled code to the empty file `output`.
    pub(crate) fn compile(
        &self,
        job: &Job<'_>,
        output: &File,
    ) -> Result<Compiled<Lengths>, CompilerError> {
        let task = Task::Compile {
            settings: job.settings,
            interruption: job.interruption,
            key: job.key,
            module: job.module.len() as u64,
            functions: job.functions.as_ref().map(|known| known.len() as u64),
        };
        let known = job.functions.as_deref().unwrap_or_default();
        if let Some(reasons) = self.ask(task, &[job.module, known], output)? {
            return Ok(Compiled::Refused(reasons));
        }
        written(output)
            .map(Compiled::Done)
            .map_err(CompilerError::Answer)
    }

    /// Lets a child do `task` with what is in `parts`. Gives the reasons if the module is
    /// refused.
    fn ask(
        &self,
        task: Task,
        parts: &[&[u8]],
        output: &File,
    ) -> Result<Option<Vec<String>>, CompilerError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let seconds = self.timeout.as_secs().saturating_add(1);
        let request = Request {
            parent: std::process::id(),
            memory: self.memory,
            cpu_seconds: seconds.saturating_mul(threads as u64),
            task,
        };
        let deadline = Instant::now().checked_add(self.timeout);
        let mut child = self.start(threads, output)?;
        let stdin = child.stdin.take();
        let ended = thread::scope(|scope| {
            // It ends when the child has taken all, or is no more.
            let sending = thread::Builder::new()
                .spawn_scoped(scope, || stdin.map(|stdin| send(stdin, &request, parts)));
            if let Err(error) = sending {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(CompilerError::Start(error));
            }
            attend(&mut child, deadline).map_err(CompilerError::Answer)
        })?;
        self.answer(ended, output)
    }

    fn start(&self, threads: usize, output: &File) -> Result<Child, CompilerError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            // It cannot look into the files that say so.
            .env("RAYON_NUM_THREADS", threads.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(CompilerError::Start)?)
            .stderr(Stdio::piped());
        command.spawn().map_err(CompilerError::Start)
    }

    fn answer(&self, ended: Ended, output: &File) -> Result<Option<Vec<String>>, CompilerError> {
        let is = |signal: Signal| ended.status.signal() == Some(signal.as_raw());
        match ended.status.code() {
            _ if ended.late || is(Signal::XCPU) => Err(CompilerError::Timeout {
                timeout: self.timeout,
            }),
            Some(code) if code == i32::from(DONE) => Ok(None),
            Some(code) if code == i32::from(REFUSED) => {
                let reasons = read_all(output, REASONS_MAX)
                    .and_then(|json| Ok(serde_json::from_slice(&json)?));
                reasons.map(Some).map_err(CompilerError::Answer)
            }
            Some(code) if code == i32::from(NOT_WRITTEN) => {
                Err(CompilerError::NotWritten(io::Error::other(ended.said)))
            }
            _ => Err(CompilerError::Ended {
                limit: self.memory,
                how: how(ended.status),
                said: ended.said,
            }),
        }
    }
}

fn send(mut stdin: ChildStdin, request: &Request, parts: &[&[u8]]) {
    // A child that does not take it all has ended, and is asked why.
    let _ = request
        .write(&mut stdin)
        .and_then(|()| parts.iter().try_for_each(|part| stdin.write_all(part)));
}

/// How a child ended.
struct Ended {
    status: ExitStatus,
    /// It was ended, as its time was over.
    late: bool,
    said: String,
}

/// Listens to `child` until it ends, at the latest at `deadline`. It has ended in any case.
fn attend(child: &mut Child, deadline: Option<Instant>) -> io::Result<Ended> {
    let listened = listen(child, deadline);
    if !matches!(listened, Ok((_, true))) {
        child.kill()?;
    }
    let status = child.wait()?;
    let (said, in_time) = listened?;
    Ok(Ended {
        status,
        late: !in_time,
        said: last_line(&said),
    })
}

/// What the child says until it closes its stderr, which it does when it ends; and whether that
/// was before `deadline`.
fn listen(child: &mut Child, deadline: Option<Instant>) -> io::Result<(Vec<u8>, bool)> {
    let mut said = Vec::new();
    let Some(stderr) = &mut child.stderr else {
        return Ok((said, true));
    };
    let mut buffer = [0; 4096];
    loop {
        let rest = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if rest == Some(Duration::ZERO) {
            return Ok((said, false));
        }
        let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
        let mut polled = [PollFd::new(stderr, PollFlags::IN)];
        match poll(&mut polled, rest.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match stderr.read(&mut buffer)? {
            0 => return Ok((said, true)),
            length => {
                said.extend(&buffer[..length]);
                let excess = said.len().saturating_sub(SAID_MAX);
                said.drain(..excess);
            }
        }
    }
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().rev().map(str::trim);
    // What Rust says beside the reason.
    let line = lines.find(|line| !line.is_empty() && !line.starts_with("note: "));
    line.unwrap_or_default().to_owned()
}

/// As a clause.
fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was ended by signal {signal}"),
        (None, Some(code)) => format!("ended with code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

fn read_all(file: &File, max: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    if length > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn written(file: &File) -> io::Result<Lengths> {
    let total = file.metadata()?.len();
    let end = total.checked_sub(Lengths::SIZE);
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut bytes = [0; Lengths::SIZE as usize];
    file.read_exact_at(&mut bytes, end)?;
    Lengths::parse(bytes, total).ok_or(io::ErrorKind::InvalidData.into())
}
