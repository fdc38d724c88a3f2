//! `kill -9` in the middle of a build: the next one carries on, to the same bytes.

mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use support::Scratch;
use wadup_toolchain::Settings;

#[test]
fn kill_and_build_again() {
    let scratch = Scratch::new();
    scratch.copy_example("html-pages");
    // Installs the toolchain where need be, and tells what an undisturbed build gives.
    let said = scratch.wadup(["build", "html-pages", "--output", "undisturbed.wasm"]);
    assert_eq!(said.code, Some(0), "{}", said.text());

    let cache = scratch.path().join("cache");
    share_steps(&cache);
    for milliseconds in [20, 100, 300, 600, 1000, 1500, 2000] {
        killed_after(&scratch, &cache, Duration::from_millis(milliseconds));
    }
    let mut last = build(&scratch, &cache);
    assert!(last.status().expect("wadup starts").success());
    let bytes = |name: &str| fs::read(scratch.path().join(name)).expect("an artifact");
    assert!(
        bytes("disturbed.wasm") == bytes("undisturbed.wasm"),
        "the artifacts differ"
    );
}

/// A cache that has the toolchain's steps, and nothing that a build makes.
fn share_steps(cache: &Path) {
    let installed = Settings::from_env().expect("a cache folder").cache;
    fs::create_dir_all(cache).expect("a folder");
    for folder in ["sources", "steps"] {
        symlink(installed.join(folder), cache.join(folder)).expect("a link");
    }
}

fn build(scratch: &Scratch, cache: &Path) -> Command {
    let mut command = scratch.command(["build", "html-pages", "--output", "disturbed.wasm"]);
    command.env("WADUP_CACHE_DIR", cache).stderr(Stdio::null());
    command
}

fn killed_after(scratch: &Scratch, cache: &Path, delay: Duration) {
    let mut child = build(scratch, cache).spawn().expect("wadup starts");
    thread::sleep(delay);
    child
        .kill()
        .expect("it can be killed, also when it is done");
    child.wait().expect("it ends");
    let artifact = scratch.path().join("disturbed.wasm");
    if let Ok(bytes) = fs::read(artifact) {
        let undisturbed = fs::read(scratch.path().join("undisturbed.wasm")).expect("an artifact");
        assert!(
            bytes == undisturbed,
            "half an artifact was left after {delay:?}"
        );
    }
}
