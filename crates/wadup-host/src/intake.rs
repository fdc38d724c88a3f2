//! Takes what a guest hands over, while it runs: files that it closes in `/metadata` and
//! `/subcontent`.

use std::any::Any;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use wadup_engine::{End, Finished};
use wadup_protocol::metadata::{Failure, SubContent};
use wadup_protocol::paths;
use wadup_sink::Rows;
use wadup_vfs::{InodeId, TakenFile, Vfs};
use wadup_wasi::{CloseHandler, ClosedFile, Interrupted};

use crate::cap::Cap;
use crate::metadata::{Refusal, Spool};
use crate::rejection::Rejection;
use crate::settings::Caps;
use crate::subcontent::{Child, Refused, Tree};

/// The most that is read of `/metadata/failure.error` and of `/subcontent/N.json`.
const MAX_FAILURE: u64 = 4 << 20;
const MAX_SUBCONTENT_JSON: u64 = 64 << 10;
/// A metadata file may always have this length; more if many rows are allowed.
const MIN_METADATA: u64 = 1 << 20;
/// The longest path that sub-content can have, in bytes.
const MAX_FILENAME: usize = 4096;

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
            max_metadata: caps.rows.saturating_mul(2).max(MIN_METADATA),
            tree,
            children: Vec::new(),
            failure: None,
            trouble: None,
        }
    }

    /// Takes all that was handed over out of an execution that has ended. If it ended well, what
    /// it left open is closed for it, as every system does when a process ends.
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
            intake.complete(wasi.vfs_mut(), &unclosed);
        }
        intake.deliver()
    }

    /// Takes what the guest left open, and looks for content that was not handed over.
    fn complete(&mut self, vfs: &mut Vfs, unclosed: &[(String, Vec<u8>)]) {
        for (directory, name) in unclosed {
            if let Ok(dir) = vfs.lookup(vfs.root(), directory.as_bytes(), true) {
                self.take(vfs, directory, dir, name);
            }
        }
        if self.trouble.is_none() {
            self.trouble = orphan(vfs).map(Trouble::Rejected);
        }
    }

    fn deliver(self) -> Delivery {
        Delivery {
            rows: self.spool.into_rows(),
            children: self.children,
            failure: self.failure,
            trouble: self.trouble,
        }
    }

    fn take(&mut self, vfs: &mut Vfs, directory: &str, dir: InodeId, name: &[u8]) {
        let Some(stem) = name.strip_suffix(b".json") else {
            if directory == paths::METADATA_DIR && paths::FAILURE.as_bytes().ends_with(name) {
                self.take_failure(vfs, dir, name);
            }
            return;
        };
        // After the first trouble nothing counts any more, but space is still given back.
        let Ok(json) = vfs.take_file_at(dir, name) else {
            return;
        };
        if self.trouble.is_some() {
            return;
        }
        let file = format!("{directory}/{}", name.escape_ascii());
        if directory == paths::METADATA_DIR {
            self.take_rows(&file, json);
        } else {
            let content = [stem, b".bin"].concat();
            let content_name = format!("{directory}/{}", content.escape_ascii());
            match vfs.take_file_at(dir, &content) {
                Ok(content) => self.take_child(&file, json, content),
                Err(_) => self.reject(Rejection::MissingContent {
                    json: file,
                    content: content_name,
                }),
            }
        }
    }

    fn take_rows(&mut self, file: &str, json: TakenFile) {
        if json.len() > self.max_metadata {
            self.trouble = Some(Trouble::TooMuch(Cap::MetadataFile));
            return;
        }
        match self.spool.take_in(file, &json.into_vec()) {
            Ok(()) => {}
            Err(Refusal::Rejected(rejection)) => self.reject(rejection),
            Err(Refusal::TooMuch(cap)) => self.trouble = Some(Trouble::TooMuch(cap)),
        }
    }

    fn take_child(&mut self, file: &str, json: TakenFile, content: TakenFile) {
        let path = match filename(file, json) {
            Ok(path) => path,
            Err(rejection) => return self.reject(rejection),
        };
        match self.tree.keep(path, content) {
            Ok(child) => self.children.push(child),
            Err(Refused::TooMuch(cap)) => self.trouble = Some(Trouble::TooMuch(cap)),
            Err(Refused::Io(error)) => self.trouble = Some(Trouble::Spool(error)),
        }
    }

    fn take_failure(&mut self, vfs: &mut Vfs, dir: InodeId, name: &[u8]) {
        let Ok(file) = vfs.take_file_at(dir, name) else {
            return;
        };
        self.failure = Some(if file.len() > MAX_FAILURE {
            Err(format!("it has more than {MAX_FAILURE} bytes"))
        } else {
            serde_json::from_slice(&file.into_vec()).map_err(|error| error.to_string())
        });
    }

    fn reject(&mut self, rejection: Rejection) {
        self.trouble = Some(Trouble::Rejected(rejection));
    }
}

impl CloseHandler for Intake {
    fn closed(&mut self, vfs: &mut Vfs, file: &ClosedFile<'_>) -> Result<(), wadup_wasi::Error> {
        self.take(vfs, file.directory, file.dir, file.name);
        match self.trouble {
            // It could go on flooding us until its time is over.
            Some(Trouble::TooMuch(_) | Trouble::Spool(_)) => Err(Interrupted.into()),
            // It ends as it would have, so that all that it says about itself is kept.
            Some(Trouble::Rejected(_)) | None => Ok(()),
        }
    }
}

fn filename(file: &str, json: TakenFile) -> Result<OsString, Rejection> {
    if json.len() > MAX_SUBCONTENT_JSON {
        return Err(Rejection::SubContentJson {
            file: file.to_owned(),
            message: format!("it has more than {MAX_SUBCONTENT_JSON} bytes"),
        });
    }
    let parsed: SubContent =
        serde_json::from_slice(&json.into_vec()).map_err(|error| Rejection::SubContentJson {
            file: file.to_owned(),
            message: error.to_string(),
        })?;
    let problem = match parsed.filename.as_bytes() {
        [] => Some("is empty"),
        name if name.len() > MAX_FILENAME => Some("is longer than 4096 bytes"),
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
