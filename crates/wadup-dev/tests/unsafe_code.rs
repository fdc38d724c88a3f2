//! Where unsafe code is, and that `docs/inside/security.md` says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn unsafe_code_is_where_the_documentation_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeSet::new();
    for path in ["crates", "fuzz"]
        .map(|folder| sources(&root.join(folder)))
        .concat()
    {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let in_tests = name.contains("/tests/") || name.contains("/examples/");
        if !in_tests && fs::read_to_string(&path).unwrap().lines().any(is_unsafe) {
            found.insert(name);
        }
    }
    let document = fs::read_to_string(root.join("docs/inside/security.md")).unwrap();
    let (_, list) = document.split_once("<!-- unsafe -->").unwrap();
    let (list, _) = list.split_once("<!-- /unsafe -->").unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("- `"));
    let listed: BTreeSet<String> = names
        .map(|name| name.trim_end_matches('`').to_owned())
        .collect();
    assert!(!listed.is_empty());
    assert_eq!(found, listed);
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources.extend(self::sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    sources
}

/// The lint cannot be passed over without the first, and some files have it for a whole module.
fn is_unsafe(line: &str) -> bool {
    line.contains("(unsafe_code") || line.contains("unsafe {")
}
