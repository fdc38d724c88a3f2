//! The metadata of an installed package, beyond what its sdist brings: `WHEEL`
//! and `RECORD`.
//! Format: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::files::write_file;
use crate::step::ActionError;

/// The `.dist-info` folder of a package.
pub(crate) struct DistInfo<'a> {
    site_packages: &'a Path,
    folder: PathBuf,
}

impl<'a> DistInfo<'a> {
    /// The metadata of the package `name` in `site_packages`.
    pub(crate) fn new(site_packages: &'a Path, name: &str, version: &str) -> Self {
        let folder = format!("{}-{version}.dist-info", name.replace('-', "_"));
        Self {
            site_packages,
            folder: site_packages.join(folder),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes `WHEEL`, then `RECORD` with all files of site-packages.
    /// `python_series` is `MAJOR.MINOR`.
    pub(crate) fn complete(&self, python_series: &str) -> Result<(), ActionError> {
        let python = format!("cp{}", python_series.replace('.', ""));
        let wheel = format!(
            "Wheel-Version: 1.0\nGenerator: wadup\nRoot-Is-Purelib: false\n\
             Tag: {python}-{python}-wasi_wasm32\n"
        );
        write_file(&self.folder.join("WHEEL"), wheel)?;
        let record = self.record();
        let record = record.map_err(ActionError::file("list", self.site_packages))?;
        write_file(&self.folder.join("RECORD"), record)
    }

    fn record(&self) -> io::Result<String> {
        let mut files = Vec::new();
        list(self.site_packages, &mut files)?;
        files.sort();
        let name = |path: &Path| -> String {
            let path = path.strip_prefix(self.site_packages).unwrap_or(path);
            path.to_string_lossy().into_owned()
        };
        let mut text = String::new();
        for path in files {
            let content = fs::read(&path)?;
            let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&content));
            // Writing to a string does not fail.
            let _ = writeln!(text, "{},sha256={digest},{}", name(&path), content.len());
        }
        let _ = writeln!(text, "{},,", name(&self.folder.join("RECORD")));
        Ok(text)
    }
}

/// The content of `entry_points.txt` for a `pyproject.toml`; empty where it declares none.
/// Formats: <https://packaging.python.org/en/latest/specifications/entry-points/>,
/// <https://packaging.python.org/en/latest/specifications/pyproject-toml/#entry-points>.
pub(crate) fn entry_points(pyproject: &str) -> Result<String, toml::de::Error> {
    type Group = BTreeMap<String, String>;

    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        project: Project,
    }

    #[derive(Default, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Project {
        #[serde(default)]
        scripts: Group,
        #[serde(default)]
        gui_scripts: Group,
        #[serde(default)]
        entry_points: BTreeMap<String, Group>,
    }

    let Document { project } = toml::from_str(pyproject)?;
    let mut groups = project.entry_points;
    groups.insert("console_scripts".to_owned(), project.scripts);
    groups.insert("gui_scripts".to_owned(), project.gui_scripts);
    let mut text = String::new();
    for (name, group) in groups.iter().filter(|(_, group)| !group.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "[{name}]");
        for (name, object) in group {
            let _ = writeln!(text, "{name} = {object}");
        }
    }
    Ok(text)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_are_those_of_pyproject() {
        let pyproject = "[project.scripts]\nrun = \"a.cli:main\"\n\
                         [project.entry-points.pytest11]\na = \"a._plugin\"\n\
                         [tool.other]\nx = 1\n";
        let text = entry_points(pyproject).unwrap();
        assert_eq!(
            text,
            "[console_scripts]\nrun = a.cli:main\n[pytest11]\na = a._plugin\n"
        );
        assert_eq!(entry_points("[build-system]\nrequires = []").unwrap(), "");
    }

    #[test]
    fn a_record_lists_all_files_with_their_digests() {
        let folder = tempfile::tempdir().unwrap();
        let dist_info = DistInfo::new(folder.path(), "a-b", "1");
        write_file(&folder.path().join("a_b/__init__.py"), "").unwrap();
        write_file(&dist_info.folder().join("METADATA"), "Name: a-b\n").unwrap();
        dist_info.complete("3.13").unwrap();
        let read = |name: &str| fs::read_to_string(dist_info.folder().join(name)).unwrap();
        assert!(read("WHEEL").ends_with("\nTag: cp313-cp313-wasi_wasm32\n"));
        let record = read("RECORD");
        let lines: Vec<_> = record.lines().collect();
        let empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert!(
            lines[0].starts_with(&format!("a_b/__init__.py,sha256={empty},0")),
            "{record}"
        );
        assert_eq!(lines[3], "a_b-1.dist-info/RECORD,,");
        assert_eq!(lines.len(), 4);
    }
}
