//! The training: a project like a user's, on an instrumented runtime.

use std::path::Path;

use anyhow::{Context as _, bail};
use wadup_build::{BuildSettings, Silent, ToolchainTools};
use wadup_host::{Artifact, Caps, CompiledCache, Host, HostSettings, Inputs, Status};
use wadup_project::Project;
use wadup_protocol::metadata::Value;
use wadup_sink::MemorySink;
use wadup_toolchain::derived;

use crate::context::{Context, say};

/// The project's folder.
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/training");

/// Builds the project and runs it once; what it counted, as an LLVM raw profile.
pub(crate) fn run(context: &Context) -> anyhow::Result<Vec<u8>> {
    let project = Project::load(Path::new(PROJECT))?;
    let tools = ToolchainTools::new(&context.toolchain)?;
    let settings = BuildSettings::default();
    let built = wadup_build::build(&project, &settings, &tools, &Silent)?;

    say("training");
    let reporter = &wadup_host::Silent;
    let host = Host::new(limits(context))?;
    let artifact: Artifact = host.load(&built.artifact, reporter)?;
    let mut sink = MemorySink::new();
    // The training reads no input; any will do.
    let inputs = Inputs::new().path(Path::new(PROJECT).join("pyproject.toml"));
    host.run(&[artifact], inputs, &mut sink, reporter, &context.cancel)?;
    context.check()?;

    let outcome = sink.inputs.first().and_then(|input| input.outcomes.first());
    let outcome = outcome.context("the training has no outcome")?;
    if outcome.status != Status::Completed {
        let message = outcome.message.as_deref().unwrap_or_default();
        let traceback = outcome.traceback.as_deref().unwrap_or_default();
        bail!("the training {}: {message}\n{traceback}", outcome.status);
    }
    let mut parts = Vec::new();
    for (_, cells) in sink.rows("profile") {
        let [Some(Value::Int64(part)), Some(Value::String(hex))] = &cells[..] else {
            bail!("the training's table `profile` has other columns");
        };
        parts.push((*part, hex.clone()));
    }
    parts.sort_unstable();
    let hex: String = parts.into_iter().map(|(_, hex)| hex).collect();
    decode(&hex).context("the training's profile is not in hexadecimal digits")
}

/// Limits that the training does not meet: it counts all that it does, which takes time.
fn limits(context: &Context) -> HostSettings {
    HostSettings {
        max_memory: 2 << 30,
        timeout: None,
        cache: CompiledCache::at(context.toolchain.cache_dir().join(derived::COMPILED)),
        caps: Caps {
            files: 1 << 30,
            ..Caps::default()
        },
        ..HostSettings::default()
    }
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let bytes = hex.as_bytes().chunks_exact(2);
    bytes
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes() {
        assert_eq!(decode("00ff7A"), Some(vec![0, 255, 122]));
        assert_eq!(decode("0"), None);
        assert_eq!(decode("0g"), None);
    }
}
