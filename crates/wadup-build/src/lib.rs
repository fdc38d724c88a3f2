//! From a project to an artifact: resolve, bundle, compile to bytecode, snapshot.
//!
//! [`build`] is the whole way. Its inputs are a [`Project`](wadup_project::Project),
//! [`BuildSettings`], [`Tools`] (those of the toolchain: [`ToolchainTools`]) and a
//! [`Reporter`]; its result
//! is a file that depends on nothing else: not on the folder, the user, or the day.
//!
//! 1. *resolve*: a lock is read, checked, or written by uv; markers are
//!    evaluated for CPython on WASI, and every package gets one source: a pure-Python wheel
//!    or the runtime's own tree.
//! 2. *plan*: a [`BuildPlan`], which names every input by its digest. An artifact that was
//!    made from the same plan before is taken from the cache.
//! 3. *bundle*, *bytecode*: wheels are unpacked, sources compiled by the runtime itself.
//! 4. *initialize*, *snapshot*: the runtime reads the bundle and starts the interpreter in a
//!    sandbox, whose memory becomes the artifact.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use wadup_build::{BuildSettings, Silent, ToolchainTools, build};
//! use wadup_toolchain::{Settings, Toolchain};
//!
//! let project = wadup_project::Project::load("examples/python-pydantic-test".as_ref())?;
//! let toolchain = Toolchain::open(Settings::from_env()?, Arc::new(wadup_toolchain::Silent))?;
//! let settings = BuildSettings {
//!     output: Some("python-pydantic-test.wasm".into()),
//!     ..BuildSettings::default()
//! };
//! let output = build(&project, &settings, &ToolchainTools::new(&toolchain)?, &Silent)?;
//! println!("{} bytes", output.size);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artifact;
mod audit;
mod build;
mod bytecode;
mod cache;
mod compression;
mod digest;
mod dist_info;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod inspect;
mod library;
mod output;
mod own_wheel;
mod packer;
mod plan;
mod product;
mod resolve;
mod sandbox;
mod settings;
mod snapshot;
mod toolchain;
mod tools;
mod tree;
mod wheel;

pub use artifact::InvalidArtifact;
pub use audit::Impurities;
pub use build::{
    Check, DryRun, DryRunLock, DryRunPackage, Freshness, PythonCheck, build, check, dry_run,
};
pub use bytecode::CompileError;
pub use cache::WriteError;
pub use compression::CompressionError;
pub use digest::Digest;
pub use error::BuildError;
pub use event::{BuildEvent, Reporter, Silent, Step};
pub use inspect::{Export, Import, InspectError, Inspection, Part, Table, inspect};
pub use output::{BuildOutput, FileKind, PackedFile, Warning};
pub use own_wheel::own_wheel;
pub use plan::{BuildPlan, PlannedPackage};
pub use product::{Product, bare_project};
pub use resolve::{Refusal, RefusalReason, ResolveError};
pub use sandbox::SandboxError;
pub use settings::{BuildSettings, ImportLimits};
pub use snapshot::SnapshotError;
pub use toolchain::{RecipeTextError, ToolchainTools};
pub use tools::{Download, ExtensionRecipe, GuestFile, Provided, Runtime, ToolError, Tools};
pub use tree::{Conflict, ReadError};
pub use wadup_protocol::audit::Finding;
pub use wadup_protocol::manifest::{Manifest, Start};
pub use wadup_toolchain::MissingStep;
pub use wheel::WheelError;
