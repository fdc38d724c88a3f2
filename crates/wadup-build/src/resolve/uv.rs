//! Locks from uv. It knows no platform `wasi`, so it resolves for all platforms at once and
//! the markers are evaluated here.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use wadup_project::Lock;

use super::{FoundLock, Inputs, ResolveError, Resolver, Root};
use crate::cache::{self, WriteError, write_atomically};
use crate::digest::Hasher;

const HEADER: &str = "\
# Made by `wadup build` from pyproject.toml, and made again when that changes.
# To be committed: it names what goes into the artifact.
";

/// Resolves the project's dependencies and writes the lock at `path`. Versions of a lock that
/// is there already are kept where they can be.
pub(super) fn compile(
    resolver: &Resolver<'_>,
    inputs: &Inputs,
    path: &Path,
) -> Result<FoundLock, ResolveError> {
    let text = if inputs.roots.is_empty() {
        // Nothing to resolve; uv would ask for an interpreter all the same.
        "lock-version = \"1.0\"\ncreated-by = \"wadup\"\n".to_owned()
    } else {
        run_compile(resolver, inputs, path)?
    };
    let recorded = toml::Table::from_iter([(
        "tool".to_owned(),
        toml::Value::Table(toml::Table::from_iter([(
            "wadup".to_owned(),
            recorded(inputs),
        )])),
    )]);
    let text = format!("{HEADER}{}\n\n{recorded}", text.trim_end());
    let lock = Lock::parse(path, &text)?;
    if resolver.writes {
        write_atomically(path, text.as_bytes())?;
    }
    Ok(FoundLock {
        path: path.to_owned(),
        lock,
        is_new: true,
    })
}

/// The same for the project's tests: with the versions that are packed, as far as `packed`, the
/// project's lock, has them. Kept in the cache, where it is made again when anything of that
/// changes: what is packed does not depend on it.
pub(super) fn compile_for_tests(
    resolver: &Resolver<'_>,
    inputs: &Inputs,
    packed: &Path,
) -> Result<FoundLock, ResolveError> {
    let mut key = Hasher::new("uv compile for tests");
    key.text(resolver.tools.uv_version());
    key.text(&recorded(inputs).to_string());
    for file in [packed, resolver.project.pyproject()] {
        key.part(&fs::read(file).unwrap_or_default());
    }
    let key = key.finish();
    let text = match resolver.cache.read("test-locks", &key) {
        Some(text) => String::from_utf8_lossy(&text).into_owned(),
        None => {
            let text = run_compile(resolver, inputs, packed)?;
            resolver.cache.write("test-locks", &key, text.as_bytes())?;
            text
        }
    };
    Ok(FoundLock {
        path: packed.to_owned(),
        lock: Lock::parse(packed, &text)?,
        is_new: false,
    })
}

/// Has uv take the product's groups as well. The package `wadup` comes with the runtime.
fn add_groups(resolver: &Resolver<'_>, uv: &mut Command) {
    for group in resolver.settings.product.groups() {
        uv.args(["--group", group, "--no-emit-package", "wadup"]);
    }
}

/// What `uv.lock` says, in the format of PEP 751. Remembered: while the files are unchanged
/// uv is not run.
pub(super) fn export(resolver: &Resolver<'_>, uv_lock: &Path) -> Result<FoundLock, ResolveError> {
    let mut key = Hasher::new("uv export");
    key.text(resolver.tools.uv_version());
    for file in [uv_lock, resolver.project.pyproject()] {
        key.part(
            &fs::read(file).map_err(|source| wadup_project::LockError::Read {
                path: file.to_owned(),
                source,
            })?,
        );
    }
    for group in resolver.settings.product.groups() {
        key.text(group);
    }
    // That the lock fits was checked for this very pair of files, or it was not.
    key.text(if resolver.settings.locked {
        "locked"
    } else {
        "frozen"
    });
    let key = key.finish();
    let text = match resolver.cache.read("uv-export", &key) {
        Some(text) => String::from_utf8_lossy(&text).into_owned(),
        None => {
            let text = run_export(resolver)?;
            if resolver.writes {
                resolver.cache.write("uv-export", &key, text.as_bytes())?;
            }
            text
        }
    };
    Ok(FoundLock {
        path: uv_lock.to_owned(),
        lock: Lock::parse(uv_lock, &text)?,
        is_new: false,
    })
}

fn recorded(inputs: &Inputs) -> toml::Value {
    match toml::Value::try_from(&inputs.recorded) {
        Ok(value) => value,
        Err(error) => unreachable!("strings and lists of strings are TOML: {error}"),
    }
}

/// A folder for what uv reads and writes.
enum Scratch {
    Cache(cache::Scratch),
    /// Of the system: nothing is to be written to the cache.
    System(tempfile::TempDir),
}

impl Scratch {
    fn new(resolver: &Resolver<'_>) -> Result<Self, WriteError> {
        if resolver.writes {
            return resolver.cache.scratch().map(Self::Cache);
        }
        let folder = tempfile::tempdir().map_err(|source| WriteError {
            path: std::env::temp_dir(),
            source,
        });
        folder.map(Self::System)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Cache(folder) => folder.path(),
            Self::System(folder) => folder.path(),
        }
    }
}

fn run_compile(
    resolver: &Resolver<'_>,
    inputs: &Inputs,
    path: &Path,
) -> Result<String, ResolveError> {
    let scratch = Scratch::new(resolver)?;
    let file = |name: &str, text: String| -> Result<_, ResolveError> {
        let path = scratch.path().join(name);
        write_atomically(&path, text.as_bytes())?;
        Ok(path)
    };
    let extensions = file("c-extensions.in", requirements(inputs))?;
    let constraints = file("recipes.txt", lines(&inputs.recorded.constraints))?;
    let output = scratch.path().join("pylock.toml");
    if path.is_file() {
        fs::copy(path, &output).map_err(|source| WriteError {
            path: output.clone(),
            source,
        })?;
    }
    let mut uv = uv(resolver)?;
    uv.args(["pip", "compile", "--universal", "--format", "pylock.toml"])
        .args(["--no-build", "--no-header", "--generate-hashes"])
        .args(["--python-version", &inputs.recorded.python])
        .arg("--constraint")
        .arg(constraints)
        .arg("--output-file")
        .arg(&output)
        // Relative to the project, where uv is started.
        .arg("pyproject.toml")
        .arg(extensions);
    add_groups(resolver, &mut uv);
    run(resolver, uv)?;
    fs::read_to_string(&output).map_err(|source| {
        wadup_project::LockError::Read {
            path: output,
            source,
        }
        .into()
    })
}

fn run_export(resolver: &Resolver<'_>) -> Result<String, ResolveError> {
    let mut uv = uv(resolver)?;
    uv.args(["export", "--format", "pylock.toml", "--no-header"])
        .args(["--no-emit-project", "--no-default-groups"]);
    add_groups(resolver, &mut uv);
    if resolver.settings.locked {
        let python = resolver.tools.native_python();
        let python = python.map_err(ResolveError::ProvidePython)?;
        uv.args(["--locked", "--no-build", "--python"]).arg(python);
    } else {
        uv.arg("--frozen");
    }
    run(resolver, uv)
}

fn requirements(inputs: &Inputs) -> String {
    let extra = inputs.roots.iter().filter(|root| !root.in_pyproject);
    let extra: Vec<String> = extra
        .map(|Root { requirement, .. }| requirement.to_string())
        .collect();
    lines(&extra)
}

fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text}\n")).collect()
}

/// uv in the project's folder, where it finds the project's and the user's settings.
fn uv(resolver: &Resolver<'_>) -> Result<Command, ResolveError> {
    let command = resolver.tools.uv(resolver.settings.offline);
    let mut command = command.map_err(ResolveError::ProvideUv)?;
    command
        .current_dir(&resolver.project.root)
        // An environment of the user's has nothing to say here.
        .env_remove("VIRTUAL_ENV")
        .args(["--quiet", "--color", "never", "--no-python-downloads"]);
    if resolver.settings.offline {
        command.arg("--offline");
    }
    Ok(command)
}

fn run(resolver: &Resolver<'_>, mut command: Command) -> Result<String, ResolveError> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| ResolveError::RunUv {
        program: command.get_program().into(),
        source,
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(ResolveError::Uv {
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        offline: resolver.settings.offline,
    })
}
