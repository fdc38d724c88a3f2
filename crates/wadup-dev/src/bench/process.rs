//! Programs as a user starts them: time until the first row, until the end, and what they use.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use crate::context::{Context, output};
use crate::statistics::{median, quantile};

/// What a program that ended well took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Took {
    pub(super) wall: Duration,
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// Until it told that a row is in the database, if it does.
    pub(super) first_row: Option<Duration>,
    pub(super) memory: Memory,
}

/// Repeated runs of the same command, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Until it told that a row is in the database, where it does.
    first_row_ms: Vec<f64>,
    wall_ms: Vec<f64>,
    /// User and system time of all its threads.
    cpu_ms: Vec<f64>,
}

impl Series {
    pub(super) fn push(&mut self, took: &Took) {
        let milliseconds = |it: Duration| it.as_secs_f64() * 1e3;
        self.first_row_ms.extend(took.first_row.map(milliseconds));
        self.wall_ms.push(milliseconds(took.wall));
        self.cpu_ms.push(milliseconds(took.cpu));
    }

    pub(super) fn wall(&self) -> &[f64] {
        &self.wall_ms
    }

    pub(super) fn cpu(&self) -> &[f64] {
        &self.cpu_ms
    }

    /// The head of a table of series.
    pub(super) const HEAD: &str = "| | runs | first row, median (p99) | end, median (p99) | CPU time |\n\
                                   |---|--:|--:|--:|--:|\n";

    /// A line of it.
    pub(super) fn line(&self, name: &str) -> String {
        let pair = |values: &[f64]| {
            let spread = Spread::of(values);
            match values {
                [] => "–".to_owned(),
                _ => format!("{:.1} ({:.1})", spread.median, spread.p99),
            }
        };
        let cpu = Spread::of(&self.cpu_ms).median;
        format!(
            "| {name} | {} | {} | {} | {cpu:.1} |\n",
            self.wall_ms.len(),
            pair(&self.first_row_ms),
            pair(&self.wall_ms),
        )
    }
}

/// The most that was seen, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident set size. A page that several mappings share counts several times.
    pub(crate) resident: u64,
    /// The same, with each page counted once.
    pub(crate) proportional: u64,
    /// Of it, what is not backed by a file.
    pub(crate) anonymous: u64,
}

/// Values of repeated runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) p99: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        let at = |part| quantile(values, part).unwrap_or_default();
        Self {
            min: at(0.0),
            median: median(values).unwrap_or_default(),
            p99: at(0.99),
        }
    }

    pub(crate) fn microseconds(values: impl IntoIterator<Item = Duration>) -> Self {
        let values: Vec<f64> = values
            .into_iter()
            .map(|it| it.as_secs_f64() * 1e6)
            .collect();
        Self::of(&values)
    }
}

/// The `wadup` of this checkout, built if need be.
pub(crate) fn wadup() -> anyhow::Result<PathBuf> {
    let mut cargo = network("cargo");
    cargo.args(["build", "--release", "--package", "wadup", "--quiet"]);
    output(&mut cargo).context("failed to build wadup")?;
    let program = std::env::current_exe()?.with_file_name("wadup");
    if !program.is_file() {
        bail!(
            "there is no {}: run `cargo dev` in the checkout",
            program.display()
        );
    }
    Ok(program)
}

/// Runs a program to its end. With `watch`, its memory is looked at every few milliseconds.
pub(super) fn run(context: &Context, command: &mut Command, watch: bool) -> anyhow::Result<Took> {
    context.check()?;
    let before = cpu_of_children()?;
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("failed to start {command:?}"))?;
    let id = child.id();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (first_row, said, memory, status, wall) = thread::scope(|scope| {
        let first_row = scope.spawn(|| first_row(stdout.map(BufReader::new), started));
        let said = scope.spawn(|| text(stderr));
        let watcher = scope.spawn(move || {
            if watch {
                peak_memory(id)
            } else {
                Memory::default()
            }
        });
        // Ctrl-C reaches it as well: it is in the same process group.
        let first_row = first_row.join().unwrap_or_default();
        let said = said.join().unwrap_or_default();
        let memory = watcher.join().unwrap_or_default();
        let status = child.wait();
        (first_row, said, memory, status, started.elapsed())
    });
    context.check()?;
    let status = status?;
    if !status.success() {
        bail!("{command:?} failed: {status}\n{said}");
    }
    Ok(Took {
        wall,
        cpu: cpu_of_children()?.saturating_sub(before),
        first_row,
        memory,
    })
}

fn cpu_of_children() -> anyhow::Result<Duration> {
    Ok(cpu(getrusage(UsageWho::RUSAGE_CHILDREN)?))
}

/// User and system time.
pub(super) fn cpu(usage: Usage) -> Duration {
    let times = [usage.user_time(), usage.system_time()];
    let micros: i64 = times
        .iter()
        .map(|it| it.tv_sec() * 1_000_000 + it.tv_usec())
        .sum();
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// Reads all that a program prints; the time of the event that tells of the first row.
fn first_row(stdout: Option<impl BufRead>, started: Instant) -> Option<Duration> {
    let mut first = None;
    for line in stdout?.lines() {
        let Ok(line) = line else { break };
        if first.is_none() && line.contains("\"event\":\"committed\"") {
            first = Some(started.elapsed());
        }
    }
    first
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What could be read is shown.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Looks at a process until it is gone.
fn peak_memory(process: u32) -> Memory {
    let mut peak = Memory::default();
    while let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) {
        // A process that has ended, but was not waited for, has none.
        let Some(now) = Memory::parse(&text) else {
            break;
        };
        peak.resident = peak.resident.max(now.resident);
        peak.proportional = peak.proportional.max(now.proportional);
        peak.anonymous = peak.anonymous.max(now.anonymous);
        thread::sleep(Duration::from_millis(5));
    }
    peak
}

impl Memory {
    fn parse(rollup: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Self {
            resident: field("Rss:")?,
            proportional: field("Pss:")?,
            anonymous: field("Anonymous:")?,
        })
    }
}

/// A command of wadup's that uses its own cache folder.
pub(super) fn with_cache(program: &Path, cache: &Path) -> Command {
    let mut command = network(program);
    command.env("WADUP_CACHE_DIR", cache);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:      2048 kB\n\
                    Pss:       1024 kB\nPss_Dirty:      1 kB\nAnonymous:      512 kB\n";
        let expected = Memory {
            resident: 2 << 20,
            proportional: 1 << 20,
            anonymous: 512 << 10,
        };
        assert_eq!(Memory::parse(text), Some(expected));
        assert_eq!(Memory::parse(""), None);
    }

    #[test]
    fn the_first_commit_counts() {
        let lines = "{\"event\":\"artifact-loaded\"}\n{\"event\":\"committed\",\"inputs\":1}\n";
        assert!(first_row(Some(lines.as_bytes()), Instant::now()).is_some());
        assert!(first_row(Some(&b"{}\n"[..]), Instant::now()).is_none());
    }

    #[test]
    fn a_series_is_a_line_of_a_table() {
        let mut series = Series::default();
        for milliseconds in [30, 10, 20] {
            series.push(&Took {
                wall: Duration::from_millis(milliseconds),
                cpu: Duration::from_millis(milliseconds / 2),
                ..Took::default()
            });
        }
        assert_eq!(series.line("it"), "| it | 3 | – | 20.0 (30.0) | 10.0 |\n");
        let head = Series::HEAD.lines().next().unwrap();
        let columns = |line: &str| line.matches('|').count();
        assert_eq!(columns(head), columns(&series.line("it")));
    }

    #[test]
    fn a_spread_is_of_values_that_were_measured() {
        let spread = Spread::microseconds([3, 1, 2].map(Duration::from_micros));
        assert_eq!((spread.min, spread.median, spread.p99), (1.0, 2.0, 3.0));
    }
}
