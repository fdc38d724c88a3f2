//! What a run is given: files, folders, lists of paths, stdin.
//!
//! Folders are walked in the order of their entries' names, so that a run finds its inputs in
//! the same order every time. A symbolic link that is named is followed. One that is found in a
//! folder is not: a folder that somebody else packed must not be able to name files outside of
//! it. A link in a folder that leads nowhere or in circles is an unreadable input.

mod content;
mod open;
mod unreadable;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use walkdir::{DirEntry, WalkDir};

pub(crate) use self::content::Opened;
pub(crate) use self::open::{open, open_piece, open_stdin};
pub(crate) use self::unreadable::Unreadable;
use crate::events::SkipReason;

/// What `-` is called in the results.
pub(crate) const STDIN: &str = "-";

/// What a run is given. Consumed lazily: a folder of a million files is not listed in advance.
///
/// ```
/// use wadup_host::Inputs;
///
/// let inputs = Inputs::new().path("invoices/").path("letter.txt");
/// ```
#[derive(Default)]
pub struct Inputs {
    roots: Vec<Root>,
    stdin: bool,
    filter: Option<GlobSet>,
}

enum Root {
    Path(PathBuf),
    Stdin,
    List(Box<dyn Read + Send>),
}

/// Something that was found.
#[derive(Debug)]
pub(crate) enum Found {
    Input(Source),
    Skipped { path: PathBuf, reason: SkipReason },
}

/// Where an input's bytes come from.
#[derive(Debug)]
pub(crate) enum Source {
    File {
        path: PathBuf,
        /// Whether a symbolic link may be followed.
        follow: bool,
    },
    Stdin,
    Unreadable {
        path: PathBuf,
        why: Unreadable,
    },
}

impl Inputs {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or a folder with all that is below it.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.push(Root::Path(path.into()));
        self
    }

    /// Adds what stdin has; only once, however often it is asked for.
    #[must_use]
    pub fn stdin(mut self) -> Self {
        if !self.stdin {
            self.stdin = true;
            self.roots.push(Root::Stdin);
        }
        self
    }

    /// Adds the paths that `list` has, each of which ends with a NUL, as `find -print0` and
    /// `git ls-files -z` write them. Read while the run goes on.
    #[must_use]
    pub fn list(mut self, list: impl Read + Send + 'static) -> Self {
        self.roots.push(Root::List(Box::new(list)));
        self
    }

    /// Takes only those files in folders whose name (without the folder's) matches. Files that
    /// are named are taken in any case.
    #[must_use]
    pub fn filter(mut self, patterns: GlobSet) -> Self {
        self.filter = Some(patterns);
        self
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Finds all inputs, until `found` breaks.
    ///
    /// # Errors
    ///
    /// When a list cannot be read.
    pub(crate) fn discover(
        self,
        mut found: impl FnMut(Found) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let filter = self.filter.as_ref();
        for root in self.roots {
            let flow = match root {
                Root::Path(path) => walk(&path, filter, &mut found),
                Root::Stdin => found(Found::Input(Source::Stdin)),
                Root::List(list) => read_list(list, filter, &mut found)?,
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Source {
    /// What the results call it.
    pub(crate) fn path(&self) -> OsString {
        match self {
            Self::File { path, .. } | Self::Unreadable { path, .. } => path.clone().into(),
            Self::Stdin => STDIN.into(),
        }
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

fn read_list(
    list: impl Read,
    filter: Option<&GlobSet>,
    found: &mut impl FnMut(Found) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    for path in BufReader::new(list).split(0) {
        let path = path?;
        if path.is_empty() {
            continue;
        }
        let path = PathBuf::from(OsString::from_vec(path));
        if walk(&path, filter, found).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A file, or a folder and all below it.
fn walk(
    path: &Path,
    filter: Option<&GlobSet>,
    found: &mut impl FnMut(Found) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // Follows a link, as it was named.
    if !path.is_dir() {
        return found(Found::Input(Source::File {
            path: path.to_path_buf(),
            follow: true,
        }));
    }
    for entry in WalkDir::new(path).sort_by_file_name() {
        let item = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => classify(entry, filter),
            Err(error) => unreadable(path, error),
        };
        found(item)?;
    }
    ControlFlow::Continue(())
}

fn classify(entry: DirEntry, filter: Option<&GlobSet>) -> Found {
    let is_link = entry.path_is_symlink();
    let matches = filter.is_none_or(|filter| filter.is_match(entry.file_name()));
    let path = entry.into_path();
    if !matches {
        return Found::Skipped {
            path,
            reason: SkipReason::Filtered,
        };
    }
    // Only to tell where it leads; nothing is read through it.
    if is_link && path.metadata().is_ok() {
        return Found::Skipped {
            path,
            reason: SkipReason::SymbolicLink,
        };
    }
    Found::Input(Source::File {
        path,
        follow: is_link,
    })
}

fn unreadable(root: &Path, error: walkdir::Error) -> Found {
    let path = error.path().unwrap_or(root).to_path_buf();
    let why = match error.into_io_error() {
        Some(error) => Unreadable::from(error),
        None => Unreadable::SymlinkLoop,
    };
    Found::Input(Source::Unreadable { path, why })
}
