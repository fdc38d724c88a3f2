//! What a run is given: files, folders, lists of paths, stdin.
//!
//! Folders are walked in the order of their entries' names, so that a run finds its inputs in
//! the same order every time. A symbolic link that is named is followed. One that is found in a
//! folder is passed over, wherever it leads: a folder that somebody else packed must not be able
//! to name files outside of it.

mod content;
mod folder;
mod open;
mod unreadable;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;

pub(crate) use self::content::Opened;
use self::folder::{Entry, Unlistable, Walk};
pub use self::open::read_stdin;
pub(crate) use self::open::{OpenError, open, open_content, open_piece, open_stdin};
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
    choice: Choice,
}

/// Which of the files in folders are taken.
#[derive(Debug, Clone, Default)]
struct Choice {
    patterns: Option<GlobSet>,
    /// Real paths of files that are not.
    without: Vec<PathBuf>,
}

enum Root {
    Path(PathBuf),
    Content { path: PathBuf, bytes: Arc<[u8]> },
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
    /// In memory, under a path that only the guest is told.
    Content {
        path: PathBuf,
        bytes: Arc<[u8]>,
    },
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

    /// Adds content that is in memory already; `path` is what the guest and the results call it.
    #[must_use]
    pub fn content(mut self, path: impl Into<PathBuf>, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.roots.push(Root::Content {
            path: path.into(),
            bytes: bytes.into(),
        });
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
        self.choice.patterns = Some(patterns);
        self
    }

    /// Leaves out these files where they are found in folders: absolute paths without symbolic
    /// links. What a run writes is no input of it; where it is named, it is an unreadable one.
    #[must_use]
    pub fn without(mut self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.choice.without.extend(files);
        self
    }

    /// What counts the inputs that a run will find, without opening any: a run itself does not know
    /// before it has nearly come to its end. None where it is given anything else than paths.
    pub fn counter(&self) -> Option<impl FnOnce() -> u64 + Send + use<>> {
        let paths = self.roots.iter().map(|root| match root {
            Root::Path(path) => Some(path.clone()),
            Root::Content { .. } | Root::Stdin | Root::List(_) => None,
        });
        let paths: Vec<PathBuf> = paths.collect::<Option<_>>()?;
        let choice = self.choice.clone();
        Some(move || {
            let mut count = 0;
            let mut found = |found| {
                count += u64::from(matches!(found, Found::Input(_)));
                ControlFlow::Continue(())
            };
            for path in paths {
                let _ = walk(&path, &choice, &mut found);
            }
            count
        })
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
        let choice = &self.choice;
        for root in self.roots {
            let flow = match root {
                Root::Path(path) => walk(&path, choice, &mut found),
                Root::Content { path, bytes } => {
                    found(Found::Input(Source::Content { path, bytes }))
                }
                Root::Stdin => found(Found::Input(Source::Stdin)),
                Root::List(list) => read_list(list, choice, &mut found)?,
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Choice {
    /// What is left out of a folder, as a walk through it calls it.
    fn without_in(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(real) = folder.canonicalize() else {
            return Vec::new();
        };
        let inside = self
            .without
            .iter()
            .filter_map(|file| file.strip_prefix(&real).ok());
        inside.map(|file| folder.join(file)).collect()
    }

    /// Whether a path that is named leads to what is left out.
    fn leaves_out(&self, path: &Path) -> bool {
        let has_its_name = |file: &PathBuf| file.file_name() == path.file_name();
        (self.without.iter().any(has_its_name) || path.is_symlink())
            && path
                .canonicalize()
                .is_ok_and(|real| self.without.contains(&real))
    }

    fn classify(&self, entry: Entry) -> Found {
        let Entry { path, is_link } = entry;
        let name = path.file_name().unwrap_or_default();
        let patterns = self.patterns.as_ref();
        if !patterns.is_none_or(|patterns| patterns.is_match(name)) {
            return Found::Skipped {
                path,
                reason: SkipReason::Filtered,
            };
        }
        if is_link {
            return Found::Skipped {
                path,
                reason: SkipReason::SymbolicLink,
            };
        }
        Found::Input(Source::File {
            path,
            follow: false,
        })
    }
}

impl Source {
    /// What the results call it.
    pub(crate) fn path(&self) -> OsString {
        match self {
            Self::File { path, .. }
            | Self::Content { path, .. }
            | Self::Unreadable { path, .. } => path.clone().into(),
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
    choice: &Choice,
    found: &mut impl FnMut(Found) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    for path in BufReader::new(list).split(0) {
        let path = path?;
        if path.is_empty() {
            continue;
        }
        let path = PathBuf::from(OsString::from_vec(path));
        if walk(&path, choice, found).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A file, or a folder and all below it.
fn walk(
    path: &Path,
    choice: &Choice,
    found: &mut impl FnMut(Found) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if choice.leaves_out(path) {
        return found(Found::Input(Source::Unreadable {
            path: path.to_path_buf(),
            why: Unreadable::Output,
        }));
    }
    // Follows a link, as it was named.
    if !path.is_dir() {
        return found(Found::Input(Source::File {
            path: path.to_path_buf(),
            follow: true,
        }));
    }
    let without = choice.without_in(path);
    for entry in Walk::new(path) {
        found(match entry {
            Ok(entry) if without.contains(&entry.path) => continue,
            Ok(entry) => choice.classify(entry),
            Err(Unlistable { path, error }) => Found::Input(Source::Unreadable {
                path,
                why: Unreadable::from(error),
            }),
        })?;
    }
    ControlFlow::Continue(())
}
