//! Every function of WASI, in any order, with any arguments, over any memory.
//!
//! A call ends with an errno or ends the guest. What the guest makes the host allocate stays
//! within what is charged to it, and when all that it made is gone, nothing is charged any more.

use std::sync::Arc;
use std::time::Instant;

use arbitrary::Unstructured;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use wadup_vfs::{FileType, InodeId, Limits, Vfs};
use wadup_wasi::{
    CloseHandler, ClosedFile, Deadline, Error, FixedClock, Interrupted, ProcExit, WasiConfig,
    WasiCtx,
};
use wasmtime::Val;

use crate::guest::{DATA, Guest, LIST, OUT, PATH, PATH2, ROOT, SIGNATURES};
use crate::heap::Meter;

const CLOCK: FixedClock = FixedClock {
    realtime: 1_700_000_000_000_000_000,
    monotonic: 1_000_000_000,
};
const MEMORY: u32 = 64 << 16;
const OUTPUT: usize = 64 << 10;
const DESCRIPTORS: u32 = 64;
const FILES: u64 = 1 << 20;

/// What the host may spend on a guest apart from what is charged: descriptors, the lists of a
/// call, wasmtime's own.
const SPARE: i64 = 512 << 10;

pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let meter = Meter::start();
    let mut guest = new_guest();
    let before = guest.ctx().vfs().usage();
    let begun = meter.live();
    let _ended = run(&mut guest, &mut input);

    let charged = guest.ctx().vfs().usage();
    assert!(charged.peak_bytes <= FILES, "{charged:?}");
    let allowed = charged.peak_bytes as i64 + 2 * OUTPUT as i64 + SPARE;
    let spent = meter.peak() - begun;
    assert!(spent <= allowed, "{spent} bytes for {charged:?}");

    for fd in 0..DESCRIPTORS as i32 {
        let _ = call(&mut guest, "fd_close", &[Val::I32(fd)]);
    }
    let vfs = guest.ctx().vfs_mut();
    let root = vfs.root();
    remove_all(vfs, root);
    let after = vfs.usage();
    assert_eq!((after.bytes, after.inodes), (before.bytes, before.inodes));
}

fn new_guest() -> Guest {
    let config = WasiConfig::new()
        .arg("guest")
        .env("KEY", "value")
        .clock(Arc::new(CLOCK))
        .watch("/metadata")
        .watch("/subcontent")
        .max_descriptors(DESCRIPTORS)
        .output_caps(OUTPUT, OUTPUT);
    let vfs = crate::guest::layout(Limits::bytes(FILES), b"0123456789");
    let mut ctx = WasiCtx::new(Arc::new(config), vfs);
    ctx.set_rng(Box::new(StdRng::seed_from_u64(0)));
    ctx.set_close_handler(Box::new(Taker));
    Guest::with_ctx(ctx)
}

/// Takes what is complete, as the host does.
struct Taker;

impl CloseHandler for Taker {
    fn closed(&mut self, vfs: &mut Vfs, file: &ClosedFile<'_>, _: &Deadline) -> Result<(), Error> {
        if file.name.starts_with(b"a") {
            return Ok(());
        }
        match vfs.take_file_at(file.dir, file.name, u64::MAX) {
            Ok(taken) if taken.len() > FILES => panic!("a file longer than any may be"),
            Ok(taken) if taken.len() == 7 => Err(Interrupted.into()),
            _ => Ok(()),
        }
    }
}

/// Pokes into memory and calls functions until the guest ends or there is no input any more.
fn run(guest: &mut Guest, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    for _ in 0..200 {
        if input.is_empty() {
            break;
        }
        if input.ratio(1, 3)? {
            poke(guest, input)?;
            continue;
        }
        let (name, signature) = *input.choose(&SIGNATURES)?;
        let mut args = Vec::with_capacity(signature.len());
        for kind in signature.chars() {
            args.push(match kind {
                'i' => Val::I32(small(guest, input)?),
                _ => Val::I64(large(input)?),
            });
        }
        if !call(guest, name, &args) {
            break;
        }
    }
    Ok(())
}

/// Whether the guest goes on.
fn call(guest: &mut Guest, name: &str, args: &[Val]) -> bool {
    // A sleep ends the guest; what is measured is not time.
    let deadline = (name == "poll_oneoff").then(Instant::now);
    guest.ctx().set_deadline(deadline);
    match guest.call(name, args) {
        Ok(errno) => {
            assert!((0..=76).contains(&errno), "{name} {args:?}: {errno}");
            true
        }
        Err(error) => {
            let ended = error.downcast_ref::<ProcExit>().is_some();
            assert!(!ended || name == "proc_exit", "{name} {args:?}: {error:?}");
            false
        }
    }
}

/// Descriptors, places in memory, lengths, and anything else.
fn small(guest: &Guest, input: &mut Unstructured<'_>) -> arbitrary::Result<i32> {
    Ok(match input.int_in_range(0..=9)? {
        0 => ROOT,
        1 => input.int_in_range(0..=8)?,
        2 => OUT,
        3 => LIST,
        4 => PATH,
        5 => PATH2,
        6 => input.int_in_range(0..=64)?,
        7 => guest.get_u32(OUT) as i32,
        8 => *input.choose(&[
            DATA,
            MEMORY as i32 - 1,
            MEMORY as i32,
            -1,
            i32::MAX,
            i32::MIN,
            4096,
            65_536,
        ])?,
        _ => input.arbitrary()?,
    })
}

fn large(input: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    Ok(match input.int_in_range(0..=3)? {
        0 => input.int_in_range(0..=200_000)?,
        // Rights: to read, to write, both.
        1 => *input.choose(&[0, 1 << 1, 1 << 6, 1 << 1 | 1 << 6, -1, i64::MAX, i64::MIN])?,
        2 => 1 << input.int_in_range(0..=62)?,
        _ => input.arbitrary()?,
    })
}

fn poke(guest: &mut Guest, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    match input.int_in_range(0..=3)? {
        0 => {
            let at = *input.choose(&[PATH, PATH2])?;
            let path = path(input)?;
            guest.put(at, path.as_bytes());
        }
        1 => {
            for index in 0..input.int_in_range(1..=4)? {
                let at = LIST + 8 * index;
                let (buffer, len) = (small(guest, input)?, small(guest, input)?);
                guest.put(at, &buffer.to_le_bytes());
                guest.put(at + 4, &len.to_le_bytes());
            }
        }
        2 => {
            let at = small(guest, input)?;
            let bytes = input.arbitrary::<&[u8]>()?;
            let room = MEMORY.saturating_sub(at as u32) as usize;
            if room > 0 {
                guest.put(at, &bytes[..bytes.len().min(room)]);
            }
        }
        _ => {
            let subscription = input.bytes(24)?.to_vec();
            guest.put(LIST, &subscription);
        }
    }
    Ok(())
}

fn path(input: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    const PARTS: [&str; 16] = [
        "tmp",
        "metadata",
        "subcontent",
        "dev",
        "null",
        "zero",
        "urandom",
        "data.bin",
        "input",
        "a",
        "b",
        "c.json",
        "..",
        ".",
        "",
        "/",
    ];
    let mut path = String::new();
    for _ in 0..input.int_in_range(1..=4)? {
        path += input.choose(&PARTS)?;
        path.push('/');
    }
    if input.arbitrary()? {
        path.pop();
    }
    // The rest of what was there before must not count.
    path.extend(std::iter::repeat_n('\0', input.int_in_range(0..=1)?));
    Ok(path)
}

/// Removes what the guest made below `dir`; mounts stay.
fn remove_all(vfs: &mut Vfs, dir: InodeId) {
    let entries = vfs.read_dir(dir, 2).expect("it is a directory");
    let names: Vec<Vec<u8>> = entries.map(|entry| entry.name.to_vec()).collect();
    for name in names {
        let inode = vfs.lookup(dir, &name, false).expect("it is an entry");
        let metadata = vfs.metadata(inode).expect("it is there");
        // Mounts refuse, and are charged in the beginning too.
        let _ = if metadata.file_type == FileType::Directory {
            remove_all(vfs, inode);
            vfs.remove_directory(dir, &name)
        } else {
            vfs.remove_file(dir, &name)
        };
    }
}
