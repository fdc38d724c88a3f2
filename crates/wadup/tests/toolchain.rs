//! `wadup toolchain` on an empty cache, without the network.

mod support;

use support::{Said, Scratch};

fn toolchain(scratch: &Scratch, args: &[&str]) -> Said {
    let mut command = scratch.command(["toolchain"].iter().chain(args));
    command.env("WADUP_CACHE_DIR", scratch.path().join("cache"));
    Said::from(command.output().expect("wadup starts"))
}

#[test]
fn path_is_data_and_makes_nothing() {
    let scratch = Scratch::new();
    let said = toolchain(&scratch, &["path"]);
    let cache = scratch.path().join("cache");
    assert_eq!(said.stdout, format!("{}\n", cache.display()));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(!cache.exists());
}

#[test]
fn path_follows_the_platform_without_the_variable() {
    let scratch = Scratch::new();
    let mut command = scratch.command(["toolchain", "path"]);
    command
        .env_remove("WADUP_CACHE_DIR")
        .env("XDG_CACHE_HOME", "/some/cache");
    let said = Said::from(command.output().expect("wadup starts"));
    assert_eq!(said.stdout, "/some/cache/wadup\n");
}

#[test]
fn status_tells_of_every_step() {
    let scratch = Scratch::new();
    let said = toolchain(&scratch, &["status", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let steps = said.json_lines();
    let names: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect();
    for name in [
        "c-toolchain",
        "python-wasm",
        "extension-pydantic-core",
        "runtime",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(
        steps
            .iter()
            .all(|step| step["done"] == false && step["size"].is_null())
    );

    let people = toolchain(&scratch, &["status"]);
    assert_eq!(people.stdout.lines().count(), steps.len());
    assert!(people.stdout.lines().all(|line| line.ends_with("missing")));
    assert!(
        people
            .stderr
            .starts_with(&format!("0 of {} steps done", steps.len()))
    );
}

#[test]
fn offline_with_nothing_in_the_cache() {
    let scratch = Scratch::new();
    let said = toolchain(&scratch, &["install", "--offline", "--json"]);
    assert_eq!(said.code, Some(5), "{}", said.text());
    assert!(
        said.stderr
            .contains("is not in the cache, and this run is offline"),
        "{}",
        said.text()
    );
    let last = said.json_lines().pop().expect("an event");
    assert_eq!(
        (&last["event"], &last["exit_code"]),
        (&"error".into(), &5.into())
    );
}

#[test]
fn a_cache_that_cannot_be_made() {
    let scratch = Scratch::new();
    scratch.write("cache", "a file");
    assert_said!(scratch, toolchain(&scratch, &["status"]));
}

#[test]
fn clean_removes_what_is_there() {
    let scratch = Scratch::new();
    scratch.write("cache/steps/old-0123456789abcdef/file", "x".repeat(2048));
    let said = toolchain(&scratch, &["clean", "--unused"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stderr.starts_with("removed 2.00 KiB"),
        "{}",
        said.text()
    );
    assert!(
        !scratch
            .path()
            .join("cache/steps/old-0123456789abcdef")
            .exists()
    );
}

#[test]
fn a_reader_that_went_away() {
    let scratch = Scratch::new();
    for args in [
        ["status", "--json"].as_slice(),
        &["status"],
        &["path"],
        &["--help"],
    ] {
        let mut child = scratch
            .command(["toolchain"].iter().chain(args))
            .env("WADUP_CACHE_DIR", scratch.path().join("cache"))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("wadup starts");
        drop(child.stdout.take());
        let said = Said::from(child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.text());
        assert!(!said.stderr.contains("panicked"), "{}", said.text());
    }
}
