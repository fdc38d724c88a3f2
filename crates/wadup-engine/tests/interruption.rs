//! Guests are stopped wherever they are: in their own code, without checks in it, and in the
//! host's.

mod support;

use std::time::{Duration, Instant};

use support::{engine, wasi};
use wadup_engine::{CompiledCache, End, EngineSettings, Limit, Limits, Program};

fn limits(timeout: Duration) -> Limits {
    Limits {
        timeout: Some(timeout),
        ..Limits::default()
    }
}

/// Never returns, in one way each.
const ENDLESS: [(&str, &str); 9] = [
    (
        "a loop",
        r#"(module (func (export "process") (loop (br 0))))"#,
    ),
    (
        "calls",
        r#"(module
            (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
            (func (export "process") (local i32)
                (loop (local.set 0 (call $leaf (local.get 0))) (br 0))))"#,
    ),
    (
        "recursion up and down",
        r#"(module
            (func $down (param i32)
                (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
            (func (export "process") (loop (call $down (i32.const 1000)) (br 0))))"#,
    ),
    (
        "indirect calls",
        r#"(module
            (type $unit (func))
            (table funcref (elem $nothing))
            (func $nothing)
            (func (export "process") (loop (call_indirect (type $unit) (i32.const 0)) (br 0))))"#,
    ),
    (
        "memory and arithmetic",
        r#"(module (memory 1)
            (func (export "process") (local f64)
                (loop
                    (f64.store (i32.const 8) (f64.sqrt (f64.add (f64.load (i32.const 8)) (f64.const 1))))
                    (br 0))))"#,
    ),
    (
        "growth that is refused",
        r#"(module (memory 1)
            (func (export "process") (loop (drop (memory.grow (i32.const 65536))) (br 0))))"#,
    ),
    (
        "calls of the host",
        r#"(module
            (import "wasi_snapshot_preview1" "clock_time_get"
                (func $clock (param i32 i64 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "process")
                (loop (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8))) (br 0))))"#,
    ),
    (
        "bulk operations",
        r#"(module (memory 256)
            (func (export "process")
                (loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 16777216)) (br 0))))"#,
    ),
    (
        "tail calls",
        r#"(module (func $again (export "process") (return_call $again)))"#,
    ),
];

#[test]
fn whatever_does_not_return_is_stopped_in_time() {
    let timeout = Duration::from_millis(50);
    let engine = engine(EngineSettings::default());
    for (what, wat) in ENDLESS {
        let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled()).unwrap();
        let (end, took) = engine
            .on_worker(|worker| {
                let start = Instant::now();
                let end = program.run(worker, wasi(), &limits(timeout)).end;
                (end, start.elapsed())
            })
            .unwrap();
        assert_eq!(end, End::LimitExceeded(Limit::Time), "{what}");
        assert!(took >= timeout, "{what}: {took:?}");
    }
}

/// The guest's own trap after the watchdog's time is still the end that it is said to be, and
/// before it is the guest's.
#[test]
fn a_guest_that_traps_by_itself_is_not_taken_for_a_stopped_one() {
    let engine = engine(EngineSettings::default());
    let wat = r#"(module (func (export "process") unreachable))"#;
    let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled()).unwrap();
    let run = |worker: &wadup_engine::Worker| {
        let limits = limits(Duration::from_secs(60));
        program.run(worker, wasi(), &limits).end
    };
    let end = engine.on_worker(run).unwrap();
    assert!(
        matches!(&end, End::Trapped(trapped) if trapped.kind == "unreachable"),
        "{end:?}"
    );
}

/// Signals arrive at any instruction: of deep and shallow frames, in prologues, on the way into
/// the host and back. Thousands of times, on several threads, and what is not over its time
/// computes what it should beside it.
#[test]
fn thousands_are_stopped_at_any_instruction_and_others_are_not_disturbed() {
    const WAT: &str = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get"
            (func $clock (param i32 i64 i32) (result i32)))
        (memory (export "memory") 2)
        (global $rounds (export "rounds") (mut i32) (i32.const 0))
        (func $fib (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
                (then (local.get 0))
                (else (i32.add
                    (call $fib (i32.sub (local.get 0) (i32.const 1)))
                    (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func $work (result i32)
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
            (i32.store (i32.const 65536) (i32.add (i32.load (i32.const 65536)) (i32.const 1)))
            (call $fib (i32.const 12)))
        (func (export "endless") (loop (drop (call $work)) (br 0)))
        (func (export "process") (result i32) (local i32)
            (local.set 0 (i32.const 2000))
            (loop
                (if (i32.ne (call $work) (i32.const 144)) (then unreachable))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.sub (i32.load (i32.const 65536)) (i32.const 2000))))"#;
    const THREADS: u32 = 4;
    let engine = engine(EngineSettings {
        instances: THREADS,
        ..EngineSettings::default()
    });
    let program = Program::load(&engine, WAT.as_bytes(), &CompiledCache::disabled()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let program = &program;
            let name = format!("worker-{thread}");
            let work = move |worker: &wadup_engine::Worker| {
                for round in 0..500_u64 {
                    // Already over when it begins, or soon after.
                    let timeout = Duration::from_micros(round * 37 % 3000);
                    let (mut execution, end) =
                        program.instantiate(worker, wasi(), &limits(timeout));
                    let end = end.unwrap_or_else(|| execution.call("endless"));
                    assert_eq!(execution.finish(end).end, End::LimitExceeded(Limit::Time));
                    if round % 20 == 0 {
                        let limits = limits(Duration::from_secs(60));
                        let end = program.run(worker, wasi(), &limits).end;
                        assert_eq!(end, End::Returned(0));
                    }
                }
            };
            engine.spawn_worker(scope, name, work).unwrap();
        }
    });
}
