//! Ctrl-C and `kill -9` in the middle of a run: what is in the database is whole.

mod support;

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use support::{Scratch, guest::Guest};

const INPUTS: usize = 5_000;

/// A run that has told of `enough` commits.
fn started(scratch: &Scratch, artifact: &str, enough: usize) -> Child {
    let mut command = scratch.command(["run", artifact]);
    has_told(&mut command, enough)
}

/// The same of a command that runs inputs through an artifact.
fn has_told(command: &mut Command, enough: usize) -> Child {
    let mut child = command
        .args(["--json", "--jobs=2", "--input=inputs"])
        .arg("--output=out.db")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("wadup starts");
    let events = BufReader::new(child.stdout.as_mut().expect("a pipe")).lines();
    let told = events
        .map(|line| line.expect("a line"))
        .filter(|line| line.contains(r#""event":"committed""#))
        .take(enough);
    assert_eq!(told.count(), enough, "the run ended too early");
    child
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .arg(signal)
        .arg(child.id().to_string())
        .status();
    assert!(sent.expect("kill starts").success());
}

fn with_inputs(count: usize) -> Scratch {
    let scratch = Scratch::new();
    for number in 0..count {
        scratch.write(format!("inputs/{number:05}"), "x");
    }
    scratch
}

/// Every input has its outcome and, as it completed, its row; or it is not there at all.
fn assert_whole(scratch: &Scratch) -> usize {
    assert_eq!(scratch.query("out.db", "PRAGMA integrity_check"), ["ok"]);
    let lonely = "SELECT i.id FROM _wadup_inputs AS i
        LEFT JOIN _wadup_outcomes AS o ON o.input_id = i.id
        LEFT JOIN greetings AS g ON g.input_id = i.id
        WHERE o.status IS NOT 'completed' OR g.text IS NOT 'hello'";
    assert!(scratch.query("out.db", lonely).is_empty());
    scratch
        .query("out.db", "SELECT id FROM _wadup_inputs")
        .len()
}

#[test]
fn kill_and_run_again() {
    let scratch = with_inputs(INPUTS);
    scratch.write_module("hello.wasm", &Guest::new().works().greets().returns(0));
    let mut child = started(&scratch, "hello.wasm", 1);
    signal(&child, "-KILL");
    assert_eq!(child.wait().expect("it ends").signal(), Some(9));

    let kept = assert_whole(&scratch);
    assert!((1..INPUTS).contains(&kept), "{kept} inputs were kept");
    let ends = "SELECT ended FROM _wadup_runs ORDER BY id";
    assert_eq!(scratch.query("out.db", ends), ["NULL"]);

    let again = scratch.wadup(["run", "hello.wasm", "--input=inputs", "--output=out.db"]);
    assert_eq!(again.code, Some(0), "{}", again.text());
    assert_eq!(assert_whole(&scratch), kept + INPUTS);
    assert_eq!(scratch.query("out.db", ends), ["NULL", "finished"]);
}

#[test]
fn the_first_interrupt_lets_finish_what_runs() {
    let scratch = with_inputs(INPUTS);
    scratch.write_module("hello.wasm", &Guest::new().works().greets().returns(0));
    let child = started(&scratch, "hello.wasm", 1);
    signal(&child, "-INT");
    let said = support::Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(9), "{}", said.text());
    assert!(
        said.stderr.contains("finishing what is running"),
        "{}",
        said.text()
    );
    assert!(
        said.stderr.contains("the same command and --resume"),
        "{}",
        said.text()
    );
    let kept = assert_whole(&scratch);
    assert!((1..INPUTS).contains(&kept), "{kept} inputs were kept");
    assert_eq!(
        scratch.query("out.db", "SELECT ended FROM _wadup_runs"),
        ["cancelled"]
    );
}

#[test]
fn the_second_interrupt_stops_what_runs() {
    let scratch = with_inputs(1);
    // A guest that would run for the whole minute that it has by default.
    scratch.write_module("loops.wasm", &Guest::new().print(1, "on and on").loops());
    let begun = Instant::now();
    let child = started(&scratch, "loops.wasm", 0);
    while scratch.path().join("out.db").metadata().is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "-INT");
    let said = support::Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(9), "{}", said.text());
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "it took {:?}",
        begun.elapsed()
    );
}

/// `nohup`, and what a shell that has no jobs starts in the background.
#[test]
fn a_signal_that_is_ignored_from_the_start_stays_so() {
    let scratch = with_inputs(INPUTS);
    scratch.write_module("hello.wasm", &Guest::new().works().greets().returns(0));
    let mut shell = Command::new("sh");
    shell.current_dir(scratch.path()).args([
        "-c",
        "trap '' HUP INT; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_wadup"),
        "run",
        "hello.wasm",
    ]);
    let child = has_told(&mut shell, 1);
    signal(&child, "-HUP");
    signal(&child, "-INT");
    let said = support::Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(assert_whole(&scratch), INPUTS);
}

#[test]
fn a_terminal_that_goes_away_is_an_interrupt() {
    let scratch = with_inputs(INPUTS);
    scratch.write_module("hello.wasm", &Guest::new().works().greets().returns(0));
    let child = started(&scratch, "hello.wasm", 1);
    signal(&child, "-HUP");
    let said = support::Said::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(9), "{}", said.text());
    assert!((1..INPUTS).contains(&assert_whole(&scratch)));
}
