//! Files of Debian's archives, fetched with apt's own downloader from wherever
//! apt is configured to look. This needs neither root nor `apt-get update`.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

use super::{FetchError, Fetcher, not_started};
use crate::command::{CommandError, network, output_of};
use crate::recipes::Source;
use crate::requirements::WITHOUT_DEBIAN;

/// apt's downloader; it is not on `PATH`.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

impl Fetcher<'_> {
    /// Brings the file `path` of Debian's archives into `folder`.
    pub(super) fn fetch_debian(
        &self,
        source: &Source,
        path: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        if !is_for(&source.file, ARCH) {
            return Err(FetchError::WrongMachine {
                file: source.file.clone(),
                machine: ARCH,
            });
        }
        let missing = || FetchError::MissingProgram {
            file: source.file.clone(),
            program: "apt-get",
            hint: WITHOUT_DEBIAN,
        };
        let file = folder.join(&source.file);
        let mut tried = Vec::new();
        let mut last: Option<CommandError> = None;
        for base in self.apt_bases().map_err(|error| match error {
            error if not_started(&error) => missing(),
            error => error.into(),
        })? {
            let uri = format!("{}/{}", base.trim_end_matches('/'), path);
            let mut helper = network(APT_HELPER);
            helper.arg("download-file").arg(&uri).arg(&file);
            match output_of(&mut helper) {
                Ok(_) => return Ok((file, uri)),
                Err(error) => {
                    tried.push(uri);
                    last = Some(error);
                }
            }
        }
        let Some(last) = last else {
            return Err(missing());
        };
        Err(FetchError::NotFound {
            file: source.file.clone(),
            tried,
            source: last.into(),
        })
    }

    /// The base URIs that apt is configured with.
    fn apt_bases(&self) -> Result<&[String], CommandError> {
        if self.apt_bases.get().is_none() {
            let mut apt = network("apt-get");
            apt.args(["indextargets", "--format", "$(REPO_URI)"]);
            let _ = self.apt_bases.set(unique_lines(&output_of(&mut apt)?));
        }
        Ok(self.apt_bases.get().map_or(&[], Vec::as_slice))
    }
}

/// Whether a Debian package, whose name says what machine it is for, runs on a
/// machine that Rust calls `arch`.
fn is_for(file: &str, arch: &str) -> bool {
    let Some(name) = file.strip_suffix(".deb") else {
        return true;
    };
    match name.rsplit('_').next() {
        Some("all") => true,
        Some("amd64") => arch == "x86_64",
        Some("arm64") => arch == "aarch64",
        _ => false,
    }
}

fn unique_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !lines.iter().any(|known| known == line) {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_for_one_machine_or_for_all() {
        assert!(is_for("lld-19_19.1.7-3_amd64.deb", "x86_64"));
        assert!(!is_for("lld-19_19.1.7-3_amd64.deb", "aarch64"));
        assert!(is_for("wasi-libc_0.0_all.deb", "aarch64"));
        assert!(is_for("python3.13_3.13.5.orig.tar.xz", "aarch64"));
    }

    #[test]
    fn base_uris_are_tried_once_each_in_order() {
        let text = "http://b/debian/\nhttp://a/debian/\nhttp://b/debian/\n\n";
        assert_eq!(unique_lines(text), ["http://b/debian/", "http://a/debian/"]);
    }
}
