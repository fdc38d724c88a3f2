//! What can be made of a project beside its artifact: interpreters with its packages.

use std::path::{Path, PathBuf};

use wadup_project::{Dependency, Groups};

use crate::cache::{Cache, WriteError, write_atomically};
use crate::digest::Hasher;

/// What is made of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Product {
    /// What handles inputs: the project with its dependencies.
    #[default]
    Artifact,
    /// An interpreter with the project's dependencies, and without its own files.
    Interpreter,
    /// The same with what the project's tests need, and with pytest imported.
    Tests(Groups),
}

const CONSOLE: &str = "_wadup_console";
const TESTS: &str = "_wadup_tests";
const SOURCES: [(&str, &str); 2] = [
    (CONSOLE, include_str!("product/_wadup_console.py")),
    (TESTS, include_str!("product/_wadup_tests.py")),
];

impl Product {
    /// The entry module, where that is not the project's.
    pub(crate) fn entry_point(&self) -> Option<&'static str> {
        match self {
            Self::Artifact => None,
            Self::Interpreter => Some(CONSOLE),
            Self::Tests(_) => Some(TESTS),
        }
    }

    /// The modules that are packed, where those are not the project's.
    pub(crate) fn sources(&self) -> Option<Vec<(String, Vec<u8>)>> {
        let entry_point = self.entry_point()?;
        // The first is what the others are made of.
        let wanted = SOURCES
            .iter()
            .filter(|(name, _)| [CONSOLE, entry_point].contains(name));
        Some(
            wanted
                .map(|(name, source)| (format!("{name}.py"), source.as_bytes().to_vec()))
                .collect(),
        )
    }

    pub(crate) fn groups(&self) -> &[String] {
        match self {
            Self::Tests(groups) => &groups.names,
            _ => &[],
        }
    }

    /// What it needs beside the project's dependencies. The package `wadup` comes with the runtime.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        let dependencies: &[Dependency] = match self {
            Self::Tests(groups) => &groups.dependencies,
            _ => &[],
        };
        let own = crate::dist_info::wadup();
        let of_others = move |it: &&Dependency| it.requirement.name != own;
        dependencies.iter().filter(of_others)
    }
}

/// A project that consists of requirements only, for an interpreter that has those. Its folder is
/// in the cache, and the same for the same requirements.
///
/// # Errors
///
/// When the folder cannot be written.
pub fn bare_project(cache_dir: &Path, requirements: &[String]) -> Result<PathBuf, WriteError> {
    let dependencies = toml::Value::from(requirements.to_vec());
    let pyproject = format!(
        "[project]\nname = \"python\"\nversion = \"0\"\ndependencies = {dependencies}\n\n\
         [tool.wadup]\nentry-point = \"python\"\n"
    );
    let mut key = Hasher::new("bare project");
    key.text(&pyproject);
    let folder = Cache::new(cache_dir).path("projects", &key.finish());
    let files = [
        // A package has to be there; it is not part of an interpreter.
        ("python.py", ""),
        ("pyproject.toml", pyproject.as_str()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
            write_atomically(&path, text.as_bytes())?;
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_consists_of_its_own_modules() {
        let names = |product: &Product| -> Vec<String> {
            let sources = product.sources().unwrap();
            sources.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&Product::Interpreter), ["_wadup_console.py"]);
        let tests = Product::Tests(Groups::default());
        assert_eq!(names(&tests), ["_wadup_console.py", "_wadup_tests.py"]);
        assert_eq!(Product::Artifact.sources(), None);
    }

    #[test]
    fn a_bare_project_is_one_that_can_be_read() {
        let cache = tempfile::tempdir().unwrap();
        let requirements = ["attrs>=23; python_version > \"3\"".to_owned()];
        let folder = bare_project(cache.path(), &requirements).unwrap();
        assert_eq!(bare_project(cache.path(), &requirements).unwrap(), folder);
        assert_ne!(bare_project(cache.path(), &[]).unwrap(), folder);
        let project = wadup_project::Project::load(&folder).unwrap();
        assert_eq!(project.dependencies[0].text, requirements[0]);
    }
}
