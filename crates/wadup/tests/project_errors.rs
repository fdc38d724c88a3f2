//! What is wrong with a project is said before anything is built, with the place where it is
//! written.

mod support;

use support::Scratch;

const GOOD: &str = r#"[project]
name = "demo"
version = "0.1.0"

[tool.wadup]
entry-point = "app"
"#;

fn build(pyproject: &str) -> (Scratch, String) {
    let scratch = Scratch::new();
    scratch.write("demo/pyproject.toml", pyproject);
    scratch.write("demo/src/app.py", "def main():\n    pass\n");
    let said = scratch.wadup(["build", "demo"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert_eq!(said.stdout, "");
    let text = said.text();
    (scratch, text)
}

macro_rules! refused {
    ($name:ident, $pyproject:expr) => {
        #[test]
        fn $name() {
            let (scratch, text) = build(&$pyproject);
            let folder = scratch.path().to_string_lossy().into_owned();
            insta::with_settings!({ filters => vec![(folder.as_str(), "[SCRATCH]")] }, {
                insta::assert_snapshot!(text);
            });
        }
    };
}

refused!(toml_that_does_not_parse, GOOD.replace("\"demo\"", "\"demo"));
refused!(no_name, GOOD.replace("name = \"demo\"\n", ""));
refused!(version_that_is_none, GOOD.replace("0.1.0", "one"));
refused!(version_that_is_a_number, GOOD.replace("\"0.1.0\"", "1"));
refused!(no_wadup_table, GOOD.replace("[tool.wadup]", "[tool.other]"));
refused!(no_entry_point, GOOD.replace("entry-point", "# entry-point"));
refused!(entry_point_misspelt, GOOD.replace("\"app\"", "\"ap\""));
refused!(
    entry_point_that_is_no_name,
    GOOD.replace("\"app\"", "\"app.main()\"")
);
refused!(key_misspelt, GOOD.replace("entry-point", "entry_point"));
refused!(
    python_excluded,
    GOOD.replace("version", "requires-python = \"<3.13\"\nversion")
);
refused!(
    dependency_with_a_variable,
    GOOD.replace(
        "version",
        "dependencies = [\"demo @ https://example.org/${HOME}/demo-1-py3-none-any.whl\"]\nversion"
    )
);
refused!(
    dependency_that_does_not_parse,
    GOOD.replace("version", "dependencies = [\"jinja2\", \"a b c\"]\nversion")
);
refused!(
    dynamic_version,
    GOOD.replace("version = \"0.1.0\"", "dynamic = [\"version\"]")
);
refused!(
    terminal_escapes_in_it,
    GOOD.replace("demo", "de\u{1b}[31mmo")
);

#[test]
fn no_pyproject() {
    let scratch = Scratch::new();
    scratch.write("empty/notes.txt", "");
    assert_said!(scratch, scratch.wadup(["build", "empty"]));
}

#[test]
fn no_folder() {
    let scratch = Scratch::new();
    assert_said!(scratch, scratch.wadup(["build", "nowhere"]));
}

#[test]
fn the_same_for_a_project_that_is_run() {
    let scratch = Scratch::new();
    scratch.write("demo/pyproject.toml", GOOD.replace("\"app\"", "\"ap\""));
    scratch.write("demo/src/app.py", "");
    scratch.write("input.txt", "");
    let said = scratch.wadup(["run", "demo", "--input=input.txt", "--output=out.db"]);
    assert_said!(scratch, said);
}

/// A project could have what wadup was started with sent to an address of its choice.
#[test]
fn the_environment_is_not_in_what_uv_asks_for() {
    let scratch = Scratch::new();
    let dependencies = "dependencies = [\"iniconfig\"]\nversion";
    // Nobody listens there.
    let address = "http://127.0.0.1:9/${WADUP_TEST_SECRET}/iniconfig-1.0-py3-none-any.whl";
    let uv = format!("[tool.uv]\noverride-dependencies = [\"iniconfig @ {address}\"]\n");
    let pyproject = GOOD.replace("version", dependencies) + &uv;
    scratch.write("demo/pyproject.toml", pyproject);
    scratch.write("demo/src/app.py", "def main():\n    pass\n");
    let mut build = scratch.command(["build", "demo"]);
    build
        .env("WADUP_TEST_SECRET", "secret")
        .env("UV_HTTP_RETRIES", "0");
    let said = support::Said::from(build.output().expect("wadup starts"));
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(said.stderr.contains("127.0.0.1:9/"), "{}", said.text());
    assert!(!said.stderr.contains("9/secret"), "{}", said.text());
}
