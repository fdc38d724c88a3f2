//! What comes with the runtime, and the packages: trees in `/lib/python3.13`.

use std::path::Path;

use wadup_project::PackageName;
use wadup_protocol::bundle::{SITE_PACKAGES_DIR, STDLIB_DIR};

use crate::dist_info;
use crate::tools::{GuestFile, Runtime};
use crate::tree::{ReadError, Tree};
use crate::wheel::Metadata;

/// A package that comes with the runtime.
#[derive(Debug)]
pub(crate) struct RuntimePackage {
    pub(crate) name: PackageName,
    pub(crate) version: String,
    pub(crate) tree: Tree,
}

/// The standard library, as sources.
pub(crate) fn standard_library(runtime: &Runtime) -> Result<Tree, ReadError> {
    let mut tree = Tree::default();
    for folder in &runtime.stdlib {
        for (path, content) in Tree::read(folder, STDLIB_DIR)?.into_files() {
            tree.insert(path, content);
        }
    }
    Ok(tree)
}

/// The runtime's packages, as sources. `whole`: with what is for outside of the sandbox.
pub(crate) fn packages(
    runtime: &Runtime,
    guest_python: &[GuestFile],
    whole: bool,
) -> Result<Vec<RuntimePackage>, ReadError> {
    let folders = runtime.site_packages.iter();
    let mut packages = folders
        .map(|folder| runtime_package(folder))
        .collect::<Result<Vec<_>, _>>()?;
    packages.push(wadup_package(guest_python, whole));
    for package in &mut packages {
        // For type checkers; these packages do not read their own.
        package.tree.retain(|path| !path.ends_with(".pyi"));
    }
    Ok(packages)
}

/// Files of the package `wadup` that are in the sandbox's place where there is none.
const OUTSIDE_OF_THE_SANDBOX: [&str; 3] =
    ["wadup/__main__.py", "wadup/_native.py", "wadup/local.py"];

/// The package `wadup`, which is of this very version.
fn wadup_package(guest_python: &[GuestFile], whole: bool) -> RuntimePackage {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let metadata = format!("Metadata-Version: 2.1\nName: wadup\nVersion: {VERSION}\n");
    let is_packed = |path: &str| {
        path.starts_with("wadup/") && (whole || !OUTSIDE_OF_THE_SANDBOX.contains(&path))
    };
    let files = guest_python.iter().filter(|(path, _)| is_packed(path));
    let files = files.cloned();
    let dist_info = format!("wadup-{VERSION}.dist-info/METADATA");
    RuntimePackage {
        name: dist_info::wadup(),
        version: VERSION.to_owned(),
        tree: installed(files.chain([(dist_info, metadata.into_bytes())])),
    }
}

/// A package in a folder of its own, whose `*.dist-info` says what it is.
fn runtime_package(folder: &Path) -> Result<RuntimePackage, ReadError> {
    let tree = Tree::read(folder, SITE_PACKAGES_DIR)?;
    let metadata = tree.iter().find_map(|(path, content)| {
        let is_metadata = path.ends_with(".dist-info/METADATA");
        is_metadata.then(|| Metadata::parse(&String::from_utf8_lossy(content)))
    });
    match metadata {
        Some(Ok(metadata)) => Ok(RuntimePackage {
            name: metadata.name,
            version: metadata.version.to_string(),
            tree,
        }),
        _ => Err(ReadError {
            path: folder.to_owned(),
            source: std::io::Error::other("it has no METADATA that can be read"),
        }),
    }
}

/// A wheel's files in `site-packages`.
pub(crate) fn installed(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Tree {
    let mut tree = Tree::default();
    for (path, content) in files {
        tree.insert(format!("{SITE_PACKAGES_DIR}/{path}"), content);
    }
    tree
}

/// The package as it is packed in the end.
pub(crate) fn recorded(mut tree: Tree) -> Tree {
    dist_info::record(&mut tree, SITE_PACKAGES_DIR);
    tree
}
