//! `suite.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::Runner;

/// `suite.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Definition {
    pub(crate) runner: Runner,
    /// A source that the toolchain's recipes pin: the archive with the tests.
    pub(crate) source: String,
    /// Files and folders of it that the suite consists of.
    include: Vec<String>,
    /// Patterns of the test files among them.
    tests: Vec<String>,
    /// Patterns of files that are none, though they match.
    #[serde(default)]
    exclude: Vec<String>,
    /// Test files that are imported before each, as they would be if all files were executed in one
    /// go, because tests rely on it.
    #[serde(default)]
    pub(crate) imported: Vec<String>,
    /// What the project asks for in `[tool.wadup] c-extensions`.
    #[serde(default)]
    pub(crate) c_extensions: Vec<String>,
    /// For each request.
    #[serde(default)]
    options: Vec<String>,
    /// Further options for some of them: patterns of their test files.
    #[serde(default)]
    file_options: BTreeMap<String, Vec<String>>,
    /// pytest's configuration, all of its section `[pytest]`.
    #[serde(default)]
    pub(crate) ini: String,
    /// How long a test file may take, in seconds.
    #[serde(default = "ten_minutes")]
    pub(crate) timeout: u64,
    /// Patterns of the test files that `--quick` is for; none means all.
    #[serde(default)]
    quick: Vec<String>,
    /// The native extension that the suite tests, for benchmarks.
    pub(crate) build: Option<Build>,
}

fn ten_minutes() -> u64 {
    600
}

/// How an extension is built natively.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// A source that the toolchain's recipes pin.
    pub(crate) sdist: String,
    /// Its Python half, in the sdist.
    pub(crate) python: String,
    /// The module in the package that is native; cargo calls its library the same.
    pub(crate) module: String,
}

impl Definition {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The suite's files in the unpacked source.
    pub(super) fn files(&self, tree: &Path) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let mut files = BTreeMap::new();
        for included in &self.include {
            let path = tree.join(included);
            list(&path, included, &mut files)
                .with_context(|| format!("{included} cannot be read"))?;
        }
        Ok(files)
    }

    /// Whether `--quick` is for this test file.
    pub(crate) fn is_quick(&self, path: &str) -> anyhow::Result<bool> {
        Ok(self.quick.is_empty() || globs(&self.quick)?.is_match(path))
    }

    /// The options of a request for this test file.
    pub(super) fn options_of(&self, path: &str) -> anyhow::Result<Vec<String>> {
        let mut options = self.options.clone();
        for (option, patterns) in &self.file_options {
            if globs(patterns)?.is_match(path) {
                options.push(option.clone());
            }
        }
        Ok(options)
    }

    /// The test files among `files`.
    pub(super) fn tests<'f>(
        &self,
        files: impl Iterator<Item = &'f String>,
    ) -> anyhow::Result<Vec<String>> {
        let wanted = globs(&self.tests)?;
        let excluded = globs(&self.exclude)?;
        let is_test = |path: &&String| wanted.is_match(path) && !excluded.is_match(path);
        Ok(files.filter(is_test).cloned().collect())
    }
}

fn list(path: &Path, name: &str, files: &mut BTreeMap<String, PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let child = format!("{name}/{}", entry.file_name().to_string_lossy());
            list(&entry.path(), &child, files)?;
        }
        return Ok(());
    }
    // Fails for what is not there.
    path.metadata()?;
    files.insert(name.to_owned(), path.to_owned());
    Ok(())
}

fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
    }
    Ok(set.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_picked_by_patterns() {
        let text = "runner = \"pytest\"\nsource = \"a.tar.gz\"\ninclude = [\"tests\"]\n\
                    tests = [\"tests/**/test_*.py\"]\nexclude = [\"tests/slow/**\"]\n";
        let definition: Definition = toml::from_str(text).unwrap();
        let files = [
            "tests/conftest.py",
            "tests/deep/er/test_b.py",
            "tests/slow/test_c.py",
            "tests/test_a.py",
            "tests/test_a.txt",
        ];
        let files = files.map(str::to_owned);
        let tests = definition.tests(files.iter()).unwrap();
        assert_eq!(tests, ["tests/deep/er/test_b.py", "tests/test_a.py"]);
    }
}
