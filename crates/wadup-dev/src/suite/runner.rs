//! What runs a suite's tests: Python modules that are the same on both sides. What a kind of
//! suites needs of its own is here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wadup_toolchain::{unpack_sdist, unpack_tar_xz};

use super::Definition;
use crate::context::Context;

/// The entry module of the artifact.
pub(super) const MODULE: &str = "wadup_suite";

/// Where CPython's sources have the tests.
const CPYTHON_TESTS: &str = "Lib/test";

/// What runs a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runner {
    Pytest,
    /// CPython's own.
    Cpython,
}

impl Runner {
    /// The module.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Pytest => include_str!("../../suites/wadup_suite.py"),
            Self::Cpython => include_str!("../../suites/wadup_cpython_suite.py"),
        }
    }

    /// A folder with what the archive has in its outermost one.
    pub(super) fn unpacked(
        self,
        context: &Context,
        archive: &Path,
        key: &str,
    ) -> anyhow::Result<PathBuf> {
        match self {
            Self::Pytest => context.kept(&format!("sdist-{key}"), |folder| {
                Ok(unpack_sdist(archive, folder)?)
            }),
            Self::Cpython => context.kept(&format!("cpython-tests-{key}"), |folder| {
                let tree = folder.join("tree");
                unpack_tar_xz(archive, &tree)?;
                fs::create_dir(folder.join("Lib"))?;
                fs::rename(tree.join("Lib/test"), folder.join(CPYTHON_TESTS))?;
                Ok(fs::remove_dir_all(tree)?)
            }),
        }
    }

    /// Puts the suite's files where the module looks for them; `package` is its own folder.
    pub(super) fn lay_out(
        self,
        definition: &Definition,
        files: &BTreeMap<String, PathBuf>,
        package: &Path,
    ) -> anyhow::Result<()> {
        match self {
            Self::Pytest => {
                // pytest takes the folder with this file for the root of all ids.
                let ini = format!("[pytest]\n{}", definition.ini);
                pack(files, &[("pytest.ini", &ini)], &package.join("files.tar"))
            }
            // Beside it, so that they are the package `test`.
            Self::Cpython => {
                let folder = package.with_file_name("test");
                for (name, path) in files {
                    let name = Path::new(name).strip_prefix(CPYTHON_TESTS)?;
                    let target = folder.join(name);
                    fs::create_dir_all(target.parent().unwrap_or(&folder))?;
                    fs::copy(path, target)?;
                }
                Ok(())
            }
        }
    }
}

/// An archive of files: exactly these, whatever they are called.
fn pack(
    files: &BTreeMap<String, PathBuf>,
    texts: &[(&str, &str)],
    archive: &Path,
) -> anyhow::Result<()> {
    let mut archive = tar::Builder::new(File::create(archive)?);
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content)
    };
    for (name, path) in files {
        add(name, &fs::read(path)?)?;
    }
    for (name, text) in texts {
        add(name, text.as_bytes())?;
    }
    Ok(archive.finish()?)
}
