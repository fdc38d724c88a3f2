//! What a newcomer is told of the likeliest mistakes, each made in a project of `wadup new`. Those
//! that are not here: `python_errors` (exceptions in main, a wrong value in a row), `run` (an
//! output that is no database), `full_disk`, `interruption`.

mod support;

use std::fs;

use support::{Said, Scratch};

/// A new project in which a text of a file is replaced by another.
fn with(file: &str, correct: &str, wrong: &str) -> Scratch {
    let scratch = Scratch::new();
    let said = scratch.wadup(["new", "my-project"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let path = scratch.path().join("my-project").join(file);
    let text = fs::read_to_string(&path).expect("a file of the project");
    assert!(text.contains(correct), "{text}");
    fs::write(path, text.replace(correct, wrong)).expect("a file of the project");
    scratch
}

fn build(scratch: &Scratch) -> Said {
    let said = scratch.wadup(["build", "my-project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    said
}

macro_rules! mistake {
    ($name:ident, $file:expr, $correct:expr => $wrong:expr) => {
        #[test]
        fn $name() {
            let scratch = with($file, $correct, $wrong);
            assert_said!(scratch, build(&scratch));
        }
    };
}

const PYPROJECT: &str = "pyproject.toml";
const MODULE: &str = "src/my_project/__init__.py";

mistake!(a_key_misspelt, PYPROJECT, "entry-point =" => "entry-piont =");
mistake!(a_key_that_is_none, PYPROJECT, "entry-point =" => "colour = 1\nentry-point =");
mistake!(a_value_of_another_type, PYPROJECT, "\"my_project\"" => "[\"my_project\"]");
mistake!(the_entry_point_misspelt, PYPROJECT, "\"my_project\"" => "\"my_projet\"");
mistake!(no_main, MODULE, "def main" => "def mian");
mistake!(python_that_is_none, MODULE, "def main() -> None:" => "def main() -> None");
mistake!(an_exception_at_import, MODULE, "def main" => "RULES = open('rules.json').read()\n\ndef main");
mistake!(a_model_that_is_no_table, MODULE, "    name: str" => "    name: type");
mistake!(a_module_that_is_not_there, MODULE, "import wadup" => "import wadup\nimport yaml");
mistake!(a_native_package_without_a_recipe, PYPROJECT, "[\"pydantic\"]" => "[\"pydantic\", \"markupsafe==3.0.2\"]");

#[test]
fn a_dependency_that_does_not_exist() {
    let scratch = with(
        PYPROJECT,
        "[\"pydantic\"]",
        "[\"pydantic\", \"no-such-thing-at-all\"]",
    );
    let said = build(&scratch);
    assert!(
        said.stderr.contains("no-such-thing-at-all was not found"),
        "{}",
        said.text()
    );
    assert!(
        said.stderr.ends_with(
            "hint: look at the names and versions in `[project] dependencies` of pyproject.toml\n"
        ),
        "{}",
        said.text()
    );
}

#[test]
fn a_file_instead_of_a_folder() {
    let scratch = with(MODULE, "", "");
    assert_said!(
        scratch,
        scratch.wadup(["build", "my-project/samples/users.jsonl"])
    );
}

#[test]
fn an_artifact_that_is_text() {
    let scratch = with(MODULE, "", "");
    let input = "--input=my-project/samples";
    assert_said!(
        scratch,
        scratch.wadup(["run", "my-project/pyproject.tom", input, "--output=out.db"])
    );
    let sample = "my-project/samples/users.jsonl";
    assert_said!(
        scratch,
        scratch.wadup(["run", sample, input, "--output=out.db"])
    );
}

#[test]
fn no_such_input() {
    let scratch = with(MODULE, "", "");
    for input in ["my-project/sample", "my-project/x", "nowhere/samples"] {
        let run = ["run", "my-project", "--input", input, "--output=out.db"];
        assert_said!(scratch, scratch.wadup(run));
    }
}
