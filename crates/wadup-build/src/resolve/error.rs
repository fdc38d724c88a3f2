use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;
use wadup_project::{Location, LockError, PackageName, Version};
use wadup_toolchain::ToolchainError;

use crate::cache::WriteError;
use crate::tools::ToolError;
use crate::wheel::WheelError;

/// Why a project's dependencies cannot be packed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    #[error("`requires-python = \"{requires}\"` excludes CPython {python}, wadup's interpreter")]
    Python { requires: String, python: Version },
    #[error("`{name}` in `c-extensions` is not an extension that wadup knows")]
    UnknownExtension {
        name: PackageName,
        known: Vec<PackageName>,
        location: Box<Location>,
    },
    #[error(
        "`{requirement}` excludes {package} {provided}, the version that wadup's recipe builds"
    )]
    RecipeVersion {
        requirement: String,
        package: PackageName,
        provided: Version,
        location: Box<Location>,
    },
    #[error(
        "{} has {package} {locked}, but wadup's recipe builds {provided} ({asked_by})",
        path.display()
    )]
    LockedRecipeVersion {
        path: PathBuf,
        package: PackageName,
        locked: String,
        provided: Version,
        asked_by: String,
    },
    #[error("{} lacks `{requirement}`, which {asked_by} asks for", path.display())]
    NotInLock {
        path: PathBuf,
        requirement: String,
        asked_by: String,
    },
    #[error(
        "{} has version {locked}, but {asked_by} asks for `{requirement}`",
        path.display()
    )]
    LockedVersion {
        path: PathBuf,
        requirement: String,
        asked_by: String,
        locked: String,
    },
    #[error("there is no lock {}, and `--locked` forbids to write one", path.display())]
    LockMissing { path: PathBuf },
    #[error("{} is out of date, and `--locked` forbids to write it", path.display())]
    LockOutdated {
        path: PathBuf,
        added: Vec<String>,
        removed: Vec<String>,
    },
    #[error("{} has two packages `{package}` for the same platform", path.display())]
    Ambiguous { path: PathBuf, package: PackageName },
    #[error("{} has no sha256 of {file_name}", path.display())]
    NoDigest { path: PathBuf, file_name: String },
    #[error("{}", Refusals(.refusals))]
    Refused {
        refusals: Vec<Refusal>,
        /// Where the project asks for the first of them, or for what needs it.
        location: Option<Box<Location>>,
        /// What there are recipes for.
        known: Vec<PackageName>,
    },
    #[error("uv could not resolve the dependencies\n{}", indented(.stderr))]
    Uv { stderr: String, offline: bool },
    #[error("failed to run uv ({})", program.display())]
    RunUv {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to provide uv")]
    ProvideUv(#[source] ToolError),
    #[error("failed to provide the Python that uv checks the lock with")]
    ProvidePython(#[source] ToolError),
    #[error("failed to fetch {file_name}")]
    Fetch {
        file_name: String,
        #[source]
        source: ToolError,
        offline: bool,
    },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Wheel(#[from] WheelError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A package that cannot be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub package: PackageName,
    pub version: Option<Version>,
    pub reason: RefusalReason,
    /// From the project to the package, both included; empty when nobody is known to ask.
    pub chain: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// It has wheels, all of them with native code.
    Native,
    /// It has pure wheels, none of them for this Python.
    OtherPython,
    /// It would have to be built from source.
    SourceOnly,
}

impl ResolveError {
    /// Where it is written, when a file of the project says it.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::UnknownExtension { location, .. } | Self::RecipeVersion { location, .. } => {
                Some(location)
            }
            Self::Refused { location, .. } => location.as_deref(),
            _ => None,
        }
    }

    /// The steps of the toolchain that are missing to resolve, where nothing was to be installed.
    pub(crate) fn not_installed(&self) -> Option<&[String]> {
        let (Self::ProvideUv(source) | Self::ProvidePython(source)) = self else {
            return None;
        };
        match source.downcast_ref() {
            Some(ToolchainError::NotInstalled { steps }) => Some(steps),
            _ => None,
        }
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownExtension { name, known, .. } => unknown_extension_hint(name, known),
            Self::RecipeVersion {
                package, provided, ..
            } => format!("widen it to admit `{package}=={provided}`"),
            Self::LockedRecipeVersion {
                package, provided, ..
            } => format!("lock again with `{package}=={provided}` among the dependencies"),
            Self::NotInLock { .. } | Self::LockedVersion { .. } => {
                "the lock is out of date: make it again with the tool that wrote it".to_owned()
            }
            Self::LockMissing { .. } => "build once without `--locked`".to_owned(),
            Self::LockOutdated { added, removed, .. } => outdated_hint(added, removed),
            Self::NoDigest { .. } => {
                "wadup packs only files whose digest is locked: lock again with hashes".to_owned()
            }
            Self::Refused {
                refusals, known, ..
            } => refused_hint(refusals, known),
            Self::Uv { offline: true, .. } | Self::Fetch { offline: true, .. } => {
                "`--offline` takes only what earlier builds have left in the cache: build once \
                 without it"
                    .to_owned()
            }
            Self::Uv { .. } => {
                "look at the names and versions in `[project] dependencies` of pyproject.toml"
                    .to_owned()
            }
            Self::Fetch { .. } => "is there a network? Do the same again".to_owned(),
            _ => return None,
        };
        Some(hint)
    }
}

fn unknown_extension_hint(name: &PackageName, known: &[PackageName]) -> String {
    let names = known.iter().map(AsRef::as_ref);
    match wadup_project::nearest(name.as_ref(), names) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "known are {}; a package without native code belongs in `dependencies`",
            quoted(known)
        ),
    }
}

fn outdated_hint(added: &[String], removed: &[String]) -> String {
    let changes = added.iter().map(|line| format!("+{line}"));
    let changes = changes.chain(removed.iter().map(|line| format!("-{line}")));
    let changes: Vec<String> = changes.collect();
    match changes.as_slice() {
        [] => "`[tool.uv]` has changed: build once without `--locked`".to_owned(),
        changes => format!(
            "build once without `--locked`; changed since: {}",
            changes.join(", ")
        ),
    }
}

fn refused_hint(refusals: &[Refusal], known: &[PackageName]) -> String {
    let any = |reason| refusals.iter().any(|refusal| refusal.reason == reason);
    if !any(RefusalReason::Native) && !any(RefusalReason::OtherPython) {
        return "wadup runs no build backend: ask for a version that has a pure-Python wheel \
                (py3-none-any), or build one and name it in the lock"
            .to_owned();
    }
    let pure = "ask for a version that has a pure-Python wheel (py3-none-any), or do without the \
                package that needs it";
    if any(RefusalReason::Native) {
        format!("{pure}; there are recipes for {}", quoted(known))
    } else {
        pure.to_owned()
    }
}

/// Names in a sentence.
fn quoted(names: &[PackageName]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// Prints each refusal on its line, its chain below.
struct Refusals<'a>(&'a [Refusal]);

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{refusal}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.package)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        f.write_str(match self.reason {
            RefusalReason::Native => " has native code, and wadup has no recipe for it",
            RefusalReason::OtherPython => " has no wheel for CPython 3.13",
            RefusalReason::SourceOnly => " has no wheel, only sources that would have to be built",
        })?;
        if !self.chain.is_empty() {
            write!(f, "\n  {}", self.chain.join(" → "))?;
        }
        Ok(())
    }
}

fn indented(text: &str) -> String {
    let lines = text.trim_end().lines();
    lines
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
