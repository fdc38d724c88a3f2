//! Programs that steps run: a clean environment, output to a log.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A program that could not be started, or that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It could not be started, or its output could not be read.
    #[error("failed to run `{program}`")]
    Start {
        /// The program as it was called.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("`{program}` failed: {status}{}", after_colon(message))]
    Failed {
        /// The program; with its arguments where there is no log that has them.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said on standard error; empty where that is in a
        /// log.
        message: String,
    },
}

/// Runs `command`; its standard output and error go to `log`, and every line to
/// `progress` too.
pub(crate) fn run_logged(
    command: &mut Command,
    mut log: &File,
    mut progress: impl FnMut(&str),
) -> Result<(), CommandError> {
    let name = program(command);
    let failed = |source| CommandError::Start {
        program: name,
        source,
    };
    // A log that cannot be written does not stop the work.
    let _ = writeln!(log, "$ {}", shown(command));
    let (mut child, reader) = match start(command) {
        Ok(started) => started,
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        let _ = log.write_all(&line);
        progress(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CommandError::Failed {
            program: program(command),
            status,
            message: String::new(),
        }),
        Err(error) => Err(failed(error)),
    }
}

/// Starts `command` with its standard output and error in one pipe.
fn start(command: &mut Command) -> io::Result<(Child, io::PipeReader)> {
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    end_with_parent(command);
    let child = command.spawn();
    // The command keeps the pipe's writing end; with it, reading would not end
    // when the child does.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok((child?, reader))
}

/// Runs `command` and returns what it printed; for short questions.
pub(crate) fn output_of(command: &mut Command) -> Result<String, CommandError> {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()),
        Ok(output) => Err(CommandError::Failed {
            program: shown(command),
            status: output.status,
            message: last_lines(&String::from_utf8_lossy(&output.stderr)),
        }),
        Err(source) => Err(CommandError::Start {
            program: program(command),
            source,
        }),
    }
}

/// A command for work on the network: it has the environment of this process
/// (proxies, certificates, indexes), but nothing that an outer cargo or rustup
/// set for a build of its own.
pub fn network(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_a_build) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether cargo, rustup or a user sets a variable for one build. What
/// configures cargo's registries and its network, and rustup, stays.
fn is_of_a_build(name: &str) -> bool {
    const BUILD: [&str; 5] = ["CARGO", "RUST", "MAKEFLAGS", "MFLAGS", "LD_LIBRARY_PATH"];
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_SOURCE_",
        "RUSTUP_",
    ];
    let is_any = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    name == "RUSTUP_TOOLCHAIN" || (is_any(&BUILD) && !is_any(&KEPT))
}

/// A `PATH` that looks in `folders` first.
pub(crate) fn path_with(folders: &[&Path]) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(|folder| folder.to_path_buf());
    let all = folders.chain(std::env::split_paths(&rest));
    std::env::join_paths(all).unwrap_or(rest)
}

fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// The last lines of a message, on one line.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Has the child end when this process is killed, so that a build that nobody
/// waits for does not go on beside the next one.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    use rustix::process::{Signal, set_parent_process_death_signal};

    #[expect(unsafe_code, reason = "std offers no safe way to set a death signal")]
    // SAFETY: the closure runs between fork and exec. It makes one system call
    // (prctl) and neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn log() -> (tempfile::TempDir, std::path::PathBuf, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = File::create(&path).unwrap();
        (folder, path, file)
    }

    #[test]
    fn output_goes_to_the_log_and_to_the_listener() {
        let (_folder, path, file) = log();
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2"]);
        run_logged(&mut command, &file, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        let mut text = String::new();
        File::open(path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "$ sh -c echo one; echo two >&2\none\ntwo\n");
    }

    #[test]
    fn a_failure_says_how_it_ended() {
        let (_folder, _, file) = log();
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let error = run_logged(&mut command, &file, |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "`sh` failed: exit status: 3");
    }

    #[test]
    fn a_missing_program_is_named() {
        let (_folder, _, file) = log();
        let error = run_logged(&mut Command::new("no-such-program"), &file, |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "failed to run `no-such-program`");
    }

    #[test]
    fn an_outer_build_is_not_inherited() {
        assert!(is_of_a_build("RUSTUP_TOOLCHAIN"));
        assert!(is_of_a_build("CARGO_ENCODED_RUSTFLAGS"));
        assert!(is_of_a_build("RUSTFLAGS"));
        assert!(!is_of_a_build("RUSTUP_AUTO_INSTALL"));
        assert!(!is_of_a_build("CARGO_HOME"));
        assert!(!is_of_a_build("CARGO_HTTP_PROXY"));
        assert!(!is_of_a_build("HTTPS_PROXY"));
    }
}
