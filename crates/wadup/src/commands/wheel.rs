use std::fs;

use crate::{
    cli::WheelArgs,
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
    reporters,
};

/// `wadup wheel`
pub(super) fn wheel(args: WheelArgs) -> Result<ExitCode, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        let action = format!("write the wheel to {}", display_path(&args.output));
        Failure::new(ExitCode::Build, action).because(error)
    };
    let (name, content) = wadup_build::own_wheel().map_err(|error| failed(&error))?;
    let path = args.output.join(name);
    fs::create_dir_all(&args.output)
        .and_then(|()| fs::write(&path, content))
        .map_err(|error| failed(&error))?;
    reporters::write_data(&format!("{}\n", path.display()));
    Ok(ExitCode::Success)
}
