//! The suite in the sandbox: an artifact with its runner in it, on wadup's own host.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use wadup_build::{BuildSettings, Silent, ToolchainTools};
use wadup_host::{
    Artifact, Caps, CompiledCache, Event, Host, HostSettings, Inputs, OutcomeRecord, Status,
};
use wadup_project::{Lock, PackageSource, Project};
use wadup_sink::MemorySink;
use wadup_toolchain::derived;

use super::runner::MODULE;
use super::{ENVIRONMENT, Execution, Outcome, Request, Run, Suite, Test, key};
use crate::context::{Context, say};

/// How the sandbox is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SandboxOptions {
    /// Write `/tmp/perf-PID.map`.
    pub(crate) perf_map: bool,
    /// For one request.
    pub(crate) timeout: Option<Duration>,
    /// How many requests are executed at once.
    pub(crate) jobs: NonZeroU32,
}

impl Default for SandboxOptions {
    /// One request at a time, without a limit.
    fn default() -> Self {
        Self {
            perf_map: false,
            timeout: None,
            jobs: NonZeroU32::MIN,
        }
    }
}

/// An artifact that runs a suite's tests; which of them is the request's matter.
#[derive(Debug)]
pub(crate) struct Sandbox<'c> {
    context: &'c Context,
    host: Host,
    artifact: Artifact,
}

impl<'c> Sandbox<'c> {
    pub(crate) fn new(
        context: &'c Context,
        suite: &Suite,
        options: SandboxOptions,
    ) -> anyhow::Result<Self> {
        let artifact = fs::read(build(context, suite)?)?;
        let host = Host::new(settings(context, options))?;
        let artifact = host.load_bytes(&artifact, "suite", &wadup_host::Silent)?;
        Ok(Self {
            context,
            host,
            artifact,
        })
    }

    /// Executes one request, which has to come to its end.
    pub(crate) fn run(&self, request: &Request) -> anyhow::Result<Run> {
        let execution = self.execute(std::slice::from_ref(request), &|_, _| {})?;
        let execution = execution.into_iter().next();
        let run = execution.context("the sandbox has no outcome")?.ended()?;
        Ok(run)
    }

    /// Executes each request in a fresh instance; `each` is told when one has ended.
    pub(crate) fn execute(
        &self,
        requests: &[Request],
        each: &(dyn Fn(&Request, &Execution) + Sync),
    ) -> anyhow::Result<Vec<Execution>> {
        let folder = self.context.scratch()?;
        let mut inputs = Inputs::new();
        for (number, request) in requests.iter().enumerate() {
            let path = folder.path().join(format!("{number}.json"));
            fs::write(&path, serde_json::to_vec(request)?)?;
            inputs = inputs.path(path);
        }
        let reporter = |event: &Event<'_>| {
            if let Event::InputFinished {
                number, outcomes, ..
            } = event
                && let Some(request) = place(*number).and_then(|place| requests.get(place))
                && let Some(Ok(execution)) = outcomes.first().map(execution)
            {
                each(request, &execution);
            }
        };
        let artifacts = std::slice::from_ref(&self.artifact);
        let cancel = &self.context.cancel;
        let mut sink = MemorySink::new();
        self.host
            .run(artifacts, inputs, &mut sink, &reporter, cancel)?;
        self.context.check()?;

        let mut executions = BTreeMap::new();
        for input in &sink.inputs {
            let outcome = input.outcomes.first();
            let outcome = outcome.context("the sandbox has no outcome")?;
            executions.insert(input.number, execution(outcome)?);
        }
        if executions.len() != requests.len() {
            bail!("the sandbox did not execute all requests");
        }
        Ok(executions.into_values().collect())
    }
}

fn place(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// What an instance came to.
fn execution(outcome: &OutcomeRecord) -> anyhow::Result<Execution> {
    if outcome.output_dropped > 0 {
        bail!("the suite printed more than is kept");
    }
    let (run, mut output) = Run::parse(&outcome.stdout)?;
    output.push_str(&outcome.stderr);
    let message = outcome.message.as_deref().unwrap_or_default();
    let traceback = outcome.traceback.as_deref().unwrap_or_default();
    let death = match outcome.status {
        Status::Completed if run.code.is_some() => None,
        Status::Completed => Some((Outcome::Exited, "the guest exited with code 0")),
        Status::Trapped => Some((Outcome::Trapped, message)),
        Status::LimitExceeded => Some((Outcome::LimitExceeded, message)),
        Status::Exited | Status::Raised => Some((Outcome::Exited, message)),
        Status::Rejected | Status::Unreadable => {
            bail!("the sandbox {}: {message}", outcome.status)
        }
    };
    Ok(Execution {
        run,
        death: death.map(|(outcome, message)| Test {
            outcome,
            message: message.to_owned(),
            detail: traceback.to_owned(),
        }),
        output,
        duration: outcome.duration,
    })
}

/// The limits of `wadup run`, but for what suites need more of: time, memory and output.
fn settings(context: &Context, options: SandboxOptions) -> HostSettings {
    let compiled = context.toolchain.cache_dir().join(derived::COMPILED);
    let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    HostSettings {
        jobs: options.jobs,
        max_memory: 2 << 30,
        timeout: options.timeout,
        env: environment.into(),
        perf_map: options.perf_map,
        cache: match options.perf_map {
            true => CompiledCache::disabled(),
            false => CompiledCache::at(compiled),
        },
        caps: Caps {
            files: 1 << 30,
            output: 256 << 20,
            ..Caps::default()
        },
        ..HostSettings::default()
    }
}

/// Builds the artifact, as `wadup build` does.
fn build(context: &Context, suite: &Suite) -> anyhow::Result<PathBuf> {
    let folder = project(context, suite)?;
    let tools = ToolchainTools::new(&context.toolchain)?;
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

/// The project that the artifact is built of; its package is the runner and the suite's files.
fn project(context: &Context, suite: &Suite) -> anyhow::Result<PathBuf> {
    let manifest = pyproject(suite);
    let package = suite.package(context)?;
    let key = key(&[&manifest, &package.to_string_lossy()]);
    context.kept(&format!("{}-project-{key}", suite.name), |folder| {
        fs::write(folder.join("pyproject.toml"), manifest)?;
        copy(&package, &folder.join("src"))
    })
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn pyproject(suite: &Suite) -> String {
    let dependencies: Vec<_> = suite.pins().map(|(name, _)| name).collect();
    format!(
        "[project]\nname = \"suite\"\nversion = \"1.0\"\ndependencies = {dependencies:?}\n\n\
         [tool.wadup]\nentry-point = {MODULE:?}\nc-extensions = {:?}\n",
        suite.definition.c_extensions,
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
