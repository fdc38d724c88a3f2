//! Every guest in `hostile/`: what it tries, and how it must end, is in its first lines. Beside it
//! runs a guest that means well, in the same process, and must not notice anything.
//!
//! `cargo test --test hostile -- spin` runs some of them.

mod guest;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, LazyLock},
};

use libtest_mimic::{Arguments, Trial};

use guest::{Ending, Guest};
use support::{Said, Scratch, guest::greeting, project};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hostile");
    let python = Arc::new(LazyLock::new(python_guests as fn() -> Scratch));
    let trials = guests(&folder).into_iter().map(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let python = Arc::clone(&python);
        Trial::test(name.into_owned(), move || Ok(test(&path, &python)?))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// All files but the README: one without a test there cannot be.
fn guests(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the guests are in the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut guests: Vec<PathBuf> = paths.filter(|path| !path.ends_with("README.md")).collect();
    guests.sort();
    guests
}

/// One artifact of all guests in Python: an input's name says which is to run.
fn python_guests() -> Scratch {
    let scratch = Scratch::new();
    scratch.write(
        "pyproject.toml",
        "[project]\nname = \"hostile\"\nversion = \"1\"\n
         [tool.wadup]\nentry-point = \"app\"\nc-extensions = [\"pydantic\"]\n",
    );
    scratch.copy(&project::repository("hostile"), "src/guests");
    scratch.write(
        "src/app.py",
        "import importlib\nimport wadup\n\n
def main():\n    importlib.import_module(f'guests.{wadup.input.name}').main()\n",
    );
    let built = scratch.wadup(["build", "-o", "hostile.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    scratch
}

fn test(path: &Path, python: &LazyLock<Scratch>) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let guest = Guest::parse(&text)?;
    let scratch = Scratch::new();
    let canary = scratch.write("canary", CANARY);
    let name = path.file_stem().expect("a name").to_string_lossy();
    scratch.write(
        format!("inputs/{name}"),
        canary.to_string_lossy().as_bytes(),
    );
    let artifact = match path.extension().is_some_and(|it| it == "py") {
        true => python.path().join("hostile.wasm"),
        false => scratch.write_module("hostile.wasm", &text),
    };
    scratch.write_module("friendly.wasm", &greeting());
    let mut command = scratch.command(["run", "friendly.wasm", "--jobs=1", "--input=inputs"]);
    command
        .arg("--output=out.db")
        .arg(artifact)
        .args(&guest.options);
    let said = Said::from(command.output().expect("wadup starts"));
    check(&scratch, &said, &guest).map_err(|problem| format!("{problem}\n{}", said.text()))
}

const CANARY: &str = "nobody may read or change this";

fn check(scratch: &Scratch, said: &Said, guest: &Guest) -> Result<(), String> {
    let succeeds = guest.outcome.status == "completed" && guest.tree.is_none();
    expect("exit code", &said.code, &Some(if succeeds { 0 } else { 3 }))?;
    let outcomes = endings(scratch, "hostile", "IS NULL");
    if !matches!(&outcomes[..], [ending] if ending.is(&guest.outcome)) {
        return Err(format!(
            "outcome: {outcomes:?} instead of {:?}",
            guest.outcome
        ));
    }
    if let Some(ending) = &guest.tree {
        let below = endings(scratch, "hostile", "IS NOT NULL");
        if !below.iter().any(|found| found.is(ending)) {
            return Err(format!(
                "nothing below it ended as {ending:?}, but {below:?}"
            ));
        }
    }
    let messages = scratch
        .query("out.db", "SELECT message FROM _wadup_outcomes")
        .join("\n");
    if !messages.contains(&guest.says) {
        return Err(format!("the message has no `{}`: {messages}", guest.says));
    }
    // A sandbox that is left over, a worker that is gone, a database that is damaged.
    let friendly = endings(scratch, "friendly", "IS NULL");
    expect(
        "the friendly guest's outcome",
        &friendly,
        &vec![Ending::completed()],
    )?;
    let rows = scratch.query(
        "out.db",
        "SELECT text FROM greetings AS g
        JOIN _wadup_inputs AS i ON i.id = g.input_id WHERE parent_id IS NULL",
    );
    expect(
        "the friendly guest's rows",
        &rows,
        &vec!["hello".to_owned()],
    )?;
    let integrity = scratch.query("out.db", "PRAGMA integrity_check");
    expect("the database", &integrity, &vec!["ok".to_owned()])?;
    // What would do something to a terminal, but for the ends of lines.
    let raw = |text: &str| {
        text.chars()
            .find(|c| (c.is_control() && *c != '\n') || is_bidi(*c))
    };
    expect(
        "raw characters",
        &raw(&said.stderr).or(raw(&said.stdout)),
        &None,
    )?;
    let canary = fs::read_to_string(scratch.path().join("canary")).unwrap_or_default();
    expect("the canary", &canary.as_str(), &CANARY)
}

/// Explicit directional characters: see <https://unicode.org/reports/tr9/>.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found:?} instead of {expected:?}")),
    }
}

/// How an artifact's executions on inputs ended whose parent is as `parent` says.
fn endings(scratch: &Scratch, artifact: &str, parent: &str) -> Vec<Ending> {
    let sql = format!(
        "SELECT DISTINCT o.status, coalesce(o.error_kind, '') FROM _wadup_outcomes AS o
         JOIN _wadup_inputs AS i ON i.id = o.input_id
         WHERE o.artifact = '{artifact}' AND i.parent_id {parent}"
    );
    let pairs = scratch.pairs("out.db", &sql).into_iter();
    pairs
        .map(|(status, kind)| Ending { status, kind })
        .collect()
}
