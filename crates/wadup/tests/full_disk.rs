//! A disk that is full: a small tmpfs, for the database, for temporary files, for the cache and
//! for the artifact. Where none can be mounted, these tests are listed as ignored;
//! `fault_run` and `fault_build` have a full disk at every point all the same.

#[path = "../../wadup-host/tests/support/mod.rs"]
mod guest;
mod support;

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command, Stdio},
};

use guest::{INTERPRETER, Script};
use libtest_mimic::{Arguments, Trial};
use support::{Said, Scratch};

/// Set in the namespace, in which this program is started once more.
const INSIDE: &str = "WADUP_TEST_IN_NAMESPACE";

fn main() {
    let namespace = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare
    };
    let can_mount = || {
        let probe = "mount -t tmpfs -o size=64k tmpfs /mnt";
        let probed = namespace()
            .args(["sh", "-c", probe])
            .stderr(Stdio::null())
            .status();
        probed.is_ok_and(|status| status.success())
    };
    let inside = env::var_os(INSIDE).is_some();
    if !inside && can_mount() {
        let program = env::current_exe().expect("this program");
        let again = namespace()
            .arg(program)
            .args(env::args_os().skip(1))
            .env(INSIDE, "1")
            .status();
        process::exit(again.expect("it starts").code().unwrap_or(1));
    }
    let trials: [(&str, fn()); 4] = [
        ("the_database", the_database),
        ("temporary_files", temporary_files),
        ("the_cache", the_cache),
        ("the_artifact", the_artifact),
    ];
    let trials = trials.map(|(name, test)| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        let trial = trial.with_ignored_flag(!inside);
        if inside {
            trial
        } else {
            trial.with_kind("no tmpfs here")
        }
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

/// A file system of its own, and `wadup` outside of it.
struct Disk {
    scratch: Scratch,
}

impl Disk {
    fn new(size: &str) -> Self {
        let disk = Self {
            scratch: Scratch::new(),
        };
        fs::create_dir(disk.path("disk")).expect("a folder");
        disk.mount(&format!("size={size}"));
        disk.scratch.write("one.wat", INTERPRETER);
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn mount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(self.path("disk"));
        assert!(mount.status().expect("mount starts").success());
    }

    fn grow(&self) {
        self.mount("remount,size=256m");
    }

    fn wadup(&self, args: &[&str], environment: &[(&str, &str)]) -> Said {
        let mut command = self.scratch.command(args);
        for (name, folder) in environment {
            command.env(name, self.path(folder));
        }
        Said::from(command.output().expect("wadup starts"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path("disk")).status();
    }
}

const INPUTS: i64 = 100;
const ROWS: i64 = 1000;

fn the_database() {
    let disk = Disk::new("1m");
    for number in 0..INPUTS {
        let rows = Script::new().rows(number * ROWS..(number + 1) * ROWS);
        let slow = rows.sleep(std::time::Duration::from_millis(20));
        disk.scratch.write(format!("inputs/{number}"), slow.bytes());
    }
    let run = |database: &str| {
        let output = format!("--output={database}");
        let args = [
            "run",
            "one.wat",
            "--input=inputs",
            "--resume",
            "--json",
            "--jobs=1",
            &output,
        ];
        disk.wadup(&args, &[])
    };
    let said = run("disk/results.db");
    assert_eq!(said.code, Some(7), "{}", said.text());
    let error = said.json_lines().pop().expect("an error");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(
        hint.contains("disk is full") && hint.contains("--resume"),
        "{}",
        said.text()
    );
    let lines = said.json_lines();
    let committed = lines.iter().filter(|event| event["event"] == "committed");
    let committed: i64 = committed.filter_map(|event| event["inputs"].as_i64()).sum();
    let count = |database: &str| {
        let query = |sql| disk.scratch.query(database, sql);
        assert_eq!(query("PRAGMA integrity_check"), ["ok"]);
        assert_eq!(query("SELECT * FROM pragma_foreign_key_check"), [""; 0]);
        let number = |sql| query(sql)[0].parse::<i64>().expect("a number");
        (
            number("SELECT count(*) FROM _wadup_inputs"),
            number("SELECT count(*) FROM t"),
        )
    };
    // Somebody else cannot read the log where there is no room for its index.
    disk.grow();
    let (inputs, rows) = count("disk/results.db");
    assert_eq!((inputs, rows), (committed, committed * ROWS));
    assert!((1..INPUTS).contains(&committed), "{committed}");
    let said = run("disk/results.db");
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(count("disk/results.db"), (INPUTS, INPUTS * ROWS));
    let rows = |database: &str| disk.scratch.query(database, "SELECT n FROM t ORDER BY n");
    assert_eq!(run("whole.db").code, Some(0));
    assert!(rows("whole.db") == rows("disk/results.db"));
}

fn temporary_files() {
    let disk = Disk::new("1m");
    let mut large = Script::new().rows(0..1).ret(0).bytes().to_vec();
    large.resize(3 << 20, 0);
    disk.scratch.write(
        "inputs/a",
        Script::new().rows(1..2).emit("large", &large).bytes(),
    );
    let args = [
        "run",
        "one.wat",
        "--input=inputs",
        "--resume",
        "--output=results.db",
    ];
    let run = || disk.wadup(&args, &[("TMPDIR", "disk")]);
    let said = run();
    assert_eq!(said.code, Some(7), "{}", said.text());
    let folder = disk.path("disk").display().to_string();
    insta::assert_snapshot!(said.stderr.replace(&folder, "DISK"), @r"
    error: failed to keep content in DISK
      caused by: No space left on device (os error 28)
    hint: content that is too much for memory is kept in files there: make room, or set TMPDIR, and go on with --resume
    ");
    assert_eq!(
        disk.scratch
            .query("results.db", "SELECT count(*) FROM _wadup_inputs"),
        ["0"]
    );
    disk.grow();
    assert_eq!(run().code, Some(0));
    assert_eq!(
        disk.scratch
            .query("results.db", "SELECT n FROM t ORDER BY n"),
        ["0", "1"]
    );
}

fn the_cache() {
    let disk = Disk::new("16k");
    disk.scratch
        .write("inputs/a", Script::new().rows(0..2).bytes());
    let args = ["run", "one.wat", "--input=inputs", "--output=results.db"];
    let said = disk.wadup(&args, &[("WADUP_CACHE_DIR", "disk")]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let warning =
        "warning: the cache of compiled code could not be written: No space left on device";
    assert!(said.stderr.contains(warning), "{}", said.text());
    assert_eq!(
        disk.scratch
            .query("results.db", "SELECT n FROM t ORDER BY n"),
        ["0", "1"]
    );
    let left = fs::read_dir(disk.path("disk/compiled"))
        .expect("a folder")
        .count();
    assert_eq!(left, 0, "half of an entry stays");
}

fn the_artifact() {
    let disk = Disk::new("1m");
    disk.scratch.project("", "", "def main(): pass\n");
    let old = disk.scratch.write("disk/app.wasm", "what was there before");
    let build = || disk.wadup(&["build", "project", "--output=disk/app.wasm"], &[]);
    let said = build();
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(
        said.stderr.contains("No space left on device"),
        "{}",
        said.text()
    );
    assert!(
        said.stderr.contains("hint: make room there"),
        "{}",
        said.text()
    );
    assert_eq!(fs::read(&old).expect("a file"), b"what was there before");
    assert_eq!(
        fs::read_dir(disk.path("disk")).expect("a folder").count(),
        1
    );
    disk.grow();
    let said = build();
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(fs::read(old).expect("a file").starts_with(b"\0asm"));
}
