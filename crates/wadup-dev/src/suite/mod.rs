//! The tests that an upstream package ships, in the sandbox and natively: the same files, the
//! same packages, the same runner.
//!
//! - A [`Suite`] is a folder of `suites/`: where the tests are from, and what they need.
//! - A [`Runner`] is the Python module that runs them, on both sides, and how it wants their
//!   files.
//! - A [`Request`] asks it to run a test file. What comes of that is an [`Execution`], of which
//!   a [`Run`] is what the runner told in [records](record).
//! - [`Sandbox`] and [`Native`] execute requests.

mod definition;
mod native;
mod record;
mod runner;
mod sandbox;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::definition::Definition;
pub(crate) use self::native::{Native, NativeBuild, install};
pub(crate) use self::record::{Measured, Outcome, Run, Test};
pub(crate) use self::runner::Runner;
pub(crate) use self::sandbox::{Sandbox, SandboxOptions};
use crate::context::Context;

/// The folder of suites.
const SUITES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/suites");

/// A suite: where it is from, and what it needs.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) definition: Definition,
    /// pip's `requirements.txt`: pure-Python wheels, with a digest for each.
    requirements: String,
    /// The same of native packages, for which the sandbox has extensions.
    native_requirements: String,
    /// The files that the suite consists of, by their path.
    files: BTreeMap<String, PathBuf>,
    /// Changes when they do.
    files_key: String,
}

/// What the runner is asked to do.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Request {
    /// A test file, or a folder of them, below the suite's files.
    pub(crate) path: String,
    /// Files that are imported before, and not executed.
    pub(crate) imported: Vec<String>,
    /// Ids of tests to leave out.
    pub(crate) without: Vec<String>,
    /// Only tests whose id has this in it.
    pub(crate) filter: Option<String>,
    /// For what the runner runs.
    pub(crate) options: Vec<String>,
    /// For benchmarks.
    pub(crate) benchmark: Option<Rounds>,
}

/// How a benchmark is measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rounds {
    /// How long a round takes.
    pub(crate) target_ns: u64,
    pub(crate) rounds: u32,
}

/// How a request ended, on either side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Execution {
    /// What the runner told.
    pub(crate) run: Run,
    /// If the runner did not come to its end: why.
    pub(crate) death: Option<Test>,
    /// What it printed beside records.
    pub(crate) output: String,
    pub(crate) duration: Duration,
}

/// Environment of all runners: plugins of installed packages stay out of pytest, and hypothesis
/// takes the same examples each time, without deadlines.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"),
    ("CI", "true"),
    ("TZ", "UTC"),
];

impl Suite {
    /// The names of all suites.
    pub(crate) fn names() -> anyhow::Result<Vec<String>> {
        let entries = std::fs::read_dir(SUITES).context("failed to list the suites")?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.path().join("suite.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(crate) fn load(context: &Context, name: &str) -> anyhow::Result<Self> {
        let mut suite = Self::without_files(name)?;
        let definition = &suite.definition;
        let source = context.toolchain.source(&definition.source)?;
        let key = key(&[&source.to_string_lossy()]);
        let tree = definition.runner.unpacked(context, &source, &key)?;
        suite.files = definition
            .files(&tree)
            .with_context(|| format!("failed to list the files of {name}"))?;
        suite.files_key = self::key(&[&key, &format!("{:?}", suite.files.keys())]);
        Ok(suite)
    }

    /// Other tests, with the same packages.
    pub(crate) fn with_files(
        context: &Context,
        name: &str,
        files: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut suite = Self::without_files(name)?;
        let parts: Vec<&str> = files
            .iter()
            .flat_map(|(path, text)| [*path, *text])
            .collect();
        suite.files_key = key(&parts);
        let tree = context.kept(&format!("files-{}", suite.files_key), |folder| {
            for (path, text) in files {
                let file = folder.join(path);
                std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
                std::fs::write(file, text)?;
            }
            Ok(())
        })?;
        suite.files = files
            .iter()
            .map(|(path, _)| ((*path).to_owned(), tree.join(path)))
            .collect();
        Ok(suite)
    }

    fn without_files(name: &str) -> anyhow::Result<Self> {
        let folder = Path::new(SUITES).join(name);
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))
        };
        let definition = toml::from_str(&read("suite.toml")?)
            .with_context(|| format!("the suite {name} has a bad suite.toml"))?;
        let native = folder.join("requirements-native.txt");
        Ok(Self {
            name: name.to_owned(),
            definition,
            requirements: read("requirements.txt")?,
            native_requirements: match native.is_file() {
                true => read("requirements-native.txt")?,
                false => String::new(),
            },
            files: BTreeMap::new(),
            files_key: String::new(),
        })
    }

    /// A request for each test file.
    pub(crate) fn requests(&self) -> anyhow::Result<Vec<Request>> {
        let tests = self.definition.tests(self.files.keys())?;
        tests.into_iter().map(|path| self.request(path)).collect()
    }

    fn request(&self, path: impl Into<String>) -> anyhow::Result<Request> {
        let path = path.into();
        Ok(Request {
            imported: self.definition.imported.clone(),
            options: self.definition.options_of(&path)?,
            path,
            ..Request::default()
        })
    }

    /// A folder with the runner and the suite's files: what `/app` is in the sandbox, and what
    /// is run natively.
    fn package(&self, context: &Context) -> anyhow::Result<PathBuf> {
        let runner = self.definition.runner;
        let key = key(&[&self.files_key, runner.source(), &self.definition.ini]);
        context.kept(&format!("{}-files-{key}", self.name), |folder| {
            let package = folder.join(runner::MODULE);
            std::fs::create_dir(&package)?;
            std::fs::write(package.join("__init__.py"), runner.source())?;
            runner.lay_out(&self.definition, &self.files, &package)
        })
    }

    /// The pinned packages: `name==version` and the digest.
    fn pins(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.requirements.lines();
        lines.filter_map(|line| line.split_once(" --hash=sha256:"))
    }
}

/// A short name for what is made of `parts`.
pub(crate) fn key(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_by_digest() {
        for name in Suite::names().unwrap() {
            let suite = Suite::without_files(&name).unwrap();
            let native = suite.native_requirements.lines();
            let lines = suite.requirements.lines().chain(native);
            for line in lines.filter(|line| !line.starts_with('#')) {
                let (pin, digests) = line.split_once(" --hash=sha256:").unwrap();
                assert!(pin.contains("=="), "{name}: {line}");
                for digest in digests.split(" --hash=sha256:") {
                    assert_eq!(digest.len(), 64, "{name}: {line}");
                }
            }
        }
    }

    #[test]
    fn keys_tell_parts_apart() {
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_eq!(key(&["a"]).len(), 16);
    }
}
