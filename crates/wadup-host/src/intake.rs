//! Takes what a guest hands over, while it runs: files that it closes in `/metadata` and
//! `/subcontent`.

use std::any::Any;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::time::Instant;

use wadup_engine::{End, Finished, Limit};
use wadup_protocol::metadata::{Failure, SubContent};
use wadup_protocol::paths;
use wadup_sink::Rows;
use wadup_vfs::{Error as VfsError, TakenFile, Vfs};
use wadup_wasi::{CloseHandler, ClosedFile, Deadline, Interrupted};

use crate::cap::Cap;
use crate::metadata::{Refusal, Spool};
use crate::rejection::{Rejection, clipped};
use crate::settings::Caps;
use crate::subcontent::{Child, LONGEST_NAME, Refused, Tree};

/// The most that is read of `/metadata/failure.error` and of `/subcontent/N.json`.
const MAX_FAILURE: u64 = 4 << 20;
const MAX_SUBCONTENT_JSON: u64 = 64 << 10;
/// A metadata file may always have this length; more if many rows are allowed.
const MIN_METADATA: u64 = 1 << 20;

/// What one execution has handed over so far.
#[derive(Debug)]
pub(crate) struct Intake {
    spool: Spool,
    /// The longest file that is parsed, in bytes.
    max_metadata: u64,
    tree: Arc<Tree>,
    children: Vec<Child>,
    failure: Option<Result<Failure, String>>,
    trouble: Option<Trouble>,
}

/// What keeps an execution from completing, whatever it does from then on.
#[derive(Debug)]
pub(crate) enum Trouble {
    Rejected(Rejection),
    TooMuch(Cap),
    /// The host's own file system failed.
    Spool(std::io::Error),
}

/// All that was handed over.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) rows: Rows,
    pub(crate) children: Vec<Child>,
    /// The failure file, or why it does not parse.
    pub(crate) failure: Option<Result<Failure, String>>,
    pub(crate) trouble: Option<Trouble>,
}

impl Intake {
    pub(crate) fn new(caps: &Caps, tree: Arc<Tree>) -> Self {
        Self {
            spool: Spool::new(caps.rows, caps.tables),
            max_metadata: caps.rows.max(MIN_METADATA),
            tree,
            children: Vec::new(),
            failure: None,
            trouble: None,
        }
    }

    /// Takes all that was handed over out of an execution that has ended. If it ended well, what
    /// it left open is closed for it, as every system does when a process ends; that is part of its
    /// time.
    pub(crate) fn collect(finished: &mut Finished) -> Delivery {
        let wasi = &mut finished.wasi;
        let handler: Option<Box<dyn Any>> = wasi.take_close_handler().map(|handler| handler as _);
        let intake = handler.and_then(|handler| handler.downcast::<Self>().ok());
        let mut intake = intake.expect("the handler was set and nobody else takes it");
        if matches!(finished.end, End::Returned(0) | End::Exited(0)) {
            let unclosed: Vec<(String, Vec<u8>)> = wasi
                .unclosed_files()
                .into_iter()
                .map(|(directory, name)| (directory.to_owned(), name))
                .collect();
            let deadline = wasi.deadline().clone();
            let started = Instant::now();
            if intake
                .complete(wasi.vfs_mut(), &unclosed, &deadline)
                .is_err()
            {
                finished.end = match deadline.interrupt.is_raised() {
                    true => End::Interrupted,
                    false => End::LimitExceeded(Limit::Time),
                };
            }
            finished.usage.duration += started.elapsed();
        }
        intake.deliver()
    }

    /// Takes what the guest left open, and looks for content that was not handed over.
    fn complete(
        &mut self,
        vfs: &mut Vfs,
        unclosed: &[(String, Vec<u8>)],
        deadline: &Deadline,
    ) -> Result<(), Interrupted> {
        for (directory, name) in unclosed {
            deadline.check()?;
            if let Ok(dir) = vfs.lookup(vfs.root(), directory.as_bytes(), true) {
                let file = ClosedFile {
                    directory,
                    dir,
                    name,
                };
                self.take(vfs, &file, deadline)?;
            }
        }
        if self.trouble.is_none() {
            self.trouble = orphan(vfs).map(Trouble::Rejected);
        }
        Ok(())
    }

    fn deliver(self) -> Delivery {
        Delivery {
            rows: self.spool.into_rows(),
            children: self.children,
            failure: self.failure,
            trouble: self.trouble,
        }
    }

    fn take(
        &mut self,
        vfs: &mut Vfs,
        file: &ClosedFile<'_>,
        deadline: &Deadline,
    ) -> Result<(), Interrupted> {
        let in_metadata = file.directory == paths::METADATA_DIR;
        let Some(stem) = file.name.strip_suffix(b".json") else {
            if in_metadata && shown(file.directory, file.name) == paths::FAILURE {
                self.take_failure(vfs, file);
            }
            return Ok(());
        };
        if self.trouble.is_some() {
            // Nothing counts any more, but space is still given back.
            let _ = vfs.remove_file(file.dir, file.name);
            return Ok(());
        }
        let max = match in_metadata {
            true => self.max_metadata,
            false => MAX_SUBCONTENT_JSON,
        };
        let name = shown(file.directory, file.name);
        match vfs.take_file_at(file.dir, file.name, max) {
            Ok(json) if in_metadata => return self.take_rows(&name, json, deadline),
            Ok(json) => self.take_child(vfs, file, &name, stem, json),
            Err(VfsError::FileTooLarge) if in_metadata => self.too_much(Cap::MetadataFile),
            Err(VfsError::FileTooLarge) => self.reject(Rejection::SubContentJson {
                file: name,
                message: format!("it has more than {max} bytes"),
            }),
            Err(VfsError::NoSpace) => self.too_much(Cap::Copy),
            Err(_) => {}
        }
        Ok(())
    }

    fn take_rows(
        &mut self,
        file: &str,
        json: TakenFile,
        deadline: &Deadline,
    ) -> Result<(), Interrupted> {
        match self.spool.take_in(file, &json.into_vec(), deadline) {
            Ok(()) => {}
            Err(Refusal::Rejected(rejection)) => self.reject(rejection),
            Err(Refusal::TooMuch(cap)) => self.too_much(cap),
            Err(Refusal::Late(interrupted)) => return Err(interrupted),
        }
        Ok(())
    }

    fn take_child(
        &mut self,
        vfs: &mut Vfs,
        file: &ClosedFile<'_>,
        json_name: &str,
        stem: &[u8],
        json: TakenFile,
    ) {
        let content = [stem, b".bin"].concat();
        let content = match vfs.take_file_at(file.dir, &content, u64::MAX) {
            Ok(content) => content,
            Err(VfsError::NoSpace) => return self.too_much(Cap::Copy),
            Err(_) => {
                return self.reject(Rejection::MissingContent {
                    json: json_name.to_owned(),
                    content: shown(file.directory, &content),
                });
            }
        };
        let path = match filename(json_name, json) {
            Ok(path) => path,
            Err(rejection) => return self.reject(rejection),
        };
        match self.tree.keep(path, content) {
            Ok(child) => self.children.push(child),
            Err(Refused::TooMuch(cap)) => self.too_much(cap),
            Err(Refused::Io(error)) => self.trouble = Some(Trouble::Spool(error)),
        }
    }

    fn take_failure(&mut self, vfs: &mut Vfs, file: &ClosedFile<'_>) {
        self.failure = match vfs.take_file_at(file.dir, file.name, MAX_FAILURE) {
            Ok(json) => Some(
                serde_json::from_slice(&json.into_vec())
                    .map_err(|error| clipped(&error.to_string())),
            ),
            Err(VfsError::FileTooLarge) => {
                Some(Err(format!("it has more than {MAX_FAILURE} bytes")))
            }
            Err(_) => return,
        };
    }

    fn too_much(&mut self, cap: Cap) {
        self.trouble = Some(Trouble::TooMuch(cap));
    }

    fn reject(&mut self, rejection: Rejection) {
        self.trouble = Some(Trouble::Rejected(rejection));
    }
}

impl CloseHandler for Intake {
    fn closed(
        &mut self,
        vfs: &mut Vfs,
        file: &ClosedFile<'_>,
        deadline: &Deadline,
    ) -> Result<(), wadup_wasi::Error> {
        self.take(vfs, file, deadline)?;
        match self.trouble {
            // It could go on flooding us until its time is over.
            Some(Trouble::TooMuch(_) | Trouble::Spool(_)) => Err(Interrupted.into()),
            // It ends as it would have, so that all that it says about itself is kept.
            Some(Trouble::Rejected(_)) | None => Ok(()),
        }
    }
}

/// How a file that a guest handed over is called in messages.
fn shown(directory: &str, name: &[u8]) -> String {
    format!("{directory}/{}", name.escape_ascii())
}

fn filename(file: &str, json: TakenFile) -> Result<OsString, Rejection> {
    let parsed: SubContent =
        serde_json::from_slice(&json.into_vec()).map_err(|error| Rejection::SubContentJson {
            file: file.to_owned(),
            message: clipped(&error.to_string()),
        })?;
    let problem = match parsed.filename.as_bytes() {
        [] => Some("is empty"),
        name if name.len() as u64 > LONGEST_NAME => Some("is longer than 4096 bytes"),
        name if name.contains(&0) => Some("contains a NUL character"),
        _ => None,
    };
    match problem {
        None => Ok(OsString::from_vec(parsed.filename.into_bytes())),
        Some(problem) => Err(Rejection::FileName {
            file: file.to_owned(),
            problem,
        }),
    }
}

/// Content that no JSON has handed over.
fn orphan(vfs: &Vfs) -> Option<Rejection> {
    let dir = vfs
        .lookup(vfs.root(), paths::SUBCONTENT_DIR.as_bytes(), true)
        .ok()?;
    let mut names = vfs.read_dir(dir, 0).ok()?.map(|entry| entry.name);
    names.find_map(|name| {
        let stem = name.strip_suffix(b".bin")?.escape_ascii();
        let dir = paths::SUBCONTENT_DIR;
        Some(Rejection::OrphanContent {
            content: format!("{dir}/{stem}.bin"),
            json: format!("{dir}/{stem}.json"),
        })
    })
}
