//! Files of Debian's archives, fetched with apt's own downloader from wherever
//! apt is configured to look. This needs neither root nor `apt-get update`.

use std::path::{Path, PathBuf};

use super::{FetchError, Fetcher, not_started};
use crate::command::{CommandError, network, output_of};
use crate::recipes::Source;

/// apt's downloader; it is not on `PATH`.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

const NO_APT: &str = "this is no Debian: set WASI_SDK_PATH to a WASI SDK, and run \
                      `rustup target add wasm32-wasip1`";

impl Fetcher<'_> {
    /// Brings the file `path` of Debian's archives into `folder`.
    pub(super) fn fetch_debian(
        &self,
        source: &Source,
        path: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        let missing = || FetchError::MissingProgram {
            file: source.file.clone(),
            program: "apt-get",
            hint: NO_APT,
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
    fn base_uris_are_tried_once_each_in_order() {
        let text = "http://b/debian/\nhttp://a/debian/\nhttp://b/debian/\n\n";
        assert_eq!(unique_lines(text), ["http://b/debian/", "http://a/debian/"]);
    }
}
