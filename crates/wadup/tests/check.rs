//! `wadup check` and `wadup build --dry-run`: what is found out without building.

mod support;

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use support::{Said, Scratch, toolchain};

/// Names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            names.push(path.to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
}

fn check(scratch: &Scratch, project: &str) -> Said {
    toolchain::installed();
    scratch.wadup(["check", project])
}

#[test]
fn a_project_without_problems() {
    let scratch = Scratch::new();
    scratch.project("", "\"pydantic\"", "async def main():\n    pass\n");
    let said = check(&scratch, "project");
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stderr.contains("app 1.0: no problems"),
        "{}",
        said.text()
    );
    assert!(said.stderr.contains("app, has `main`"), "{}", said.text());
    assert!(scratch.path().join("project/pylock.wadup.toml").is_file());
    assert!(!scratch.path().join("project/dist").exists());
    let said = scratch.wadup(["check", "project", "--locked", "--offline", "--json"]);
    let lines = said.json_lines();
    let checked = lines.last().expect("an event");
    assert_eq!(checked["event"], "checked");
    assert_eq!(checked["modules"], 1);
    assert_eq!(checked["packages"]["pydantic"], "2.12.5");
}

/// What is wrong in one place does not hide what is wrong in another.
#[test]
fn all_problems_are_told_at_once() {
    let scratch = Scratch::new();
    let project = scratch.project("", "\"pydantik\"", "def mian():\n    pass\n");
    fs::create_dir(project.join("src/pkg")).expect("a folder");
    scratch.write("project/src/pkg/models.py", "class User:\n    name = (\n");
    scratch.write("project/src/pkg/{{template}}.py", "{{ code }}\n");
    let said = check(&scratch, "project");
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert_said!(scratch, said);
    let said = scratch.wadup(["check", "project", "--json"]);
    let events = said.json_lines();
    let problems = events.iter().filter(|event| event["event"] == "problem");
    let places: Vec<String> = problems
        .map(|problem| {
            let place = &problem["place"];
            let path = place["path"].as_str().expect("a path");
            let path = path.rsplit('/').next().expect("a name");
            format!("{path}:{}:{}", place["line"], place["column"])
        })
        .collect();
    assert_eq!(
        places,
        [
            "pyproject.toml:8:17",
            "pyproject.toml:7:15",
            "models.py:2:1"
        ]
    );
    assert_eq!(events.last().expect("an event")["exit_code"], 4);
}

#[test]
fn what_is_wrong_in_pyproject_is_told_at_once() {
    let scratch = Scratch::new();
    let pyproject = "[project]\nname = \"app\"\nversion = \"one\"\n\n\
                     [tool.wadup]\nentry-point = \"ap\"\nsnapshots = true\n";
    scratch.write("project/pyproject.toml", pyproject);
    scratch.write("project/src/app.py", "def main():\n    pass\n");
    let said = scratch.wadup(["check", "project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert_said!(scratch, said);
}

/// `main` can come into a module in many ways; a check says that there is none only if none of
/// them can be there, as a build that follows it must not find what it has denied.
#[test]
fn a_main_is_found_wherever_it_comes_from() {
    toolchain::installed();
    for (source, code) in [
        ("from helper import run as main\n", 0),
        ("from helper import *\n", 0),
        (
            "class Handler:\n    def __call__(self): pass\n\nmain = Handler()\n",
            0,
        ),
        ("if True:\n    def main(): pass\n", 0),
        ("main: object = print\n", 0),
        ("for main in [print]: pass\n", 0),
        ("def __getattr__(name): return print\n", 0),
        ("globals()['main'] = print\n", 0),
        ("# def main(): pass\n\"main\"\n", 4),
        ("class App:\n    def main(self): pass\n", 4),
        ("def outer():\n    def main(): pass\n", 4),
        ("", 4),
    ] {
        let scratch = Scratch::new();
        scratch.project("", "", source);
        scratch.write("project/src/helper.py", "def main(): pass\nrun = main\n");
        let said = scratch.wadup(["check", "project"]);
        assert_eq!(said.code, Some(code), "{source}{}", said.text());
        let none = said
            .stderr
            .contains("the entry module `app` needs a function `main()`");
        assert_eq!(none, code == 4, "{source}{}", said.text());
    }
}

/// Without a toolchain all but the sources is looked at, and it is said that they are not.
#[test]
fn no_toolchain_is_needed_for_a_project_that_is_locked() {
    let scratch = Scratch::new();
    scratch.project("", "\"pydantic\"", "def main():\n    pass\n");
    let locked = check(&scratch, "project");
    assert_eq!(locked.code, Some(0), "{}", locked.text());
    let mut command = scratch.command(["check", "project", "--locked", "--offline"]);
    command.env("WADUP_CACHE_DIR", scratch.path().join("empty"));
    let said = Said::from(command.output().expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(said.stderr.contains("not looked at"), "{}", said.text());
    assert!(!said.stderr.contains("has `main`"), "{}", said.text());
}

#[test]
fn a_dry_run_writes_nothing() {
    let scratch = Scratch::new();
    // No build has made that before.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let source = format!(
        "MADE = {:?}\n\ndef main():\n    pass\n",
        now.expect("a time").as_nanos()
    );
    scratch.project("", "\"pydantic-core\"", &source);
    let before = files(&scratch.path().join("project"));
    let cache = scratch.path().join("empty");
    let dry_run = |cache: Option<&Path>| {
        let mut command = scratch.command(["build", "project", "--dry-run", "--json"]);
        if let Some(cache) = cache {
            command.env("WADUP_CACHE_DIR", cache);
        }
        let said = Said::from(command.output().expect("wadup starts"));
        assert_eq!(said.code, Some(0), "{}", said.text());
        said.json_lines().remove(0)
    };
    // Nothing is installed, so that it is not known what is going to be locked.
    let plan = dry_run(Some(&cache));
    assert_eq!(plan["lock"], serde_json::Value::Null);
    assert_eq!(plan["missing_steps"][0]["name"], "uv");
    assert!(!cache.exists());

    toolchain::installed()
        .runtime(&["pydantic-core"])
        .expect("a runtime");
    let plan = dry_run(None);
    assert_eq!(plan["lock"]["written"], true);
    let packages = plan["packages"].as_array().expect("packages").iter();
    let recipes: Vec<_> = packages
        .filter(|package| package["wheel"].is_null())
        .map(|package| &package["name"])
        .collect();
    assert_eq!(recipes, ["pydantic-core"]);
    assert_eq!(plan["missing_steps"], serde_json::json!([]));
    assert_eq!(plan["files"]["app.py"], source.len());
    assert_eq!(plan["freshness"], "missing");
    assert_eq!(files(&scratch.path().join("project")), before);

    let built = scratch.wadup(["build", "project"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let plan = dry_run(None);
    assert_eq!(
        (&plan["freshness"], &plan["lock"]["written"]),
        (&"up-to-date".into(), &false.into())
    );
    let artifact = scratch.path().join("project/dist/app-1.0.wasm");
    fs::write(&artifact, "something else").expect("a file");
    assert_eq!(dry_run(None)["freshness"], "cached");
    assert_eq!(fs::read(&artifact).expect("a file"), b"something else");
}

#[test]
fn a_plan_is_readable_in_80_columns() {
    let scratch = Scratch::new();
    scratch.project("", "\"pydantic\"", "def main():\n    pass\n");
    toolchain::installed();
    let said = scratch.wadup(["build", "project", "--dry-run", "--verbose"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        said.stdout
    );
    for part in [
        "artifact    dist/app-1.0.wasm",
        "pydantic 2.12.5",
        "by recipe",
        "app.py",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
}

/// What a build would refuse, its dry run refuses.
#[test]
fn a_dry_run_fails_as_the_build_would() {
    let scratch = Scratch::new();
    scratch.project("\"numpy\"", "", "def main():\n    pass\n");
    toolchain::installed();
    let said = scratch.wadup(["build", "project", "--dry-run"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(said.stderr.contains("has native code"), "{}", said.text());
    assert!(!scratch.path().join("project/pylock.wadup.toml").exists());
    let said = scratch.wadup(["build", "project", "--dry-run", "--locked"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(
        said.stderr.contains("`--locked` forbids"),
        "{}",
        said.text()
    );
}
