//! What `wadup` gives a shell and `man`: both are read by the programs that they are for.

mod support;

use std::{
    fs,
    process::{Command, Stdio},
};

use support::{Said, Scratch};

/// bash loads the script, and completes with it as it does on Tab.
#[test]
fn bash_completes() {
    let scratch = Scratch::new();
    let script = scratch.wadup(["completions", "bash"]);
    assert_eq!(script.code, Some(0), "{}", script.text());
    scratch.write("wadup.bash", &script.stdout);
    let completed = |words: &str| {
        let ask = format!(
            "set -eu; source ./wadup.bash; complete -p wadup >&2; COMP_WORDS=({words} ''); \
             COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); cur=''; \
             _wadup wadup '' \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", &ask])
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .output();
        let said = Said::from(output.expect("bash starts"));
        assert_eq!(said.code, Some(0), "{}", said.text());
        said.stdout
    };
    let commands = completed("wadup");
    for command in ["build", "run", "completions", "--help"] {
        assert!(
            commands.split_whitespace().any(|word| word == command),
            "{commands}"
        );
    }
    assert!(!commands.contains("for-parent"), "{commands}");
    let options = completed("wadup build");
    assert!(options.contains("--locked"), "{options}");
    assert_eq!(completed("wadup run --isolation").trim(), "fresh reuse");
}

/// Every shell has a script, and none of them offers what nobody is to type.
#[test]
fn every_shell_has_a_script() {
    let scratch = Scratch::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = scratch.wadup(["completions", shell]);
        assert_eq!(said.code, Some(0), "{}", said.text());
        assert!(said.stdout.contains("--max-memory"), "{shell}");
        assert!(!said.stdout.contains("for-parent"), "{shell}");
    }
    let said = scratch.wadup(["completions", "cmd"]);
    assert_eq!(said.code, Some(2), "{}", said.text());
}

/// The formatter warns of nothing, and what it prints has the options.
#[test]
fn there_is_a_manual_page_for_every_command() {
    let scratch = Scratch::new();
    let said = scratch.wadup(["man", "--output", "share/man1"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let folder = scratch.path().join("share/man1");
    let entries = fs::read_dir(&folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    for name in ["wadup.1", "wadup-build.1", "wadup-toolchain-install.1"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    assert!(
        !names.iter().any(|name| name.contains("parent")),
        "{names:?}"
    );
    for name in &names {
        let page = Command::new("groff")
            .args(["-ww", "-b", "-man", "-Tutf8", "-rLL=80n"])
            .arg(folder.join(name))
            .output();
        let page = Said::from(page.expect("groff, of every Debian system's base, starts"));
        assert_eq!((page.code, &*page.stderr), (Some(0), ""), "{name}");
        assert!(page.stdout.contains("help"), "{name}: {}", page.stdout);
    }
    let one = scratch.wadup(["man"]);
    let page = fs::read_to_string(folder.join("wadup.1")).expect("a page");
    assert_eq!(one.stdout, page);
}

#[test]
fn pages_that_cannot_be_written() {
    let scratch = Scratch::new();
    scratch.write("file", "");
    let said = scratch.wadup(["man", "--output", "file"]);
    assert_eq!(said.code, Some(2), "{}", said.text());
    assert!(
        said.stderr.contains("failed to write the manual pages"),
        "{}",
        said.text()
    );
}
