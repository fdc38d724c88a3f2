//! Bytecode, compiled by the interpreter that will run it.
//!
//! The compiler is a snapshot of the runtime as well: of `_wadup_compile.py`, whose
//! documentation describes the files through which it is told what to do.

mod compiler;

use std::collections::BTreeSet;

use thiserror::Error;
use wadup_protocol::bundle::BundleError;

use crate::output::PackedFile;
use crate::sandbox::SandboxError;
use crate::snapshot::SnapshotError;
use crate::tree::{Conflict, ReadError, Tree};

pub(crate) use compiler::Compiler;

/// Why sources could not be compiled. A source that has an error is none:
/// that is a [`SourceError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompileError {
    #[error("failed to start the bytecode compiler")]
    Start(#[source] SnapshotError),
    #[error("the bytecode compiler failed: {message}\n{traceback}")]
    Failed { message: String, traceback: String },
    #[error("the toolchain has no bytecode compiler")]
    NoDriver,
    #[error(transparent)]
    Library(#[from] ReadError),
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("the bytecode compiler left no {file}")]
    Output { file: String },
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// A source that is no valid Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceError {
    /// In the guest.
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

/// Where bytecode goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In place of the source, which is left out.
    Instead,
    /// In `__pycache__`, beside the source.
    Beside,
}

/// Adds bytecode for the sources of `tree`. A source that has an error stays as it is.
pub(crate) fn compile(
    compiler: &Compiler<'_>,
    tree: Tree,
    placement: Placement,
) -> Result<(Tree, Vec<SourceError>), CompileError> {
    let mut compiled = Tree::default();
    let mut sources = Vec::new();
    for (path, content) in tree.into_files() {
        if path.ends_with(".py") {
            sources.push((path, content));
        } else {
            compiled.insert(path, content);
        }
    }
    // Without the source there is no line that a traceback could mark a column in.
    let columns = placement == Placement::Beside;
    let outcomes = compiler.run(&sources, columns)?;
    let mut errors = Vec::new();
    for ((path, source), outcome) in sources.into_iter().zip(outcomes) {
        match outcome {
            Ok(bytecode) => {
                compiled.insert(placement.of(&path), bytecode);
                if placement == Placement::Beside {
                    compiled.insert(path, source);
                }
            }
            Err(error) => {
                errors.push(error);
                compiled.insert(path, source);
            }
        }
    }
    Ok((compiled, errors))
}

/// The sources below `folder` that could not be compiled: what has no bytecode beside it.
pub(crate) fn without(files: &[PackedFile], folder: &str) -> Vec<String> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let below = paths.iter().filter_map(|path| {
        let relative = path.strip_prefix(folder)?.strip_prefix('/')?;
        (relative.ends_with(".py") && !paths.contains(&*Placement::Beside.of(path)))
            .then(|| relative.to_owned())
    });
    below.collect()
}

impl Placement {
    /// The place of the bytecode of `path`, which ends in `.py`.
    fn of(self, path: &str) -> String {
        let stem = path.strip_suffix(".py").unwrap_or(path);
        match (self, stem.rsplit_once('/')) {
            (Self::Instead, _) => format!("{stem}.pyc"),
            (Self::Beside, Some((folder, name))) => {
                format!("{folder}/__pycache__/{name}.cpython-313.pyc")
            }
            (Self::Beside, None) => format!("__pycache__/{stem}.cpython-313.pyc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_goes_where_python_looks_for_it() {
        let path = "/app/pkg/mod.py";
        assert_eq!(Placement::Instead.of(path), "/app/pkg/mod.pyc");
        assert_eq!(
            Placement::Beside.of(path),
            "/app/pkg/__pycache__/mod.cpython-313.pyc"
        );
    }
}
