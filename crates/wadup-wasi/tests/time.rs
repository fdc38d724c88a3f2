//! Clocks, sleeping and being interrupted.

mod guest;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use guest::errno::*;
use guest::{DATA, Guest, LIST, OUT, layout};
use wadup_vfs::Limits;
use wadup_wasi::{FixedClock, Interrupt, Interrupted, WasiConfig};

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const ABSOLUTE: u16 = 1;

fn clock_subscription(userdata: u64, clock: u32, timeout: u64, flags: u16) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[16..20].copy_from_slice(&clock.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
    bytes[40..42].copy_from_slice(&flags.to_le_bytes());
    bytes
}

fn read_subscription(userdata: u64, fd: u32) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = 1;
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

#[test]
fn a_sleep_lasts_as_long_as_asked() {
    let mut guest = Guest::new();
    for (clock, flags) in [
        (MONOTONIC, 0),
        (REALTIME, 0),
        (MONOTONIC, ABSOLUTE),
        (REALTIME, ABSOLUTE),
    ] {
        assert_eq!(call!(guest, clock_time_get, clock, 0i64, OUT), SUCCESS);
        let wait = nanoseconds(Duration::from_millis(20));
        let timeout = if flags == ABSOLUTE {
            guest.get_u64(OUT) + wait
        } else {
            wait
        };
        guest.put(LIST, &clock_subscription(7, clock, timeout, flags));
        let start = Instant::now();
        assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 1, OUT), SUCCESS);
        assert!(start.elapsed() >= Duration::from_millis(19));
        assert_eq!((guest.get_u32(OUT), guest.get_u64(DATA)), (1, 7));
        assert_eq!(guest.get(DATA + 8, 3), [0, 0, 0]);
    }
}

#[test]
fn a_sleep_ends_at_the_deadline() {
    let mut guest = Guest::new();
    for timeout in [nanoseconds(Duration::from_secs(3600)), u64::MAX] {
        guest.put(LIST, &clock_subscription(7, MONOTONIC, timeout, 0));
        let start = Instant::now();
        guest
            .ctx()
            .set_deadline(Some(start + Duration::from_millis(50)));
        let ended = try_call!(guest, poll_oneoff, LIST, DATA, 1, OUT).unwrap_err();
        assert_eq!(ended.downcast_ref::<Interrupted>(), Some(&Interrupted));
        assert!(start.elapsed() >= Duration::from_millis(50));
    }
}

#[test]
fn a_sleep_ends_when_it_is_interrupted_from_another_thread() {
    let mut guest = Guest::new();
    let interrupt = Interrupt::default();
    guest.ctx().set_interrupt(interrupt.clone());
    guest.put(LIST, &clock_subscription(7, MONOTONIC, u64::MAX, 0));
    let start = Instant::now();
    let raiser = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        interrupt.raise();
    });
    let ended = try_call!(guest, poll_oneoff, LIST, DATA, 1, OUT).unwrap_err();
    assert!(ended.is::<Interrupted>());
    assert!(start.elapsed() >= Duration::from_millis(30));
    raiser.join().unwrap();
    assert!(try_call!(guest, sched_yield).is_err());
}

/// A guest that is in the host whenever the watchdog's signal comes went on for a third of a
/// second.
#[test]
fn a_guest_that_was_stopped_is_ended_by_its_next_call() {
    let mut guest = Guest::new();
    let stopped = Arc::new(AtomicBool::new(false));
    guest.ctx().set_stopped(Arc::clone(&stopped));
    assert_eq!(call!(guest, random_get, DATA, 8), SUCCESS);
    let random = guest.get_u64(DATA);
    stopped.store(true, Ordering::Relaxed);
    let ended = try_call!(guest, random_get, DATA, 8).unwrap_err();
    assert!(ended.is::<Interrupted>());
    assert_eq!(guest.get_u64(DATA), random);
    let ended = try_call!(guest, poll_oneoff, LIST, DATA, u32::MAX, OUT).unwrap_err();
    assert!(ended.is::<Interrupted>());
    stopped.store(false, Ordering::Relaxed);
    assert_eq!(call!(guest, random_get, DATA, 8), SUCCESS);
}

#[test]
fn the_first_of_several_clocks_ends_the_wait() {
    let mut guest = Guest::new();
    let hour = nanoseconds(Duration::from_secs(3600));
    let short = nanoseconds(Duration::from_millis(10));
    let subscriptions = [
        clock_subscription(1, MONOTONIC, hour, 0),
        clock_subscription(2, MONOTONIC, short, 0),
    ]
    .concat();
    guest.put(LIST, &subscriptions);
    assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 2, OUT), SUCCESS);
    assert_eq!((guest.get_u32(OUT), guest.get_u64(DATA)), (1, 2));
}

#[test]
fn descriptors_are_ready_at_once() {
    let mut guest = Guest::new();
    let hour = nanoseconds(Duration::from_secs(3600));
    let subscriptions = [
        clock_subscription(1, MONOTONIC, hour, 0),
        read_subscription(2, 0),
        read_subscription(3, 99),
    ]
    .concat();
    guest.put(LIST, &subscriptions);
    assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 3, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 2);
    // stdin is at its end: readable, hung up.
    assert_eq!(
        (guest.get_u64(DATA), guest.get(DATA + 8, 3)),
        (2, vec![0, 0, 1])
    );
    assert_eq!(guest.get(DATA + 24, 1), [1]);
    assert_eq!(
        (guest.get_u64(DATA + 32), guest.get(DATA + 40, 2)),
        (3, vec![BADF as u8, 0])
    );
}

#[test]
fn a_clock_that_is_not_there_is_an_event_with_an_error() {
    let mut guest = Guest::new();
    guest.put(LIST, &clock_subscription(1, 3, 5, 0));
    assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 1, OUT), SUCCESS);
    assert_eq!(guest.get(DATA + 8, 1), [INVAL as u8]);
}

#[test]
fn time_is_injected() {
    let clock = FixedClock {
        realtime: 1_700_000_000_000_000_000,
        monotonic: 42,
    };
    let config = WasiConfig::new().clock(Arc::new(clock));
    let mut guest = Guest::with(config, layout(Limits::default(), b""));
    for (id, expected) in [(REALTIME, 1_700_000_000_000_000_000), (MONOTONIC, 42)] {
        assert_eq!(call!(guest, clock_time_get, id, 0i64, OUT), SUCCESS);
        assert_eq!(guest.get_u64(OUT), expected);
        assert_eq!(call!(guest, clock_res_get, id, OUT), SUCCESS);
        assert_ne!(guest.get_u64(OUT), 0);
    }
}
