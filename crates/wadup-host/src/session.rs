//! An artifact that is talked to: one sandbox, called turn after turn, whose standard streams lead
//! to the world. It is made for interpreters and yields no results.
//!
//! A turn is a request, a call of the artifact's entry, and its answer. Both are files, in
//! `/console`.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use wadup_engine::{End, Finished, Limits, WorkerError};
use wadup_vfs::{ContentSource, Mount};
use wadup_wasi::{StandardStreams, WasiCtx};

use crate::artifact::Artifact;
use crate::cancel::Cancel;
use crate::host::Host;
use crate::inputs::{self, OpenError};
use crate::intake::{Delivery, Intake};
use crate::outcome::Verdict;
use crate::sandbox::Sandboxes;
use crate::settings::HostSettings;
use crate::subcontent::{Memory, Tree};

/// The folder that the two speak through, and the files in it.
const FOLDER: &str = "/console";
const REQUEST: &str = "/console/request.json";
const ANSWER: &str = "/console/answer.json";
/// The longest answer that is read.
const LONGEST_ANSWER: u64 = 1 << 20;

/// What a session's sandbox is given.
pub struct SessionWorld {
    pub streams: Box<dyn StandardStreams>,
    /// The input that the package `wadup` reads; an empty one without.
    pub input: Option<PathBuf>,
    /// Files of the host, read-only, by where the guest finds them: absolute paths.
    pub files: Vec<(String, PathBuf)>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    #[error("start a worker")]
    Worker(#[source] WorkerError),
    #[error("read the input {}", .path.display())]
    Input {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("give {path} to the sandbox: {source}")]
    File {
        path: String,
        source: wadup_vfs::Error,
    },
}

impl SessionError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Worker(error) => Some(error.hint()),
            Self::Input { .. } => None,
            Self::File { .. } => Some("--max-files gives the sandbox's file system more room"),
        }
    }
}

/// One sandbox, called turn after turn.
pub struct Session<'w> {
    turns: wadup_engine::Session<'w>,
    settings: &'w HostSettings,
    /// It is in the sandbox while that is called.
    wasi: Option<WasiCtx>,
}

/// What came of a turn.
#[derive(Debug)]
pub struct Turn {
    pub end: TurnEnd,
    /// What the guest wrote for its host, if it did.
    pub answer: Option<Vec<u8>>,
    /// Rows and pieces of sub-content that it handed over, which nobody takes.
    pub rows: u64,
    pub subcontent: u64,
}

/// How a turn ended. After any but the first, the next turn finds memory as it was before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEnd {
    Returned,
    /// The program ended itself.
    Exited(u32),
    /// Its [`Cancel`] stopped it.
    Interrupted,
    /// A trap or a limit, in words.
    Failed(String),
}

impl Host {
    /// Makes a session's sandbox, and has `work` talk to it on a thread that may run it.
    ///
    /// # Errors
    ///
    /// When the input cannot be read, a file cannot be put in place, or a thread cannot be had.
    pub fn session<T: Send>(
        &self,
        artifact: &Artifact,
        world: SessionWorld,
        work: impl FnOnce(&mut Session<'_>) -> T + Send,
    ) -> Result<T, SessionError> {
        let wasi = sandbox(self.settings(), artifact, world)?;
        let done = self.engine().on_worker(|worker| {
            work(&mut Session {
                turns: wadup_engine::Session::new(artifact.program(), worker),
                settings: self.settings(),
                wasi: Some(wasi),
            })
        });
        done.map_err(SessionError::Worker)
    }
}

impl Session<'_> {
    /// Gives the guest a request and waits for what comes of it.
    pub fn ask(&mut self, request: Vec<u8>, cancel: &Cancel) -> Turn {
        let mut wasi = self.wasi.take().expect("it is back after each turn");
        let vfs = wasi.vfs_mut();
        // An answer is to be this turn's.
        let _ = vfs.take_file(ANSWER);
        if let Err(error) = vfs.write_file(REQUEST, request) {
            self.wasi = Some(wasi);
            return Turn::failed(format!("there is no room for what it is asked: {error}"));
        }
        let caps = &self.settings.caps;
        let tree = Arc::new(Tree::new(0, 0, caps, Arc::<Memory>::default()));
        wasi.set_close_handler(Box::new(Intake::new(caps, tree)));
        let limits = Limits {
            timeout: self.settings.timeout,
            fuel: self.settings.fuel,
            memory: None,
            interrupt: Some(cancel.interrupt().clone()),
        };
        let mut finished = self.turns.turn(wasi, &limits);
        let delivery = Intake::collect(&mut finished);
        let turn = Turn::of(&finished, delivery);
        let mut wasi = finished.wasi;
        // The guest closes it when it has something open that a new sandbox would not have.
        wasi.reopen_stdin();
        self.wasi = Some(wasi);
        turn
    }
}

impl Turn {
    fn of(finished: &Finished, mut delivery: Delivery) -> Self {
        let (rows, subcontent) = (delivery.rows.len(), delivery.children.len() as u64);
        let answer = finished.wasi.vfs().read_file(ANSWER, LONGEST_ANSWER).ok();
        let end = match &finished.end {
            End::Returned(0) => TurnEnd::Returned,
            End::Exited(code) => TurnEnd::Exited(*code),
            End::Interrupted => TurnEnd::Interrupted,
            End::HostFailed(message) => TurnEnd::Failed(message.clone()),
            _ => {
                let verdict = Verdict::on_end(finished, &mut delivery).blame_refusal(finished);
                TurnEnd::Failed(verdict.message.unwrap_or_default())
            }
        };
        Self {
            end,
            answer,
            rows,
            subcontent,
        }
    }

    fn failed(message: String) -> Self {
        Self {
            end: TurnEnd::Failed(message),
            answer: None,
            rows: 0,
            subcontent: 0,
        }
    }
}

fn sandbox(
    settings: &HostSettings,
    artifact: &Artifact,
    world: SessionWorld,
) -> Result<WasiCtx, SessionError> {
    let (path, content): (OsString, Box<dyn ContentSource>) = match world.input {
        None => (OsString::new(), Box::new(Vec::new())),
        Some(path) => {
            let opened = inputs::open(&path, true, settings.caps.spooled_input, &|| false);
            let opened = opened.map_err(|error| SessionError::Input {
                path: path.clone(),
                source: input_error(error),
            })?;
            (path.into(), opened.content.source())
        }
    };
    let failed = |path: &str, source| SessionError::File {
        path: path.to_owned(),
        source,
    };
    let made = Sandboxes::new(settings, artifact).make(&path, content);
    let mut wasi = made.map_err(|error| failed("its own files", error))?;
    wasi.set_streams(world.streams);
    let vfs = wasi.vfs_mut();
    vfs.mount(FOLDER, Mount::Directory)
        .map_err(|error| failed(FOLDER, error))?;
    for (path, file) in world.files {
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        vfs.create_directories(folder)
            .and_then(|_| vfs.mount(&path, Mount::Content(Box::new(GivenFile::new(file)))))
            .map_err(|error| failed(&path, error))?;
    }
    Ok(wasi)
}

fn input_error(error: OpenError) -> io::Error {
    match error {
        OpenError::NotSpooled(error) => error,
        OpenError::Unreadable(why) => io::Error::other(why.to_string()),
    }
}

/// A file of the host, opened for each read: there can be more of them than descriptors.
struct GivenFile {
    path: PathBuf,
    length: u64,
}

impl GivenFile {
    fn new(path: PathBuf) -> Self {
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        Self { path, length }
    }
}

impl ContentSource for GivenFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        File::open(&self.path)?.read_at(buf, offset)
    }
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SessionWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionWorld")
            .field("input", &self.input)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
