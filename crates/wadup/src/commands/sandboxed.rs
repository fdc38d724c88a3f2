//! What `wadup python` and `wadup test` have in common: an interpreter in a sandbox.

use std::{
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError},
};

use wadup_build::BuildSettings;
use wadup_host::{Artifact, Cancel, Host, HostSettings, Session, SessionWorld, Turn, TurnEnd};

use super::{
    interrupt::Interrupt,
    run::{build_projects, load},
    signals,
};
use crate::{
    diagnostics::{self, Failure},
    exit_code::ExitCode,
    reporters::{RunReporter, Streams, counted},
    settings::{ArtifactSource, Request, RunOutput, Sandboxed},
};

const OUTPUT: RunOutput = RunOutput {
    verbose: false,
    json: false,
    watch: false,
};

/// An interpreter that is ready.
pub(super) struct Interpreter {
    host: Host,
    artifact: Artifact,
    files: Vec<(String, PathBuf)>,
    input: Option<PathBuf>,
}

/// What Ctrl-C ends: what is being waited for.
#[derive(Clone, Default)]
pub(super) struct Interrupts(Arc<Mutex<Cancel>>);

impl Interpreter {
    /// Makes it, where the cache does not have it.
    pub(super) fn prepare(sandboxed: Sandboxed) -> Result<Self, Failure> {
        let Sandboxed {
            project,
            build,
            host,
            files,
            input,
        } = sandboxed;
        let (host, artifact) = loaded(ArtifactSource::Project(Box::new(project)), &build, host)?;
        Ok(Self {
            host,
            artifact,
            files,
            input,
        })
    }

    pub(super) fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Has `work` talk to it. `stdin`: whether the guest may read what there is.
    pub(super) fn session<T: Send>(
        self,
        stdin: bool,
        work: impl FnOnce(&mut Session<'_>) -> T + Send,
    ) -> Result<T, Failure> {
        let world = SessionWorld {
            streams: Box::new(Streams::new(stdin)),
            input: self.input,
            files: self.files,
        };
        let done = self.host.session(&self.artifact, world, work);
        done.map_err(|error| Failure::session(&error))
    }
}

fn loaded(
    source: ArtifactSource,
    build: &BuildSettings,
    host: HostSettings,
) -> Result<(Host, Artifact), Failure> {
    let sources = [source];
    let built = build_projects(&sources, (build, OUTPUT), &Interrupt::default())?;
    let reporter = Arc::new(RunReporter::new(OUTPUT));
    let host = Host::new(host).map_err(|error| Failure::engine(&error))?;
    let loaded = load(&host, &built, &reporter);
    reporter.clear();
    match loaded?.pop() {
        Some(artifact) => Ok((host, artifact)),
        None => unreachable!("one was asked for"),
    }
}

impl Interrupts {
    /// The first ends the turn; one that still runs at the next ends the process.
    pub(super) fn install() -> Result<Self, Failure> {
        let interrupts = Self::default();
        let current = interrupts.clone();
        signals::handle(move || {
            let cancel = current.get();
            match cancel.is_requested() {
                false => cancel.stop(),
                true => process::exit(ExitCode::Interrupted as i32),
            }
        })?;
        Ok(interrupts)
    }

    fn get(&self) -> Cancel {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks, so that Ctrl-C ends this and nothing after it.
    pub(super) fn ask(&self, session: &mut Session<'_>, request: &Request) -> Turn {
        let cancel = Cancel::new();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cancel.clone();
        let request = serde_json::to_vec(request).unwrap_or_default();
        session.ask(request, &cancel)
    }
}

/// The exit code of a program that ran once, and a word where it did not end by itself.
pub(super) fn exit_code(turn: &Turn) -> u8 {
    if turn.rows + turn.subcontent > 0 {
        let yielded = [(turn.rows, "row"), (turn.subcontent, "piece")];
        let yielded = yielded.iter().filter(|(count, _)| *count > 0);
        let yielded: Vec<_> = yielded.map(|(count, noun)| counted(*count, noun)).collect();
        diagnostics::warn(&format!(
            "{} went nowhere: `wadup call` shows what a project yields",
            yielded.join(" and ")
        ));
    }
    match &turn.end {
        TurnEnd::Returned => ExitCode::Success as u8,
        // As far as a process can say it.
        TurnEnd::Exited(code) => (code & 0xff) as u8,
        TurnEnd::Interrupted => {
            diagnostics::warn("interrupted");
            ExitCode::Interrupted as u8
        }
        TurnEnd::Failed(message) => {
            diagnostics::print(&ended(message));
            ExitCode::InputsFailed as u8
        }
    }
}

/// A trap or a limit.
pub(super) fn ended(message: &str) -> Failure {
    Failure::new(ExitCode::InputsFailed, "run to the end").because_of(message)
}
