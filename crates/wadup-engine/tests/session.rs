//! An instance that is talked to turn by turn, and how a turn that fails is undone.

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use support::engine;
use wadup_engine::{
    CompiledCache, End, EngineSettings, Interrupt, Limit, Limits, Program, Session,
};
use wadup_vfs::{SystemTime, Vfs};
use wadup_wasi::{Output, StandardStreams, WasiConfig, WasiCtx};

/// Each turn reads one byte from stdin, counts the turn in memory and in a global, writes the
/// count to stdout, grows memory by a page, and does what the byte says.
const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\20\00\00\00\01\00\00\00")
    (data (i32.const 40) "0")
    (func (export "process") (result i32) (local $asked i32)
        (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
        (local.set $asked (i32.load8_u (i32.const 32)))
        (i32.store8 (i32.const 40) (i32.add (i32.load8_u (i32.const 40)) (i32.const 1)))
        (i32.store8 (i32.const 32) (i32.load8_u (i32.const 40)))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
        (i32.store8 (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)) (i32.const 1))
        (if (i32.eq (local.get $asked) (i32.const 116)) (then unreachable))
        (if (i32.eq (local.get $asked) (i32.const 101)) (then (call $exit (i32.const 7))))
        (if (i32.eq (local.get $asked) (i32.const 108)) (then (loop $again (br $again))))
        (if (i32.eq (local.get $asked) (i32.const 49)) (then (return (i32.const 1))))
        (i32.const 0)))"#;

/// Somebody who says one thing each turn, and keeps what is said.
#[derive(Clone, Default)]
struct World(Arc<Mutex<(u8, String)>>);

impl StandardStreams for World {
    fn read(&mut self, buf: &mut [u8], _: &dyn Fn() -> bool) -> io::Result<usize> {
        buf[0] = self.0.lock().expect("one thread").0;
        Ok(1)
    }

    fn write(&mut self, to: Output, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(to, Output::Stdout);
        let text = std::str::from_utf8(bytes).expect("digits");
        self.0.lock().expect("one thread").1.push_str(text);
        Ok(())
    }
}

#[test]
fn a_turn_that_fails_has_not_happened() {
    let engine = engine(EngineSettings::default());
    let program = Program::load(&engine, GUEST.as_bytes(), &CompiledCache::disabled());
    let program = program.expect("load the program");
    let world = World::default();
    let vfs = Vfs::new(Default::default(), SystemTime::shared());
    let mut wasi = WasiCtx::new(Arc::new(WasiConfig::new()), vfs);
    wasi.set_streams(Box::new(world.clone()));
    let ends = engine.on_worker(|worker| {
        let mut session = Session::new(&program, worker);
        let mut wasi = Some(wasi);
        let mut turn = |asked: u8, limits: &Limits| {
            world.0.lock().expect("one thread").0 = asked;
            let finished = session.turn(wasi.take().expect("it is back"), limits);
            wasi = Some(finished.wasi);
            finished.end
        };
        let short = Limits {
            timeout: Some(Duration::from_millis(50)),
            ..Limits::default()
        };
        let interrupt = Interrupt::default();
        interrupt.raise();
        let interrupted = Limits {
            interrupt: Some(interrupt),
            ..Limits::default()
        };
        let none = Limits::default();
        vec![
            // Also the first, before which there is only the program.
            turn(b't', &none),
            turn(b'.', &none),
            turn(b'.', &none),
            turn(b't', &none),
            turn(b'e', &none),
            turn(b'l', &short),
            turn(b'1', &none),
            turn(b'l', &interrupted),
            turn(b'.', &none),
            turn(b'.', &none),
        ]
    });
    let ends = ends.expect("start a worker");
    assert!(matches!(ends[0], End::Trapped(_)) && matches!(ends[3], End::Trapped(_)));
    let [.., exited, timed_out, returned, interrupted, _, last] = &ends[..] else {
        panic!("{ends:?}");
    };
    assert_eq!(*exited, End::Exited(7));
    assert_eq!(*timed_out, End::LimitExceeded(Limit::Time));
    assert_eq!(*returned, End::Returned(1));
    assert_eq!(*interrupted, End::Interrupted);
    assert_eq!(*last, End::Returned(0));
    // The interrupted one was ended before it came to write.
    assert_eq!(world.0.lock().expect("one thread").1, "112333334");
}
