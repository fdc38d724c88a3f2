//! Memory of the host, which has a process to itself here.

use std::fs;
use std::num::NonZeroU32;

use wadup_host::{Cancel, Caps, Host, HostSettings, Inputs, Silent, Status};
use wadup_sink::SqliteSink;

const MIB: u64 = 1 << 20;
const JOBS: u32 = 16;
const GLUTTON: &str = include_str!("../../../hostile/glutton.wat");

/// Guests that each take all that they may have, and wait for one another.
#[test]
fn memory_stays_below_what_the_documentation_names() {
    let settings = HostSettings {
        jobs: NonZeroU32::new(JOBS).unwrap(),
        max_memory: 32 * MIB,
        caps: Caps {
            files: 16 * MIB,
            rows: 4 * MIB,
            subcontent: 2000,
            ..Caps::default()
        },
        ..HostSettings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let inputs = folder.path().join("inputs");
    fs::create_dir(&inputs).unwrap();
    for number in 0..2 * JOBS {
        fs::write(inputs.join(number.to_string()), "").unwrap();
    }
    let host = Host::new(settings.clone()).unwrap();
    let glutton = host.load_bytes(GLUTTON.as_bytes(), "glutton", &Silent);
    let mut sink = SqliteSink::open(folder.path().join("results.db")).unwrap();
    let summary = host
        .run(
            &[glutton.unwrap()],
            Inputs::new().path(inputs),
            &mut sink,
            &Silent,
            &Cancel::new(),
        )
        .unwrap();
    let ended = [(Status::LimitExceeded, u64::from(2 * JOBS))];
    assert!(summary.outcomes.into_iter().eq(ended));

    let peak = peak();
    // They did have it all at once.
    let taken = u64::from(JOBS) * (settings.max_memory + settings.caps.files + settings.caps.rows);
    assert!(peak > taken, "{peak} of {taken}");
    let bound = settings.memory_bound();
    assert!(peak < bound, "{peak} of {bound}");
    // Not all of what is allowed for can be had by the same guest.
    let sum = taken + u64::from(JOBS) * (2 * settings.caps.rows + 8 * MIB) + 256 * MIB;
    assert!(peak < sum, "{peak} of {sum}");
}

/// The most that was ever resident, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}
