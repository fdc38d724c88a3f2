//! What an instance finds in a slot of the pool that others have used, however it is reset.

mod support;

use support::{engine, wasi};
use wadup_engine::{CompiledCache, End, EngineSettings, Execution, Limits, Program, Worker};

/// 1 MiB of data, and as much again that is zero; `process` looks at two places of every page of
/// the kernel's, returns how many are not as they should be, and writes to each `$step`th page
/// and to memory that it grows.
fn program(engine: &wadup_engine::Engine, step: u32) -> Program {
    let data = "\\5a".repeat(1 << 20);
    let wat = format!(
        r#"(module
        (memory (export "memory") 32)
        (data (i32.const 0) "{data}")
        (func $is_bad (param $at i32) (result i32)
            (i32.ne (i32.load8_u (local.get $at))
                (select (i32.const 0x5a) (i32.const 0)
                    (i32.lt_u (local.get $at) (i32.const 1048576)))))
        (func (export "process") (result i32) (local $at i32) (local $bad i32) (local $end i32)
            (if (i32.ne (memory.grow (i32.const 2)) (i32.const 32))
                (then (return (i32.const -1))))
            (local.set $end (i32.mul (memory.size) (i32.const 65536)))
            (loop $look
                (local.set $bad (i32.add (local.get $bad) (i32.add
                    (call $is_bad (local.get $at))
                    (call $is_bad (i32.add (local.get $at) (i32.const 4095))))))
                (br_if $look (i32.lt_u
                    (local.tee $at (i32.add (local.get $at) (i32.const 4096)))
                    (local.get $end))))
            (local.set $at (i32.const 0))
            (loop $write
                (i32.store8 (local.get $at) (i32.const 0xee))
                (i32.store8 (i32.add (local.get $at) (i32.const 4095)) (i32.const 0xee))
                (br_if $write (i32.lt_u
                    (local.tee $at (i32.add (local.get $at) (i32.const {step})))
                    (local.get $end))))
            (local.get $bad)))"#,
        step = step * 4096
    );
    Program::load(engine, wat.as_bytes(), &CompiledCache::disabled()).expect("load the program")
}

/// Two programs take turns, which write to pages here and there.
fn check(settings: EngineSettings) {
    let engine = engine(settings);
    let programs = [1, 2, 3, 7, 50].map(|step| program(&engine, step));
    let run = |worker: &Worker| {
        for round in 0..120 {
            let program = &programs[round / 3 % programs.len()];
            let end = program.run(worker, wasi(), &Limits::default()).end;
            assert_eq!(end, End::Returned(0), "round {round}");
        }
    };
    engine.on_worker(run).expect("start a worker");
}

#[test]
fn an_instance_finds_the_image() {
    check(EngineSettings::default());
}

#[test]
fn an_instance_finds_the_image_where_the_kernel_cannot_be_asked() {
    check(EngineSettings {
        pagemap_scan: false,
        ..EngineSettings::default()
    });
}

#[test]
fn an_instance_finds_the_image_where_little_is_kept() {
    for kept in [0, 4096, 64 << 10] {
        check(EngineSettings {
            keep_resident: kept,
            ..EngineSettings::default()
        });
    }
}

/// As many instances as there are slots, at once and again and again.
#[test]
fn a_full_pool_gives_every_instance_the_image() {
    const INSTANCES: usize = 6;
    let engine = engine(EngineSettings {
        instances: INSTANCES as u32,
        ..EngineSettings::default()
    });
    let programs = [program(&engine, 1), program(&engine, 3)];
    let run = |worker: &Worker| {
        for round in 0..20 {
            let program = &programs[round % 2];
            let instantiate = || {
                let (execution, end) = program.instantiate(worker, wasi(), &Limits::default());
                assert_eq!(end, None);
                execution
            };
            let mut alive: Vec<Execution<'_>> = (0..INSTANCES).map(|_| instantiate()).collect();
            let (one_more, end) = program.instantiate(worker, wasi(), &Limits::default());
            assert!(matches!(end, Some(End::HostFailed(_))), "{end:?}");
            drop(one_more);
            for execution in &mut alive {
                assert_eq!(execution.call("process"), End::Returned(0), "round {round}");
            }
            for execution in alive {
                execution.finish(End::Returned(0));
            }
        }
    };
    engine.on_worker(run).expect("start a worker");
}
