//! A run that is killed again and again, and resumed until it comes to its end, against one that
//! nobody disturbed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use wadup_toolchain::network;

use super::corpus::Corpus;
use super::database::{Content, Difference};
use crate::bench::{orders, process};
use crate::cli::SoakArgs;
use crate::context::{Context, say};

/// The runs of one soak.
struct Runs<'s> {
    wadup: &'s Path,
    artifacts: &'s [PathBuf],
    inputs: &'s Path,
}

/// What was done to a run, and what came of it.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// Of those, how many hit a run that had committed something, so that it was processing.
    processing: u64,
    /// Of those, how many when inputs were processed that were not committed yet.
    uncommitted: u64,
    /// How many hit a run that was still finding out what is done.
    scanning: u64,
}

pub(super) fn soak(context: &Context, args: &SoakArgs) -> anyhow::Result<()> {
    let scratch = context.scratch()?;
    // A build meanwhile changes nothing.
    let wadup = scratch.path().join("wadup");
    fs::copy(process::wadup()?, &wadup)?;
    let artifacts = artifacts(context, scratch.path())?;
    let count = args.inputs.unwrap_or(100_000);
    let corpus = Corpus::make(context, scratch.path().join("inputs"), count)?;
    say(format_args!(
        "{} inputs, {} bytes, sha256 {}",
        corpus.inputs, corpus.bytes, corpus.digest
    ));
    let runs = Runs {
        wadup: &wadup,
        artifacts: &artifacts,
        inputs: &corpus.folder,
    };

    let (undisturbed, killed) = (scratch.path().join("one.db"), scratch.path().join("two.db"));
    let took = runs.to_the_end(context, &undisturbed)?;
    say(format_args!("undisturbed: {:.1} s", took.as_secs_f64()));
    let seed = args.seed.unwrap_or_else(rand::random);
    say(format_args!("seed {seed}"));
    let mut random = StdRng::seed_from_u64(seed);
    // So that the work is done after some more kills than were asked for.
    let longest = took / u32::try_from(args.kills).unwrap_or(u32::MAX).max(1);
    let started = Instant::now();
    let mut tally = Tally::default();
    while runs.killed(context, &killed, longest, &mut random, &mut tally)? {
        if tally.kills.is_multiple_of(10) {
            say(format_args!("  {} kills", tally.kills));
        }
    }
    let Tally {
        kills,
        processing,
        uncommitted,
        scanning,
    } = tally;
    say(format_args!(
        "{kills} kills in {:.0} s: {processing} after a commit, {uncommitted} of those with \
         processed inputs that were not committed; {scanning} before the first commit",
        started.elapsed().as_secs_f64()
    ));
    let took = runs.to_the_end(context, &killed)?;
    say(format_args!(
        "resumed once more, with nothing to do: {:.2} s",
        took.as_secs_f64()
    ));

    let (expected, found) = (Content::read(&undisturbed)?, Content::read(&killed)?);
    for (table, entries) in expected.counts() {
        say(format_args!("  {table}: {entries}"));
    }
    let Difference { lost, doubled } = found.difference(&expected);
    say(format_args!(
        "lost {lost}, doubled {doubled}, integrity_check ok"
    ));
    ensure!((lost, doubled) == (0, 0), "the tables differ");
    ensure!(
        processing >= args.kills,
        "only {processing} kills hit a run that was processing, of {} wanted",
        args.kills
    );
    Ok(())
}

/// One of the examples, and one that makes sub-content of what it reads.
fn artifacts(context: &Context, scratch: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let projects = [
        here.join("../../examples/crate-manifests"),
        here.join("works/pieces"),
    ];
    let mut artifacts = Vec::new();
    for project in projects {
        let copy = scratch.join(project.file_name().unwrap_or_default());
        orders::copy(&project, &copy)?;
        let artifact = copy.with_extension("wasm");
        orders::build(context, &copy, &artifact)?;
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

impl Runs<'_> {
    fn command(&self, database: &Path) -> Command {
        let mut command = network(self.wadup);
        command.arg("run").args(self.artifacts);
        command.arg("--input").arg(self.inputs);
        command.arg("--output").arg(database);
        command.args(["--resume", "--json"]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A run that nobody kills. Some of the inputs are to fail.
    fn to_the_end(&self, context: &Context, database: &Path) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let status = self.command(database).stdout(Stdio::null()).status()?;
        context.check()?;
        ensure!(
            status.code() == Some(SOME_FAILED),
            "wadup run ended with {status}"
        );
        Ok(started.elapsed())
    }

    /// A run that is killed; `false` if it came to its end before.
    fn killed(
        &self,
        context: &Context,
        database: &Path,
        longest: Duration,
        random: &mut StdRng,
        tally: &mut Tally,
    ) -> anyhow::Result<bool> {
        context.check()?;
        let mut child = self.command(database).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        let (sender, events) = mpsc::channel();
        let reader = thread::spawn(move || read_events(stdout, &sender));
        // Most kills come when results do; some while it looks for what is left to do.
        let mut due = match random.random_ratio(1, 10) {
            true => Some(Instant::now() + random.random_range(Duration::ZERO..=longest)),
            false => None,
        };
        let (mut finished, mut committed) = (0, 0);
        loop {
            let left = due.map_or(Duration::MAX, |due| {
                due.saturating_duration_since(Instant::now())
            });
            match events.recv_timeout(left) {
                Ok(Told::Finished) => finished += 1,
                Ok(Told::Committed(inputs)) => {
                    committed += inputs;
                    due.get_or_insert_with(|| {
                        Instant::now() + random.random_range(Duration::ZERO..=longest)
                    });
                }
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    break;
                }
                // It comes to its end by itself.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = child.wait()?;
        // What it told before it died.
        for told in events {
            match told {
                Told::Finished => finished += 1,
                Told::Committed(inputs) => committed += inputs,
            }
        }
        let _ = reader.join();
        match (status.signal(), status.code()) {
            (Some(SIGKILL), _) => {}
            (_, Some(SOME_FAILED)) => return Ok(false),
            _ => bail!("wadup run ended with {status}"),
        }
        tally.kills += 1;
        if committed > 0 {
            tally.processing += 1;
            tally.uncommitted += u64::from(finished > committed);
        } else {
            tally.scanning += 1;
        }
        Ok(true)
    }
}

/// What a run tells.
enum Told {
    Finished,
    Committed(u64),
}

fn read_events(stdout: ChildStdout, told: &Sender<Told>) {
    #[derive(Deserialize)]
    struct Committed {
        inputs: u64,
    }
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let event = if line.starts_with(r#"{"event":"input-finished""#) {
            Told::Finished
        } else if line.starts_with(r#"{"event":"committed""#) {
            match serde_json::from_str(&line) {
                Ok(Committed { inputs }) => Told::Committed(inputs),
                // It was killed while it wrote this.
                Err(_) => return,
            }
        } else {
            continue;
        };
        if told.send(event).is_err() {
            return;
        }
    }
}

/// Exit code of a run in which inputs failed.
const SOME_FAILED: i32 = 3;
const SIGKILL: i32 = 9;
