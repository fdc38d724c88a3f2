//! What of the machine the toolchain needs, and whether it is there.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cache::Cache;
use crate::command::network;
use crate::fetch::{Fetcher, Programs};
use crate::host::{COrigin, RustOrigin};
use crate::recipes::Recipes;
use crate::report::Silent;
use crate::requirements::{CERTIFICATES, Need, REQUIREMENTS, Requirement};
use crate::settings::Settings;
use crate::toolchain::Toolchain;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, in a word or two.
    pub subject: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What mends it: a command, or a sentence.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but slower, or not for everything.
    Warning,
    /// It does not work.
    Problem,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &str, message: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            state: State::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    /// Something is not, and can be mended.
    pub fn of(
        state: State,
        subject: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            state,
            remedy: Some(remedy.into()),
            ..Self::ok(subject, message)
        }
    }
}

/// How long a program may take to say its version.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a registry may take to deliver a small file.
const DELIVERY: Duration = Duration::from_secs(30);
/// What the whole toolchain takes, with what is made of it, about.
const SPACE_WANTED: u64 = 8 << 30;
/// What builds and compiled code take besides.
const SPACE_NEEDED: u64 = 512 << 20;

/// Looks at the machine: programs, certificates, the cache folder, and with `registries` whether
/// these deliver. Nothing is installed, and nothing but a temporary folder is written.
pub fn examine(settings: &Settings, registries: bool) -> Vec<Finding> {
    let look = Settings {
        look_only: true,
        ..settings.clone()
    };
    let toolchain = Toolchain::open(look, std::sync::Arc::new(Silent));
    let mut findings = Vec::new();
    // What is installed already needs no program any more.
    let missing = match &toolchain {
        Ok(toolchain) => toolchain.status().map_or(1, |steps| {
            steps.iter().filter(|step| step.size.is_none()).count()
        }),
        Err(_) => 1,
    };
    let state = if missing == 0 {
        State::Warning
    } else {
        State::Problem
    };
    let debian = toolchain.as_ref().map_or(true, needs_debian_packages);
    findings.extend(programs(debian, state));
    findings.push(certificates(state));
    match toolchain {
        Ok(toolchain) => {
            findings.extend(cache(&settings.cache, missing));
            findings.push(steps(missing));
            if registries {
                findings.extend(deliveries(&toolchain, debian));
            }
        }
        Err(error) => {
            let remedy = error.hint().unwrap_or_default();
            findings.push(Finding::of(
                State::Problem,
                "cache",
                error.to_string(),
                remedy,
            ));
        }
    }
    findings
}

fn needs_debian_packages(toolchain: &Toolchain) -> bool {
    let host = toolchain.host();
    matches!(host.c, COrigin::Debian) || matches!(host.rust, RustOrigin::Debian)
}

fn programs(debian: bool, state: State) -> Vec<Finding> {
    let needed = REQUIREMENTS
        .iter()
        .filter(|one| one.need == Need::Always || debian);
    std::thread::scope(|scope| {
        let asked: Vec<_> = needed
            .map(|one| scope.spawn(move || program(one, state)))
            .collect();
        let findings = asked.into_iter().map(|thread| thread.join());
        findings.flatten().collect()
    })
}

fn program(requirement: &Requirement, state: State) -> Finding {
    let Requirement {
        program, purpose, ..
    } = requirement;
    let bad = |message: String| Finding::of(state, program, message, requirement.remedy());
    match ask(network(program).arg("--version"), ANSWER) {
        Answer::Said(text) => {
            let line = text.lines().next().unwrap_or_default();
            Finding::ok(program, line)
        }
        Answer::NotThere => bad(format!("not installed; it {purpose}")),
        Answer::Failed(text) => bad(format!("`{program} --version` fails: {text}")),
        Answer::Late => bad(format!("`{program} --version` does not end")),
    }
}

/// What came of a question to a program.
enum Answer {
    Said(String),
    NotThere,
    Failed(String),
    Late,
}

/// Asks a program, which is ended if it takes too long.
fn ask(command: &mut Command, patience: Duration) -> Answer {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Answer::NotThere,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Answer::Said(said(&mut child)),
            Ok(Some(status)) => return Answer::Failed(status.to_string()),
            Err(error) => return Answer::Failed(error.to_string()),
            Ok(None) if begun.elapsed() > patience => {
                // It may have ended by itself in between.
                let _ = child.kill();
                let _ = child.wait();
                return Answer::Late;
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The beginning of what it printed; a pipe holds more than that.
fn said(child: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // What could not be read is not shown.
        let _ = stdout.take(4096).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// Where Linux distributions keep the certificates of authorities.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn certificates(state: State) -> Finding {
    const SUBJECT: &str = "certificates";
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    for name in ["PIP_CERT", "SSL_CERT_FILE"] {
        if let Some(path) = named(name).map(PathBuf::from) {
            let shown = path.display();
            return if path.is_file() {
                Finding::ok(SUBJECT, format!("{shown} ({name})"))
            } else {
                let message = format!("{name} names {shown}, which is no file");
                Finding::of(state, SUBJECT, message, format!("unset {name}"))
            };
        }
    }
    let mut places = AUTHORITIES.iter().filter(|path| Path::new(path).is_file());
    match places.next() {
        Some(path) => Finding::ok(SUBJECT, *path),
        None if cfg!(target_os = "macos") => Finding::ok(SUBJECT, "the keychain's"),
        None => Finding::of(state, SUBJECT, "no authorities are known", CERTIFICATES),
    }
}

fn cache(folder: &Path, missing: usize) -> Vec<Finding> {
    const SUBJECT: &str = "cache";
    let elsewhere = "set WADUP_CACHE_DIR to a folder of your own";
    // Before it is there: the folder that it is made in.
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or_else(|| Path::new("/"));
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_ok();
    let shown = folder.display();
    if !writable {
        let message = format!("{shown} cannot be written to");
        return vec![Finding::of(State::Problem, SUBJECT, message, elsewhere)];
    }
    let mut findings = vec![Finding::ok(SUBJECT, shown.to_string())];
    let Ok(space) = rustix::fs::statvfs(there) else {
        return findings;
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let gib = free as f64 / f64::from(1 << 30);
    let message = format!("{gib:.1} GiB are free");
    let make_room = "wadup toolchain clean --unused";
    let wanted = if missing > 0 { SPACE_WANTED } else { 2 << 30 };
    findings.push(match free {
        ..SPACE_NEEDED => Finding::of(State::Problem, "space", message, make_room),
        free if free < wanted => {
            let wanted = wanted >> 30;
            let message = format!("{message}; {wanted} are good to have");
            Finding::of(State::Warning, "space", message, make_room)
        }
        _ => Finding::ok("space", message),
    });
    findings
}

fn steps(missing: usize) -> Finding {
    let plural = if missing == 1 { "" } else { "s" };
    match missing {
        0 => Finding::ok("toolchain", "complete"),
        _ => Finding::of(
            State::Warning,
            "toolchain",
            format!("{missing} step{plural} missing: builds that need them make them first"),
            "wadup toolchain install",
        ),
    }
}

/// Has every registry deliver a small pinned file, through the client that is configured for it.
fn deliveries(toolchain: &Toolchain, debian: bool) -> Vec<Finding> {
    let recipes = toolchain.recipes();
    let programs = toolchain.programs();
    let mut wanted = vec![("crates", recipes.c_libraries["bzip2"].source.clone())];
    if debian {
        let package = recipes.c_toolchain.debian.packages.last();
        wanted.extend(package.map(|package| ("debian", package.clone())));
    }
    if programs.uv.is_file() {
        wanted.push(("python index", recipes.cpython.tzdata.clone()));
    }
    let threads: Vec<_> = wanted
        .into_iter()
        .map(|(subject, source)| {
            let (sender, receiver) = mpsc::channel();
            let programs = programs.clone();
            // Not waited for if it takes too long: the process ends before it does.
            std::thread::spawn(move || sender.send(deliver(&source, programs)));
            (subject, receiver)
        })
        .collect();
    let begun = Instant::now();
    let finding = |(subject, receiver): (&str, mpsc::Receiver<Result<Duration, String>>)| {
        let remedy = "check the client's configuration, HTTPS_PROXY and SSL_CERT_FILE";
        let bad = |message| Finding::of(State::Problem, subject, message, remedy);
        match receiver.recv_timeout(DELIVERY.saturating_sub(begun.elapsed())) {
            Ok(Ok(time)) => {
                let message = format!("delivers, in {:.1} s", time.as_secs_f64());
                Finding::ok(subject, message)
            }
            Ok(Err(message)) => bad(message),
            Err(_) => bad(format!("no answer in {} s", DELIVERY.as_secs())),
        }
    };
    threads.into_iter().map(finding).collect()
}

/// Fetches a pinned file into a folder that is thrown away.
fn deliver(source: &str, programs: Programs) -> Result<Duration, String> {
    let recipes = Recipes::embedded().map_err(|error| error.to_string())?;
    let source = recipes.sources.get(source).ok_or("it is not pinned")?;
    let folder = Temporary::new().map_err(|error| error.to_string())?;
    let cache = Cache::new(folder.0.clone());
    let begun = Instant::now();
    let fetched = Fetcher::new(&cache, &recipes, &Silent, programs, false).ensure(source);
    match fetched {
        Ok(_) => Ok(begun.elapsed()),
        Err(error) => Err(chain(&error)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// A folder that is removed when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> std::io::Result<Self> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("wadup-doctor-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(OsStr::new(&name));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Answer {
        ask(
            Command::new("sh").args(["-c", script]),
            Duration::from_millis(300),
        )
    }

    #[test]
    fn a_program_that_does_not_answer_is_ended() {
        assert!(matches!(sh("echo 1.2"), Answer::Said(text) if text == "1.2"));
        assert!(matches!(sh("exit 3"), Answer::Failed(text) if text.contains('3')));
        assert!(matches!(sh("exec sleep 1000"), Answer::Late));
        let missing = ask(&mut Command::new("no-such-program"), ANSWER);
        assert!(matches!(missing, Answer::NotThere));
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_a_problem_with_its_remedy() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let settings = Settings {
            cache: folder.path().to_owned(),
            ..Settings::from_env().unwrap()
        };
        let findings = examine(&settings, false);
        let cache = findings.iter().find(|one| one.subject == "cache").unwrap();
        assert_eq!(cache.state, State::Problem);
        let remedy = cache.remedy.as_deref().unwrap();
        assert!(remedy.contains("chmod go-w"), "{remedy}");
    }

    #[test]
    fn looking_at_a_cache_does_not_make_it() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            cache: folder.path().join("new"),
            ..Settings::from_env().unwrap()
        };
        let findings = examine(&settings, false);
        let toolchain = findings.iter().find(|one| one.subject == "toolchain");
        assert_eq!(toolchain.unwrap().state, State::Warning);
        assert!(!settings.cache.exists());
    }
}
