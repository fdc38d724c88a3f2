//! Real processes on tiny steps: other processes are this test program, started
//! again with a folder to work in.

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::digest::KeyBuilder;
use crate::fetch::Programs;
use crate::graph::{Graph, StepPlan};
use crate::recipes::Recipes;
use crate::step::Action;

/// A step that runs a shell script; the script's folder is the step's result.
#[derive(Debug)]
struct Shell(String);

impl Action for Shell {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("script", &self.0);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let mut shell = bench.command("sh", &[]);
        bench.run(shell.arg("-ec").arg(&self.0).current_dir(bench.out()))
    }
}

/// Keeps what happened as words.
#[derive(Debug, Default)]
struct Events(Mutex<Vec<String>>);

impl Reporter for Events {
    fn event(&self, event: Event<'_>) {
        let words = match event {
            Event::Started { step } => format!("started {step}"),
            Event::Waiting { step } => format!("waiting {step}"),
            Event::Finished { step, .. } => format!("finished {step}"),
            Event::Failed { step, .. } => format!("failed {step}"),
            _ => return,
        };
        println!("event: {words}");
        self.0.lock().unwrap().push(words);
    }
}

/// Steps in a folder: a name, the names of its needs, and a script.
struct Fixture {
    root: PathBuf,
    recipes: Recipes,
    graph: Graph,
    events: Events,
}

impl Fixture {
    fn new(root: &Path, steps: &[(&str, &[&str], String)]) -> Self {
        let recipes = Recipes::embedded().unwrap();
        let mut graph = Graph::default();
        for (name, needs, script) in steps {
            let plan = StepPlan {
                name: (*name).to_owned(),
                needs: needs.iter().map(|name| (*name).to_owned()).collect(),
                tools: Vec::new(),
                sources: Vec::new(),
                action: Box::new(Shell(script.clone())),
            };
            graph.add(&recipes, plan);
        }
        Self {
            root: root.to_owned(),
            recipes,
            graph,
            events: Events::default(),
        }
    }

    fn cache(&self) -> Cache {
        Cache::new(self.root.join("cache"))
    }

    fn build(&self) -> Result<(), StepError> {
        let cache = self.cache();
        let programs = Programs::default();
        let fetcher = Fetcher::new(&cache, &self.recipes, &self.events, programs, true);
        let scheduler = Scheduler {
            cache: &cache,
            recipes: &self.recipes,
            fetcher: &fetcher,
            reporter: &self.events,
            cores: Cores::new(2).unwrap(),
        };
        let names: Vec<&str> = self
            .graph
            .steps()
            .iter()
            .map(|step| &*step.id.name)
            .collect();
        let missing = self.graph.missing(&names, |id| cache.has(id));
        scheduler.build(&missing)
    }

    fn has(&self, name: &str) -> bool {
        self.cache().has(&self.graph.get(name).unwrap().id)
    }

    fn events(&self) -> Vec<String> {
        self.events.0.lock().unwrap().clone()
    }
}

/// How often a script of a step has run: it adds a line to that file.
fn count(root: &Path, name: &str) -> usize {
    let text = fs::read_to_string(root.join(name)).unwrap_or_default();
    text.lines().count()
}

fn wait_for(file: &Path) {
    for _ in 0..1000 {
        if file.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} did not appear", file.display());
}

/// `first`, then `second`, which waits for the file `go` to appear.
fn two_steps(root: &Path) -> Fixture {
    let root_text = root.display();
    let first = format!("echo x >> {root_text}/first; echo 1 > result");
    let second = format!(
        "echo x >> {root_text}/second; echo half > result; \
         while ! test -e {root_text}/go; do sleep 0.02; done; echo whole > result"
    );
    Fixture::new(
        root,
        &[("first", &[], first), ("second", &["first"], second)],
    )
}

/// Not a test by itself: what the other processes run.
#[test]
fn other_process() {
    let Some(root) = std::env::var_os("WADUP_TEST_FOLDER") else {
        return;
    };
    two_steps(Path::new(&root)).build().unwrap();
}

fn start_other_process(root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "schedule::tests::other_process", "--nocapture"])
        .env("WADUP_TEST_FOLDER", root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn two_processes_build_once_and_both_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = start_other_process(root);
    wait_for(&root.join("second"));
    let other = start_other_process(root);
    // Long enough for it to find the step in work.
    std::thread::sleep(Duration::from_millis(300));
    fs::write(root.join("go"), "").unwrap();

    let outputs = [one, other].map(|child| child.wait_with_output().unwrap());
    assert!(outputs.iter().all(|output| output.status.success()));
    assert_eq!((count(root, "first"), count(root, "second")), (1, 1));
    let words = outputs.map(|output| String::from_utf8(output.stdout).unwrap());
    assert!(!words[0].contains("waiting"), "{}", words[0]);
    assert!(words[1].contains("event: waiting second"), "{}", words[1]);
    assert!(words[1].contains("event: finished second"), "{}", words[1]);
}

#[test]
fn after_a_kill_finished_steps_are_kept_and_the_rest_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut killed = start_other_process(root);
    wait_for(&root.join("second"));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let fixture = two_steps(root);
    assert!(fixture.has("first") && !fixture.has("second"));

    fs::write(root.join("go"), "").unwrap();
    fixture.build().unwrap();
    assert_eq!((count(root, "first"), count(root, "second")), (1, 2));
    let second = fixture
        .cache()
        .step(&fixture.graph.get("second").unwrap().id);
    assert_eq!(
        fs::read_to_string(second.join("result")).unwrap(),
        "whole\n"
    );
    assert_eq!(root.join("cache/tmp").read_dir().unwrap().count(), 0);
}

#[test]
fn what_is_cached_is_not_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("go"), "").unwrap();
    two_steps(root).build().unwrap();
    let again = two_steps(root);
    again.build().unwrap();
    assert_eq!((count(root, "first"), count(root, "second")), (1, 1));
    assert!(again.events().is_empty());
}

#[test]
fn a_failed_step_shows_its_name_its_log_and_what_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let script = "seq 1 50; echo it is broken >&2; exit 7".to_owned();
    let fixture = Fixture::new(folder.path(), &[("broken", &[], script)]);
    let error = fixture.build().unwrap_err();
    assert_eq!(error.step, "broken");
    assert_eq!(error.tail.len(), TAIL);
    assert_eq!(error.tail.last().unwrap(), "it is broken");
    assert_eq!(error.cause.to_string(), "`sh` failed: exit status: 7");
    let log = fs::read_to_string(&error.log).unwrap();
    assert!(log.contains("\n1\n2\n3\n"), "{log}");
    assert!(error.to_string().contains(&*error.log.to_string_lossy()));
    assert!(!fixture.has("broken"));
    assert_eq!(fixture.events(), ["started broken", "failed broken"]);
}

#[test]
fn after_a_failure_what_runs_is_finished_and_nothing_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().display();
    let slow = format!("while ! test -e {root}/failed; do sleep 0.02; done; sleep 0.2; echo x > y");
    let broken = format!("touch {root}/failed; exit 1");
    let fixture = Fixture::new(
        folder.path(),
        &[
            ("slow", &[], slow),
            ("broken", &[], broken),
            ("after", &["slow"], "echo x > y".to_owned()),
        ],
    );
    let error = fixture.build().unwrap_err();
    assert_eq!(error.step, "broken");
    assert!(fixture.has("slow") && !fixture.has("after"));
}

#[test]
fn the_step_that_most_wait_for_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let script = String::new;
    let steps: [(&str, &[&str], String); 4] = [
        ("alone", &[], script()),
        ("first", &[], script()),
        ("second", &["first"], script()),
        ("third", &["second"], script()),
    ];
    let fixture = Fixture::new(folder.path(), &steps);
    let steps: Vec<&Step> = fixture.graph.steps().iter().collect();
    let turns = turns(&steps);
    let turn = |name: &str| turns[&fixture.graph.get(name).unwrap().id];
    assert!(turn("first") < turn("second") && turn("second") < turn("third"));
    assert!(turn("first") < turn("alone"));
}

#[test]
fn a_changed_step_changes_those_that_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = |first: &str| {
        let steps: [(&str, &[&str], String); 3] = [
            ("first", &[], first.to_owned()),
            ("second", &["first"], "same".to_owned()),
            ("apart", &[], "same".to_owned()),
        ];
        let fixture = Fixture::new(folder.path(), &steps);
        ["second", "apart"].map(|name| fixture.graph.get(name).unwrap().id.key)
    };
    let [second, apart] = keys("one");
    assert_eq!(keys("one"), [second, apart]);
    assert_ne!(keys("two")[0], second);
    assert_eq!(keys("two")[1], apart);
}

#[test]
fn steps_have_no_environment_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    // Set by cargo for every test that it runs.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let script = "env > result; test -z \"$CARGO_MANIFEST_DIR\"".to_owned();
    let fixture = Fixture::new(folder.path(), &[("env", &[], script)]);
    fixture.build().unwrap();
    let step = fixture.cache().step(&fixture.graph.get("env").unwrap().id);
    let environment = fs::read_to_string(step.join("result")).unwrap();
    assert!(environment.contains("SOURCE_DATE_EPOCH="), "{environment}");
    assert!(environment.contains("LC_ALL=C"), "{environment}");
}
