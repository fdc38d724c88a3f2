use std::fmt::Write as _;

use indicatif::HumanBytes;
use serde::Serialize;
use wadup_host::{Host, HostSettings, pagemap_scan_available};
use wadup_toolchain::{Finding, Settings, State, examine};

use crate::{
    cli::{CompilerArgs, DoctorArgs},
    diagnostics::{Failure, OneLine},
    exit_code::ExitCode,
    reporters::{self, JsonLines},
    settings::{available_memory, compiler, default_jobs},
};

/// `wadup doctor`
pub(super) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::from_env().map_err(|error| Failure::cache(&error))?;
    let mut findings = vec![version()];
    findings.extend(examine(&settings, args.registries));
    findings.extend([memory(), sandboxes(), kernel()]);
    if args.json {
        let out = JsonLines::to_stdout();
        for finding in &findings {
            out.write(&Event::from(finding));
        }
    } else {
        reporters::write_styled(&findings.iter().map(text).collect::<String>());
    }
    let count = |state| findings.iter().filter(|one| one.state == state).count();
    match count(State::Problem) {
        0 => {
            let warnings = count(State::Warning);
            reporters::print(&format!("no problems, {}\n", counted(warnings, "warning")));
            Ok(ExitCode::Success)
        }
        problems => Err(
            Failure::new(ExitCode::Toolchain, "find all that wadup needs")
                .because_of(counted(problems, "problem"))
                .hint(Some("each has what mends it below it")),
        ),
    }
}

#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl<'a> From<&'a Finding> for Event<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            event: "finding",
            finding,
        }
    }
}

fn text(finding: &Finding) -> String {
    let (word, style) = match finding.state {
        State::Ok => ("ok", reporters::GOOD),
        State::Warning => ("warning", reporters::CAREFUL),
        State::Problem => ("problem", reporters::BAD),
    };
    let subject = &finding.subject;
    let mut text = format!("{style}{word:<8}{style:#} {subject:<12} ");
    append(&mut text, 22, &finding.message);
    if let Some(remedy) = &finding.remedy {
        text.push_str("       → ");
        append(&mut text, 9, remedy);
    }
    text
}

/// Appends words, in as many lines as they take in 80 columns, each of which starts at `column`.
fn append(text: &mut String, column: usize, words: &str) {
    let mut used = column;
    for (index, word) in words.split_whitespace().enumerate() {
        let word = OneLine(word).to_string();
        let length = word.chars().count();
        if index > 0 && used + 1 + length > 80 {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{:column$}", "");
            used = column;
        } else if index > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(&word);
        used += length;
    }
    text.push('\n');
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn version() -> Finding {
    use std::env::consts::{ARCH, OS};
    Finding::ok(
        "wadup",
        format!("{} on {OS}-{ARCH}", env!("CARGO_PKG_VERSION")),
    )
}

/// Compiling an artifact takes the most at once.
fn memory() -> Finding {
    const SUBJECT: &str = "memory";
    let Some(available) = available_memory() else {
        return Finding::ok(SUBJECT, "nobody says how much is available");
    };
    let message = format!("{} available", HumanBytes(available));
    match available {
        ..0x4000_0000 => Finding::of(
            State::Warning,
            SUBJECT,
            message + "; compiling CPython with pydantic takes 0.5 GB",
            "stop other programs, or raise the control group's limit",
        ),
        _ => Finding::ok(SUBJECT, message),
    }
}

/// Address space for as many sandboxes as a run would have is reserved, as a run does it.
fn sandboxes() -> Finding {
    const SUBJECT: &str = "sandboxes";
    let jobs = default_jobs();
    let settings = HostSettings {
        jobs,
        compiler: compiler(CompilerArgs::default()),
        ..HostSettings::default()
    };
    match Host::new(settings) {
        Ok(_) => Finding::ok(SUBJECT, format!("{jobs} at once")),
        Err(error) => {
            let mut message = error.to_string();
            let mut next = std::error::Error::source(&error);
            while let Some(error) = next {
                let _ = write!(message, ": {error}");
                next = error.source();
            }
            let remedy = error.hint().unwrap_or("`ulimit -v unlimited`");
            Finding::of(State::Problem, SUBJECT, message, remedy)
        }
    }
}

fn kernel() -> Finding {
    const SUBJECT: &str = "kernel";
    if pagemap_scan_available() {
        return Finding::ok(SUBJECT, "PAGEMAP_SCAN: instances begin without page faults");
    }
    Finding::of(
        State::Warning,
        SUBJECT,
        "no PAGEMAP_SCAN: each instance begins with page faults, which is slower",
        "Linux 6.7 or newer, outside of sandboxes that hide /proc/self/pagemap",
    )
}
