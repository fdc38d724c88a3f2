//! The suite in the sandbox: an artifact with pytest in it, on wadup's own host.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use wadup_build::{BuildSettings, Silent, ToolchainTools};
use wadup_host::{Artifact, Caps, CompiledCache, Host, HostSettings, Inputs, Status};
use wadup_project::{Lock, PackageSource, Project};
use wadup_protocol::metadata::Value;
use wadup_sink::MemorySink;
use wadup_toolchain::derived;

use super::{RUNNER, Request, Run, Suite, key};
use crate::context::{Context, say};

/// How the sandbox is set up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SandboxOptions {
    /// Write `/tmp/perf-PID.map`.
    pub(crate) perf_map: bool,
}

/// An artifact that runs suites; what it runs is the request's matter.
#[derive(Debug)]
pub(crate) struct Sandbox<'c> {
    context: &'c Context,
    artifact: Vec<u8>,
    input: PathBuf,
    options: SandboxOptions,
}

impl<'c> Sandbox<'c> {
    pub(crate) fn new(
        context: &'c Context,
        suite: &Suite,
        options: SandboxOptions,
    ) -> anyhow::Result<Self> {
        let artifact = build(context, suite)?;
        Ok(Self {
            context,
            artifact: fs::read(artifact)?,
            input: suite.input.clone(),
            options,
        })
    }

    /// Runs pytest once, in a fresh instance.
    pub(crate) fn run(&self, request: &Request) -> anyhow::Result<Run> {
        let reporter = &wadup_host::Silent;
        // The environment is the host's, so each request has a host of its own.
        let host = Host::new(self.settings(request))?;
        let artifact: Artifact = host.load_bytes(&self.artifact, "suite", reporter)?;
        let mut sink = MemorySink::new();
        let inputs = Inputs::new().path(&self.input);
        let cancel = &self.context.cancel;
        host.run(&[artifact], inputs, &mut sink, reporter, cancel)?;
        self.context.check()?;

        let outcome = sink.inputs.first().and_then(|input| input.outcomes.first());
        let outcome = outcome.context("the sandbox has no outcome")?;
        if outcome.status != Status::Completed {
            let message = outcome.message.as_deref().unwrap_or_default();
            let traceback = outcome.traceback.as_deref().unwrap_or_default();
            bail!(
                "the suite {} in the sandbox: {message}\n{traceback}\n{}",
                outcome.status,
                outcome.stdout
            );
        }
        let rows = sink.rows("records");
        let lines = rows.iter().filter_map(|(_, cells)| match cells.first() {
            Some(Some(Value::String(line))) => Some(line.as_str()),
            _ => None,
        });
        let run = Run::parse(lines)?;
        if run.code != Some(0) {
            say(format_args!(
                "pytest ended in the sandbox with {:?}:\n{}",
                run.code, outcome.stdout
            ));
        }
        Ok(run)
    }

    /// Limits that no suite should meet.
    fn settings(&self, request: &Request) -> HostSettings {
        let compiled = self.context.toolchain.cache_dir().join(derived::COMPILED);
        HostSettings {
            max_memory: 2 << 30,
            max_stack: 64 << 20,
            timeout: None,
            env: request.environment(),
            perf_map: self.options.perf_map,
            cache: match self.options.perf_map {
                true => CompiledCache::disabled(),
                false => CompiledCache::at(compiled),
            },
            caps: Caps {
                files: 1 << 30,
                output: 16 << 20,
                rows: 1 << 30,
                ..Caps::default()
            },
            ..HostSettings::default()
        }
    }
}

/// Builds the artifact, as `wadup build` does.
fn build(context: &Context, suite: &Suite) -> anyhow::Result<PathBuf> {
    let tools = ToolchainTools::new(&context.toolchain)?;
    let manifest = pyproject(suite);
    let name = format!("{}-project-{}", suite.name, key(&[&manifest, RUNNER]));
    let folder = context.kept(&name, |folder| {
        fs::create_dir(folder.join("src"))?;
        fs::write(folder.join("src/wadup_suite.py"), RUNNER)?;
        Ok(fs::write(folder.join("pyproject.toml"), manifest)?)
    })?;
    let project = Project::load(&folder)?;
    say(format_args!("building the artifact of {}", suite.name));
    let output = wadup_build::build(&project, &BuildSettings::default(), &tools, &Silent).map_err(
        |error| match error.traceback() {
            Some(traceback) => anyhow::anyhow!("{error}\n{traceback}"),
            None => error.into(),
        },
    )?;
    check_pins(suite, &folder.join("pylock.wadup.toml"))?;
    Ok(output.artifact)
}

fn pyproject(suite: &Suite) -> String {
    let dependencies: Vec<_> = suite.pins().map(|(name, _)| format!("{name:?}")).collect();
    format!(
        "[project]\nname = \"suite\"\nversion = \"1.0\"\ndependencies = [{}]\n\n[tool.wadup]\n\
         entry-point = \"wadup_suite\"\nc-extensions = [{:?}]\n",
        dependencies.join(", "),
        suite.extension.package,
    )
}

/// Sees to it that the lock has the very files that natively are installed.
fn check_pins(suite: &Suite, lock: &Path) -> anyhow::Result<()> {
    let lock = Lock::load(lock)?;
    for (pin, digest) in suite.pins() {
        let name = pin.split_once("==").map_or(pin, |(name, _)| name);
        let package = lock.packages.iter().find(|it| it.name.to_string() == name);
        let package = package.with_context(|| format!("the lock lacks {pin}"))?;
        let PackageSource::Wheels(wheels) = &package.source else {
            bail!("the lock has no wheels of {pin}");
        };
        if !wheels
            .iter()
            .any(|wheel| wheel.sha256.as_deref() == Some(digest))
        {
            bail!("the index has another {pin} than is pinned");
        }
    }
    Ok(())
}
