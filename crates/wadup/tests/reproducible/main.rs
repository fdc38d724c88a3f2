//! The same project gives the same bytes: whoever builds it, where, and when.

#[path = "../support/mod.rs"]
mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use support::{Said, Scratch, toolchain};

/// A project that has every extension inside.
const PROJECT: &str = "crates/wadup/tests/several_extensions";

/// A build as somebody else would do it, with nothing of a build in the cache.
fn first(scratch: &Scratch, cache: &Path) -> Vec<u8> {
    scratch.copy(&support::project::repository(PROJECT), "several");
    let mut build = scratch.command(["build", "several", "-o", "out.wasm", "-v"]);
    build
        .env("WADUP_CACHE_DIR", cache)
        .env("TZ", "UTC")
        .env("LC_ALL", "C");
    assert_built(&mut build);
    artifact(scratch)
}

/// The same by another user with other habits, in another folder, on another day.
fn second(scratch: &Scratch, cache: &Path) -> Vec<u8> {
    let folder = "another checkout/of the/repository";
    let project = scratch.copy(&support::project::repository(PROJECT), folder);
    date(
        &project,
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890),
    );
    let home = scratch.path().join("home/of somebody");
    fs::create_dir_all(&home).expect("a folder");
    let mut build = Command::new("sh");
    build
        .args([
            "-c",
            "umask 077; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_wadup"),
        ])
        .args(["build", folder, "-o", "out.wasm", "-v"])
        .current_dir(scratch.path())
        .env("WADUP_CACHE_DIR", cache)
        .env("LD_PRELOAD", another_day(scratch))
        .env("TZ", "Pacific/Kiritimati")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("USER", "somebody")
        .env("LOGNAME", "somebody")
        .env("PYTHONHASHSEED", "random")
        .env_remove("SOURCE_DATE_EPOCH");
    // Where Rust is installed does not change with the user.
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let usual = || {
            env::home_dir()
                .unwrap_or_default()
                .join(folder)
                .into_os_string()
        };
        build.env(variable, env::var_os(variable).unwrap_or_else(usual));
    }
    build.env("HOME", &home).env_remove("XDG_CACHE_HOME");
    assert_built(&mut build);
    artifact(scratch)
}

fn assert_built(build: &mut Command) {
    let said = Said::from(build.output().expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(!said.stdout.contains("was up to date"), "{}", said.text());
}

fn artifact(scratch: &Scratch) -> Vec<u8> {
    fs::read(scratch.path().join("out.wasm")).expect("an artifact")
}

/// Gives all files below `folder` another date.
fn date(folder: &Path, date: SystemTime) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            self::date(&path, date);
        } else {
            let file = fs::File::options()
                .append(true)
                .open(&path)
                .expect("a file");
            file.set_modified(date).expect("a file may have any date");
        }
    }
}

/// A library that moves the clock of what it is preloaded into.
fn another_day(scratch: &Scratch) -> PathBuf {
    let source = support::project::repository("crates/wadup/tests/reproducible/another_day.c");
    let library = scratch.path().join("another_day.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl");
    let output = compiler
        .output()
        .expect("a C compiler, which Rust needs as well");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    library
}

fn assert_same(first: &[u8], second: &[u8]) {
    let same = first
        .iter()
        .zip(second)
        .take_while(|(one, other)| one == other)
        .count();
    assert!(
        first == second,
        "they differ from byte {same} on; {} and {} bytes",
        first.len(),
        second.len()
    );
}

#[test]
fn the_clock_can_be_moved() {
    let scratch = Scratch::new();
    let seconds = |preload: Option<PathBuf>| -> i64 {
        let mut date = Command::new("date");
        date.arg("+%s")
            .envs(preload.map(|library| ("LD_PRELOAD", library)));
        let output = date.output().expect("date starts").stdout;
        String::from_utf8_lossy(&output)
            .trim()
            .parse()
            .expect("seconds")
    };
    let moved = seconds(Some(another_day(&scratch))) - seconds(None);
    assert!((moved - 40 * 24 * 60 * 60).abs() < 60, "{moved} seconds");
}

/// All that a build makes is made twice. The toolchain is the same, under two names.
#[test]
fn elsewhere_and_on_another_day_the_bytes_are_the_same() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let (cache, another) = (
        one.path().join("cache"),
        other.path().join("in/another/cache"),
    );
    toolchain::cache_with_toolchain(&cache);
    toolchain::cache_with_toolchain(&another);
    assert_same(&first(&one, &cache), &second(&other, &another));
}

/// The toolchain is made anew as well, from the same downloads.
#[test]
#[ignore = "builds the toolchain a second time, which takes minutes; `.ci/run` does it"]
fn with_a_toolchain_of_its_own_the_bytes_are_the_same() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let (cache, another) = (
        one.path().join("cache"),
        other.path().join("in/another/cache"),
    );
    toolchain::cache_with_toolchain(&cache);
    toolchain::cache_with_downloads(&another);
    assert_same(&first(&one, &cache), &second(&other, &another));
}
