//! Runs inputs through artifacts.
//!
//! A [`Host`] has an engine and settings. A *run* takes [`Inputs`] (files, folders, lists,
//! stdin) through one or more [`Artifact`]s: each input gets a brand-new sandbox of each
//! artifact (unless [`Isolation`] says otherwise), and how that ended, with the rows that it delivered, is committed to a
//! [`TableSink`](wadup_sink::TableSink), an input at a time or several, never a part of one.
//! Sub-content that an input emits becomes an input itself, for every artifact.
//!
//! - An input that fails is data: an outcome with a [`Status`]. Only the host's own failures
//!   are errors ([`RunError`]).
//! - What happens is told to a [`Reporter`], what it came to is a [`RunSummary`].
//! - A [`Session`] is one sandbox that is talked to, for interpreters.
//! - [`Cancel`] ends a run early: gently once, at once the second time.
//!
//! ```
//! use wadup_host::{Cancel, Host, HostSettings, Inputs, Silent};
//! use wadup_sink::MemorySink;
//!
//! let host = Host::new(HostSettings::default())?;
//! let wasm = br#"(module (func (export "process")))"#;
//! let artifact = host.load_bytes(wasm, "nothing", &Silent)?;
//!
//! let mut sink = MemorySink::new();
//! let inputs = Inputs::new().path(file!()).path("not-there.txt");
//! let summary = host.run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())?;
//! assert_eq!(summary.inputs, 2);
//! assert!(!summary.is_success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artifact;
mod cancel;
mod cap;
mod events;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod inputs;
mod intake;
mod metadata;
mod outcome;
mod queue;
mod rejection;
mod resume;
mod run;
mod sandbox;
mod schema;
mod session;
mod settings;
mod subcontent;
mod summary;
mod writer;

pub use artifact::{Artifact, ArtifactError, read_module};
pub use cancel::Cancel;
pub use events::{Event, Reporter, Silent, SkipReason};
pub use host::{Host, RunError};
pub use inputs::{Inputs, read_stdin};
pub use resume::Resume;
pub use sandbox::Sandboxes;
pub use session::{Session, SessionError, SessionWorld, Turn, TurnEnd};
pub use settings::{Caps, HostSettings, Isolation};
pub use summary::{ErrorGroup, RunSummary};
pub use wadup_engine::{
    CacheProblem, CompiledCache, Compiler, CompilerProcess, EngineError, LoadError, Origin,
    Program, binary, compile_for_parent, pagemap_scan_available,
};
pub use wadup_sink::{OutcomeRecord, Status};
pub use wadup_wasi::{Output, StandardStreams};
