//! Random sequences of operations have the same results here and on a real directory.
//!
//! Without the right to `chroot`, the test says so and passes. The fuzz target `vfs` finds its
//! way to sequences that are hard to come by at random.
#![cfg(target_os = "linux")]

mod model;

use std::fmt::Debug;

use model::{At, Operation, RealRoot, SLOTS, compare};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wadup_vfs::OpenOptions;

fn paths() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        8 => "[abc]",
        1 => Just(".".to_owned()),
        2 => Just("..".to_owned()),
    ];
    let components = prop::collection::vec(component, 0..5);
    (any::<bool>(), components, prop::bool::weighted(0.15)).prop_map(|(absolute, parts, slash)| {
        format!(
            "{}{}{}",
            if absolute { "/" } else { "" },
            parts.join("/"),
            if slash { "/" } else { "" }
        )
    })
}

fn at() -> impl Strategy<Value = At> {
    // Only from the root: a removed directory may complain first.
    let too_long = At {
        slot: None,
        path: "x".repeat(256),
    };
    prop_oneof![40 => one_of_two(), 1 => Just(too_long)]
}

/// For operations with two paths: which is complained of first when both are wrong is not worth
/// copying.
fn one_of_two() -> impl Strategy<Value = At> {
    (prop::option::weighted(0.2, 0..SLOTS), paths()).prop_map(|(slot, path)| At { slot, path })
}

fn open_options() -> impl Strategy<Value = OpenOptions> {
    let access = prop_oneof![Just((true, false)), Just((false, true)), Just((true, true))];
    (access, any::<[bool; 5]>()).prop_map(
        |((read, write), [create, exclusive, truncate, directory, follow])| OpenOptions {
            read,
            write,
            create,
            exclusive: create && exclusive,
            truncate,
            directory: directory && !create,
            follow,
        },
    )
}

fn operations() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let offset = || prop_oneof![0u64..200, 65_400u64..65_700, 0u64..300_000];
    prop_oneof![
        4 => at().prop_map(CreateDirectory),
        2 => at().prop_map(RemoveDirectory),
        2 => at().prop_map(RemoveFile),
        4 => (one_of_two(), one_of_two()).prop_map(|(old, new)| Rename(old, new)),
        2 => (one_of_two(), any::<bool>(), one_of_two()).prop_map(|(old, follow, new)| Link(old, follow, new)),
        2 => (paths(), at()).prop_map(|(target, at)| Symlink(target, at)),
        1 => at().prop_map(ReadLink),
        2 => (at(), any::<bool>()).prop_map(|(at, follow)| Stat(at, follow)),
        1 => at().prop_map(List),
        6 => (0..SLOTS, at(), open_options()).prop_map(|(slot, at, options)| Open(slot, at, options)),
        1 => (0..SLOTS).prop_map(Close),
        3 => (0..SLOTS, offset(), 0usize..70_000, any::<u8>()).prop_map(|(s, o, n, b)| Write(s, o, n, b)),
        2 => (0..SLOTS, offset(), 0usize..70_000).prop_map(|(s, o, n)| Read(s, o, n)),
        2 => (0..SLOTS, offset()).prop_map(|(slot, len)| Truncate(slot, len)),
    ]
}

#[test]
fn behaves_as_a_real_directory() {
    let cases = std::env::var("WADUP_VFS_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1500);
    let dir = tempfile::tempdir().unwrap();
    let real = match RealRoot::enter(dir.path().to_owned()) {
        Ok(real) => real,
        Err(errno) => return report_skip(&format!("this user may not chroot: {errno}")),
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let sequences = prop::collection::vec(operations(), 1..60);
    let compared = runner.run(&sequences, |operations| {
        compare(&real, operations).map_err(TestCaseError::fail)
    });
    if let Err(failed) = compared {
        panic!("{failed}");
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn report_skip(reason: &impl Debug) {
    eprintln!("skipped: {reason:?}");
}
