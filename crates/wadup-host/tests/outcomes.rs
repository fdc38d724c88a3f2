//! How an input can end, and what is kept of it.

mod support;

use std::time::{Duration, Instant};

use support::{Script, describe, folder, interpreter, outcome, outcome_with, run_folder, settings};
use wadup_host::{Caps, Event, Host, HostSettings, Inputs, Status};
use wadup_sink::MemorySink;

#[test]
fn rows_of_a_completed_input_are_delivered() {
    let outcome = outcome(Script::new().rows([1, -2]));
    assert_eq!(outcome.status, Status::Completed);
    assert_eq!(outcome.rows.len(), 2);
    assert_eq!(outcome.rows.tables()[0].name, "t");
    assert!(outcome.peak_memory >= 2 << 16);
    assert!(outcome.duration > Duration::ZERO);
}

#[test]
fn exit_with_0_completes() {
    let outcome = outcome(Script::new().rows([1]).exit(0));
    assert_eq!(outcome.status, Status::Completed);
    assert_eq!(outcome.rows.len(), 1);
}

#[test]
fn a_file_that_is_left_open_counts_when_the_guest_ends_well() {
    let json = r#"{"tables":[{"name":"t","columns":[{"name":"n","data_type":"Int64"}]}],
                   "rows":[{"table_name":"t","values":[{"Int64":1}]}]}"#;
    for script in [Script::new(), Script::new().exit(0)] {
        let script = Script::new()
            .write_unclosed("/metadata/0.json", json)
            .then(script);
        assert_eq!(outcome(script).rows.len(), 1);
    }
    let failed = outcome(
        Script::new()
            .write_unclosed("/metadata/0.json", json)
            .ret(1),
    );
    assert_eq!(failed.status, Status::Exited);
}

#[test]
fn each_way_to_fail_is_told_apart() {
    let failure = r#"{"kind":"ValueError","message":"bad\u0000 value","traceback":"Traceback: …"}"#;
    let cases = [
        Script::new().exit(3),
        Script::new().ret(4),
        Script::new().fail(failure),
        Script::new().fail("{}"),
        Script::new().exit(0).fail(failure),
        Script::new().trap(),
        Script::new().recurse(),
        // What failed before the end does not count if the guest then returns 0.
        Script::new().write("/metadata/failure.error", failure),
    ];
    let texts: Vec<String> = cases
        .into_iter()
        .map(|script| describe(&outcome(script)))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    exited [exit] the guest exited with code 3
    exited [returned] the guest returned 4
    raised [ValueError] bad� value
    exited [failure-file] the guest returned 1, and its failure file does not parse: missing field `kind` at line 1 column 2
    completed
    trapped [unreachable] wasm trap: wasm `unreachable` instruction executed
    trapped [stack-overflow] wasm trap: call stack exhausted (--max-stack)
    completed
    ");
}

#[test]
fn a_traceback_is_kept() {
    let failure = r#"{"kind":"E","message":"m","traceback":"Traceback\n  line 1"}"#;
    let raised = outcome(Script::new().fail(failure));
    assert_eq!(raised.traceback.as_deref(), Some("Traceback\n  line 1"));
    let trapped = outcome(Script::new().trap());
    assert!(trapped.traceback.is_some_and(|text| text.contains("0: ")));
}

#[test]
fn a_failed_input_delivers_nothing_and_what_it_had_is_counted() {
    for end in [
        Script::new().exit(1),
        Script::new().ret(1),
        Script::new().trap(),
        Script::new().metadata("no json"),
    ] {
        let script = Script::new().rows([1, 2, 3]).emit("child", b"").then(end);
        let folder = folder([("input", script)]);
        let results = run_folder(settings(), folder.path());
        assert_eq!(
            results.sink.inputs.len(),
            1,
            "the child must not be processed"
        );
        let outcome = &results.sink.inputs[0].outcomes[0];
        assert_ne!(outcome.status, Status::Completed);
        assert!(outcome.rows.is_empty());
        assert_eq!(outcome.rows_dropped, 3);
        assert_eq!(outcome.subcontent_dropped, 1);
        assert_eq!(results.summary.rows_dropped, 3);
        assert_eq!(results.summary.subcontent_dropped, 1);
    }
}

#[test]
fn one_failure_disturbs_no_other_input() {
    let mut scripts = vec![
        ("trap", Script::new().trap()),
        ("exit", Script::new().exit(1)),
        ("recurse", Script::new().recurse()),
        ("grow", Script::new().grow(65000).ret(1)),
        ("bad", Script::new().metadata("{")),
    ];
    let names: Vec<String> = (0..50).map(|n| format!("good{n}")).collect();
    scripts.extend(
        names
            .iter()
            .map(|name| (name.as_str(), Script::new().rows([7]))),
    );
    let folder = folder(scripts);
    let results = run_folder(settings(), folder.path());
    assert_eq!(results.summary.inputs, 55);
    assert_eq!(results.summary.failed_inputs, 5);
    assert_eq!(results.summary.total_rows(), 50);
    assert_eq!(results.summary.outcomes[&Status::Completed], 50);
    assert_eq!(results.status("grow"), Status::LimitExceeded);
}

#[test]
fn limits_end_an_input() {
    let quick = HostSettings {
        timeout: Some(Duration::from_millis(100)),
        ..settings()
    };
    let fuel = HostSettings {
        fuel: Some(1_000_000),
        ..settings()
    };
    let caps = HostSettings {
        caps: Caps {
            files: 64 << 10,
            rows: 1000,
            tables: 2,
            ..Caps::default()
        },
        ..settings()
    };
    let few_rows = HostSettings {
        caps: Caps {
            rows: 1000,
            ..Caps::default()
        },
        ..settings()
    };
    let table = |name: &str| {
        format!(
            r#"{{"tables":[{{"name":"{name}","columns":[{{"name":"n","data_type":"Int64"}}]}}]}}"#
        )
    };
    let three_tables = Script::new()
        .metadata(&table("a"))
        .metadata(&table("b"))
        .metadata(&table("c"));
    let cases = [
        (&quick, Script::new().spin()),
        (&quick, Script::new().sleep(Duration::from_secs(60))),
        (&fuel, Script::new().spin()),
        (&quick, Script::new().grow(65000).ret(1)),
        (&quick, Script::new().grow(65000).trap()),
        (&caps, Script::new().rows(0..100).spin()),
        (&caps, three_tables.spin()),
        (&caps, Script::new().write("/tmp/large", vec![1; 100_000])),
        (
            &few_rows,
            Script::new().metadata(&" ".repeat(2 << 20)).spin(),
        ),
    ];
    let texts: Vec<String> = cases
        .into_iter()
        .map(|(settings, script)| describe(&outcome_with(settings.clone(), script)))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    limit-exceeded [time] the time limit was reached (--timeout)
    limit-exceeded [time] the time limit was reached (--timeout)
    limit-exceeded [fuel] all fuel was consumed (--fuel)
    limit-exceeded [memory] memory was refused (--max-memory), and the guest failed: the guest returned 1
    limit-exceeded [memory] memory was refused (--max-memory), and the guest failed: wasm trap: wasm `unreachable` instruction executed
    limit-exceeded [rows] the guest handed over more rows than --max-rows allows
    limit-exceeded [tables] the guest handed over more tables than --max-tables allows
    limit-exceeded [files] space for files was refused (--max-files), and the guest failed: the guest exited with code 151
    limit-exceeded [rows] the guest handed over a metadata file that is longer than --max-rows allows
    ");
}

#[test]
fn memory_that_was_refused_and_coped_with_is_no_failure() {
    let outcome = outcome(Script::new().grow(65000).rows([1]));
    assert_eq!(outcome.status, Status::Completed);
}

#[test]
fn an_input_ends_within_100_ms_of_its_timeout() {
    let timeout = Duration::from_millis(300);
    let settings = HostSettings {
        timeout: Some(timeout),
        ..settings()
    };
    let outcome = outcome_with(settings, Script::new().spin());
    assert!(outcome.duration >= timeout);
    assert!(
        outcome.duration < timeout + Duration::from_millis(100),
        "{:?}",
        outcome.duration
    );
}

#[test]
fn output_is_capped_and_the_input_goes_on() {
    let settings = HostSettings {
        caps: Caps {
            output: 10,
            ..Caps::default()
        },
        ..settings()
    };
    let script = Script::new().print("0123456789").print("beyond").rows([1]);
    let outcome = outcome_with(settings, script);
    assert_eq!(outcome.status, Status::Completed);
    assert_eq!(outcome.stdout, "0123456789");
    assert_eq!(outcome.output_dropped, 6);
    assert_eq!(outcome.rows.len(), 1);
}

#[test]
fn output_that_is_no_text_is_kept_as_text() {
    let outcome = outcome(Script::new().print(b"a\xff\0b"));
    assert_eq!(outcome.stdout, "a\u{fffd}\u{fffd}b");
}

#[test]
fn every_artifact_has_an_outcome_for_every_input() {
    let host = Host::new(settings()).unwrap();
    let other = host
        .load_bytes(
            br#"(module (func (export "process") unreachable))"#,
            "other",
            &wadup_host::Silent,
        )
        .unwrap();
    let folder = folder([
        ("a", Script::new().rows([1])),
        ("b", Script::new().emit("c", b"")),
    ]);
    let mut sink = MemorySink::new();
    let summary = host
        .run(
            &[interpreter(&host), other],
            Inputs::new().path(folder.path()),
            &mut sink,
            &wadup_host::Silent,
            &wadup_host::Cancel::new(),
        )
        .unwrap();
    assert_eq!(summary.inputs, 3);
    assert_eq!(summary.failed_inputs, 3);
    for input in &sink.inputs {
        let statuses: Vec<Status> = input.outcomes.iter().map(|o| o.status).collect();
        assert_eq!(
            statuses,
            [Status::Completed, Status::Trapped],
            "{:?}",
            input.path
        );
    }
    assert_eq!(summary.errors.len(), 1);
    assert_eq!(summary.errors[0].count, 3);
}

#[test]
fn artifacts_must_have_names_of_their_own() {
    let host = Host::new(settings()).unwrap();
    let artifact = interpreter(&host);
    let mut sink = MemorySink::new();
    let run = |artifacts: &[wadup_host::Artifact], sink: &mut MemorySink| {
        let cancel = wadup_host::Cancel::new();
        host.run(artifacts, Inputs::new(), sink, &wadup_host::Silent, &cancel)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(run(&[], &mut sink), "there is no artifact to run");
    assert_eq!(
        run(&[artifact.clone(), artifact], &mut sink),
        "two artifacts are called `interpreter`"
    );
    let foreign = interpreter(&Host::new(settings()).unwrap());
    assert_eq!(
        run(&[foreign], &mut sink),
        "the artifact `interpreter` was loaded for another host"
    );
}

#[test]
fn events_tell_what_happens() {
    let folder = folder([
        ("a", Script::new().rows([1, 2])),
        ("b", Script::new().exit(1)),
    ]);
    let host = Host::new(HostSettings::default()).unwrap();
    let artifact = interpreter(&host);
    let events = std::sync::Mutex::new(Vec::new());
    let reporter = |event: &Event<'_>| {
        events.lock().unwrap().push(match event {
            Event::Discovered { inputs } => format!("discovered {inputs}"),
            Event::InputStarted { number, .. } => format!("started {number}"),
            Event::InputFinished {
                number, outcomes, ..
            } => {
                format!("finished {number} {}", outcomes[0].status)
            }
            Event::Committed { inputs, rows } => format!("committed {inputs} {rows}"),
            other => format!("{other:?}"),
        });
    };
    let cancel = wadup_host::Cancel::new();
    let inputs = Inputs::new().path(folder.path());
    host.run(
        &[artifact],
        inputs,
        &mut MemorySink::new(),
        &reporter,
        &cancel,
    )
    .unwrap();
    let mut events = events.into_inner().unwrap();
    events.retain(|event| !event.starts_with("discovered"));
    assert_eq!(
        events,
        [
            "started 0",
            "finished 0 completed",
            "started 1",
            "finished 1 exited",
            "committed 2 2"
        ]
    );
}

#[test]
fn cancelling_once_finishes_what_runs_and_twice_stops_it() {
    for (requests, recorded) in [(1, 1), (2, 0)] {
        let host = Host::new(HostSettings::default()).unwrap();
        let artifact = interpreter(&host);
        let scripts: Vec<(String, Script)> = (0..10)
            .map(|n| {
                let script = Script::new().rows([n]).sleep(Duration::from_millis(500));
                (format!("{n}"), script)
            })
            .collect();
        let folder = folder(
            scripts
                .iter()
                .map(|(name, script)| (name.as_str(), script.clone())),
        );
        let cancel = wadup_host::Cancel::new();
        let reporter = |event: &Event<'_>| {
            if matches!(event, Event::InputStarted { .. }) {
                let cancel = cancel.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(100));
                    (0..requests).for_each(|_| cancel.request());
                });
            }
        };
        let mut sink = MemorySink::new();
        let start = Instant::now();
        let inputs = Inputs::new().path(folder.path());
        let summary = host
            .run(&[artifact], inputs, &mut sink, &reporter, &cancel)
            .unwrap();
        assert!(summary.cancelled);
        assert_eq!(sink.inputs.len(), recorded);
        assert_eq!(summary.total_rows(), recorded as u64);
        assert!(sink.end.is_some_and(|end| end.cancelled));
        assert!(start.elapsed() < Duration::from_secs(2));
        if requests == 2 {
            assert!(start.elapsed() < Duration::from_millis(450));
        }
    }
}

/// Looks for traces of another input: a file, memory beyond its start, data that was
/// overwritten, a global and a table that were changed. Then leaves all of them.
const TRACES: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 100) "tmp/trace")
    (global $seen (mut i32) (i32.const 0))
    (table 2 funcref)
    (elem declare func $mark)
    (func $mark)
    (func (export "process") (result i32)
        (local $found i32)
        ;; Created, and only if it is not there.
        (local.set $found (call $path_open
            (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 9) (i32.const 5)
            (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 0)))
        (local.set $found (i32.or (local.get $found)
            (i32.ne (memory.size) (i32.const 1))))
        (local.set $found (i32.or (local.get $found)
            (i32.ne (i32.load8_u (i32.const 100)) (i32.const 0x74))))
        (local.set $found (i32.or (local.get $found) (i32.load (i32.const 50000))))
        (local.set $found (i32.or (local.get $found) (global.get $seen)))
        (local.set $found (i32.or (local.get $found)
            (i32.eqz (ref.is_null (table.get (i32.const 1))))))
        (drop (memory.grow (i32.const 20)))
        (local.set $found (i32.or (local.get $found) (i32.load (i32.const 1000000))))
        (i32.store8 (i32.const 100) (i32.const 1))
        (i32.store (i32.const 50000) (i32.const 1))
        (i32.store (i32.const 1000000) (i32.const 1))
        (global.set $seen (i32.const 1))
        (table.set (i32.const 1) (ref.func $mark))
        (local.get $found)))"#;

#[test]
fn nothing_of_one_input_is_visible_to_the_next() {
    let names: Vec<String> = (0..500).map(|n| format!("{n}")).collect();
    let folder = folder(names.iter().map(|name| (name.as_str(), Script::new())));
    for jobs in [1, 8] {
        let host = Host::new(HostSettings {
            jobs: std::num::NonZeroU32::new(jobs).unwrap(),
            ..HostSettings::default()
        })
        .unwrap();
        let artifacts = ["a", "b"].map(|name| {
            host.load_bytes(TRACES.as_bytes(), name, &wadup_host::Silent)
                .unwrap()
        });
        let inputs = Inputs::new().path(folder.path());
        let cancel = wadup_host::Cancel::new();
        let summary = host
            .run(
                &artifacts,
                inputs,
                &mut MemorySink::new(),
                &wadup_host::Silent,
                &cancel,
            )
            .unwrap();
        assert!(summary.is_success(), "{:?}", summary.errors);
        assert_eq!(summary.outcomes[&Status::Completed], 1000);
    }
}

#[test]
fn a_host_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Host>();
    is_shared::<wadup_host::Artifact>();
    is_shared::<wadup_host::Cancel>();
}
