//! The lock's file format, and from it to [`Lock`].

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::{MarkerTree, PackageName};
use serde::Deserialize;

use super::{
    Lock, LockError, LockInputs, LockedDependency, LockedPackage, LockedWheel, PackageSource,
    WheelLocation,
};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LockFile {
    lock_version: String,
    #[serde(default)]
    packages: Vec<PackageTable>,
    #[serde(default)]
    tool: ToolTable,
}

#[derive(Default, Deserialize)]
struct ToolTable {
    wadup: Option<LockInputs>,
}

#[derive(Deserialize)]
struct PackageTable {
    name: PackageName,
    version: Option<String>,
    marker: Option<String>,
    dependencies: Option<Vec<DependencyTable>>,
    #[serde(default)]
    wheels: Vec<WheelTable>,
    vcs: Option<toml::Table>,
    directory: Option<toml::Table>,
    archive: Option<toml::Table>,
}

#[derive(Deserialize)]
struct DependencyTable {
    name: PackageName,
}

#[derive(Deserialize)]
struct WheelTable {
    name: Option<String>,
    url: Option<String>,
    path: Option<PathBuf>,
    size: Option<u64>,
    #[serde(default)]
    hashes: HashTable,
}

#[derive(Default, Deserialize)]
struct HashTable {
    sha256: Option<String>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<Lock, LockError> {
    let file: LockFile = toml::from_str(text).map_err(|source| LockError::Toml {
        path: path.to_owned(),
        source,
    })?;
    // PEP 751: a tool may go on with an unknown minor version, not with a major one.
    if file.lock_version.split('.').next() != Some("1") {
        return Err(LockError::Version {
            path: path.to_owned(),
            found: file.lock_version,
        });
    }
    let packages = file.packages.into_iter();
    Ok(Lock {
        packages: packages
            .map(|table| package(path, table))
            .collect::<Result<_, _>>()?,
        inputs: file.tool.wadup,
    })
}

fn package(path: &Path, table: PackageTable) -> Result<LockedPackage, LockError> {
    let invalid = Invalid {
        path,
        package: &table.name,
    };
    let version = table.version.map(|text| invalid.parse("version", &text));
    let marker = match &table.marker {
        None => MarkerTree::TRUE,
        Some(text) => invalid.parse("marker", text)?,
    };
    let source = if table.vcs.is_some() {
        PackageSource::Source("vcs")
    } else if table.directory.is_some() {
        PackageSource::Source("directory")
    } else if table.archive.is_some() {
        PackageSource::Source("archive")
    } else {
        let wheels = table.wheels.into_iter();
        PackageSource::Wheels(
            wheels
                .map(|table| wheel(&invalid, table))
                .collect::<Result<_, _>>()?,
        )
    };
    let dependency = |table: DependencyTable| LockedDependency { name: table.name };
    Ok(LockedPackage {
        version: version.transpose()?,
        marker,
        dependencies: table
            .dependencies
            .map(|tables| tables.into_iter().map(dependency).collect()),
        source,
        name: table.name,
    })
}

fn wheel(invalid: &Invalid<'_>, table: WheelTable) -> Result<LockedWheel, LockError> {
    let location = match (table.url, table.path) {
        (_, Some(path)) => WheelLocation::Path(path),
        (Some(url), None) => WheelLocation::Url(url),
        (None, None) => return Err(invalid.error("wheel", "", "it has neither url nor path")),
    };
    let name = match table.name {
        Some(name) => name,
        None => location.file_name().to_owned(),
    };
    let sha256 = table.hashes.sha256.map(|hash| hash.to_ascii_lowercase());
    if let Some(hash) = &sha256
        && (hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(invalid.error("sha256", hash, "64 hexadecimal digits are expected"));
    }
    Ok(LockedWheel {
        filename: invalid.parse("wheel", &name)?,
        location,
        sha256,
        size: table.size,
    })
}

impl WheelLocation {
    /// The last part, without a URL's query and fragment.
    fn file_name(&self) -> &str {
        match self {
            Self::Path(path) => path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or(""),
            Self::Url(url) => {
                let path = url.split(['?', '#']).next().unwrap_or(url);
                path.rsplit('/').next().unwrap_or(path)
            }
        }
    }
}

struct Invalid<'a> {
    path: &'a Path,
    package: &'a PackageName,
}

impl Invalid<'_> {
    fn parse<T>(&self, what: &'static str, text: &str) -> Result<T, LockError>
    where
        T: FromStr,
        T::Err: ToString,
    {
        text.parse()
            .map_err(|error: T::Err| self.error(what, text, &error.to_string()))
    }

    fn error(&self, what: &'static str, value: &str, reason: &str) -> LockError {
        LockError::Value {
            path: self.path.to_owned(),
            package: self.package.clone(),
            what,
            value: value.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
