//! `wadup doctor`: what it says of this machine, and of machines that lack something.

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;
use support::{Said, Scratch, toolchain};

/// The finding about a subject.
fn finding(said: &Said, subject: &str) -> Value {
    let findings = said.json_lines();
    let mut found = findings.into_iter().filter(|one| one["subject"] == subject);
    let one = found.next();
    one.unwrap_or_else(|| panic!("{subject}: {}", said.text()))
}

#[test]
fn this_machine_has_all_that_is_needed() {
    toolchain::installed();
    let scratch = Scratch::new();
    let said = scratch.wadup(["doctor", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    for subject in [
        "wadup",
        "cc",
        "make",
        "cargo",
        "python3",
        "certificates",
        "cache",
        "sandboxes",
    ] {
        assert_eq!(finding(&said, subject)["state"], "ok", "{}", said.text());
    }
    assert_eq!(finding(&said, "toolchain")["message"], "complete");
    let said = scratch.wadup(["doctor"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stdout
            .lines()
            .any(|line| line.starts_with("ok       make")),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains('\u{1b}'), "{}", said.stdout);
}

/// Each problem comes with what mends it, and nothing is made.
#[test]
fn a_machine_without_anything() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("bin")).expect("a folder");
    let doctor = |args: &[&str]| {
        let mut command = scratch.command(["doctor"]);
        command
            .args(args)
            .env("PATH", scratch.path().join("bin"))
            .env("WADUP_CACHE_DIR", scratch.path().join("cache"))
            .env("SSL_CERT_FILE", "/nowhere.pem")
            .env_remove("PIP_CERT");
        Said::from(command.output().expect("wadup starts"))
    };
    let text = doctor(&[]);
    assert_eq!(text.code, Some(5), "{}", text.text());
    let is_short = |line: &str| line.chars().count() <= 80;
    assert!(text.stdout.lines().all(is_short), "{}", text.stdout);
    let said = doctor(&["--json"]);
    assert_eq!(said.code, Some(5), "{}", said.text());
    for (subject, remedy) in [
        ("cc", "apt-get install --yes build-essential"),
        ("make", "apt-get install --yes build-essential"),
        ("python3", "apt-get install --yes python3"),
        ("cargo", "rustup.rs"),
        ("dpkg-deb", "apt-get install --yes dpkg"),
        ("certificates", "unset SSL_CERT_FILE"),
    ] {
        let one = finding(&said, subject);
        assert_eq!(one["state"], "problem", "{one}");
        let text = one["remedy"].as_str().expect("a remedy");
        assert!(text.contains(remedy), "{one}");
    }
    let toolchain = finding(&said, "toolchain");
    assert_eq!(toolchain["state"], "warning");
    assert_eq!(toolchain["remedy"], "wadup toolchain install");
    assert!(!scratch.path().join("cache").exists());
    let events = said.json_lines();
    assert_eq!(events.last().expect("an event")["event"], "error");
}

/// What is installed already needs no compiler.
#[test]
fn programs_are_not_needed_once_all_is_installed() {
    let scratch = Scratch::new();
    let complete = toolchain::installed().cache_dir();
    // The Rust that is on the path is a part of what steps depend on: only `make` is left out.
    for program in ["cc", "cargo", "rustc", "python3", "apt-get", "dpkg-deb"] {
        let path = std::env::var_os("PATH").expect("a path");
        let mut folders = std::env::split_paths(&path);
        let found = folders.find(|folder| folder.join(program).is_file());
        let found = found.expect("the program").join(program);
        fs::create_dir_all(scratch.path().join("bin")).expect("a folder");
        std::os::unix::fs::symlink(found, scratch.path().join("bin").join(program))
            .expect("a link");
    }
    let mut command = scratch.command(["doctor", "--json"]);
    command
        .env("PATH", scratch.path().join("bin"))
        .env("WADUP_CACHE_DIR", complete);
    let said = Said::from(command.output().expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(finding(&said, "make")["state"], "warning");
    assert_eq!(finding(&said, "toolchain")["state"], "ok");
}

#[test]
fn a_cache_that_others_can_write_to() {
    let scratch = Scratch::new();
    let cache = scratch.path().join("cache");
    fs::create_dir(&cache).expect("a folder");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).expect("a mode");
    let mut command = scratch.command(["doctor", "--json"]);
    command.env("WADUP_CACHE_DIR", &cache);
    let said = Said::from(command.output().expect("wadup starts"));
    assert_eq!(said.code, Some(5), "{}", said.text());
    let one = finding(&said, "cache");
    let message = one["message"].as_str().expect("a message");
    assert!(
        message.contains("can be written by others (mode 777)"),
        "{one}"
    );
}

/// Nobody listens where the clients are told to look: each is a problem, and it does not hang.
#[test]
fn registries_that_cannot_be_reached() {
    toolchain::installed();
    let scratch = Scratch::new();
    let nobody = "http://127.0.0.1:9";
    let home = scratch.path().join("cargo-home");
    let config = "[source.crates-io]\nreplace-with = 'nobody'\n\n[source.nobody]\n\
                  registry = 'sparse+http://127.0.0.1:9/'\n\n[net]\nretry = 0\n";
    scratch.write(Path::new("cargo-home/config.toml"), config);
    let mut command = scratch.command(["doctor", "--registries", "--json"]);
    command
        .env("CARGO_HOME", home)
        .env("UV_DEFAULT_INDEX", nobody)
        .env("UV_HTTP_RETRIES", "0")
        .env("RUSTUP_HOME", rustup_home());
    let said = Said::from(command.output().expect("wadup starts"));
    for subject in ["crates", "python index"] {
        let one = finding(&said, subject);
        assert_eq!(one["state"], "problem", "{one}");
    }
    assert_eq!(said.code, Some(5), "{}", said.text());
}

/// The one that is in use, also where it is rustup's default.
fn rustup_home() -> std::path::PathBuf {
    let named = std::env::var_os("RUSTUP_HOME").map(Into::into);
    named.unwrap_or_else(|| std::env::home_dir().expect("a home").join(".rustup"))
}
