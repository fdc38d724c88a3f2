//! `sources.toml`: every file that is downloaded.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Sha256;

/// One pinned file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The name that recipes use.
    pub(crate) name: String,
    /// The file's own name.
    pub(crate) file: String,
    /// The digest that its content must have.
    pub(crate) sha256: Sha256,
    pub(crate) kind: SourceKind,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// A file below the base URIs of apt's archives.
    Debian { path: String },
    /// A file that Debian's archives have, and its home.
    Archive { path: String, url: String },
    /// A crate of cargo's registry.
    Crate { version: String },
    /// A file of the Python index.
    Pypi { package: String, version: String },
}

/// The pinned files, by name.
#[derive(Debug, Default)]
pub(crate) struct Sources(BTreeMap<String, Source>);

impl Sources {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: SourcesFile = toml::from_str(text)?;
        let mut sources = BTreeMap::new();
        for source in file.into_sources() {
            if let Some(twice) = sources.insert(source.name.clone(), source) {
                let message = format!("the source `{}` is pinned twice", twice.name);
                return Err(serde::de::Error::custom(message));
            }
        }
        Ok(Self(sources))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcesFile {
    #[serde(default)]
    debian: Vec<DebianEntry>,
    #[serde(default)]
    archive: Vec<ArchiveEntry>,
    #[serde(default, rename = "crate")]
    crates: Vec<CrateEntry>,
    #[serde(default)]
    pypi: Vec<PypiEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DebianEntry {
    name: String,
    path: String,
    sha256: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveEntry {
    name: String,
    path: String,
    url: String,
    sha256: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CrateEntry {
    name: String,
    version: String,
    sha256: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PypiEntry {
    name: String,
    version: String,
    file: String,
    sha256: Sha256,
}

impl SourcesFile {
    fn into_sources(self) -> impl Iterator<Item = Source> {
        let debian = self.debian.into_iter().map(|entry| Source {
            name: entry.name,
            file: file_name(&entry.path),
            sha256: entry.sha256,
            kind: SourceKind::Debian { path: entry.path },
        });
        let archives = self.archive.into_iter().map(|entry| Source {
            name: entry.name,
            file: file_name(&entry.path),
            sha256: entry.sha256,
            kind: SourceKind::Archive {
                path: entry.path,
                url: entry.url,
            },
        });
        let crates = self.crates.into_iter().map(|entry| Source {
            file: format!("{}-{}.crate", entry.name, entry.version),
            name: entry.name,
            sha256: entry.sha256,
            kind: SourceKind::Crate {
                version: entry.version,
            },
        });
        let pypi = self.pypi.into_iter().map(|entry| Source {
            name: entry.file.clone(),
            file: entry.file,
            sha256: entry.sha256,
            kind: SourceKind::Pypi {
                package: entry.name,
                version: entry.version,
            },
        });
        debian.chain(archives).chain(crates).chain(pypi)
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn a_source_is_found_by_name() {
        let text =
            format!("[[crate]]\nname = \"libz-sys\"\nversion = \"1.1.31\"\nsha256 = \"{ZEROS}\"");
        let sources = Sources::parse(&text).unwrap();
        assert_eq!(
            sources.get("libz-sys").unwrap().file,
            "libz-sys-1.1.31.crate"
        );
    }

    #[test]
    fn a_source_pinned_twice_is_refused() {
        let entry =
            format!("[[debian]]\nname = \"a\"\npath = \"pool/a.deb\"\nsha256 = \"{ZEROS}\"\n");
        let error = Sources::parse(&entry.repeat(2)).unwrap_err();
        assert!(
            error.to_string().contains("the source `a` is pinned twice"),
            "{error}"
        );
    }

    #[test]
    fn a_digest_must_be_one() {
        let error =
            Sources::parse("[[debian]]\nname = \"a\"\npath = \"b\"\nsha256 = \"12\"").unwrap_err();
        assert!(
            error.to_string().contains("`12` is not a SHA-256 digest"),
            "{error}"
        );
    }
}
