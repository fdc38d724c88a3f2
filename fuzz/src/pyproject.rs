//! `pyproject.toml`: a project or an error that points into the text and can be shown.

use std::fs;
use std::sync::LazyLock;

use tempfile::TempDir;
use wadup_project::{Location, Project};

use crate::diagnostics::Failure;
use crate::terminal::check_harmless;

/// A project with one module; it stays when a fuzzer ends.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let package = folder.path().join("src/demo");
    fs::create_dir_all(&package).expect("the folder is writable");
    fs::write(package.join("__init__.py"), "").expect("the folder is writable");
    folder
});

pub fn check(data: &[u8]) {
    let file = FOLDER.path().join("pyproject.toml");
    fs::write(&file, data).expect("the folder is writable");
    match Project::load(FOLDER.path()) {
        Ok(project) => {
            let spans = project.dependencies.iter().map(|it| &it.span);
            for span in spans.chain(project.extensions.iter().map(|it| &it.span)) {
                check_location(&project.location(span.clone()), data);
            }
            if !project.uv_settings.is_empty() {
                let settings = format!("uv = {}", project.uv_settings);
                if let Err(error) = settings.parse::<toml::Table>() {
                    panic!("{settings:?} is no TOML: {error}");
                }
            }
        }
        Err(error) => {
            if let Some(location) = error.location() {
                check_location(location, data);
            }
            let shown = Failure::project(FOLDER.path(), &error).render(Some(40));
            let plain = anstream::adapter::strip_str(&shown).to_string();
            check_harmless(&plain, &['\n', '\t']);
        }
    }
}

fn check_location(location: &Location, data: &[u8]) {
    assert_eq!(location.text.as_bytes(), data);
    assert!(location.text.get(location.span.clone()).is_some());
    let (line, column) = location.line_column();
    assert!(line >= 1 && column >= 1);
}
