//! How executions end.

mod support;

use std::time::{Duration, Instant};

use support::{engine, run_with, wasi};
use wadup_engine::{
    CompiledCache, End, EngineSettings, Interrupt, Limit, Limits, Program, Trapped,
};

const MIB: u64 = 1 << 20;

fn run(wat: &str) -> End {
    run_with(EngineSettings::default(), &Limits::default(), wat).end
}

fn trap_kind(end: &End) -> &'static str {
    match end {
        End::Trapped(Trapped { kind, .. }) => kind,
        other => panic!("not a trap: {other:?}"),
    }
}

#[test]
fn the_result_of_process_is_returned() {
    let end = run(r#"(module (func (export "process") (result i32) (i32.const -3)))"#);
    assert_eq!(end, End::Returned(-3));
}

#[test]
fn process_without_a_result_returns_0() {
    assert_eq!(
        run(r#"(module (func (export "process")))"#),
        End::Returned(0)
    );
}

#[test]
fn process_goes_before_start() {
    let end = run(r#"(module
        (func (export "_start") unreachable)
        (func (export "process") (result i32) (i32.const 1)))"#);
    assert_eq!(end, End::Returned(1));
}

#[test]
fn a_reactor_is_initialised_first() {
    let end = run(r#"(module
        (global $ready (mut i32) (i32.const 5))
        (func (export "_initialize") (global.set $ready (i32.const 0)))
        (func (export "process") (result i32) (global.get $ready)))"#);
    assert_eq!(end, End::Returned(0));
}

#[test]
fn proc_exit_ends_a_command() {
    let end = run(r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 42)) unreachable))"#);
    assert_eq!(end, End::Exited(42));
}

#[test]
fn a_trap_names_its_functions() {
    let End::Trapped(trapped) = run(r#"(module
        (func $inner (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $inner (i32.sub (local.get 0) (i32.const 1))))
        (func $process (export "process") (call $inner (i32.const 2))))"#)
    else {
        panic!("no trap");
    };
    assert_eq!(trapped.kind, "unreachable");
    assert_eq!(
        trapped.message,
        "wasm trap: wasm `unreachable` instruction executed"
    );
    let names: Vec<&str> = trapped
        .backtrace
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    // Frames that were inlined are not there.
    assert_eq!(names.first(), Some(&"inner"));
    assert_eq!(names.last(), Some(&"process"));
}

#[test]
fn traps_are_told_apart() {
    let cases = [
        (
            "(i32.div_s (i32.const 1) (i32.const 0)) drop",
            "integer-divide-by-zero",
        ),
        ("(i32.load (i32.const -1)) drop", "memory-out-of-bounds"),
        ("(call_indirect (i32.const 0))", "indirect-call-to-null"),
        ("(call_indirect (i32.const 9))", "table-out-of-bounds"),
        (
            "(call_indirect (i32.const 1))",
            "indirect-call-type-mismatch",
        ),
        (
            "(i32.trunc_f32_s (f32.const nan)) drop",
            "invalid-conversion-to-integer",
        ),
    ];
    for (code, kind) in cases {
        let end = run(&format!(
            r#"(module
                (memory (export "memory") 1)
                (table 2 funcref)
                (elem (i32.const 1) $other)
                (func $other (param i64))
                (func (export "process") {code}))"#
        ));
        assert_eq!(trap_kind(&end), kind, "{code}");
    }
}

#[test]
fn a_wasi_call_with_a_pointer_into_nowhere_is_a_trap() {
    let end = run(r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "process") (drop (call $random (i32.const 65530) (i32.const 100)))))"#);
    assert_eq!(trap_kind(&end), "invalid-wasi-call");
}

#[test]
fn a_missing_export_is_told() {
    let engine = engine(EngineSettings::default());
    let wat = br#"(module (func (export "process")) (func (export "odd") (param i32)))"#;
    let program = Program::load(&engine, wat, &CompiledCache::disabled()).unwrap();
    engine
        .on_worker(|worker| {
            let (mut execution, end) = program.instantiate(worker, wasi(), &Limits::default());
            assert_eq!(end, None);
            assert_eq!(
                execution.call("nothing"),
                End::NoExport("nothing".to_owned())
            );
            assert_eq!(execution.call("odd"), End::NoExport("odd".to_owned()));
            assert_eq!(execution.call("process"), End::Returned(0));
        })
        .unwrap();
}

#[test]
fn memory_and_globals_can_be_read_afterwards() {
    let engine = engine(EngineSettings::default());
    let wat = br#"(module
        (memory (export "memory") 1)
        (global $state (export "state") (mut i64) (i64.const 1))
        (func (export "process")
            (i32.store (i32.const 8) (i32.const 0x04030201))
            (global.set $state (i64.const 7))))"#;
    let program = Program::load(&engine, wat, &CompiledCache::disabled()).unwrap();
    engine
        .on_worker(|worker| {
            let (mut execution, _) = program.instantiate(worker, wasi(), &Limits::default());
            assert_eq!(execution.call("process"), End::Returned(0));
            assert_eq!(&execution.memory("memory").unwrap()[8..12], [1, 2, 3, 4]);
            assert!(matches!(
                execution.global("state"),
                Some(wasmtime::Val::I64(7))
            ));
            assert!(execution.memory("other").is_none());
        })
        .unwrap();
}

#[test]
fn every_instance_starts_clean() {
    let engine = engine(EngineSettings::default());
    let wat = br#"(module
        (memory (export "memory") 1)
        (data (i32.const 0) "\05")
        (func (export "process") (result i32)
            (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
            (i32.store8 (i32.const 60000) (i32.add (i32.load8_u (i32.const 60000)) (i32.const 1)))
            (i32.add
                (i32.mul (i32.load8_u (i32.const 0)) (i32.const 100))
                (i32.load8_u (i32.const 60000)))))"#;
    let program = Program::load(&engine, wat, &CompiledCache::disabled()).unwrap();
    engine
        .on_worker(|worker| {
            for _ in 0..100 {
                let finished = program.run(worker, wasi(), &Limits::default());
                assert_eq!(finished.end, End::Returned(601));
            }
        })
        .unwrap();
}

const LOOP: &str = r#"(module (func (export "process") (loop (br 0))))"#;

fn timed(wat: &str, limits: &Limits) -> (End, Duration) {
    let engine = engine(EngineSettings::default());
    let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled()).unwrap();
    engine
        .on_worker(|worker| {
            let start = Instant::now();
            let end = program.run(worker, wasi(), limits).end;
            (end, start.elapsed())
        })
        .unwrap()
}

#[test]
fn a_loop_ends_at_the_time_limit() {
    let timeout = Duration::from_millis(200);
    let limits = Limits {
        timeout: Some(timeout),
        ..Limits::default()
    };
    let starts = [
        LOOP,
        // In the start function, before there is an instance to call.
        r#"(module (func $spin (loop (br 0))) (start $spin) (func (export "process")))"#,
        // Waiting for a clock.
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff"
                (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "process")
                (i64.store (i32.const 24) (i64.const 3600000000000))
                (drop (call $poll
                    (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))"#,
    ];
    for wat in starts {
        let (end, took) = timed(wat, &limits);
        assert_eq!(end, End::LimitExceeded(Limit::Time), "{wat}");
        assert!(took >= timeout, "{took:?}");
        assert!(
            took < timeout + Duration::from_millis(100),
            "{took:?}: {wat}"
        );
    }
}

#[test]
fn an_interrupt_ends_a_loop() {
    let interrupt = Interrupt::default();
    let limits = Limits {
        interrupt: Some(interrupt.clone()),
        ..Limits::default()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            interrupt.raise();
        });
        let (end, took) = timed(LOOP, &limits);
        assert_eq!(end, End::Interrupted);
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}

#[test]
fn fuel_is_counted_and_ends_a_loop_at_the_same_place() {
    let settings = EngineSettings {
        fuel: true,
        ..EngineSettings::default()
    };
    let limits = Limits {
        fuel: Some(100_000),
        ..Limits::default()
    };
    let first = run_with(settings.clone(), &limits, LOOP);
    let second = run_with(settings.clone(), &limits, LOOP);
    assert_eq!(first.end, End::LimitExceeded(Limit::Fuel));
    assert_eq!(first.usage.fuel, Some(100_000));
    assert_eq!(first.usage.fuel, second.usage.fuel);

    let short = r#"(module (func (export "process") (drop (i32.const 1))))"#;
    let finished = run_with(settings, &limits, short);
    assert_eq!(finished.end, End::Returned(0));
    assert!(
        finished
            .usage
            .fuel
            .is_some_and(|fuel| (1..100).contains(&fuel))
    );
}

/// Grows by a page until that fails, then returns how many pages there are.
const GROW: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "process") (result i32)
        (loop $more
            (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (memory.size)))"#;

#[test]
fn memory_beyond_the_limit_is_refused_and_remembered() {
    let settings = EngineSettings {
        max_memory: 8 * MIB,
        ..EngineSettings::default()
    };
    let finished = run_with(settings.clone(), &Limits::default(), GROW);
    assert_eq!(finished.end, End::Returned(128));
    assert_eq!(finished.refused, Some(Limit::Memory));
    assert_eq!(finished.usage.peak_memory, 8 * MIB);

    let limits = Limits {
        memory: Some(MIB),
        ..Limits::default()
    };
    let finished = run_with(settings, &limits, GROW);
    assert_eq!(finished.end, End::Returned(16));
    assert_eq!(finished.usage.peak_memory, MIB);
}

#[test]
fn an_instance_that_starts_too_large_is_a_limit() {
    let limits = Limits {
        memory: Some(MIB),
        ..Limits::default()
    };
    let wat = r#"(module (memory (export "memory") 32) (func (export "process")))"#;
    let finished = run_with(EngineSettings::default(), &limits, wat);
    assert_eq!(finished.end, End::LimitExceeded(Limit::Memory));
}

#[test]
fn tables_cannot_grow_without_end() {
    let finished = run_with(
        EngineSettings::default(),
        &Limits::default(),
        r#"(module
            (table 1 funcref)
            (func (export "process") (result i32)
                (table.grow (ref.null func) (i32.const 0x7fffffff))))"#,
    );
    assert_eq!(finished.end, End::Returned(-1));
    assert_eq!(finished.refused, Some(Limit::Table));
}

/// Recurses for ever, with a frame that cannot be optimised away.
const RECURSE: &str = r#"(module
    (memory (export "memory") 1)
    (func $down (param i64 i64 i64 i64) (result i64)
        (i64.add
            (call $down
                (i64.add (local.get 0) (i64.const 1))
                (local.get 0) (local.get 1) (local.get 2))
            (i64.load (i32.wrap_i64 (i64.and (local.get 3) (i64.const 0xff))))))
    (func (export "process")
        (drop (call $down (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))))"#;

#[test]
fn endless_recursion_is_a_trap_with_any_stack_that_is_accepted() {
    for max_stack in [
        EngineSettings::MIN_STACK,
        MIB,
        8 * MIB,
        100 * MIB + 1,
        EngineSettings::MAX_STACK,
    ] {
        let settings = EngineSettings {
            max_stack,
            ..EngineSettings::default()
        };
        let end = run_with(settings, &Limits::default(), RECURSE).end;
        assert_eq!(trap_kind(&end), "stack-overflow", "{max_stack}");
    }
}

#[test]
fn a_wasi_call_at_the_end_of_the_stack_does_not_bring_the_host_down() {
    // Calls the host at every depth, and so also with the least stack that is left.
    let wat = r#"(module
        (import "wasi_snapshot_preview1" "path_open" (func $open
            (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "some/path/that/is/not/there")
        (func $down (param i32) (result i32)
            (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 27)
                (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 64)))
            (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
        (func (export "process") (drop (call $down (i32.const 0)))))"#;
    let settings = EngineSettings {
        max_stack: EngineSettings::MIN_STACK,
        ..EngineSettings::default()
    };
    let end = run_with(settings, &Limits::default(), wat).end;
    assert_eq!(trap_kind(&end), "stack-overflow");
}

#[test]
fn settings_out_of_range_are_refused() {
    let settings = [
        EngineSettings {
            instances: 0,
            ..EngineSettings::default()
        },
        EngineSettings {
            max_stack: 1000,
            ..EngineSettings::default()
        },
        EngineSettings {
            max_memory: u64::MAX,
            ..EngineSettings::default()
        },
    ];
    let messages: Vec<String> = settings
        .into_iter()
        .map(|settings| wadup_engine::Engine::new(settings).unwrap_err().to_string())
        .collect();
    insta::assert_debug_snapshot!(messages, @r#"
    [
        "the number of instances is 0, but must be between 1 and 4096",
        "the stack limit is 1000, but must be between 65536 and 1073741824",
        "the memory limit is 18446744073709551615, but must be between 65536 and 4294967296",
    ]
    "#);
}

#[test]
fn as_many_instances_as_were_asked_for_run_at_once() {
    let engine = engine(EngineSettings {
        instances: 16,
        ..EngineSettings::default()
    });
    let program = Program::load(&engine, GROW.as_bytes(), &CompiledCache::disabled()).unwrap();
    let limits = Limits {
        memory: Some(4 * MIB),
        ..Limits::default()
    };
    std::thread::scope(|scope| {
        for worker in 0..16 {
            let (program, limits) = (&program, &limits);
            engine
                .spawn_worker(scope, format!("worker-{worker}"), move |worker| {
                    for _ in 0..50 {
                        let finished = program.run(worker, wasi(), limits);
                        assert_eq!(finished.end, End::Returned(64));
                    }
                })
                .unwrap();
        }
    });
}
