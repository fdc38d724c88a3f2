//! What inputs have in common: nothing with `--isolation fresh`; and that neither the kind of
//! isolation nor the snapshot changes the rows of the examples.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{BuildHasher as _, RandomState},
    io::Write as _,
    path::PathBuf,
    process::Stdio,
};

use rand::{
    Rng as _, SeedableRng as _,
    rngs::StdRng,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use support::{Said, Scratch, project::repository};

/// The kinds of state that `isolation/src/planting.py` knows, by name.
fn kinds() -> Vec<String> {
    let source = repository("crates/wadup/tests/isolation/src/planting.py");
    let source = fs::read_to_string(source).expect("the program");
    let table = source.split("KINDS = {").nth(1).expect("the table");
    let table = table.split("\n}").next().expect("its end");
    let names = table.lines().filter_map(|line| {
        let name = line.strip_prefix("    \"")?.split_once("\": (")?.0;
        Some(name.to_owned())
    });
    names.collect()
}

/// How an input ends, and the outcome that this is.
const ENDS: [(&str, &str); 8] = [
    ("return", "completed"),
    ("stop", "completed"),
    ("raise", "raised"),
    ("exit", "exited"),
    ("trap", "trapped"),
    ("memory", "limit-exceeded"),
    ("eat memory", "limit-exceeded"),
    ("time", "limit-exceeded"),
];

/// A program that plants state, its artifact, and inputs that say what it is to plant.
struct Garden {
    scratch: Scratch,
    random: StdRng,
    kinds: Vec<String>,
    inputs: Vec<PathBuf>,
}

impl Garden {
    /// The seed is a random one, unless `WADUP_TEST_SEED` says which; it is printed.
    #[expect(clippy::print_stdout, reason = "to be found when the test has failed")]
    fn new() -> Self {
        let seed = std::env::var("WADUP_TEST_SEED").map_or_else(
            |_| RandomState::new().hash_one(0),
            |seed| seed.parse().expect("WADUP_TEST_SEED is a number"),
        );
        println!("WADUP_TEST_SEED={seed}");
        let scratch = Scratch::new();
        scratch.copy(&repository("crates/wadup/tests/isolation"), "planting");
        let said = scratch.wadup(["build", "planting", "--output=planting.wasm"]);
        assert_eq!(said.code, Some(0), "{}", said.text());
        Self {
            scratch,
            random: StdRng::seed_from_u64(seed),
            kinds: kinds(),
            inputs: Vec::new(),
        }
    }

    fn input(&mut self, plant: &[String], end: &str) {
        let name = format!("inputs/{:04}-{end}", self.inputs.len());
        let job = serde_json::json!({ "plant": plant, "end": end });
        self.inputs.push(self.scratch.write(name, job.to_string()));
    }

    /// Some kinds of state, in any order.
    fn some_kinds(&mut self) -> Vec<String> {
        let count = self.random.random_range(1..=3);
        let some = self.kinds.choose_multiple(&mut self.random, count);
        some.cloned().collect()
    }

    /// Runs the inputs in an order of its own.
    fn run_shuffled(&mut self, options: &[&str]) -> Said {
        self.inputs.shuffle(&mut self.random);
        self.run(options)
    }

    fn run(&self, options: &[&str]) -> Said {
        let mut list = Vec::new();
        for input in &self.inputs {
            list.extend(input.as_os_str().as_encoded_bytes());
            list.push(0);
        }
        let _ = fs::remove_file(self.scratch.path().join("out.db"));
        let fixed = ["run", "planting.wasm", "--input-list=-", "--output=out.db"];
        let mut command = self.scratch.command(fixed.iter().chain(options));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.stderr(Stdio::piped()).spawn().expect("wadup starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(&list).expect("wadup reads the list");
        drop(stdin);
        Said::from(child.wait_with_output().expect("wadup ends"))
    }

    fn query(&self, sql: &str) -> Vec<String> {
        self.scratch.query("out.db", sql)
    }

    /// How often inputs that were to end so ended how.
    fn outcomes(&self) -> BTreeMap<(String, String), usize> {
        let outcomes = self.scratch.pairs(
            "out.db",
            "SELECT substr(i.path, instr(i.path, '/inputs/') + 13), o.status
             FROM _wadup_outcomes AS o JOIN _wadup_inputs AS i ON i.id = o.input_id",
        );
        let mut counts = BTreeMap::new();
        for outcome in outcomes {
            *counts.entry(outcome).or_default() += 1;
        }
        counts
    }
}

const FOUND: &str = "SELECT f.kind, count(*) FROM found AS f GROUP BY 1 ORDER BY 1";

/// Every kind of state is planted several times, alone and with others, before and after inputs
/// that end badly, in instances whose slots are used again and again by more workers than there
/// are cores: no input finds anything.
#[test]
fn nothing_that_an_input_plants_is_found_by_another() {
    let mut garden = Garden::new();
    for kind in garden.kinds.clone() {
        for end in ["return", "stop"] {
            garden.input(std::slice::from_ref(&kind), end);
        }
    }
    for (end, _) in ENDS {
        let times = if end == "time" { 3 } else { 20 };
        for _ in 0..times {
            let kinds = garden.some_kinds();
            garden.input(&kinds, end);
        }
    }
    for jobs in ["--jobs=1", "--jobs=3", "--jobs=32"] {
        let said = garden.run_shuffled(&[jobs, "--timeout=5s", "--max-memory=96MiB"]);
        assert_eq!(said.code, Some(3), "{jobs}: {}", said.text());
        let found = garden.query(FOUND);
        assert!(found.is_empty(), "{jobs}: {found:?}");

        let expected: BTreeSet<(String, String)> = ENDS
            .iter()
            .map(|(end, status)| ((*end).to_owned(), (*status).to_owned()))
            .collect();
        let outcomes = garden.outcomes();
        let ended: BTreeSet<_> = outcomes.keys().cloned().collect();
        assert_eq!(ended, expected, "{jobs}: {}", said.text());
        assert_eq!(outcomes.values().sum::<usize>(), garden.inputs.len());

        // Every input that completed looked for everything, saw what it planted itself, and
        // drew numbers that no other drew.
        let completed = garden.query(
            "SELECT count(*), count(DISTINCT d.random), count(DISTINCT d.uuid), min(l.kinds),
                 min(l.seen_again) > 0
             FROM looked AS l JOIN drawn AS d USING (input_id)",
        );
        let count = 2 * garden.kinds.len() + 2 * 20;
        let kinds = garden.kinds.len();
        assert_eq!(completed, [format!("{count}|{count}|{count}|{kinds}|1")]);
    }
}

/// The same program with `--isolation reuse`: what it plants in memory is found, so that the
/// test above can fail; and what is an input's own in both is not.
#[test]
fn what_is_planted_in_memory_is_found_in_a_reused_instance() {
    let own = [
        "temporary file",
        "file in the root",
        "directory",
        "file among the results",
        "link",
        "open file",
        "descriptor",
        "pipe",
        "pair of sockets",
        "duplicate",
        "replaced stream",
    ];
    let mut garden = Garden::new();
    let mut found = BTreeSet::new();
    for kind in garden.kinds.clone() {
        garden.inputs.clear();
        garden.input(std::slice::from_ref(&kind), "return");
        // Some of what can be planted breaks the next input.
        garden.input(&["global".to_owned()], "return");
        let said = garden.run(&["--jobs=1", "--isolation=reuse"]);
        let failed = said.code == Some(3);
        if failed
            || garden
                .query(FOUND)
                .iter()
                .any(|row| row.starts_with(&*kind))
        {
            found.insert(kind);
        }
    }
    let kept: BTreeSet<String> = garden
        .kinds
        .iter()
        .filter(|kind| !own.contains(&kind.as_str()))
        .cloned()
        .collect();
    assert!(kept.len() > 30);
    let missed: Vec<_> = kept.difference(&found).collect();
    assert!(missed.is_empty(), "not found, though planted: {missed:?}");
    for kind in own {
        assert!(!found.contains(kind), "{kind} belongs to one input");
    }
}

/// An input that does not complete takes its instance with it.
#[test]
fn a_reused_instance_does_not_outlive_a_failure() {
    let mut garden = Garden::new();
    let global = ["global".to_owned()];
    for (end, _) in ENDS.iter().filter(|(end, _)| *end != "return") {
        garden.inputs.clear();
        garden.input(&global, end);
        garden.input(&global, "return");
        let said = garden.run(&["--jobs=1", "--isolation=reuse", "--timeout=3s"]);
        let found = garden.query(FOUND);
        // `sys.exit(0)` is an ordinary way to complete.
        if *end == "stop" {
            assert_eq!(found, ["global|1"], "{}", said.text());
        } else {
            assert!(found.is_empty(), "{end}: {found:?}");
        }
    }
}

/// All rows, and what is known of outcomes, but for what differs from run to run.
fn results(scratch: &Scratch) -> Vec<String> {
    let inputs = "_wadup_inputs AS i ON i.id = input_id
        LEFT JOIN _wadup_inputs AS p ON p.id = i.parent_id";
    let mut results = scratch.query(
        "out.db",
        &format!(
            "SELECT '_outcome', p.path, i.path, i.size, i.sha256, o.artifact, o.status,
                 o.error_kind, o.message, o.traceback, o.stdout, o.stderr
             FROM _wadup_outcomes AS o JOIN {inputs}"
        ),
    );
    let tables = scratch.query(
        "out.db",
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_wadup%' ESCAPE '\\'",
    );
    for table in tables {
        let columns = scratch.query(
            "out.db",
            &format!("SELECT 't.\"' || name || '\"' FROM pragma_table_info('{table}') WHERE name <> 'input_id'"),
        );
        results.extend(scratch.query(
            "out.db",
            &format!(
                "SELECT '{table}', p.path, i.path, {} FROM \"{table}\" AS t JOIN {inputs}",
                columns.join(", ")
            ),
        ));
    }
    results.sort();
    results
}

/// Makes an example start the interpreter for every input.
fn without_snapshot(scratch: &Scratch, example: &str) {
    let path = scratch.path().join(example).join("pyproject.toml");
    let project = fs::read_to_string(&path).expect("a project");
    let changed = project.replace("[tool.wadup]\n", "[tool.wadup]\nsnapshot = false\n");
    assert_ne!(project, changed);
    fs::write(path, changed).expect("a project");
}

/// The examples, each list run together on the samples of its first.
fn same_rows(examples: &[&str]) {
    let scratch = Scratch::new();
    for example in examples {
        scratch.copy_example(example);
    }
    let input = format!("--input={}/samples", examples[0]);
    let run = |options: &[&str]| {
        let _ = fs::remove_file(scratch.path().join("out.db"));
        let mut args = vec!["run"];
        args.extend(examples);
        args.extend([&*input, "--output=out.db"]);
        args.extend(options);
        let said = scratch.wadup(args);
        assert!(matches!(said.code, Some(0 | 3)), "{}", said.text());
        results(&scratch)
    };
    let fresh = run(&["--jobs=1"]);
    assert!(fresh.len() > 1, "{fresh:?}");
    assert_eq!(fresh, run(&["--jobs=3"]));
    assert_eq!(fresh, run(&["--jobs=1", "--isolation=reuse"]));
    assert_eq!(fresh, run(&["--jobs=2", "--isolation=reuse"]));
    for example in examples {
        without_snapshot(&scratch, example);
    }
    assert_eq!(fresh, run(&["--jobs=1"]));
    assert_eq!(fresh, run(&["--jobs=1", "--isolation=reuse"]));
}

#[test]
fn quick_start_has_the_same_rows_however_it_runs() {
    same_rows(&["python-pydantic-test"]);
}

#[test]
fn crate_manifests_has_the_same_rows_however_it_runs() {
    same_rows(&["crate-manifests"]);
}

#[test]
fn html_pages_has_the_same_rows_however_it_runs() {
    same_rows(&["html-pages"]);
}

#[test]
fn archive_walker_has_the_same_rows_however_it_runs() {
    same_rows(&["archive-walker"]);
}

#[test]
fn artifacts_that_run_together_have_the_same_rows_however_they_run() {
    same_rows(&["archive-walker", "html-pages"]);
}

/// What the entry module does while it is imported is there for every input, and a function
/// registered with `on_start` runs for every input, also in an instance that is used again.
#[test]
fn the_import_counts_for_every_input_of_an_instance() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        "import wadup\n\
         wadup.define_table('imported', [('n', 'Int64')])\n\
         wadup.define_table('empty', [('n', 'Int64')])\n\
         wadup.insert_row('imported', [1])\n\
         @wadup.on_start\n\
         def start():\n\
         \x20   wadup.insert_row('imported', [2])\n\
         \x20   wadup.on_start(lambda: wadup.insert_row('imported', [3]))\n\
         def main():\n\
         \x20   wadup.define_table('own', [('n', 'Int64')])\n\
         \x20   wadup.insert_row('own', [4])\n\
         \x20   wadup.on_start(lambda: wadup.insert_row('imported', [5]))\n",
    );
    for name in ["a", "b", "c"] {
        scratch.write(format!("inputs/{name}"), "");
    }
    for options in [["--isolation=fresh"], ["--isolation=reuse"]] {
        let _ = fs::remove_file(scratch.path().join("out.db"));
        let fixed = [
            "run",
            "project",
            "--input=inputs",
            "--output=out.db",
            "--jobs=1",
        ];
        let said = scratch.wadup(fixed.iter().chain(&options));
        assert_eq!(said.code, Some(0), "{}", said.text());
        let rows = "SELECT substr(i.path, -1), group_concat(t.n) FROM
            (SELECT * FROM imported UNION ALL SELECT * FROM own) AS t
            JOIN _wadup_inputs AS i ON i.id = t.input_id GROUP BY 1 ORDER BY 1";
        assert_eq!(
            scratch.query("out.db", rows),
            ["a|1,2,3,4", "b|1,2,3,4", "c|1,2,3,4"]
        );
    }
}
