//! Crates, fetched by cargo from the registry that it is configured with.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FetchError, Fetcher, not_started, write};
use crate::cache::CacheError;
use crate::command::output_of;
use crate::recipes::Source;

impl Fetcher<'_> {
    /// Has cargo fetch a crate, and copies its `.crate` file into `folder`.
    pub(super) fn fetch_crate(
        &self,
        source: &Source,
        version: &str,
        folder: &Path,
    ) -> Result<(PathBuf, String), FetchError> {
        let name = &source.name;
        // Cargo compares versions without their build metadata.
        let pin = version.split('+').next().unwrap_or(version);
        let manifest = format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
             [dependencies]\n{name} = \"={pin}\"\n[workspace]\n"
        );
        write(&folder.join("Cargo.toml"), manifest)?;
        write(&folder.join("src/lib.rs"), "")?;
        let mut cargo = self.cargo();
        cargo.arg("fetch").current_dir(folder);
        output_of(&mut cargo).map_err(|error| match error {
            error if not_started(&error) => FetchError::MissingProgram {
                file: source.file.clone(),
                program: "cargo",
                hint: "install Rust with rustup",
            },
            error => FetchError::NotFound {
                file: source.file.clone(),
                tried: vec!["cargo's registry".to_owned()],
                source: error.into(),
            },
        })?;
        let found = find(&cargo_home(), &source.file).ok_or_else(|| FetchError::NotFound {
            file: source.file.clone(),
            tried: vec!["cargo's registry".to_owned()],
            source: "cargo fetched it, but it is not in CARGO_HOME/registry/cache".into(),
        })?;
        let copy = folder.join(&source.file);
        fs::copy(&found, &copy).map_err(CacheError::new("copy", &found))?;
        Ok((copy, "cargo's registry".to_owned()))
    }
}

/// Finds a `.crate` file in cargo's download cache, whichever registry it is of.
fn find(cargo_home: &Path, file: &str) -> Option<PathBuf> {
    let registries = cargo_home.join("registry/cache").read_dir().ok()?;
    registries
        .flatten()
        .map(|registry| registry.path().join(file))
        .find(|path| path.is_file())
}

fn cargo_home() -> PathBuf {
    match std::env::var_os("CARGO_HOME") {
        Some(home) if !home.is_empty() => PathBuf::from(home),
        _ => std::env::home_dir().unwrap_or_default().join(".cargo"),
    }
}
