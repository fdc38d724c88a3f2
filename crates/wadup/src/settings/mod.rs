//! What was typed, worked out: defaults filled in, the environment read, paths told apart.

mod build;
mod call;
mod compiler;
mod memory;
mod run;
mod sandboxed;
mod watch;

pub(crate) use build::BuildCommand;
pub(crate) use call::CallCommand;
pub(crate) use compiler::compiler;
pub(crate) use memory::available as available_memory;
pub(crate) use run::{ArtifactSource, RunCommand, RunOutput, default_jobs};
pub(crate) use sandboxed::{Program, PythonCommand, Request, Sandboxed, TestCommand};
pub(crate) use watch::Watched;
