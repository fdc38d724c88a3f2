//! What was typed, worked out: defaults filled in, the environment read, paths told apart.

mod build;
mod memory;
mod run;

pub(crate) use build::BuildCommand;
pub(crate) use run::{ArtifactSource, RunCommand, RunOutput};
