//! The metadata of an installed package, beyond what its sdist brings: `WHEEL`
//! and `RECORD`.
//! Format: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::files::write_file;
use crate::step::ActionError;

/// What the file `WHEEL` says.
const WHEEL: &str = "Wheel-Version: 1.0\nGenerator: wadup\nRoot-Is-Purelib: false\n\
                     Tag: cp313-cp313-wasi_wasm32\n";

/// A `.dist-info` folder that has its `METADATA`.
pub(crate) struct DistInfo<'a> {
    pub(crate) site_packages: &'a Path,
    pub(crate) folder: &'a Path,
}

impl DistInfo<'_> {
    /// Writes `WHEEL`, then `RECORD` with all files of site-packages.
    pub(crate) fn complete(&self) -> Result<(), ActionError> {
        write_file(&self.folder.join("WHEEL"), WHEEL)?;
        let record = self.folder.join("RECORD");
        let lines = self
            .record()
            .map_err(ActionError::file("list", self.site_packages))?;
        write_file(&record, lines)
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
    fn a_record_lists_all_files_with_their_digests() {
        let folder = tempfile::tempdir().unwrap();
        let dist_info = folder.path().join("a-1.dist-info");
        write_file(&folder.path().join("a/__init__.py"), "").unwrap();
        write_file(&dist_info.join("METADATA"), "Name: a\n").unwrap();
        let metadata = DistInfo {
            site_packages: folder.path(),
            folder: &dist_info,
        };
        metadata.complete().unwrap();
        let record = fs::read_to_string(dist_info.join("RECORD")).unwrap();
        let lines: Vec<_> = record.lines().collect();
        let empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert!(
            lines[0].starts_with(&format!("a/__init__.py,sha256={empty},0")),
            "{record}"
        );
        assert_eq!(lines[3], "a-1.dist-info/RECORD,,");
        assert_eq!(lines.len(), 4);
    }
}
