//! Real Python projects: the repository's examples, and CPython beside the sandbox.
//!
//! The first test that needs it installs wadup's toolchain, into `WADUP_CACHE_DIR` or the
//! platform's cache folder; that takes minutes, once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Scratch;

/// A folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

impl Scratch {
    /// Copies a project's folder, so that nothing is written to the checkout.
    pub(crate) fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path().join(name);
        copy_folder(from, &to);
        to
    }

    /// Copies an example of the repository, under its own name.
    pub(crate) fn copy_example(&self, name: &str) -> PathBuf {
        self.copy(&repository("examples").join(name), name)
    }

    /// Makes a project with this `[tool.wadup]` and `[project]` addition, and one module `app`.
    pub(crate) fn project(&self, dependencies: &str, extensions: &str, app: &str) -> PathBuf {
        self.write(
            "project/pyproject.toml",
            format!(
                "[project]\nname = \"app\"\nversion = \"1.0\"\ndependencies = [{dependencies}]\n\n\
                 [tool.wadup]\nentry-point = \"app\"\nc-extensions = [{extensions}]\n"
            ),
        );
        self.write("project/src/app.py", app);
        self.path().join("project")
    }

    /// The same without dependencies, and with more lines in `[tool.wadup]`.
    pub(crate) fn project_with(&self, wadup: &str, app: &str) -> PathBuf {
        let project = self.project("", "", app);
        let pyproject = project.join("pyproject.toml");
        let text = fs::read_to_string(&pyproject).expect("a file");
        fs::write(pyproject, format!("{text}{wadup}\n")).expect("a file");
        project
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), &target).expect("a copy")),
        }
    }
}
