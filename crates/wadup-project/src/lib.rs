//! pyproject.toml and its lock, parsed once into types that cannot be wrong.
//!
//! - [`Project`]: what a folder with a `pyproject.toml` says of itself (name, version,
//!   dependencies, `[tool.wadup]`) and the package files ([`Sources`]) it consists of.
//! - [`Lock`]: the packages of a PEP 751 lock, with their wheels and digests.
//! - [`WheelFilename`] and [`wasi_environment`]: which wheels and which markers hold for
//!   CPython on WASI.
//!
//! Nothing here runs a tool, a build backend or Python, and nothing is written.
//!
//! ```no_run
//! let project = wadup_project::Project::load("examples/python-pydantic-test".as_ref())?;
//! println!("{} {} starts at {}", project.name, project.version, project.entry_point);
//! for file in &project.sources.files {
//!     println!("{}", file.path);
//! }
//! # Ok::<(), wadup_project::ProjectError>(())
//! ```

mod document;
mod entry_point;
mod environment;
mod error;
mod groups;
mod lock;
mod names;
mod nearest;
mod project;
mod requirement;
mod settings;
mod sources;
mod wheel;

pub use entry_point::{EntryPoint, InvalidEntryPoint, is_identifier};
pub use environment::wasi_environment;
pub use error::{Location, ProjectError, ProjectErrorKind};
pub use groups::Groups;
pub use lock::{
    Lock, LockError, LockInputs, LockedDependency, LockedPackage, LockedWheel, PackageSource,
    WheelLocation,
};
pub use names::{InvalidName, NewNames, is_standard_library};
pub use nearest::nearest;
pub use project::{Dependency, Extension, Project};
pub use requirement::{InvalidRequirement, parse_requirement};
pub use settings::{Key, WADUP_KEYS};
pub use sources::{Layout, NOT_PACKAGES, SourceFile, Sources};
pub use wheel::{Purity, WheelFilename, WheelFilenameError};

/// PEP 440 and PEP 508 types, as used in this crate's interface.
pub use pep508_rs::pep440_rs::{Version, VersionSpecifiers};
pub use pep508_rs::{
    ExtraName, MarkerEnvironment, MarkerTree, PackageName, Requirement, VersionOrUrl,
};
