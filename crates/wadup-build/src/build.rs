use wadup_project::Project;

use crate::error::BuildError;
use crate::event::Reporter;
use crate::output::BuildOutput;
use crate::settings::BuildSettings;
use crate::tools::Tools;

/// Makes the artifact of a project.
///
/// # Errors
///
/// When dependencies cannot be resolved or packed, the toolchain fails, a source of the
/// project is not valid Python, or its entry point fails when it is imported.
pub fn build(
    project: &Project,
    settings: &BuildSettings,
    tools: &dyn Tools,
    reporter: &dyn Reporter,
) -> Result<BuildOutput, BuildError> {
    let _ = (project, settings, tools, reporter);
    Err(BuildError::Unfinished)
}
