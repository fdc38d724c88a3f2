//! Fetching pinned sources: each file is downloaded once, verified, and kept in
//! the cache under its digest.

mod cargo;
mod debian;
mod http;
mod pypi;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub use http::{DownloadError, Downloader};
pub use pypi::Uv;

use crate::cache::{Cache, CacheError};
use crate::command::{CommandError, network};
use crate::digest::Sha256;
use crate::recipes::{Recipes, Source, SourceKind};
use crate::report::{Event, Reporter};
use crate::requirements::WITHOUT_DEBIAN;

/// Fetches sources into the cache.
#[derive(Debug)]
pub(crate) struct Fetcher<'a> {
    cache: &'a Cache,
    recipes: &'a Recipes,
    reporter: &'a dyn Reporter,
    programs: Programs,
    offline: bool,
    apt_bases: OnceLock<Vec<String>>,
}

/// Programs that fetch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    /// The pinned uv: where its step puts it.
    pub(crate) uv: PathBuf,
    /// The machine's cargo.
    pub(crate) cargo: PathBuf,
}

/// A source could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The file is not in the cache, and the network may not be used.
    #[error("`{0}` is not in the cache, and this run is offline")]
    Offline(String),
    /// What came has another digest than the recipe says. It was thrown away.
    #[error(
        "refused `{file}` from {place}: its content is not what the recipe pins \
         (expected sha256 {expected}, got {got})"
    )]
    DigestMismatch {
        /// The file's name.
        file: String,
        /// The address, or the program that fetched it.
        place: String,
        /// The digest that the recipe pins.
        expected: Sha256,
        /// The digest of what came.
        got: Sha256,
    },
    /// No place that was tried has the file.
    #[error("failed to fetch `{file}` from {}", tried.join(" or "))]
    NotFound {
        /// The file's name.
        file: String,
        /// Where it was looked for.
        tried: Vec<String>,
        /// What the last place answered.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A program that is needed for fetching is missing.
    #[error("`{file}` cannot be fetched without `{program}`")]
    MissingProgram {
        /// The file's name.
        file: String,
        /// The program.
        program: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The file is for another kind of machine.
    #[error("`{file}` is for another machine than this {machine}")]
    WrongMachine {
        /// The file's name.
        file: String,
        /// This machine's architecture.
        machine: &'static str,
    },
    /// The index has no such file.
    #[error("the Python index does not list `{file}`")]
    NotInIndex {
        /// The file's name.
        file: String,
    },
    /// The index announces another digest than the recipe pins.
    #[error("the Python index has another `{file}`: sha256 {got} instead of {expected}")]
    IndexMismatch {
        /// The file's name.
        file: String,
        /// The digest that the recipe pins.
        expected: Sha256,
        /// What the index says.
        got: String,
    },
    /// A program failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A download failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl FetchError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Offline(_) => Some("run `wadup toolchain install` once with a network"),
            Self::DigestMismatch { .. } | Self::IndexMismatch { .. } => Some(
                "nothing of it was kept; is there a proxy or mirror that changes files? \
                 where the file itself was replaced, a newer wadup pins the new one",
            ),
            Self::NotFound { .. } | Self::NotInIndex { .. } => Some(
                "is the network up? a file that its archive dropped is pinned anew by a newer \
                 wadup; WASI_SDK_PATH and `rustup target add wasm32-wasip1` do without Debian's",
            ),
            Self::MissingProgram { hint, .. } => Some(hint),
            Self::WrongMachine { .. } => Some(WITHOUT_DEBIAN),
            Self::Download(error) => error.hint(),
            Self::Command(_) | Self::Cache(_) => None,
        }
    }
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(
        cache: &'a Cache,
        recipes: &'a Recipes,
        reporter: &'a dyn Reporter,
        programs: Programs,
        offline: bool,
    ) -> Self {
        Self {
            cache,
            recipes,
            reporter,
            programs,
            offline,
            apt_bases: OnceLock::new(),
        }
    }

    /// A cargo that may use the network, unless this run is offline.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = network(&self.programs.cargo);
        if self.offline {
            cargo.env("CARGO_NET_OFFLINE", "true");
        }
        cargo
    }

    /// The path of a source in the cache; it is fetched if it is not there. A
    /// file that was damaged since is thrown away and fetched again.
    pub(crate) fn ensure(&self, source: &Source) -> Result<PathBuf, FetchError> {
        let path = self.cache.source(source.sha256, &source.file);
        let lock = source.sha256.to_string();
        let _lock = self.cache.lock(&lock, || ())?;
        if Sha256::of_file(&path).is_ok_and(|digest| digest == source.sha256) {
            return Ok(path);
        }
        if self.offline {
            return Err(FetchError::Offline(source.file.clone()));
        }
        self.reporter.event(Event::Fetching { file: &source.file });
        let scratch = self.cache.scratch(&lock)?;
        let (fetched, place) = self.fetch(source, scratch.path())?;
        verify(source, &fetched, place)?;
        self.cache.keep_source(&fetched, &path)?;
        Ok(path)
    }

    /// Brings a source into `folder`. Returns the file, and where it is from.
    fn fetch(&self, source: &Source, folder: &Path) -> Result<(PathBuf, String), FetchError> {
        match &source.kind {
            SourceKind::Debian { path } => self.fetch_debian(source, path, folder),
            SourceKind::Archive { path, url } => self.fetch_archive(source, path, url, folder),
            SourceKind::Crate { version } => self.fetch_crate(source, version, folder),
            SourceKind::Pypi { package, version } if package == "uv" => {
                self.fetch_with_pip(source, version, folder)
            }
            SourceKind::Pypi { package, version } => {
                self.fetch_from_index(source, package, version, folder)
            }
        }
    }

    fn fetch_archive(
        &self,
        source: &Source,
        path: &str,
        url: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        let near = self.fetch_debian(source, path, folder);
        if let Ok((file, place)) = near {
            // A mirror's file is as good as its digest; else the home has it.
            if Sha256::of_file(&file).is_ok_and(|digest| digest == source.sha256) {
                return Ok((file, place));
            }
        }
        let file = folder.join(&source.file);
        Downloader::from_env()?.download(url, source.sha256, &file)?;
        Ok((file, url.to_owned()))
    }
}

fn verify(source: &Source, file: &Path, place: String) -> Result<(), FetchError> {
    let got = Sha256::of_file(file).map_err(CacheError::new("read", file))?;
    if got == source.sha256 {
        return Ok(());
    }
    Err(FetchError::DigestMismatch {
        file: source.file.clone(),
        place,
        expected: source.sha256,
        got,
    })
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), CacheError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, content))
        .map_err(CacheError::new("write", path))
}

fn not_started(error: &CommandError) -> bool {
    matches!(error, CommandError::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Silent;

    fn source(content: &str) -> Source {
        Source {
            name: "file".to_owned(),
            file: "file.txt".to_owned(),
            sha256: Sha256::of(content),
            kind: SourceKind::Debian {
                path: "pool/file.txt".to_owned(),
            },
        }
    }

    /// What an offline run does about a source.
    fn ensure(cache: &Cache, source: &Source) -> Result<PathBuf, FetchError> {
        let recipes = Recipes::embedded().unwrap();
        Fetcher::new(cache, &recipes, &Silent, Programs::default(), true).ensure(source)
    }

    #[test]
    fn a_file_in_the_cache_needs_no_network() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let source = source("content");
        let place = cache.source(source.sha256, &source.file);
        write(&place, "content").unwrap();
        assert_eq!(ensure(&cache, &source).unwrap(), place);
    }

    #[test]
    fn a_file_that_was_damaged_in_the_cache_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let source = source("content");
        write(&cache.source(source.sha256, &source.file), "contend").unwrap();
        let error = ensure(&cache, &source).unwrap_err();
        let message = "`file.txt` is not in the cache, and this run is offline";
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_file_with_another_digest_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.txt");
        fs::write(&file, "contend").unwrap();
        let error = verify(&source("content"), &file, "a mirror".to_owned()).unwrap_err();
        let (expected, got) = (Sha256::of("content"), Sha256::of("contend"));
        let message = format!(
            "refused `file.txt` from a mirror: its content is not what the recipe pins \
             (expected sha256 {expected}, got {got})"
        );
        assert_eq!(error.to_string(), message);
        assert!(error.hint().unwrap().contains("nothing of it was kept"));
    }
}
