//! `wadup build`, and at every point at which it changes a file in turn: the process is killed, the
//! power goes, a call fails, the disk is full. What was there is there, or the new one, whole; the
//! next build makes the same bytes, and leaves nothing else behind.

#![expect(clippy::print_stdout, reason = "how many points there were")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use support::{Said, toolchain};
use wadup_fault::{Fault, Finished, Supervisor, Survives};

#[derive(Debug, Clone, Copy)]
enum Happens {
    Fault(Fault),
    PowerLoss(Survives),
}

/// What builds have made before.
#[derive(Debug, Clone, Copy)]
enum Cache {
    /// Nothing but compiled code.
    Cold,
    /// All that is not this project's.
    Warm,
}

/// Folders in which a build changes something.
const CHANGING: [&str; 5] = ["out", "project", "tmp", "cache/build-v2", "cache/compiled"];
const OLD: &[u8] = b"what was there before";
const BUILD: i32 = 4;
const TOOLCHAIN: i32 = 5;

/// Folders of one build: `project/`, `out/`, `tmp/`, `cache/`.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// With hard links to what `template` has in its cache.
    fn new(template: Option<(&Place, Cache)>) -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for folder in CHANGING {
            fs::create_dir_all(place.path(folder)).expect("a folder");
        }
        let installed = toolchain::installed().cache_dir();
        for folder in ["steps", "sources"] {
            let link = place.path("cache").join(folder);
            std::os::unix::fs::symlink(installed.join(folder), link).expect("a link");
        }
        if let Some((template, cache)) = template {
            link(
                &template.path("cache/compiled"),
                &place.path("cache/compiled"),
            );
            if matches!(cache, Cache::Warm) {
                link(
                    &template.path("cache/build-v2"),
                    &place.path("cache/build-v2"),
                );
            }
        }
        place.write_project("VALUE = 'the one'\ndef main(): pass\n");
        fs::write(place.artifact(), OLD).expect("a file");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_project(&self, app: &str) {
        let pyproject = "[project]\nname = \"app\"\nversion = \"1.0\"\n\n\
            [tool.wadup]\nentry-point = \"app\"\n";
        fs::write(self.path("project/pyproject.toml"), pyproject).expect("a file");
        fs::write(self.path("project/app.py"), app).expect("a file");
    }

    fn artifact(&self) -> PathBuf {
        self.path("out/artifact.wasm")
    }

    fn lock(&self) -> PathBuf {
        self.path("project/pylock.wadup.toml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wadup"));
        command
            .args(["build", "project", "--output=out/artifact.wasm"])
            .current_dir(self.folder.path())
            .env("WADUP_CACHE_DIR", self.path("cache"))
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
        command
    }

    fn supervisor(&self) -> Supervisor {
        Supervisor::new(CHANGING.map(|folder| self.path(folder))).expect("folders")
    }

    /// All files whose name says that they are temporary, and all else that does not belong.
    fn leftovers(&self) -> Vec<PathBuf> {
        let mut left = files(&self.path("tmp"));
        let known = [self.artifact(), self.lock()];
        let beside = [files(&self.path("out")), files(&self.path("project"))].concat();
        let is_ours = |path: &PathBuf| {
            known.contains(path) || path.ends_with("pyproject.toml") || path.ends_with("app.py")
        };
        left.extend(beside.into_iter().filter(|path| !is_ours(path)));
        let hidden = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b".")
        };
        left.extend(
            files(&self.path("cache/build-v2"))
                .into_iter()
                .filter(hidden),
        );
        left.extend(
            files(&self.path("cache/compiled"))
                .into_iter()
                .filter(hidden),
        );
        left
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

fn link(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => link(&path, &to),
            false => fs::hard_link(&path, to).expect("a link"),
        }
    }
}

/// What every build of the project comes to.
struct Expected {
    template: Place,
    artifact: Vec<u8>,
    lock: Vec<u8>,
}

impl Expected {
    fn new() -> Self {
        // Another project of the same runtime.
        let template = Place::new(None);
        template.write_project("VALUE = 'another'\ndef main(): pass\n");
        build(&template);
        let place = Place::new(Some((&template, Cache::Warm)));
        build(&place);
        let left = place.leftovers();
        assert!(left.is_empty(), "{left:?}");
        Self {
            artifact: fs::read(place.artifact()).expect("an artifact"),
            lock: fs::read(place.lock()).expect("a lock"),
            template,
        }
    }

    fn check(&self, place: &Place, finished: &Finished, happens: Happens) {
        let said = Said::from(finished.output.clone());
        let is_killed = matches!(
            happens,
            Happens::PowerLoss(_) | Happens::Fault(Fault::Kill | Fault::KillHalfway)
        );
        let artifact = fs::read(place.artifact()).expect("one of them");
        let is_new = artifact == self.artifact;
        assert!(is_new || artifact == OLD, "half of an artifact");
        let lock = fs::read(place.lock()).ok();
        assert!(lock.is_none_or(|lock| lock == self.lock), "half of a lock");
        match said.code {
            // After the end, the new name may not have come to the disk.
            Some(0) if matches!(happens, Happens::PowerLoss(_)) => {}
            Some(0) => assert!(is_new, "a wrong success"),
            code if is_killed => assert!(finished.is_hit && code.is_none()),
            code => {
                assert!(matches!(code, Some(BUILD | TOOLCHAIN)), "{code:?}");
                assert!(said.stderr.contains("error: failed to"));
                let is_full = said.stderr.contains("No space left on device");
                assert_eq!(is_full, said.stderr.contains("hint: make room there"));
            }
        }
        build(place);
        assert!(
            fs::read(place.artifact()).expect("an artifact") == self.artifact,
            "other bytes"
        );
        assert!(fs::read(place.lock()).expect("a lock") == self.lock);
        let left = place.leftovers();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn build(place: &Place) {
    let said = Said::from(place.command().output().expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
}

/// Goes through all points of a build, two at a time.
fn all_points(cache: Cache, happens: Happens) {
    let expected = Expected::new();
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let (is_hit, problem) = at_point(cache, happens, point, &expected);
                    failed.lock().expect("no panic").extend(problem);
                    if !is_hit {
                        break;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (failed, count) = (failed.into_inner().expect("no panic"), count.into_inner());
    assert!(
        failed.is_empty(),
        "{} of {count} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    println!("{cache:?}, {happens:?}: {count} points, every one recovered from");
    assert!(count >= 15, "{count} points");
}

fn at_point(
    cache: Cache,
    happens: Happens,
    point: u64,
    expected: &Expected,
) -> (bool, Option<String>) {
    let place = Place::new(Some((&expected.template, cache)));
    let supervisor = match happens {
        Happens::Fault(fault) => place.supervisor().fault(point, fault),
        Happens::PowerLoss(_) => place.supervisor().fault(point, Fault::Kill).follow_disk(),
    };
    let finished = supervisor.run(place.command()).expect("it runs");
    if let (Happens::PowerLoss(survives), Some(disk)) = (happens, &finished.disk) {
        let survives = match survives {
            Survives::Some(seed) => Survives::Some(seed + point),
            other => other,
        };
        disk.lose_power(survives).expect("folders");
    }
    let at = finished.points.get(point as usize);
    let at = at.map_or("the end".to_owned(), ToString::to_string);
    let said = Said::from(finished.output.clone()).text();
    let checked = std::panic::catch_unwind(|| expected.check(&place, &finished, happens));
    let problem = checked.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        format!(
            "{cache:?}, {happens:?}, point {point}: {at}\n{said}{}\n",
            text.unwrap_or_default()
        )
    });
    (finished.is_hit, problem)
}

macro_rules! each {
    ($($(#[$attribute:meta])* $name:ident: $cache:expr, $happens:expr;)*) => {
        $(#[test]
        $(#[$attribute])*
        fn $name() {
            all_points($cache, $happens);
        })*
    };
}

const FULL: Happens = Happens::Fault(Fault::FailsFromThenOn(libc::ENOSPC));

each! {
    killed: Cache::Warm, Happens::Fault(Fault::KillHalfway);
    a_full_disk: Cache::Warm, FULL;
    #[ignore = "minutes: what is lost is compiled again"]
    without_power: Cache::Warm, Happens::PowerLoss(Survives::Some(1));
    #[ignore = "minutes: all points, of all that a first build writes"]
    a_first_build_killed: Cache::Cold, Happens::Fault(Fault::KillHalfway);
    #[ignore = "minutes: all points, of all that a first build writes"]
    a_first_build_on_a_full_disk: Cache::Cold, FULL;
    #[ignore = "a minute; like a full disk"]
    an_error: Cache::Warm, Happens::Fault(Fault::Fails(libc::EIO));
    #[ignore = "a minute; like a full disk"]
    a_broken_disk: Cache::Warm, Happens::Fault(Fault::FailsFromThenOn(libc::EIO));
    #[ignore = "a minute; like a full disk"]
    a_short_write: Cache::Warm, Happens::Fault(Fault::Short);
    #[ignore = "a minute; with less left than in the other"]
    nothing_kept_without_power: Cache::Warm, Happens::PowerLoss(Survives::Nothing);
}
