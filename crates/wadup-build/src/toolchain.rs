//! wadup's own toolchain, as a build sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use thiserror::Error;
use wadup_project::{PackageName, Version};
use wadup_toolchain::{Downloader, MissingStep, Sha256, Toolchain, derived};

use crate::cache::Scratch;
use crate::tools::{Download, ExtensionRecipe, GuestFile, Provided, Runtime, ToolError, Tools};

/// A [`Toolchain`], with its recipes in the types of a build.
#[derive(Debug)]
pub struct ToolchainTools<'t> {
    toolchain: &'t Toolchain,
    python: Version,
    extensions: Vec<ExtensionRecipe>,
    guest_python: Vec<GuestFile>,
}

/// A recipe has a name, version or requirement that is none: a defect of wadup.
#[derive(Debug, Error)]
#[error("`{text}` in a recipe cannot be read: {reason}")]
pub struct RecipeTextError {
    pub text: String,
    pub reason: String,
}

/// A file is wanted that only the network has.
#[derive(Debug, Error)]
#[error("`{0}` is not in the cache, and this run is offline")]
struct Offline(String);

impl<'t> ToolchainTools<'t> {
    /// # Errors
    ///
    /// When a recipe's text cannot be read.
    pub fn new(toolchain: &'t Toolchain) -> Result<Self, RecipeTextError> {
        let recipes = toolchain.recipes();
        let extensions = recipes.extensions().iter().map(extension);
        let file = |(path, content): (&str, &[u8])| (path.to_owned(), content.to_vec());
        Ok(Self {
            toolchain,
            python: parse(recipes.python_version())?,
            extensions: extensions.collect::<Result<_, _>>()?,
            guest_python: wadup_toolchain::guest_python().map(file).collect(),
        })
    }
}

impl Tools for ToolchainTools<'_> {
    fn python(&self) -> &Version {
        &self.python
    }

    fn extensions(&self) -> &[ExtensionRecipe] {
        &self.extensions
    }

    fn cache_dir(&self) -> &Path {
        self.toolchain.cache_dir()
    }

    fn uv_version(&self) -> &str {
        self.toolchain.recipes().uv_version()
    }

    fn uv(&self, _offline: bool) -> Result<Command, ToolError> {
        Ok(self.toolchain.uv()?.command())
    }

    fn native_python(&self) -> Result<PathBuf, ToolError> {
        Ok(self.toolchain.native_python()?.program)
    }

    fn fetch(&self, download: &Download, offline: bool) -> Result<PathBuf, ToolError> {
        let folder = self.cache_dir().join(derived::WHEELS);
        let place = folder.join(&download.sha256);
        let digest: Sha256 = download.sha256.parse()?;
        // One that has changed is fetched again.
        if Sha256::of_file(&place).is_ok_and(|found| found == digest) {
            return Ok(place);
        }
        if offline || self.toolchain.looks_only() {
            return Err(Offline(download.url.clone()).into());
        }
        // Beside its place first: another wadup may want the same file at the same time.
        let scratch = Scratch::new(&folder)?;
        let file = scratch.path().join("wheel");
        Downloader::from_env()?.download(&download.url, digest, &file)?;
        fs::rename(&file, &place)?;
        Ok(place)
    }

    fn guest_python(&self) -> &[GuestFile] {
        &self.guest_python
    }

    fn missing_steps(&self, extensions: &[PackageName]) -> Result<Vec<MissingStep>, ToolError> {
        Ok(self.toolchain.missing_steps(extensions)?)
    }

    fn runtime(&self, extensions: &[PackageName], _offline: bool) -> Result<Runtime, ToolError> {
        let runtime = self.toolchain.runtime(extensions)?;
        let packages = runtime.site_packages.into_iter();
        Ok(Runtime {
            digest: runtime.digest,
            wasm: runtime.wasm,
            stdlib: vec![runtime.stdlib],
            site_packages: packages.map(|package| package.path).collect(),
        })
    }
}

fn extension(
    recipe: &wadup_toolchain::ExtensionRecipe,
) -> Result<ExtensionRecipe, RecipeTextError> {
    let provides = recipe.provides.iter().map(|provision| {
        let requirements = provision.requirements.iter().map(|text| parse(text));
        Ok(Provided {
            name: parse(&provision.name)?,
            requirements: requirements.collect::<Result<_, _>>()?,
        })
    });
    Ok(ExtensionRecipe {
        name: parse(&recipe.name)?,
        version: parse(&recipe.version)?,
        older_are_pure: recipe.older_are_pure,
        provides: provides.collect::<Result<_, _>>()?,
    })
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, RecipeTextError> {
    text.parse().map_err(|error: T::Err| RecipeTextError {
        text: text.to_owned(),
        reason: error.to_string(),
    })
}
