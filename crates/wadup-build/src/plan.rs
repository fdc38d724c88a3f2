//! What a build is going to do: every input by its digest, and nothing else.

use std::fmt;

use wadup_project::{PackageName, Project, Version};
use wadup_protocol::bundle::Boot;
use wadup_protocol::manifest::Start;

use crate::digest::{Digest, Hasher};
use crate::product::Product;
use crate::resolve::{Chosen, PackageOrigin, Selection};
use crate::settings::BuildSettings;
use crate::tools::{GuestFile, Runtime};

/// Counts up with every change of what the same inputs are made into.
const BUILD_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-4");

/// The inputs of an artifact. Two builds with equal plans make equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPlan {
    pub name: PackageName,
    pub version: Version,
    /// Digest of the runtime.
    pub runtime: String,
    /// The Python package `wadup`.
    pub guest_python: Digest,
    /// Ordered by name.
    pub packages: Vec<PlannedPackage>,
    /// The project's files, ordered by path, which is relative to `sys.path`.
    pub sources: Vec<(String, Digest)>,
    /// The project's own metadata.
    pub metadata: Digest,
    pub boot: Boot,
    pub precompile: bool,
    /// Bytes that the import may use: code may find out. The time that it may take does not
    /// change what comes of it.
    pub import_memory: u64,
}

/// A package in its one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPackage {
    pub name: PackageName,
    pub version: Version,
    /// The wheel's sha256; none for what the runtime brings.
    pub wheel: Option<String>,
}

impl BuildPlan {
    pub(crate) fn new(
        project: &Project,
        settings: &BuildSettings,
        selection: &Selection,
        (runtime, guest_python): (&Runtime, &[GuestFile]),
        sources: &[(String, Vec<u8>)],
        metadata: Digest,
    ) -> Self {
        let digest = |(path, content): &(String, Vec<u8>)| (path.clone(), Digest::of(content));
        Self {
            name: project.name.clone(),
            version: project.version.clone(),
            runtime: runtime.digest.clone(),
            guest_python: guest_digest(guest_python),
            packages: selection.packages.iter().map(planned).collect(),
            sources: sources.iter().map(digest).collect(),
            metadata,
            boot: Boot {
                entry_point: settings
                    .product
                    .entry_point()
                    .map_or_else(|| project.entry_point.to_string(), str::to_owned),
                start: if project.snapshot || settings.product != Product::Artifact {
                    Start::Snapshot
                } else {
                    Start::Cold
                },
                hash_seed: project.hash_seed,
            },
            precompile: settings.precompile,
            import_memory: settings.import_limits.memory,
        }
    }

    /// Names the artifact.
    pub fn digest(&self) -> Digest {
        let mut hasher = self.hasher("artifact");
        hasher.text(self.name.as_ref());
        hasher.text(&self.version.to_string());
        for package in &self.packages {
            hasher.text(package.name.as_ref());
            hasher.text(&package.version.to_string());
            hasher.text(package.wheel.as_deref().unwrap_or("runtime"));
        }
        self.add_sources(&mut hasher);
        hasher.text(self.metadata.as_str());
        hasher.text(&self.boot.entry_point);
        hasher.text(match self.boot.start {
            Start::Cold => "cold",
            Start::Snapshot => "snapshot",
        });
        hasher.part(&self.boot.hash_seed.to_le_bytes());
        hasher.part(&self.import_memory.to_le_bytes());
        hasher.finish()
    }

    /// Names a part of what comes with the runtime, as it is packed.
    pub(crate) fn library_digest(&self, part: &str) -> Digest {
        self.hasher("library").text(part).finish()
    }

    /// Names a wheel's files, as they are packed.
    pub(crate) fn wheel_digest(&self, sha256: &str) -> Digest {
        self.hasher("wheel").text(sha256).finish()
    }

    /// Names the project's files, as they are packed.
    pub(crate) fn sources_digest(&self) -> Digest {
        let mut hasher = self.hasher("sources");
        self.add_sources(&mut hasher);
        hasher.text(self.metadata.as_str());
        hasher.finish()
    }

    fn hasher(&self, kind: &str) -> Hasher {
        let mut hasher = Hasher::new(kind);
        hasher.text(BUILD_VERSION);
        hasher.text(&self.runtime);
        hasher.text(self.guest_python.as_str());
        hasher.text(if self.precompile {
            "bytecode"
        } else {
            "source"
        });
        hasher
    }

    fn add_sources(&self, hasher: &mut Hasher) {
        hasher.part(&(self.sources.len() as u64).to_le_bytes());
        for (path, digest) in &self.sources {
            hasher.text(path);
            hasher.text(digest.as_str());
        }
    }
}

fn guest_digest(files: &[GuestFile]) -> Digest {
    let mut hasher = Hasher::new("guest python");
    for (path, content) in files {
        hasher.text(path).part(content);
    }
    hasher.finish()
}

pub(crate) fn planned(chosen: &Chosen) -> PlannedPackage {
    PlannedPackage {
        name: chosen.name.clone(),
        version: chosen.version.clone(),
        wheel: match &chosen.origin {
            PackageOrigin::Wheel(wheel) => Some(wheel.sha256.clone()),
            PackageOrigin::Runtime => None,
        },
    }
}

impl fmt::Display for BuildPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "artifact {} {}: {}",
            self.name,
            self.version,
            self.digest()
        )?;
        writeln!(f, "runtime {}", self.runtime)?;
        for package in &self.packages {
            let from = match &package.wheel {
                Some(sha256) => format!("wheel {sha256}"),
                None => "runtime".to_owned(),
            };
            writeln!(f, "package {} {}: {from}", package.name, package.version)?;
        }
        for (path, digest) in &self.sources {
            writeln!(f, "source {path}: {digest}")?;
        }
        let form = if self.precompile {
            "bytecode"
        } else {
            "source"
        };
        write!(
            f,
            "start {:?} at {}, as {form}",
            self.boot.start, self.boot.entry_point
        )
    }
}
