//! Whether more jobs are faster, told on a machine that others use as well: how long workers ran,
//! and how long they had to wait for a core. What is left of the time they waited for each other.

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use wadup_toolchain::network;

use crate::bench::{orders, process};
use crate::context::{Context, say};

const INPUTS: u32 = 48;
const TURNS: u32 = 3;
const PROJECT: &str = "[project]\nname = \"numbers\"\nversion = \"1\"\n\n\
                       [tool.wadup]\nentry-point = \"app\"\n";
const APP: &str = "
import wadup


def main():
    wadup.define_table('sums', [('sum', 'Int64')])
    wadup.insert_row('sums', [sum(i * i for i in range(300_000))])
";

/// Seconds of a worker's life.
#[derive(Debug, Clone, Copy)]
struct Life {
    ran: f64,
    waited_for_a_core: f64,
    all: f64,
}

pub(super) fn soak(context: &Context) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let scratch = context.scratch()?;
    let scratch = scratch.path();
    let (project, artifact) = (scratch.join("project"), scratch.join("numbers.wasm"));
    fs::create_dir_all(project.join("src"))?;
    fs::write(project.join("pyproject.toml"), PROJECT)?;
    fs::write(project.join("src/app.py"), APP)?;
    orders::build(context, &project, &artifact)?;
    let inputs = scratch.join("inputs");
    fs::create_dir(&inputs)?;
    for number in 0..INPUTS {
        fs::write(inputs.join(number.to_string()), "")?;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // The first is to compile.
    for turn in 0..=TURNS {
        for jobs in [1, cores] {
            context.check()?;
            let database = scratch.join("rows.db");
            let mut command = network(&wadup);
            command
                .arg("run")
                .arg(&artifact)
                .arg("--input")
                .arg(&inputs);
            command.arg("--output").arg(&database);
            command.args(["--jobs", &jobs.to_string()]);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = command.spawn()?;
            let mut workers = HashMap::new();
            let status = loop {
                look(child.id(), &mut workers);
                if let Some(status) = child.try_wait()? {
                    break status;
                }
                thread::sleep(Duration::from_millis(5));
            };
            ensure!(status.success(), "wadup run ended with {status}");
            fs::remove_file(&database)?;
            if turn > 0 {
                tell(jobs, workers.into_values().map(|(_, life)| life).collect());
            }
        }
    }
    Ok(())
}

/// Looks at the workers of a process, each of which is known by its thread.
fn look(process: u32, workers: &mut HashMap<String, (Instant, Life)>) {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return;
    };
    for path in threads.flatten().map(|entry| entry.path()) {
        // A thread may be gone meanwhile.
        let read = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
        if !read("comm").starts_with("wadup-worker") {
            continue;
        }
        // <https://docs.kernel.org/scheduler/sched-stats.html>
        let times = read("schedstat");
        let mut seconds = times
            .split_whitespace()
            .map_while(|time| time.parse::<f64>().ok())
            .map(|nanoseconds| nanoseconds / 1e9);
        if let (Some(ran), Some(waited_for_a_core)) = (seconds.next(), seconds.next()) {
            let life = Life {
                ran,
                waited_for_a_core,
                all: 0.0,
            };
            let name = path.to_string_lossy().into_owned();
            let (since, known) = workers.entry(name).or_insert((Instant::now(), life));
            *known = Life {
                all: since.elapsed().as_secs_f64(),
                ..life
            };
        }
    }
}

fn tell(jobs: usize, workers: Vec<Life>) {
    let longest = workers.iter().map(|life| life.ran).fold(0.0, f64::max);
    let sum = |part: fn(&Life) -> f64| workers.iter().map(part).sum::<f64>();
    say(format_args!(
        "{jobs} job(s): workers ran {:.2} s in all, {longest:.2} s the longest; waited for a core \
         {:.2} s; for anything else {:.2} s",
        sum(|life| life.ran),
        sum(|life| life.waited_for_a_core),
        sum(|life| (life.all - life.ran - life.waited_for_a_core).max(0.0)),
    ));
}
