use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::ProgressBar;
use serde::Serialize;
use wadup_build::{BuildEvent, BuildOutput, Finding, Impurities, Step};
use wadup_toolchain::Event;

use super::{
    console::{print, set_message, shown, spinner},
    event::JsonPath,
    json_lines::JsonLines,
};
use crate::diagnostics::{self, OneLine, display_path, short};

/// Tells of the steps of a build and of an installation of the toolchain.
#[derive(Debug)]
pub(crate) struct StepReporter {
    /// Hidden unless stderr is a terminal.
    progress: ProgressBar,
    json: Option<JsonLines>,
    verbose: bool,
    active: Mutex<Active>,
}

/// What is being worked on.
#[derive(Debug, Default)]
struct Active {
    /// Several at once when a toolchain is installed.
    steps: Vec<String>,
    /// Of the toolchain's steps, how many are done, and how many there are.
    done: usize,
    planned: usize,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum StepEvent<'a> {
    StepStarted {
        step: &'a str,
    },
    StepFinished {
        step: &'a str,
        duration_ms: f64,
    },
    StepFailed {
        step: &'a str,
        duration_ms: f64,
    },
    LockWritten(JsonPath<'a>),
    Warning {
        message: String,
    },
    /// Importing the entry point did what its snapshot freezes.
    Impure {
        /// Whether it is not warned of, as it is what the package is known to do.
        expected: bool,
        #[serde(flatten)]
        finding: &'a Finding,
    },
    /// What importing the entry point printed.
    Printed {
        stdout: &'a str,
        stderr: &'a str,
    },
    Built {
        #[serde(flatten)]
        artifact: JsonPath<'a>,
        size: u64,
        name: &'a str,
        version: &'a str,
        cached: bool,
        packages: &'a std::collections::BTreeMap<String, String>,
    },
}

impl StepReporter {
    pub(crate) fn new(verbose: bool, json: bool) -> Self {
        Self {
            progress: spinner(),
            json: json.then(JsonLines::to_stdout),
            verbose,
            active: Mutex::default(),
        }
    }

    /// The artifact is there.
    pub(crate) fn built(&self, output: &BuildOutput) {
        self.progress.finish_and_clear();
        self.write(&StepEvent::Built {
            artifact: JsonPath::new(output.artifact.as_os_str()),
            size: output.size,
            name: &output.manifest.name,
            version: &output.manifest.version,
            cached: output.cached,
            packages: &output.manifest.packages,
        });
    }

    /// Nothing more will be told; the terminal is as it was.
    pub(crate) fn clear(&self) {
        self.progress.finish_and_clear();
    }

    fn started(&self, step: &str, doing: &str) {
        self.active().steps.push(doing.to_owned());
        self.show_active("");
        self.write(&StepEvent::StepStarted { step });
    }

    fn ended(&self, doing: &str) {
        self.active().steps.retain(|other| other != doing);
        self.show_active("");
    }

    fn show_active(&self, detail: &str) {
        let active = self.active();
        let mut message = String::new();
        if active.planned > 0 {
            let number = (active.done + 1).min(active.planned);
            message = format!("step {number} of {}: ", active.planned);
        }
        let what = if detail.is_empty() {
            active.steps.join(", ")
        } else {
            detail.to_owned()
        };
        set_message(&self.progress, &(message + &what));
    }

    fn finished(&self, step: &str, duration: Duration, tell: bool) {
        if tell {
            self.say(&format!("  {step} in {}\n", shown(duration)));
        }
        let duration_ms = duration.as_secs_f64() * 1e3;
        self.write(&StepEvent::StepFinished { step, duration_ms });
    }

    fn failed(&self, step: &str, duration: Duration) {
        let duration_ms = duration.as_secs_f64() * 1e3;
        self.write(&StepEvent::StepFailed { step, duration_ms });
    }

    fn working(&self, step: &str, line: &str) {
        let line = OneLine(line.trim());
        self.show_active(&format!("{step}: {line}"));
        if self.verbose {
            self.say(&format!("  {step}: {line}\n"));
        }
    }

    fn warn(&self, message: &str) {
        self.progress.suspend(|| diagnostics::warn(message));
    }

    fn printed(&self, stdout: &str, stderr: &str) {
        self.say("what importing it printed, once and for all:\n");
        for line in stdout.lines().chain(stderr.lines()) {
            self.say(&format!("  | {}\n", OneLine(line)));
        }
        self.write(&StepEvent::Printed { stdout, stderr });
    }

    fn impure(&self, entry_point: &str, impurities: &Impurities) {
        if !impurities.is_empty() {
            self.warn(&format!(
                "the snapshot freezes what importing `{entry_point}` did, for every input:\n\
                 {impurities}\n\
                 What is to differ belongs into main() or a function of @wadup.on_start"
            ));
        }
        for (findings, expected) in [(&impurities.findings, false), (&impurities.expected, true)] {
            for finding in findings {
                self.write(&StepEvent::Impure { expected, finding });
            }
        }
    }

    fn say(&self, text: &str) {
        self.progress.suspend(|| print(text));
    }

    fn write(&self, event: &StepEvent<'_>) {
        if let Some(json) = &self.json {
            json.write(event);
        }
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a step does, for those who wait for it.
fn doing(step: Step) -> &'static str {
    match step {
        Step::Resolve => "resolving dependencies",
        Step::Fetch => "fetching wheels",
        Step::Runtime => "looking for the runtime",
        Step::Bundle => "packing, and compiling to bytecode",
        Step::Initialize => "importing the entry point",
        Step::Artifact => "writing the artifact",
    }
}

impl wadup_build::Reporter for StepReporter {
    fn event(&self, event: BuildEvent) {
        match event {
            BuildEvent::Started(step) => self.started(&step.to_string(), doing(step)),
            BuildEvent::Finished { step, elapsed } => {
                self.ended(doing(step));
                self.finished(&step.to_string(), elapsed, self.verbose);
            }
            BuildEvent::LockWritten(path) => {
                self.say(&format!("  wrote {}\n", display_path(&short(&path))));
                self.write(&StepEvent::LockWritten(JsonPath::new(path.as_os_str())));
            }
            BuildEvent::Warning(warning) => {
                let message = warning.to_string();
                self.warn(&message);
                self.write(&StepEvent::Warning { message });
            }
            BuildEvent::Printed { stdout, stderr } => self.printed(&stdout, &stderr),
            BuildEvent::Impure {
                entry_point,
                impurities,
            } => self.impure(&entry_point, &impurities),
            _ => {}
        }
    }
}

impl wadup_toolchain::Reporter for StepReporter {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Planned { steps } if steps > 0 => {
                self.active().planned = steps;
                let plural = if steps == 1 { "" } else { "s" };
                self.say(&format!("the toolchain needs {steps} step{plural}, once\n"));
            }
            Event::Started { step } => self.started(step, step),
            Event::Waiting { step } => self.working(step, "waiting for another wadup"),
            Event::Fetching { file } => self.working("download", file),
            Event::Progress { step, line } => self.working(step, line),
            // A step can take minutes: worth a line also where nobody watches.
            Event::Finished { step, duration } => {
                self.active().done += 1;
                self.ended(step);
                self.finished(step, duration, true);
            }
            Event::Failed { step, duration } => {
                self.ended(step);
                self.failed(step, duration);
            }
            _ => {}
        }
    }
}
