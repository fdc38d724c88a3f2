//! Artifacts are compiled in a process of their own, which has limits.

mod support;

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use support::Scratch;

/// Loops in each other, each of which changes a local: compiling them takes minutes.
fn slow() -> String {
    const DEPTH: usize = 2000;
    let change = (0..50_000).map(|number| {
        let local = number % DEPTH;
        format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))")
    });
    format!(
        r#"(module (func (export "process") (local {}) {} {} br_if 0 {}))"#,
        "i32 ".repeat(DEPTH),
        "loop ".repeat(DEPTH),
        change.collect::<String>() + " local.get 0",
        "end ".repeat(DEPTH)
    )
}

/// With a cache of its own, in which there is nothing.
fn run(scratch: &Scratch, options: &[&str]) -> Command {
    scratch.write("inputs/one", "");
    let mut command = scratch.command(["run", "hostile.wasm", "--input=inputs", "--output=out.db"]);
    command.args(options);
    command.env("WADUP_CACHE_DIR", scratch.path().join("cache"));
    command
}

/// What asks the compiler for more than it gets.
#[test]
fn a_module_that_takes_too_much_is_refused() {
    let sparse = r#"(module (memory 2048) (data (i32.const 0) "a") (data (i32.const 134217720) "b")
        (func (export "process")))"#;
    let many = format!(
        r#"(module {} (func (export "process")))"#,
        "(func)".repeat(400_000)
    );
    let threats = [
        ("time", slow(), "--compile-timeout=2s", "took longer than"),
        (
            "memory",
            sparse.to_owned(),
            "--compile-memory=64MiB",
            "67108864 bytes",
        ),
        (
            "functions",
            many,
            "--compile-memory=64MiB",
            "67108864 bytes",
        ),
    ];
    for (name, text, limit, says) in threats {
        let scratch = Scratch::new();
        scratch.write_module("hostile.wasm", &text);
        let said = support::Said::from(run(&scratch, &[limit]).output().expect("wadup starts"));
        assert_eq!(said.code, Some(6), "{name}: {}", said.text());
        assert!(said.stderr.contains(says), "{name}: {}", said.text());
        assert!(said.stderr.contains("hint: "), "{name}: {}", said.text());
        let kept = fs::read_dir(scratch.path().join("cache/compiled")).expect("the folder");
        assert_eq!(kept.count(), 0, "{name}: nothing is left of it");
        assert!(!scratch.path().join("out.db").exists());
    }
}

/// A process of this program, and the compiler that it waits for.
struct Compiling {
    parent: Child,
    compiler: u32,
}

impl Compiling {
    fn start(scratch: &Scratch) -> Self {
        scratch.write_module("hostile.wasm", &slow());
        let mut parent = run(scratch, &[])
            .env("SECRET", "of the parent")
            .stderr(Stdio::null())
            .spawn()
            .expect("wadup starts");
        let id = parent.id();
        let compiler = wait_for("a compiler with limits", || {
            assert!(
                parent.try_wait().expect("its state").is_none(),
                "it has ended"
            );
            let path = format!("/proc/{id}/task/{id}/children");
            let child = fs::read_to_string(path).ok()?;
            let child = child.split_whitespace().next()?.parse().ok()?;
            // The last of its limits.
            (limits(child)?.get("Max open files")? == "0").then_some(child)
        });
        Self { parent, compiler }
    }
}

impl Drop for Compiling {
    fn drop(&mut self) {
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..60_000 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("there is never {what}");
}

/// The hard limits of a process, in the kernel's words.
fn limits(process: u32) -> Option<BTreeMap<String, String>> {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let limits = text.lines().skip(1).map(|line| {
        let (name, values) = line.split_at_checked(25)?;
        let hard = values.split_whitespace().nth(1)?;
        Some((name.trim().to_owned(), hard.to_owned()))
    });
    limits.collect()
}

/// Whether a process is there and is more than an entry in its parent's table.
fn is_alive(process: u32) -> bool {
    match fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim().starts_with('Z')),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

#[test]
fn the_compiler_has_nothing_but_its_task() {
    let scratch = Scratch::new();
    let compiling = Compiling::start(&scratch);
    let process = compiling.compiler;
    let limits = limits(process).expect("it is there");
    for (name, limit) in [
        ("Max data size", 2 << 30),
        ("Max file size", 2 << 30),
        ("Max core file size", 0_u64),
        ("Max open files", 0),
    ] {
        assert_eq!(limits[name], limit.to_string(), "{name}");
    }
    assert_ne!(limits["Max cpu time"], "unlimited");
    let environment = fs::read_to_string(format!("/proc/{process}/environ")).expect("readable");
    let variables: Vec<&str> = environment.split_terminator('\0').collect();
    assert!(
        matches!(variables[..], [only] if only.starts_with("RAYON_NUM_THREADS=")),
        "{variables:?}"
    );
    let folder = fs::read_link(format!("/proc/{process}/cwd")).expect("readable");
    assert_eq!(folder.to_str(), Some("/"));
    // Beside what whoever started wadup has left open.
    let standard = [0, 1, 2]
        .map(|number| fs::read_link(format!("/proc/{process}/fd/{number}")).expect("it is open"));
    let is_pipe = |path: &Path| path.to_string_lossy().starts_with("pipe:");
    assert!(
        is_pipe(&standard[0]) && is_pipe(&standard[2]),
        "{standard:?}"
    );
    assert!(
        standard[1].starts_with(scratch.path().join("cache/compiled")),
        "{standard:?}"
    );
    // What the compiler takes, its parent does not.
    let status = format!("/proc/{}/status", compiling.parent.id());
    let status = fs::read_to_string(status).expect("readable");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok())
        .expect("a number");
    assert!(peak < 100 << 10, "{peak} KiB");
}

/// Ctrl-C, and what cannot be caught.
#[test]
fn the_compiler_ends_with_its_parent() {
    for signal in ["INT", "KILL"] {
        let scratch = Scratch::new();
        let mut compiling = Compiling::start(&scratch);
        let id = compiling.parent.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.expect("kill starts").success());
        let status = compiling.parent.wait().expect("it ends");
        assert!(!status.success());
        wait_for("an end of the compiler", || {
            (!is_alive(compiling.compiler)).then_some(())
        });
    }
}
