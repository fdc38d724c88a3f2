//! Which files of a project are packed.

use std::fs;
use std::path::Path;

use wadup_project::{Layout, Project};

fn project(entry_point: &str, files: &[&str]) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let pyproject = format!(
        "[project]\nname = \"Demo_App\"\nversion = \"1.0\"\n\
         [tool.wadup]\nentry-point = \"{entry_point}\"\n"
    );
    fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    for file in files {
        write(folder.path(), file);
    }
    let project = Project::load(folder.path()).unwrap();
    (folder, project)
}

fn write(root: &Path, file: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

fn packed(project: &Project) -> Vec<&str> {
    let files = project.sources.files.iter();
    files.map(|file| file.path.as_str()).collect()
}

#[test]
fn a_src_layout_packs_what_is_in_src() {
    let (_folder, project) = project(
        "app.cli",
        &[
            "src/app/__init__.py",
            "src/app/cli.py",
            "src/app/data/table.csv",
            "src/app/templates/setup.py",
            "src/helper.py",
            "src/app.egg-info/PKG-INFO",
            "src/README.md",
            "tests/test_app.py",
            "setup.py",
        ],
    );
    assert_eq!(project.sources.layout, Layout::Src);
    assert_eq!(
        packed(&project),
        [
            "app/__init__.py",
            "app/cli.py",
            "app/data/table.csv",
            "app/templates/setup.py",
            "helper.py",
        ]
    );
}

#[test]
fn a_flat_layout_packs_packages_and_modules_only() {
    let (_folder, project) = project(
        "app",
        &[
            "app/__init__.py",
            "app/py.typed",
            "spaces/inner/mod.py",
            "single.py",
            "data/table.csv",
            "tests/test_app.py",
            "docs/conf.py",
            "build/lib/app/__init__.py",
            "dist/app.whl",
            "node_modules/x/setup.py",
            "target/x.py",
            "env/pyvenv.cfg",
            "env/lib/site.py",
            ".venv/lib/x.py",
            "setup.py",
            "conftest.py",
            "demo.wasm",
            "results.db",
        ],
    );
    assert_eq!(project.sources.layout, Layout::Flat);
    assert_eq!(
        packed(&project),
        [
            "app/__init__.py",
            "app/py.typed",
            "single.py",
            "spaces/inner/mod.py"
        ]
    );
}

#[test]
fn an_entry_point_makes_its_folder_a_package_whatever_its_name() {
    let (_folder, project) = project("tests.main", &["tests/main.py", "other.py"]);
    assert_eq!(packed(&project), ["other.py", "tests/main.py"]);
}

#[test]
fn caches_hidden_files_and_native_libraries_are_left_out() {
    let (_folder, project) = project(
        "app",
        &[
            "app/__init__.py",
            "app/.hidden",
            "app/.git/config",
            "app/__pycache__/x.cpython-313.pyc",
            "app/old.pyc",
            "app/out.wasm",
            "app/_fast.cpython-313-x86_64-linux-gnu.so",
            "app/node_modules/x.js",
        ],
    );
    assert_eq!(packed(&project), ["app/__init__.py"]);
    assert_eq!(
        project.sources.native,
        ["app/_fast.cpython-313-x86_64-linux-gnu.so"]
    );
}

#[test]
fn a_link_inside_the_project_is_followed() {
    let (folder, _) = project("app", &["app/__init__.py", "shared/table.csv"]);
    std::os::unix::fs::symlink("../shared", folder.path().join("app/data")).unwrap();
    let project = Project::load(folder.path()).unwrap();
    assert_eq!(packed(&project), ["app/__init__.py", "app/data/table.csv"]);
}

#[test]
fn names_are_normalised_and_defaults_hold() {
    let (folder, project) = project("app", &["app.py"]);
    assert_eq!(project.name.as_ref(), "demo-app");
    assert!(project.snapshot);
    assert_eq!(project.hash_seed, 0);
    let by_file = Project::load(&folder.path().join("pyproject.toml")).unwrap();
    assert_eq!(by_file.root, project.root);
    assert_eq!(packed(&by_file), ["app.py"]);
}
