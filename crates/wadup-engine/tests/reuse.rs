//! Instances that are used again.

mod support;

use std::time::Duration;

use support::{engine, wasi};
use wadup_engine::{
    CompiledCache, End, Engine, EngineSettings, Finished, Kept, Limit, Limits, Program,
};

/// `process` counts its calls in a global, and writes the count to stdout. What else it does is
/// `body`.
fn program(engine: &Engine, body: &str) -> Program {
    let wat = format!(
        r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
        (import "wasi_snapshot_preview1" "path_open"
            (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write"
            (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 100) "file")
        (global $calls (mut i32) (i32.const 0))
        ;; Writes the count of calls, a digit, to stdout.
        (func $tell
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (i32.store8 (i32.const 10) (i32.add (global.get $calls) (i32.const 48)))
            (i32.store (i32.const 0) (i32.const 10))
            (i32.store (i32.const 4) (i32.const 1))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20))))
        (func $open (result i32)
            (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 4)
                (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 24)))
            (i32.load (i32.const 24)))
        (func (export "process") (result i32) (local $n i32) (call $tell) {body}))"#
    );
    Program::load(engine, wat.as_bytes(), &CompiledCache::disabled()).expect("load the program")
}

/// Runs it so often, each time in the instance of the last where that was kept; what it wrote,
/// and the last end.
fn runs(settings: EngineSettings, limits: &Limits, body: &str, times: usize) -> (String, Finished) {
    let engine = engine(settings);
    let program = program(&engine, body);
    let run = |worker: &_| {
        let mut kept = None;
        let mut told = String::new();
        let mut last = None;
        for _ in 0..times {
            let finished = program.run_reusing(worker, &mut kept, wasi(), limits);
            told.push_str(std::str::from_utf8(finished.wasi.stdout().bytes()).unwrap());
            last = Some(finished);
        }
        (told, last.expect("it ran"))
    };
    engine.on_worker(run).expect("start a worker")
}

fn told(body: &str) -> String {
    runs(EngineSettings::default(), &Limits::default(), body, 3).0
}

#[test]
fn an_instance_that_returns_0_is_used_again() {
    assert_eq!(told("(i32.const 0)"), "123");
}

#[test]
fn an_instance_that_returns_something_else_is_not() {
    assert_eq!(told("(i32.const 1)"), "111");
}

#[test]
fn an_instance_that_traps_or_exits_is_not() {
    assert_eq!(told("unreachable"), "111");
    assert_eq!(told("(call $proc_exit (i32.const 0)) (i32.const 0)"), "111");
}

#[test]
fn an_instance_that_is_over_its_time_is_not() {
    let limits = Limits {
        timeout: Some(Duration::from_millis(50)),
        ..Limits::default()
    };
    let body = "(loop $again (br $again)) (i32.const 0)";
    let (told, last) = runs(EngineSettings::default(), &limits, body, 2);
    assert_eq!(told, "11");
    assert_eq!(last.end, End::LimitExceeded(Limit::Time));
}

/// A descriptor's number would mean another file next time.
#[test]
fn an_instance_that_leaves_descriptors_as_they_were_not_is_replaced() {
    assert_eq!(told("(drop (call $open)) (i32.const 0)"), "111");
    assert_eq!(told("(call $fd_close (call $open))"), "123");
    for number in [0, 1, 2, 3] {
        assert_eq!(
            told(&format!("(call $fd_close (i32.const {number}))")),
            "111"
        );
    }
    // In the place of a standard stream.
    let swapped = "(drop (call $fd_close (i32.const 0))) (drop (call $open)) (i32.const 0)";
    assert_eq!(told(swapped), "111");
}

/// Every execution has all of the fuel and all of the time.
#[test]
fn limits_are_of_one_execution() {
    let settings = EngineSettings {
        fuel: true,
        ..EngineSettings::default()
    };
    let limits = Limits {
        fuel: Some(20_000),
        timeout: Some(Duration::from_secs(60)),
        ..Limits::default()
    };
    let body = "(local.set $n (i32.const 2500))
        (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.const 0)";
    let (told, last) = runs(settings, &limits, body, 5);
    assert_eq!(told, "12345");
    let fuel = last.usage.fuel.unwrap();
    assert!((10_000..20_000).contains(&fuel), "{fuel}");
}

/// What an instance has grown by stays, and counts.
#[test]
fn memory_stays_and_counts_until_it_is_refused() {
    let limits = Limits {
        memory: Some(3 << 16),
        ..Limits::default()
    };
    // The third call is refused, and the fourth is in a new instance.
    let body = "(drop (memory.grow (i32.const 1))) (i32.const 0)";
    let (told, last) = runs(EngineSettings::default(), &limits, body, 5);
    assert_eq!(told, "12312");
    assert_eq!(last.usage.peak_memory, 3 << 16);
}

/// A kept instance that is too large for what the next execution may have is replaced.
#[test]
fn a_lower_limit_needs_another_instance() {
    let engine = engine(EngineSettings::default());
    let program = program(&engine, "(drop (memory.grow (i32.const 1))) (i32.const 0)");
    let limits = |pages: u64| Limits {
        memory: Some(pages << 16),
        ..Limits::default()
    };
    let run = |worker: &_| {
        let mut kept = None;
        let mut tell = |pages| {
            let finished = program.run_reusing(worker, &mut kept, wasi(), &limits(pages));
            finished.wasi.stdout().bytes().to_vec()
        };
        [tell(9), tell(9), tell(2), tell(9)].concat()
    };
    assert_eq!(engine.on_worker(run).unwrap(), b"1212");
}

#[test]
fn an_instance_of_another_program_is_not_taken() {
    let engine = engine(EngineSettings::default());
    let programs = [
        program(&engine, "(i32.const 0)"),
        program(&engine, "(nop) (i32.const 0)"),
    ];
    let run = |worker: &_| {
        let mut kept: Option<Kept> = None;
        let mut tell = |number: usize| {
            let program: &Program = &programs[number];
            let finished = program.run_reusing(worker, &mut kept, wasi(), &Limits::default());
            finished.wasi.stdout().bytes().to_vec()
        };
        [tell(0), tell(0), tell(1), tell(1), tell(0)].concat()
    };
    assert_eq!(engine.on_worker(run).unwrap(), b"12121");
}

/// A command is over when it returns.
#[test]
fn a_command_runs_once() {
    let engine = engine(EngineSettings::default());
    let wat = r#"(module
        (global $calls (mut i32) (i32.const 0))
        (func (export "_start")
            (if (global.get $calls) (then unreachable))
            (global.set $calls (i32.const 1))))"#;
    let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled()).unwrap();
    let run = |worker: &_| {
        let mut kept = None;
        let mut run = || {
            let limits = Limits::default();
            program.run_reusing(worker, &mut kept, wasi(), &limits).end
        };
        [run(), run(), run()]
    };
    let ends = engine.on_worker(run).unwrap();
    assert_eq!(ends, [End::Returned(0), End::Returned(0), End::Returned(0)]);
}

/// What a reactor's `_initialize` did is there, and done once.
#[test]
fn a_reactor_is_initialised_once() {
    let engine = engine(EngineSettings::default());
    let wat = r#"(module
        (global $ready (mut i32) (i32.const 0))
        (func (export "_initialize")
            (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
        (func (export "process") (result i32)
            (i32.sub (global.get $ready) (i32.const 1))))"#;
    let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled()).unwrap();
    let run = |worker: &_| {
        let mut kept = None;
        let mut run = || {
            let limits = Limits::default();
            program.run_reusing(worker, &mut kept, wasi(), &limits).end
        };
        let ends = [run(), run(), run()];
        (ends, kept.is_some())
    };
    let (ends, kept) = engine.on_worker(run).unwrap();
    assert_eq!(ends, [End::Returned(0), End::Returned(0), End::Returned(0)]);
    assert!(kept);
}
