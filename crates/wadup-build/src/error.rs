use thiserror::Error;
use wadup_project::Location;

/// Why an artifact was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    #[error("the build is not put together yet")]
    Unfinished,
    #[error("the toolchain failed")]
    Tool(#[source] crate::ToolError),
}

impl BuildError {
    /// Where it is written, when a file of the project says it.
    pub fn location(&self) -> Option<&Location> {
        None
    }

    /// What to try.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
