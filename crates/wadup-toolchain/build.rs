//! Embeds the recipes and the guest's sources, so that an installed `wadup`
//! needs no checkout.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files of the repository, relative to its root.
const EMBEDDED: [&str; 5] = [
    "Cargo.toml",
    "crates/wadup-protocol",
    "guest/python",
    "guest/runtime",
    "recipes",
];

/// Names that are never part of the sources.
const SKIPPED: [&str; 3] = ["target", "__pycache__", ".git"];

fn main() {
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = package.ancestors().nth(2).expect("crates/wadup-toolchain");
    let mut files = Vec::new();
    for name in EMBEDDED {
        collect(&root.join(name), &mut files);
    }
    // As text, which is how they are searched; paths compare by component.
    files.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));

    let mut code = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(root).expect("below the root");
        let name = name.to_str().expect("a name in the repository is UTF-8");
        let path = file.to_str().expect("cargo needs a UTF-8 path");
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").expect("a string");
    }
    code.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), code).expect("OUT_DIR is writable");
}

/// Lists the files below `path`, and has cargo watch every folder on the way.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", path.display());
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
        if !skipped {
            collect(&entry.path(), files);
        }
    }
}
