//! Guests that lie about pointers and lengths.

mod guest;

use std::time::{Duration, Instant};

use guest::errno::*;
use guest::{CREAT, DATA, Guest, LIST, OUT, PATH, READ, ROOT, SIGNATURES, WRITE};
use wasmtime::Val;

const MEMORY: u32 = 64 << 16;

#[test]
fn a_pointer_out_of_bounds_ends_the_guest_as_the_standard_says() {
    let mut guest = Guest::new();
    let far = MEMORY;
    assert!(try_call!(guest, clock_time_get, 0, 0i64, far).is_err());
    assert!(try_call!(guest, clock_time_get, 0, 0i64, far - 4).is_err());
    assert!(
        try_call!(guest, clock_time_get, 0, 0i64, 3).is_err(),
        "misaligned"
    );
    assert!(try_call!(guest, random_get, far - 1, 2).is_err());
    assert!(try_call!(guest, random_get, 1, u32::MAX).is_err());
    assert!(try_call!(guest, path_create_directory, ROOT, far, 1).is_err());
    assert!(try_call!(guest, path_create_directory, ROOT, 0, u32::MAX).is_err());
    assert!(try_call!(guest, fd_write, 1, far, 1, OUT).is_err());
    assert!(try_call!(guest, fd_write, 1, u32::MAX - 3, 2, OUT).is_err());
    assert!(try_call!(guest, fd_readdir, ROOT, DATA, u32::MAX, 0i64, OUT).is_err());
    assert!(try_call!(guest, fd_prestat_dir_name, ROOT, far, 1).is_err());
    for buffer in [(far, 1), (DATA as u32, u32::MAX), (u32::MAX, u32::MAX)] {
        let (list, len) = guest.list(&[buffer]);
        assert!(
            try_call!(guest, fd_write, 1, list, len, OUT).is_err(),
            "{buffer:?}"
        );
        let fd = guest.open("/data.bin", 0, READ).unwrap();
        let (list, len) = guest.list(&[buffer]);
        assert!(
            try_call!(guest, fd_read, fd, list, len, OUT).is_err(),
            "{buffer:?}"
        );
    }
    assert_eq!(guest.ctx().stdout().bytes(), b"");
}

#[test]
fn too_long_lists_are_refused_before_they_are_read() {
    let mut guest = Guest::new();
    for len in [1025, u32::MAX] {
        assert_eq!(call!(guest, fd_write, 1, LIST, len, OUT), INVAL);
        assert_eq!(
            call!(guest, poll_oneoff, LIST, DATA, len.max(5000), OUT),
            INVAL
        );
    }
    assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 0, OUT), INVAL);
    let buffers = vec![(DATA as u32, 1); 1024];
    let (list, len) = guest.list(&buffers);
    assert_eq!(call!(guest, fd_write, 1, list, len, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 1024);
}

#[test]
fn overlapping_buffers_are_filled_one_after_the_other() {
    let mut guest = Guest::new();
    let fd = guest.open("/data.bin", 0, READ).unwrap();
    let (list, len) = guest.list(&[(DATA as u32, 4), (DATA as u32 + 2, 4)]);
    assert_eq!(call!(guest, fd_read, fd, list, len, OUT), SUCCESS);
    assert_eq!(guest.get(DATA, 6), b"014567");
    // The list itself is overwritten while it is used: what is there then is what counts.
    let fd = guest.open("/data.bin", 0, READ).unwrap();
    let (list, len) = guest.list(&[(LIST as u32, 4), (DATA as u32, 4)]);
    assert_eq!(call!(guest, fd_read, fd, list, len, OUT), SUCCESS);
    assert_eq!(guest.get(DATA, 4), b"4567");
}

#[test]
fn events_may_overwrite_their_subscriptions() {
    let mut guest = Guest::new();
    for index in 0..3 {
        let at = LIST + 48 * index;
        guest.put(at, &[0; 48]);
        guest.put(at, &(100 + index as u64).to_le_bytes());
        guest.put(at + 8, &[2]);
        guest.put(at + 16, &1u32.to_le_bytes());
    }
    assert_eq!(call!(guest, poll_oneoff, LIST, LIST, 3, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 3);
    for index in 0..3 {
        assert_eq!(guest.get_u64(LIST + 32 * index), 100 + index as u64);
    }
}

#[test]
fn a_subscription_that_makes_no_sense_is_refused() {
    let mut guest = Guest::new();
    guest.put(LIST, &[0xFF; 48]);
    assert_eq!(call!(guest, poll_oneoff, LIST, DATA, 1, OUT), INVAL);
}

/// Every function with values from the edges, in all places: an errno or a trap, and soon.
#[test]
fn no_function_panics_or_takes_long_whatever_it_is_given() {
    const EDGES: [i64; 10] = [
        0,
        1,
        3,
        LIST as i64,
        MEMORY as i64 - 1,
        MEMORY as i64,
        -1,
        i32::MAX as i64,
        i64::MAX,
        i64::MIN,
    ];
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut guest = Guest::new();
    // A guest that fuzzes `poll_oneoff` sleeps: until here.
    guest.ctx().set_deadline(Some(Instant::now()));
    for round in 0..20_000 {
        if round % 1000 == 0 {
            let fill: Vec<u8> = (0..65_536).map(|_| next() as u8 & 0x1F).collect();
            guest.put(0, &fill);
            let _ = guest.open("/tmp/f", CREAT, READ | WRITE);
        }
        let (name, signature) = SIGNATURES[next() as usize % SIGNATURES.len()];
        let args: Vec<Val> = signature
            .chars()
            .map(|kind| {
                let value = EDGES[next() as usize % EDGES.len()];
                if kind == 'i' {
                    Val::I32(value as i32)
                } else {
                    Val::I64(value)
                }
            })
            .collect();
        let start = Instant::now();
        let _ = guest.call(name, &args);
        assert!(start.elapsed() < Duration::from_secs(1), "{name} {args:?}");
    }
}

#[test]
fn one_transfer_is_bounded() {
    let mut guest = Guest::new();
    guest.memory.grow(&mut guest.store, 1024).unwrap();
    let zero = guest.open("/dev/zero", 0, READ).unwrap();
    let (list, len) = guest.list(&[(DATA as u32, 64 << 20)]);
    assert_eq!(call!(guest, fd_read, zero, list, len, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 32 << 20);
    let file = guest.open("/tmp/f", CREAT, WRITE).unwrap();
    let (list, len) = guest.list(&[(DATA as u32, 64 << 20)]);
    assert_eq!(call!(guest, fd_write, file, list, len, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 32 << 20);
    assert_eq!(call!(guest, random_get, DATA, 64 << 20), SUCCESS);
    guest.ctx().deadline().interrupt.raise();
    assert!(try_call!(guest, random_get, DATA, 64 << 20).is_err());
}

#[test]
fn paths_are_bytes() {
    let mut guest = Guest::new();
    guest.put(PATH, b"tmp/\xFF\xFE");
    assert_eq!(call!(guest, path_create_directory, ROOT, PATH, 6), SUCCESS);
    assert_eq!(
        call!(guest, path_filestat_get, ROOT, 0, PATH, 6, OUT),
        SUCCESS
    );
}
