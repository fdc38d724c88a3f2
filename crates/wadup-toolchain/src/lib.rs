//! From recipes to a runtime: CPython for WebAssembly with a set of native
//! packages, and the tools that go with it, built on this machine.
//!
//! - A *recipe* is data: pinned sources, and how to build them. Recipes are part
//!   of the binary ([`Recipes`]).
//! - A *source* is a file that a recipe pins by its SHA-256 digest. It is fetched
//!   with the machine's own configured tools (apt, cargo, pip, uv), verified, and
//!   refused if it differs.
//! - A *step* is one unit of work. Its key is a digest of everything that goes
//!   into it, its result is a folder of the cache under that key. Results are
//!   renamed into place when they are complete: two processes can build at once,
//!   a killed one leaves nothing half done, and what is finished is kept.
//! - A [`Runtime`] is the last step's result: one module, the standard library
//!   and the packages that go with it.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use wadup_toolchain::{Settings, Silent, Toolchain};
//!
//! let toolchain = Toolchain::open(Settings::from_env()?, Arc::new(Silent))?;
//! let runtime = toolchain.runtime(&["pydantic-core"])?;
//! assert_eq!(runtime.python_version, "3.13.5");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod command;
pub mod derived;
mod digest;
mod dist_info;
mod doctor;
mod embedded;
mod fetch;
mod files;
mod graph;
mod host;
mod patch;
mod recipes;
mod report;
mod requirements;
mod schedule;
mod settings;
mod stdlib;
mod step;
mod steps;
mod toolchain;
mod turns;
mod unpack;
mod wasm;

pub use cache::{CacheError, UntrustedError};
pub use command::{CommandError, network};
pub use digest::{ParseSha256Error, Sha256};
pub use doctor::{Finding, State, examine};
pub use embedded::guest_python;
pub use fetch::{DownloadError, Downloader, FetchError, Uv};
pub use recipes::{ExtensionModule, ExtensionRecipe, Provision, RecipeError, Recipes};
pub use report::{Event, Reporter, Silent};
pub use requirements::{REQUIREMENTS, Requirement};
pub use schedule::StepError;
pub use settings::{Profiling, Settings, SettingsError};
pub use step::ActionError;
pub use toolchain::{
    Clean, MissingStep, NativePython, Runtime, RuntimePackage, StepStatus, Toolchain,
    ToolchainError, WasiRust,
};
pub use unpack::{tar_gz as unpack_sdist, tar_xz as unpack_tar_xz};
pub use wasm::{LocalizeError, LowerBulkError, RuntimeCheckError};
