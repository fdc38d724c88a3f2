//! The tests that an upstream package ships, run by pytest in the sandbox and natively: the
//! same sdist, the same packages, the same `wadup_suite.py`. The sandbox's input is the sdist.

mod native;
mod record;
mod sandbox;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::native::{Native, NativeBuild, install};
use crate::context::Context;

pub(crate) use self::record::{Measured, Run};
pub(crate) use self::sandbox::{Sandbox, SandboxOptions};

/// What runs pytest, on all sides.
const RUNNER: &str = include_str!("../../suites/wadup_suite.py");

/// A suite: where it is from, and what it needs.
#[derive(Debug)]
pub(crate) struct Suite {
    name: String,
    extension: Extension,
    /// pip's `requirements.txt`, with a digest for each.
    requirements: &'static str,
    /// The archive with the tests: an sdist, or one that is laid out like it.
    input: PathBuf,
}

/// `suite.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    /// A source that the toolchain's recipes pin.
    sdist: String,
    extension: Extension,
}

/// The native package that the suite tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extension {
    /// A source that the toolchain's recipes pin.
    sdist: String,
    /// What brings it in `[tool.wadup] c-extensions`.
    package: String,
    /// Its Python half, in the sdist.
    python: String,
    /// The module in the package that is native; cargo calls its library the same.
    module: String,
    /// The package as its authors publish it.
    published: String,
    /// SHA-256 digests of the wheels that will do.
    wheels: Vec<String>,
}

/// What the runner is asked to do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Request {
    /// For pytest: options, and files below the sdist's folder.
    pub(crate) args: Vec<String>,
    /// Only tests whose id has this in it.
    pub(crate) filter: Option<String>,
    /// How long a round of a benchmark takes.
    pub(crate) target_ns: u64,
    pub(crate) rounds: u32,
}

/// The variable that the runner reads its request from.
const REQUEST: &str = "WADUP_SUITE";

/// Environment of pytest, on all sides: plugins of installed packages stay out.
const ENVIRONMENT: [(&str, &str); 2] = [("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"), ("TZ", "UTC")];

impl Suite {
    pub(crate) fn pydantic_core(context: &Context) -> anyhow::Result<Self> {
        let definition = Definition::pydantic_core()?;
        let input = context.toolchain.source(&definition.sdist)?;
        Ok(definition.suite(input))
    }

    /// Other tests, with the same packages.
    pub(crate) fn with_input(input: PathBuf) -> anyhow::Result<Self> {
        Ok(Definition::pydantic_core()?.suite(input))
    }

    /// The pinned packages: `name==version` and the digest.
    fn pins(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.requirements.lines();
        lines.filter_map(|line| line.split_once(" --hash=sha256:"))
    }
}

impl Definition {
    fn pydantic_core() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!(
            "../../suites/pydantic-core/suite.toml"
        ))?)
    }

    fn suite(self, input: PathBuf) -> Suite {
        Suite {
            name: self.name,
            extension: self.extension,
            requirements: include_str!("../../suites/pydantic-core/requirements.txt"),
            input,
        }
    }
}

impl Request {
    fn environment(&self) -> Vec<(String, String)> {
        // It consists of strings and numbers.
        let request = serde_json::to_string(self).unwrap_or_default();
        let fixed = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        fixed
            .into_iter()
            .chain([(REQUEST.to_owned(), request)])
            .collect()
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
        let suite = Suite::with_input(PathBuf::new()).unwrap();
        let lines = suite.requirements.lines();
        let lines = lines.filter(|line| !line.starts_with('#')).count();
        assert_eq!(suite.pins().count(), lines);
        for (name, digest) in suite.pins() {
            assert!(name.contains("=="), "{name}");
            assert_eq!(digest.len(), 64, "{name}");
        }
    }

    #[test]
    fn keys_tell_parts_apart() {
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_eq!(key(&["a"]).len(), 16);
    }
}
