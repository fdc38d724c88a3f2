//! `*.dist-info` of what is packed, so that `importlib.metadata` answers.
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>

use std::fmt::Write as _;

use wadup_project::{PackageName, Project};
use wadup_protocol::bundle::APP_DIR;

use crate::tree::Tree;
use crate::wheel::record_line;

/// Writes RECORD and INSTALLER into the `*.dist-info` below `root`, if there is one: what is
/// packed differs from what the wheel lists, bytecode taking the place of sources.
pub(crate) fn record(tree: &mut Tree, root: &str) {
    let prefix = format!("{root}/");
    let dist_info = tree.iter().find_map(|(path, _)| {
        let folder = path.strip_prefix(&prefix)?.split('/').next()?;
        folder.ends_with(".dist-info").then(|| folder.to_owned())
    });
    let Some(dist_info) = dist_info else {
        return;
    };
    tree.insert(
        format!("{prefix}{dist_info}/INSTALLER"),
        b"wadup\n".to_vec(),
    );
    let own = format!("{dist_info}/RECORD");
    let mut record = String::new();
    for (path, content) in tree.iter() {
        match path.strip_prefix(&prefix) {
            Some(path) if path != own => record.push_str(&record_line(path, content)),
            _ => {}
        }
    }
    let _ = writeln!(record, "{own},,");
    tree.insert(format!("{prefix}{own}"), record.into_bytes());
}

/// The name of our own package.
pub(crate) fn wadup() -> PackageName {
    match "wadup".parse() {
        Ok(name) => name,
        Err(error) => unreachable!("it is a valid name: {error}"),
    }
}

/// The project's own metadata: the project itself is never built by its backend.
pub(crate) fn of_project(project: &Project) -> Tree {
    let mut metadata = format!(
        "Metadata-Version: 2.1\nName: {}\nVersion: {}\n",
        project.name, project.version
    );
    if let Some(requires) = &project.requires_python {
        let _ = writeln!(metadata, "Requires-Python: {requires}");
    }
    for dependency in &project.dependencies {
        let _ = writeln!(metadata, "Requires-Dist: {}", dependency.requirement);
    }
    let folder = format!(
        "{}-{}.dist-info",
        project.name.as_dist_info_name(),
        project.version
    );
    let mut tree = Tree::default();
    tree.insert(
        format!("{APP_DIR}/{folder}/METADATA"),
        metadata.into_bytes(),
    );
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_recorded() {
        let mut tree = Tree::default();
        tree.insert("/s/a/__init__.pyc".into(), b"code".to_vec());
        tree.insert("/s/a-1.dist-info/METADATA".into(), b"Name: a\n".to_vec());
        record(&mut tree, "/s");
        let text = |path: &str| {
            let (_, content) = tree.iter().find(|(p, _)| *p == path).unwrap();
            String::from_utf8_lossy(content).into_owned()
        };
        insta::assert_snapshot!(text("/s/a-1.dist-info/RECORD"));
        assert_eq!(text("/s/a-1.dist-info/INSTALLER"), "wadup\n");
    }

    #[test]
    fn a_tree_without_metadata_stays_as_it_is() {
        let mut tree = Tree::default();
        tree.insert("/s/a.py".into(), Vec::new());
        let before = tree.clone();
        record(&mut tree, "/s");
        assert_eq!(tree, before);
    }
}
