//! `wadup run --resume`, and at every point at which it changes a file in turn: the process is
//! killed, the power goes, a call fails once or for ever, the disk is full. Afterwards the database
//! has whole inputs, all that was said to be in it, and the next run completes it to what it
//! would have been.

#![expect(clippy::print_stdout, reason = "how many points there were")]

#[path = "../../wadup-host/tests/support/mod.rs"]
mod guest;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use guest::{INTERPRETER, Script};
use rusqlite::{Connection, OpenFlags};
use support::Said;
use wadup_fault::{Fault, Finished, Supervisor, Survives};

/// What there is before the run.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// Nothing: no database, no compiled code.
    Nothing,
    /// An empty file in the place of the database.
    Empty,
    /// A database of a run over other inputs, some of which are replaced.
    Earlier,
    /// The same, as a wadup made it that did not know of `--resume`.
    Format1,
    /// The same, of a run that was killed, and its log.
    Killed,
}

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Fault(Fault),
    /// All is as after a power loss at the point.
    PowerLoss(Survives),
}

const KILL: Happens = Happens::Fault(Fault::Kill);
const HALF: Happens = Happens::Fault(Fault::KillHalfway);

/// Folders of one run: `out/` for the database, `tmp/`, `cache/`, `inputs/`.
struct Place {
    folder: tempfile::TempDir,
}

/// The folders in which something changes.
const CHANGING: [&str; 3] = ["out", "tmp", "cache"];
/// The artifacts, both of which write to one table.
const ARTIFACTS: [&str; 2] = ["one.wat", "two.wat"];

impl Place {
    fn new(before: Before) -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for folder in ["out", "tmp", "cache", "inputs"] {
            fs::create_dir(place.path(folder)).expect("a folder");
        }
        for artifact in ARTIFACTS {
            fs::write(place.path(artifact), INTERPRETER).expect("a file");
        }
        // More than is kept in memory.
        let mut large = Script::new().rows(40..42).ret(0).bytes().to_vec();
        large.resize(1_200_000, 0);
        fs::write(place.path("stdin"), large).expect("a file");
        place.prepare(before);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepare(&self, before: Before) {
        match before {
            Before::Nothing => {}
            Before::Empty => fs::write(self.database(), "").expect("a file"),
            Before::Earlier | Before::Format1 => {
                self.write_old_inputs();
                self.run_undisturbed();
                if matches!(before, Before::Format1) {
                    let older = "DROP VIEW _wadup_failures;
                        DROP VIEW _wadup_paths;
                        ALTER TABLE _wadup_inputs DROP COLUMN finished_at;
                        ALTER TABLE _wadup_inputs DROP COLUMN tree_complete;
                        DROP INDEX _wadup_inputs_path;
                        PRAGMA user_version = 1;";
                    self.connection().execute_batch(older).expect("it is ours");
                }
            }
            Before::Killed => {
                self.write_old_inputs();
                self.run_undisturbed();
                fs::remove_file(self.database()).expect("it is there");
                let finished = self.supervisor().run(self.command()).expect("it runs");
                let commit = |point: &wadup_fault::Point| {
                    point.call == "fsync" && point.paths[0].ends_with("results.db-wal")
                };
                let first = finished.points.iter().position(commit);
                let after_first = first.expect("there are commits") as u64 + 1;
                fs::remove_file(self.database()).expect("it is there");
                let supervisor = self.supervisor().fault(after_first, Fault::Kill);
                let finished = supervisor.run(self.command()).expect("it runs");
                assert!(finished.is_hit && self.path("out/results.db-wal").exists());
            }
        }
        self.write_inputs();
    }

    fn write(&self, name: &str, script: &Script) {
        fs::write(self.path("inputs").join(name), script.bytes()).expect("a file");
    }

    /// What the run under test finds.
    fn write_inputs(&self) {
        let inner = Script::new()
            .rows(2..4)
            .emit("innermost", Script::new().rows(4..5).bytes());
        self.write("a", &Script::new().rows(0..2).emit("inner", inner.bytes()));
        self.write("b", &Script::new().rows(5..7).trap());
        // Its batch is committed before the rest.
        self.write(
            "c",
            &Script::new().rows(7..8).sleep(Duration::from_millis(130)),
        );
        // Sub-content that is not kept in memory.
        let mut large = Script::new().rows(8..9).ret(0).bytes().to_vec();
        large.resize(1_200_000, 0);
        self.write("d", &Script::new().rows(9..11).emit("large", &large));
        self.write("e", &Script::new().rows(11..300));
        let table =
            r#"{"tables":[{"name":"u","columns":[{"name":"n","data_type":"String"}]}],"rows":[]}"#;
        self.write("f", &Script::new().metadata(table).rows(1..2));
    }

    /// What an earlier run found.
    fn write_old_inputs(&self) {
        let inner = Script::new().rows(20..22);
        self.write(
            "a",
            &Script::new().rows(22..24).emit("inner", inner.bytes()),
        );
        self.write("b", &Script::new().rows(5..7).trap());
        self.write(
            "c",
            &Script::new().rows(24..25).sleep(Duration::from_millis(230)),
        );
        self.write("e", &Script::new().rows(25..27));
        self.write("z", &Script::new().rows(30..31));
    }

    fn supervisor(&self) -> Supervisor {
        Supervisor::new(CHANGING.map(|folder| self.path(folder))).expect("folders")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wadup"));
        command
            .arg("run")
            .args(ARTIFACTS)
            .args(["--input=inputs", "--input=-", "--output=out/results.db"])
            .arg("--resume")
            .args(["--jobs=1", "--json"])
            .current_dir(self.folder.path())
            .env("WADUP_CACHE_DIR", self.path("cache"))
            .env("TMPDIR", self.path("tmp"))
            .stdin(fs::File::open(self.path("stdin")).expect("a file"));
        command
    }

    fn run_undisturbed(&self) {
        let said = Said::from(self.command().output().expect("wadup starts"));
        assert_eq!(said.code, Some(INPUTS_FAILED), "{}", said.text());
    }

    fn database(&self) -> PathBuf {
        self.path("out/results.db")
    }

    fn connection(&self) -> Connection {
        Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .expect("a database")
    }

    /// What the database has; `None` if there is nothing that has tables.
    fn contents(&self) -> Option<Contents> {
        let length = fs::metadata(self.database()).map(|metadata| metadata.len());
        if length.unwrap_or(0) == 0 {
            return None;
        }
        let connection = self.connection();
        let check = texts(&connection, "PRAGMA integrity_check");
        assert_eq!(check, ["ok"]);
        let has_tables = "SELECT name FROM sqlite_schema WHERE name = '_wadup_inputs'";
        if texts(&connection, has_tables).is_empty() {
            return None;
        }
        assert_eq!(
            texts(&connection, "SELECT 'wrong' FROM pragma_foreign_key_check"),
            [""; 0]
        );
        let has_rows = "SELECT name FROM sqlite_schema WHERE name = 't'";
        let rows = match texts(&connection, has_rows).is_empty() {
            true => "''",
            false => "(SELECT coalesce(group_concat(n), '') FROM t WHERE input_id = way.id)",
        };
        let mut trees: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let lines = texts(
            &connection,
            &format!(
                "WITH RECURSIVE way (root, id, path, sha256) AS (
                     SELECT path, id, path, sha256 FROM _wadup_inputs WHERE parent_id IS NULL
                     UNION ALL
                     SELECT root, i.id, way.path || ' > ' || i.path, i.sha256
                     FROM way JOIN _wadup_inputs AS i ON i.parent_id = way.id
                 )
                 SELECT way.root || '|' || way.path || ' ' || coalesce(way.sha256, '') || ' '
                     || o.artifact || ' ' || o.status || ' ' || coalesce(o.message, '') || ': '
                     || {rows}
                 FROM way LEFT JOIN _wadup_outcomes AS o ON o.input_id = way.id ORDER BY 1"
            ),
        );
        for line in lines {
            let (root, line) = line.split_once('|').expect("a root");
            trees
                .entry(root.to_owned())
                .or_default()
                .push(line.to_owned());
        }
        let stray = match rows {
            "''" => Vec::new(),
            _ => texts(
                &connection,
                "SELECT 'stray' FROM t WHERE input_id NOT IN (SELECT id FROM _wadup_inputs)",
            ),
        };
        assert_eq!(stray, [""; 0]);
        let number = |sql: &str| -> i64 {
            connection
                .query_row(sql, [], |row| row.get(0))
                .expect("a number")
        };
        Some(Contents {
            inputs: number(
                "SELECT count(*) FROM _wadup_inputs WHERE run_id = (SELECT max(id) FROM _wadup_runs)",
            ),
            runs: number("SELECT count(*) FROM _wadup_runs"),
            trees,
        })
    }

    /// What a run leaves beside its results.
    fn leftovers(&self) -> Vec<String> {
        let mut left = names(&self.path("out"));
        left.retain(|name| name != "results.db");
        left.extend(names(&self.path("tmp")));
        let compiled = self.path("cache/compiled");
        let temporary = |name: &String| name.starts_with('.');
        left.extend(names(&compiled).into_iter().filter(temporary));
        left
    }
}

/// What a database has: for each input that was given, a line for every outcome in its tree.
#[derive(Debug, Clone, PartialEq)]
struct Contents {
    trees: BTreeMap<String, Vec<String>>,
    /// Of the last run.
    inputs: i64,
    runs: i64,
}

const INPUTS_FAILED: i32 = 3;
const DATABASE: i32 = 7;

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into())
        .collect()
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("valid SQL");
    let rows = statement
        .query_map([], |row| row.get::<_, Option<String>>(0))
        .expect("rows");
    rows.map(|row| row.expect("a text").unwrap_or_else(|| "NULL".to_owned()))
        .collect()
}

/// What all runs from one beginning come to.
struct Expected {
    before: Option<Contents>,
    after: Contents,
}

impl Expected {
    fn of(before: Before) -> Self {
        let place = Place::new(before);
        let earlier = match before {
            Before::Nothing | Before::Empty => None,
            _ => place.contents(),
        };
        // The log of one that was killed is folded by who looks; the place is used no more.
        let place = Place::new(before);
        let finished = place
            .supervisor()
            .follow_disk()
            .run(place.command())
            .expect("it runs");
        let disk = finished.disk.expect("it was followed");
        let missed = disk.differences().expect("folders");
        assert!(missed.is_empty(), "{missed:?}");
        let said = Said::from(finished.output);
        assert_eq!(said.code, Some(INPUTS_FAILED), "{}", said.text());
        assert_eq!(place.leftovers(), [""; 0]);
        let after = place.contents().expect("results");
        Self {
            before: earlier,
            after,
        }
    }

    /// Every tree in the database is there whole, as it was or as it will be, or is a part of
    /// what it will be.
    fn check_partial(&self, contents: &Contents) {
        for (root, lines) in &contents.trees {
            let was = self
                .before
                .as_ref()
                .and_then(|before| before.trees.get(root));
            let will = self.after.trees.get(root);
            assert!(
                was == Some(lines) || will.is_some_and(|will| is_part(lines, will)),
                "{root}: {lines:#?}"
            );
        }
        let kept = self.before.iter().flat_map(|before| before.trees.keys());
        for root in kept {
            assert!(contents.trees.contains_key(root), "{root} is lost");
        }
    }
}

/// Whether all lines are among the others, each as often at most.
fn is_part(lines: &[String], all: &[String]) -> bool {
    let mut left = all.to_vec();
    lines.iter().all(|line| {
        let found = left.iter().position(|other| other == line);
        found.map(|at| left.swap_remove(at)).is_some()
    })
}

/// What came of all points.
#[derive(Debug, Default)]
struct Tally {
    /// Points, by their call.
    points: BTreeMap<&'static str, u64>,
    /// How the program ended, and what it said.
    ends: BTreeMap<String, u64>,
    failed: Vec<String>,
}

/// Goes through all points of a run, several at a time: now and then each sleeps.
fn all_points(before: Before, happens: Happens) {
    let expected = Expected::of(before);
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let Some((finished, failed)) = at_point(before, happens, point, &expected)
                    else {
                        break;
                    };
                    let mut tally = tally.lock().expect("no panic");
                    let call = finished.points[point as usize].call;
                    *tally.points.entry(call).or_default() += 1;
                    let said = Said::from(finished.output);
                    let error = said.stderr.lines().find(|line| line.starts_with("error"));
                    let error = error.and_then(|error| error.split(" in ").next());
                    let end = format!("{:?} {}", said.code, error.unwrap_or_default());
                    *tally.ends.entry(end).or_default() += 1;
                    tally.failed.extend(failed);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no panic");
    let count: u64 = tally.ends.values().sum();
    let Tally {
        points,
        ends,
        failed,
    } = tally;
    assert!(
        failed.is_empty(),
        "{} of {count} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    println!(
        "{before:?}, {happens:?}: {count} points, rows lost or doubled: 0\n{points:#?}{ends:#?}"
    );
    assert!(count > 40, "{count} points");
}

/// One run with a fault and one without; `None` if there is no such point.
fn at_point(
    before: Before,
    happens: Happens,
    point: u64,
    expected: &Expected,
) -> Option<(Finished, Option<String>)> {
    let place = Place::new(before);
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
    let said = Said::from(finished.output.clone());
    let context = format!(
        "{before:?}, {happens:?}, point {point}: {at}\n{}",
        said.text()
    );
    let checked = std::panic::catch_unwind(|| check(&place, &finished, happens, expected));
    let failed = checked.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        format!("{context}{}\n", text.unwrap_or_default())
    });
    finished.is_hit.then_some((finished, failed))
}

fn check(place: &Place, finished: &Finished, happens: Happens, expected: &Expected) {
    let said = Said::from(finished.output.clone());
    let is_killed = !matches!(
        happens,
        Happens::Fault(Fault::Fails(_) | Fault::FailsFromThenOn(_) | Fault::Short)
    );
    let contents = place.contents();
    let announced: i64 = said
        .json_lines()
        .iter()
        .filter(|event| event["event"] == "committed")
        .map(|event| event["inputs"].as_i64().expect("a number"))
        .sum();
    let kept = contents.as_ref().map_or(0, |contents| contents.inputs);
    assert!(
        kept >= announced,
        "{announced} were committed, and {kept} are there"
    );
    if let Some(contents) = &contents {
        expected.check_partial(contents);
    }
    if said.code == Some(INPUTS_FAILED) {
        let contents = contents.as_ref().expect("results");
        assert_eq!(contents.trees, expected.after.trees, "a wrong success");
    } else if is_killed {
        assert!(finished.is_hit && said.code.is_none());
    } else {
        assert_eq!(said.code, Some(DATABASE));
        assert!(said.stderr.contains("error"));
    }
    place.run_undisturbed();
    let contents = place.contents().expect("results");
    assert_eq!(contents.trees, expected.after.trees, "after the next run");
    assert_eq!(place.leftovers(), [""; 0]);
}

macro_rules! each {
    ($($(#[$attribute:meta])* $name:ident: $before:expr, $happens:expr;)*) => {
        $(#[test]
        $(#[$attribute])*
        fn $name() {
            all_points($before, $happens);
        })*
    };
}

const fn some_kept(seed: u64) -> Happens {
    Happens::PowerLoss(Survives::Some(seed))
}
const NOTHING_KEPT: Happens = Happens::PowerLoss(Survives::Nothing);
const FULL: Happens = Happens::Fault(Fault::FailsFromThenOn(libc::ENOSPC));
const BROKEN: Happens = Happens::Fault(Fault::FailsFromThenOn(libc::EIO));
const ERROR: Happens = Happens::Fault(Fault::Fails(libc::EIO));
const SHORT: Happens = Happens::Fault(Fault::Short);

each! {
    a_new_database_killed_halfway: Before::Nothing, HALF;
    an_earlier_database_killed_halfway: Before::Earlier, HALF;
    a_new_database_without_power: Before::Nothing, some_kept(1);
    an_earlier_database_without_power: Before::Earlier, some_kept(2);
    an_older_format_without_power: Before::Format1, some_kept(3);
    a_full_disk: Before::Earlier, FULL;
    #[ignore = "half a minute; as with a kill in the middle of a write"]
    a_new_database_killed: Before::Nothing, KILL;
    #[ignore = "half a minute; as with a kill in the middle of a write"]
    an_earlier_database_killed: Before::Earlier, KILL;
    #[ignore = "half a minute; other kinds of faults are not"]
    an_older_format_killed: Before::Format1, HALF;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_killed_run_killed: Before::Killed, HALF;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_killed_run_without_power: Before::Killed, some_kept(4);
    #[ignore = "half a minute; other kinds of faults are not"]
    an_empty_file_without_power: Before::Empty, some_kept(5);
    #[ignore = "half a minute; with less left than in others"]
    nothing_kept_of_a_new_database: Before::Nothing, NOTHING_KEPT;
    #[ignore = "half a minute; with less left than in others"]
    nothing_kept_of_an_earlier_database: Before::Earlier, NOTHING_KEPT;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_new_database_on_a_full_disk: Before::Nothing, FULL;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_new_database_on_a_broken_disk: Before::Nothing, BROKEN;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_broken_disk: Before::Earlier, BROKEN;
    #[ignore = "half a minute; other kinds of faults are not"]
    an_error_in_a_new_database: Before::Nothing, ERROR;
    #[ignore = "half a minute; other kinds of faults are not"]
    an_error_in_an_earlier_database: Before::Earlier, ERROR;
    #[ignore = "half a minute; other kinds of faults are not"]
    an_error_in_an_older_format: Before::Format1, ERROR;
    #[ignore = "half a minute; other kinds of faults are not"]
    a_short_write: Before::Earlier, SHORT;
}
