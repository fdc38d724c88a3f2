//! What one input costs inside of the host, by phase, on one thread.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use wadup_engine::{End, Limits, Worker};
use wadup_host::{Artifact, CompiledCache, Host, HostSettings, Sandboxes};
use wadup_toolchain::derived;

use super::orders::Orders;
use super::process::{Spread, cpu};
use crate::cli::BenchArgs;
use crate::context::Context;

/// In microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Phases {
    pub(crate) inputs: u32,
    pub(crate) phases: Vec<(String, Spread)>,
    /// User and system time of the whole process, helper threads included, for one input.
    pub(crate) cpu_us: f64,
}

const NAMES: [&str; 6] = [
    "sandbox: file system with the input, limits",
    "instantiate",
    "first `main()`",
    "drop",
    "all of it, a fresh instance",
    "all of it, a reused instance",
];

pub(super) fn measure(context: &Context, args: &BenchArgs) -> anyhow::Result<Phases> {
    let orders = Orders::new(context)?;
    let input: std::sync::Arc<[u8]> = fs::read(orders.input()?)?.into();
    let settings = HostSettings {
        cache: CompiledCache::at(context.toolchain.cache_dir().join(derived::COMPILED)),
        ..HostSettings::default()
    };
    let host = Host::new(settings)?;
    let artifact = host.load(&orders.artifact, &wadup_host::Silent)?;
    let sandboxes = Sandboxes::new(host.settings(), &artifact);
    let inputs = if args.quick { 500 } else { 5_000 };
    let bench = Bench {
        artifact: &artifact,
        sandboxes: &sandboxes,
        input,
    };
    let engine = artifact.program().engine();
    engine.on_worker(|worker| bench.phases(context, worker, inputs))?
}

struct Bench<'b> {
    artifact: &'b Artifact,
    sandboxes: &'b Sandboxes,
    input: std::sync::Arc<[u8]>,
}

impl Bench<'_> {
    fn phases(&self, context: &Context, worker: &Worker, inputs: u32) -> anyhow::Result<Phases> {
        // The first ones fault in what all of them share.
        for _ in 0..50 {
            self.fresh(worker)?;
        }
        let used = cpu(getrusage(UsageWho::RUSAGE_SELF)?);
        let mut fresh = Vec::new();
        for _ in 0..inputs {
            context.check()?;
            fresh.push(self.fresh(worker)?);
        }
        let used = cpu(getrusage(UsageWho::RUSAGE_SELF)?).saturating_sub(used);
        let mut reused = Vec::new();
        let mut kept = None;
        for _ in 0..inputs {
            context.check()?;
            let start = Instant::now();
            let wasi = self.sandbox()?;
            let limits = Limits::default();
            let finished = self
                .artifact
                .program()
                .run_reusing(worker, &mut kept, wasi, &limits);
            check(&finished.end)?;
            drop(finished);
            reused.push(start.elapsed());
        }
        let phase = |index: usize| Spread::microseconds(fresh.iter().map(|it| it[index]));
        let all = Spread::microseconds(fresh.iter().map(|it| it.iter().sum()));
        let spreads = [
            phase(0),
            phase(1),
            phase(2),
            phase(3),
            all,
            Spread::microseconds(reused),
        ];
        let names = NAMES.map(str::to_owned);
        Ok(Phases {
            inputs,
            phases: names.into_iter().zip(spreads).collect(),
            cpu_us: used.as_secs_f64() * 1e6 / f64::from(inputs),
        })
    }

    /// The four phases of one input.
    fn fresh(&self, worker: &Worker) -> anyhow::Result<[Duration; 4]> {
        let program = self.artifact.program();
        let start = Instant::now();
        let wasi = self.sandbox()?;
        let made = Instant::now();
        let (mut execution, end) = program.instantiate(worker, wasi, &Limits::default());
        let instantiated = Instant::now();
        let end = end.unwrap_or_else(|| execution.call(program.entry().export()));
        let called = Instant::now();
        let finished = execution.finish(end);
        check(&finished.end)?;
        drop(finished);
        let dropped = Instant::now();
        Ok([
            made - start,
            instantiated - made,
            called - instantiated,
            dropped - called,
        ])
    }

    fn sandbox(&self) -> anyhow::Result<wadup_wasi::WasiCtx> {
        let content = Box::new(std::sync::Arc::clone(&self.input));
        let sandbox = self.sandboxes.make(OsStr::new("order.json"), content);
        sandbox.context("failed to make a sandbox")
    }
}

fn check(end: &End) -> anyhow::Result<()> {
    match end {
        End::Returned(0) => Ok(()),
        other => bail!("the guest ended with {other:?}"),
    }
}

impl Phases {
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "\n## One input, by phase\n\n\
             {} inputs of 1 KB on one thread, one model and one row each, inside of the host \
             (rows are handed over and dropped, not written); microseconds.\n\n\
             | phase | median | p99 | least |\n|---|--:|--:|--:|\n",
            self.inputs
        );
        for (name, spread) in &self.phases {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {name} | {:.0} | {:.0} | {:.0} |",
                spread.median, spread.p99, spread.min
            );
        }
        let _ = writeln!(
            text,
            "\nCPU time of all threads for one input in a fresh instance: {:.0} µs.",
            self.cpu_us
        );
        text
    }
}
