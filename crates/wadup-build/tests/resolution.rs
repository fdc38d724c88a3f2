//! Resolution by the real uv, from the index that the machine is configured with.

mod support;

use std::fs;

use support::{Case, tools};
use wadup_build::{BuildError, BuildSettings, ResolveError, Tools};

const MAIN: &[(&str, &str)] = &[("demo.py", "def main(): pass\n")];

/// What the index has today is not what it has tomorrow.
fn without_versions() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+(\.\d+)+[a-z0-9]*", "VERSION");
    settings.bind_to_scope()
}

#[test]
fn an_extension_among_the_dependencies_is_linked_without_being_listed() {
    let sources = [("demo.py", "import pydantic\ndef main(): pass\n")];
    let case = Case::new(
        "dependencies = [\"pydantic\", \"colorama; sys_platform == 'win32'\"]",
        "",
        &sources,
    );
    let output = case.build().unwrap();
    assert_eq!(output.manifest.packages["pydantic-core"], "2.41.5");
    assert!(!output.manifest.packages.contains_key("colorama"));
    let lock = fs::read_to_string(case.path().join("pylock.wadup.toml")).unwrap();
    assert!(
        lock.contains("name = \"colorama\""),
        "the lock is for all platforms"
    );
}

#[test]
fn an_extension_that_a_dependency_needs_is_linked() {
    let sources = [("demo.py", "import jsonschema\ndef main(): pass\n")];
    let case = Case::new("dependencies = [\"jsonschema\"]", "", &sources);
    let output = case.build().unwrap();
    assert_eq!(output.manifest.packages["rpds-py"], "2026.9.1");
    assert_eq!(output.manifest.extensions, ["rpds-py"]);
}

#[test]
fn the_recipes_release_is_taken_unless_a_pure_one_is_asked_for() {
    let sources = [("demo.py", "import hypothesis\ndef main(): pass\n")];
    let native = Case::new("dependencies = [\"hypothesis>6.130\"]", "", &sources);
    let native = native.build().unwrap().manifest;
    assert_eq!(native.packages["hypothesis"], "6.170.15");
    assert_eq!(native.extensions, ["hypothesis"]);
    let pure = Case::new("dependencies = [\"hypothesis<6.130.14\"]", "", &sources);
    let pure = pure.build().unwrap().manifest;
    assert_eq!(pure.packages["hypothesis"], "6.130.13");
    assert!(pure.extensions.is_empty());
}

#[test]
fn a_package_with_native_code_is_refused_with_its_chain() {
    let case = Case::new("dependencies = [\"formulaic\"]", "", MAIN);
    let error = case.build().unwrap_err();
    let _filters = without_versions();
    let told = case.told(&error);
    let refused = told
        .lines()
        .filter(|line| line.contains("no recipe"))
        .count();
    assert!(refused >= 2, "{told}");
    assert!(told.contains("demo-app → formulaic → numpy>="), "{told}");
}

#[test]
fn a_package_without_a_wheel_is_refused_by_uv_which_builds_nothing() {
    let case = Case::new("dependencies = [\"docopt\"]", "", MAIN);
    let error = case.build().unwrap_err();
    let _filters = without_versions();
    insta::assert_snapshot!(case.told(&error));
}

#[test]
fn a_lock_of_uv_is_honoured_and_checked() {
    let case = Case::new(
        "requires-python = \">=3.13\"\ndependencies = [\"iniconfig==2.0.0\"]",
        "",
        MAIN,
    );
    let native = tools().native_python().unwrap();
    let mut uv = tools().uv(false).unwrap();
    let lock = uv
        .current_dir(case.path())
        .args(["lock", "--python"])
        .arg(&native);
    assert!(lock.status().unwrap().success());
    for locked in [false, true] {
        let settings = BuildSettings {
            locked,
            ..BuildSettings::default()
        };
        let output = case.build_with(&tools(), settings).unwrap();
        assert_eq!(output.manifest.packages["iniconfig"], "2.0.0");
    }
    assert!(!case.path().join("pylock.wadup.toml").exists());

    let pyproject = case.path().join("pyproject.toml");
    let text = fs::read_to_string(&pyproject).unwrap();
    fs::write(
        &pyproject,
        text.replace("iniconfig==2.0.0", "iniconfig==2.1.0"),
    )
    .unwrap();
    let error = case.build().unwrap_err();
    insta::assert_snapshot!(case.told(&error));
}

#[test]
fn a_changed_dependency_is_locked_anew_and_others_stay() {
    let case = Case::new("dependencies = [\"iniconfig<2.1\"]", "", MAIN);
    assert_eq!(
        case.build().unwrap().manifest.packages["iniconfig"],
        "2.0.0"
    );
    let pyproject = case.path().join("pyproject.toml");
    let text = fs::read_to_string(&pyproject).unwrap();
    fs::write(
        &pyproject,
        text.replace("\"iniconfig<2.1\"", "\"iniconfig\", \"pluggy\""),
    )
    .unwrap();

    let locked = BuildSettings {
        locked: true,
        ..BuildSettings::default()
    };
    let error = case.build_with(&tools(), locked).unwrap_err();
    let BuildError::Resolve(error) = error else {
        panic!("{error}");
    };
    assert!(
        matches!(*error, ResolveError::LockOutdated { .. }),
        "{error}"
    );

    let packages = case.build().unwrap().manifest.packages;
    assert_eq!(packages["iniconfig"], "2.0.0");
    assert!(packages.contains_key("pluggy"));
}

#[test]
fn offline_fails_clearly_when_the_index_is_needed() {
    let case = Case::new(
        "dependencies = [\"a-package-that-nobody-asked-for\"]",
        "",
        MAIN,
    );
    let offline = BuildSettings {
        offline: true,
        ..BuildSettings::default()
    };
    let error = case.build_with(&tools(), offline).unwrap_err();
    insta::assert_snapshot!(case.told(&error));
}
