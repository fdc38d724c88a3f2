//! What a fresh instance costs: `cargo run --release -p wadup-engine --example fresh -- ARTIFACT
//! INPUT [TIMES]`. With `--pages` it lists the pages that the first call writes to instead;
//! `--plain` does as where the kernel has no `PAGEMAP_SCAN`.

#![allow(clippy::print_stdout, reason = "this is its output")]

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::{Duration, Instant};

use wadup_engine::{CompiledCache, End, Engine, EngineSettings, Entry, Limits, Program, Worker};
use wadup_vfs::{Device, Mount, SystemTime, Vfs};
use wadup_wasi::{WasiConfig, WasiCtx};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let found = arguments.iter().position(|argument| argument == name);
        found.map(|at| arguments.remove(at)).is_some()
    };
    let (pages, plain) = (flag("--pages"), flag("--plain"));
    let [artifact, input, times @ ..] = &arguments[..] else {
        return Err("usage: fresh [--pages] [--plain] ARTIFACT INPUT [TIMES]".into());
    };
    let times = times.first().map_or(Ok(5000), |times| times.parse())?;
    let input = std::fs::read(input)?;
    let engine = Engine::new(EngineSettings {
        pagemap_scan: !plain,
        ..EngineSettings::default()
    })?;
    let cache = CompiledCache::at(std::env::temp_dir().join("wadup-fresh-cache"));
    let program = Program::load(&engine, &std::fs::read(artifact)?, &cache)?;
    engine.on_worker(|worker| match pages {
        true => list_pages(&program, worker, &input),
        false => measure(&program, worker, &input, times),
    })?;
    Ok(())
}

fn wasi(input: &[u8]) -> WasiCtx {
    let mut vfs = Vfs::new(wadup_vfs::Limits::default(), SystemTime::shared());
    let content = Box::new(input.to_vec());
    let mut mount = |path, mount| vfs.mount(path, mount).expect("mount");
    mount("/data.bin", Mount::Content(content));
    mount("/input", Mount::Directory);
    mount("/input/path", Mount::File(b"input.json".to_vec()));
    for directory in ["/tmp", "/metadata", "/subcontent", "/dev", "/lib", "/app"] {
        mount(directory, Mount::Directory);
    }
    mount("/dev/null", Mount::Device(Device::Null));
    mount("/dev/urandom", Mount::Device(Device::Random));
    WasiCtx::new(WasiConfig::default().into(), vfs)
}

fn measure(program: &Program, worker: &Worker, input: &[u8], times: usize) {
    let mut phases: [Vec<Duration>; 4] = Default::default();
    for _ in 0..times {
        let wasi = wasi(input);
        let start = Instant::now();
        let (mut execution, end) = program.instantiate(worker, wasi, &Limits::default());
        assert_eq!(end, None);
        let instantiated = Instant::now();
        let end = execution.call(program.entry().export());
        assert_eq!(end, End::Returned(0));
        let called = Instant::now();
        drop(execution.finish(end));
        let dropped = Instant::now();
        let marks = [start, instantiated, called, dropped];
        for (phase, marks) in phases.iter_mut().zip(marks.windows(2)) {
            phase.push(marks[1] - marks[0]);
        }
        phases[3].push(dropped - start);
    }
    for (name, phase) in ["instantiate", "main", "drop", "all"]
        .iter()
        .zip(&mut phases)
    {
        phase.sort();
        let (median, p99) = (phase[times / 2], phase[times * 99 / 100]);
        println!("{name:12} median {median:>9.1?}   p99 {p99:>9.1?}");
    }
}

/// Prints what is in the pages that were written to, and how many they are: what a page's entry
/// in `/proc/self/pagemap` says, which also counts what was written and is as before.
fn list_pages(program: &Program, worker: &Worker, input: &[u8]) {
    let entry = program.entry();
    assert_eq!(entry, Entry::Process);
    let instantiate = || {
        program
            .instantiate(worker, wasi(input), &Limits::default())
            .0
    };
    let mut execution = instantiate();
    assert_eq!(execution.call(entry.export()), End::Returned(0));
    let after = execution.memory("memory").expect("a memory");
    let written = written_pages(after);
    let after = after.to_vec();
    drop(execution);
    let mut execution = instantiate();
    let before = execution.memory("memory").expect("a memory");

    let (mut pages, mut regions, mut same) = (0, 0, 0);
    let mut last = None;
    for page in written {
        let then = before.get(page * PAGE..).unwrap_or(&[]);
        let words = after[page * PAGE..][..PAGE]
            .chunks(4)
            .zip(then.chunks(4).chain(std::iter::repeat(&[0; 4][..])));
        let differ: Vec<String> = words
            .enumerate()
            .filter(|(_, (now, then))| now != then)
            .map(|(word, (now, then))| {
                let value = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("a word"));
                let at = page * PAGE + word * 4;
                format!("{at:#x}: {:#x}→{:#x}", value(then), value(now))
            })
            .collect();
        pages += 1;
        same += usize::from(differ.is_empty());
        regions += usize::from(last != Some(page));
        last = Some(page + 1);
        let some = &differ[..differ.len().min(6)];
        println!("{page:6} {:4} words  {}", differ.len(), some.join("  "));
    }
    println!(
        "{pages} of {} pages were written to, in {regions} regions",
        after.len() / PAGE
    );
    println!("{same} of them are as before");
}

const PAGE: usize = 4096;

fn written_pages(memory: &[u8]) -> Vec<usize> {
    let mut pagemap = File::open("/proc/self/pagemap").expect("the pagemap");
    let mut entries = vec![0; memory.len() / PAGE * 8];
    let first = memory.as_ptr().addr() / PAGE;
    pagemap
        .seek(SeekFrom::Start(first as u64 * 8))
        .and_then(|_| pagemap.read_exact(&mut entries))
        .expect("its entries");
    let (entries, _) = entries.as_chunks::<8>();
    let entries = entries.iter().map(|entry| u64::from_le_bytes(*entry));
    let (present, file) = (1 << 63, 1 << 61);
    let written = entries
        .enumerate()
        .filter(|(_, entry)| entry & (present | file) == present);
    written.map(|(page, _)| page).collect()
}
