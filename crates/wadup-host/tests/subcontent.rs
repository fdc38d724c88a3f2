//! Inputs that come of inputs.

mod support;

use std::path::Path;

use support::{Results, Script, describe, folder, run_folder, settings};
use wadup_host::{Caps, HostSettings, Status};

/// Each input as its path from the root down, and its verdict.
fn tree(results: &Results) -> Vec<String> {
    let path = |number: u64| -> String {
        let mut names = Vec::new();
        let mut next = Some(number);
        while let Some(number) = next {
            let input = results
                .sink
                .inputs
                .iter()
                .find(|input| input.number == number)
                .expect("parents are there");
            let name = Path::new(&input.path).file_name().unwrap();
            names.push(name.to_string_lossy().into_owned());
            next = input.parent;
        }
        names.reverse();
        names.join(" > ")
    };
    let mut lines: Vec<String> = results
        .sink
        .inputs
        .iter()
        .map(|input| format!("{}: {}", path(input.number), describe(&input.outcomes[0])))
        .collect();
    lines.sort();
    lines
}

#[test]
fn sub_content_is_processed_like_any_input() {
    let grandchild = Script::new().rows([3]);
    let child = Script::new()
        .rows([2])
        .emit("grandchild", grandchild.bytes());
    let root = Script::new()
        .rows([1])
        .emit("child", child.bytes())
        .emit("dir/other ü", Script::new().trap().bytes());
    let folder = folder([("root", root)]);
    let results = run_folder(settings(), folder.path());
    insta::assert_snapshot!(tree(&results).join("\n"), @r"
    root > child > grandchild: completed
    root > child: completed
    root > other ü: trapped [unreachable] wasm trap: wasm `unreachable` instruction executed
    root: completed
    ");
    assert_eq!(results.summary.inputs, 4);
    assert_eq!(results.summary.children, 3);
    assert_eq!(results.summary.total_rows(), 3);
    // A parent is committed before its children.
    for (position, input) in results.sink.inputs.iter().enumerate() {
        if let Some(parent) = input.parent {
            let found = results.sink.inputs.iter().position(|i| i.number == parent);
            assert!(found.is_some_and(|parent| parent < position));
            assert!(parent < input.number);
        }
    }
}

#[test]
fn depth_is_limited_and_the_parent_stays_completed() {
    let settings = HostSettings {
        max_depth: 2,
        ..settings()
    };
    let folder = folder([("root", Script::new().rows([1]).emit_self(1))]);
    let results = run_folder(settings, folder.path());
    insta::assert_snapshot!(tree(&results).join("\n"), @r"
    root > self0 > self0 > self0: limit-exceeded [depth] sub-content is nested deeper than 2 (--max-depth)
    root > self0 > self0: completed
    root > self0: completed
    root: completed
    ");
    assert_eq!(results.summary.total_rows(), 3);
    // What is too deep is known all the same.
    assert!(
        results
            .sink
            .inputs
            .iter()
            .all(|input| input.sha256.is_some())
    );
}

#[test]
fn a_depth_of_0_takes_no_sub_content() {
    let settings = HostSettings {
        max_depth: 0,
        ..settings()
    };
    let folder = folder([("root", Script::new().emit_self(2))]);
    let results = run_folder(settings, folder.path());
    assert_eq!(results.summary.outcomes[&Status::Completed], 1);
    assert_eq!(results.summary.outcomes[&Status::LimitExceeded], 2);
}

/// 10 + 10² + 10³ children from each of three roots, through a queue for a few dozen.
#[test]
fn a_flood_of_sub_content_blocks_nobody() {
    let settings = HostSettings {
        max_depth: 3,
        ..settings()
    };
    let script = Script::new().rows([1]).emit_self(10);
    let folder = folder([("a", script.clone()), ("b", script.clone()), ("c", script)]);
    let results = run_folder(settings, folder.path());
    assert_eq!(results.summary.inputs, 3 * (1 + 10 + 100 + 1000 + 10_000));
    assert_eq!(results.summary.outcomes[&Status::Completed], 3 * 1111);
    assert_eq!(results.summary.outcomes[&Status::LimitExceeded], 3 * 10_000);
    assert_eq!(results.summary.total_rows(), 3 * 1111);
}

#[test]
fn an_input_that_emits_itself_for_ever_ends_as_a_limit() {
    for (caps, kind) in [
        (
            Caps {
                subcontent: 500,
                ..Caps::default()
            },
            "--max-subcontent allows",
        ),
        (
            Caps {
                subcontent_bytes: 50_000,
                ..Caps::default()
            },
            "--max-subcontent-size allows",
        ),
    ] {
        let settings = HostSettings {
            max_depth: u32::MAX - 1,
            caps,
            ..settings()
        };
        let folder = folder([
            ("quine", Script::new().emit_self(2)),
            ("good", Script::new().rows([1])),
        ]);
        let results = run_folder(settings, folder.path());
        assert_eq!(results.status("good"), Status::Completed);
        let limit = results
            .summary
            .errors
            .iter()
            .find(|group| group.status == Status::LimitExceeded)
            .expect("a limit");
        assert!(limit.message.contains(kind), "{}", limit.message);
        assert!(results.summary.inputs <= 700);
    }
}

#[test]
fn large_sub_content_goes_through_a_file() {
    let large = Script::new().rows([1]).print(vec![b'x'; 3 << 20]);
    let folder = folder([(
        "root",
        Script::new()
            .emit("a", large.bytes())
            .emit("b", large.bytes()),
    )]);
    let results = run_folder(settings(), folder.path());
    assert_eq!(results.summary.failed_inputs, 0);
    assert_eq!(results.summary.total_rows(), 2);
    assert_eq!(results.input("a").size, Some(large.bytes().len() as u64));
    assert_eq!(results.input("a").sha256, results.input("b").sha256);
}

#[test]
fn results_do_not_depend_on_the_number_of_jobs() {
    let leaf = Script::new().rows([3]);
    let inner = Script::new()
        .rows([1, 2])
        .emit("x", leaf.bytes())
        .emit("y", Script::new().exit(2).bytes());
    let scripts: Vec<(String, Script)> = (0..40)
        .map(|n| {
            (
                format!("{n}"),
                Script::new().rows([n]).emit("inner", inner.bytes()),
            )
        })
        .collect();
    let folder = folder(
        scripts
            .iter()
            .map(|(name, script)| (name.as_str(), script.clone())),
    );
    let trees: Vec<Vec<String>> = [1, 2, 8, 64]
        .into_iter()
        .map(|jobs| {
            let settings = HostSettings {
                jobs: std::num::NonZeroU32::new(jobs).unwrap(),
                ..HostSettings::default()
            };
            tree(&run_folder(settings, folder.path()))
        })
        .collect();
    assert_eq!(trees[0].len(), 160);
    assert_eq!(trees[0], trees[1]);
    assert_eq!(trees[0], trees[2]);
}
