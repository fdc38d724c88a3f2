//! Which inputs get a new instance.

mod support;

use std::num::NonZeroU32;

use support::settings;
use wadup_host::{Cancel, Host, HostSettings, Inputs, Isolation, Silent, Status};
use wadup_sink::MemorySink;

/// Returns how often it was called before.
const COUNTER: &str = r#"(module
    (global $calls (mut i32) (i32.const 0))
    (func (export "process") (result i32)
        (global.get $calls)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))))"#;

/// The same as a command.
const COMMAND: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (global $calls (mut i32) (i32.const 0))
    (func (export "_start")
        (if (global.get $calls) (then (call $exit (global.get $calls))))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))))"#;

/// For each of so many inputs, whether it completed in each of the artifacts.
fn completed(settings: HostSettings, artifacts: &[&str], inputs: usize) -> Vec<Vec<bool>> {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..inputs {
        std::fs::write(folder.path().join(format!("{number:03}")), "").unwrap();
    }
    let host = Host::new(settings).expect("make a host");
    let load = |(number, wat): (usize, &&str)| {
        let name = format!("artifact-{number}");
        host.load_bytes(wat.as_bytes(), &name, &Silent).unwrap()
    };
    let artifacts: Vec<_> = artifacts.iter().enumerate().map(load).collect();
    let mut sink = MemorySink::new();
    let inputs = Inputs::new().path(folder.path());
    host.run(&artifacts, inputs, &mut sink, &Silent, &Cancel::new())
        .expect("run");
    sink.inputs.sort_by_key(|input| input.number);
    let of_input = |input: &wadup_sink::InputRecord| {
        let outcomes = input.outcomes.iter();
        outcomes
            .map(|outcome| outcome.status == Status::Completed)
            .collect()
    };
    sink.inputs.iter().map(of_input).collect()
}

fn reuse(artifacts: u32) -> HostSettings {
    HostSettings {
        jobs: NonZeroU32::MIN,
        isolation: Isolation::Reuse,
        artifacts: NonZeroU32::new(artifacts).unwrap(),
        ..settings()
    }
}

#[test]
fn fresh_is_the_default() {
    let settings = HostSettings {
        jobs: NonZeroU32::MIN,
        ..settings()
    };
    assert_eq!(completed(settings, &[COUNTER], 3), [[true]; 3]);
}

/// The second input finds what the first left, fails, and takes the instance with it.
#[test]
fn a_reused_instance_is_replaced_after_a_failure() {
    let expected = [[true], [false], [true], [false], [true]];
    assert_eq!(completed(reuse(1), &[COUNTER], 5), expected);
}

#[test]
fn a_worker_keeps_an_instance_of_each_artifact() {
    let expected = [[true, true], [false, false], [true, true]];
    assert_eq!(completed(reuse(2), &[COUNTER, COUNTER], 3), expected);
}

/// There is address space for one instance: the artifacts take turns in it.
#[test]
fn more_artifacts_than_expected_take_turns() {
    assert_eq!(
        completed(reuse(1), &[COUNTER, COUNTER], 3),
        [[true, true]; 3]
    );
}

#[test]
fn a_command_gets_a_new_instance_all_the_same() {
    assert_eq!(completed(reuse(1), &[COMMAND], 3), [[true]; 3]);
}

/// Every worker has its own.
#[test]
fn many_workers_keep_many_instances() {
    let settings = HostSettings {
        jobs: NonZeroU32::new(8).unwrap(),
        ..reuse(2)
    };
    let results = completed(settings, &[COUNTER, COUNTER], 400);
    let completed = results.iter().filter(|outcomes| outcomes[0]).count();
    // Each of eight workers alternates.
    assert!((200..=208).contains(&completed), "{completed}");
}
