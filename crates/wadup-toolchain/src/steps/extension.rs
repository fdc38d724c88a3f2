//! A native Python package from its unmodified sdist: one isolated object,
//! `extension.o`, and `site-packages/` with its Python half and its metadata.

use std::fs;
use std::io;
use std::path::Path;

use super::profile::Profile;
use super::rust::{StaticLibrary, isolate, link_whole};
use super::{C_TOOLCHAIN, RUST_TOOLCHAIN, UV, json};
use crate::digest::KeyBuilder;
use crate::dist_info::{DistInfo, entry_points};
use crate::files::{copy_file, copy_tree, write_file};
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::{ExtensionRecipe, Recipes};
use crate::settings::Profiling;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(
    recipes: &Recipes,
    extension: &ExtensionRecipe,
    host: &Host,
    profiling: Profiling,
) -> StepPlan {
    let action = Extension {
        name: extension.name.clone(),
        recipe: json(&(extension, &recipes.pyo3)),
        cargo: host.cargo_version.clone(),
        profile: Profile::new(extension.rust.profile.as_ref(), profiling),
    };
    let needs = [C_TOOLCHAIN, RUST_TOOLCHAIN];
    StepPlan {
        tools: vec![UV.to_owned()],
        ..super::plan(step_name(extension), needs, [&extension.source], action)
    }
}

/// The name of an extension's step.
pub(super) fn step_name(extension: &ExtensionRecipe) -> String {
    format!("extension-{}", extension.name)
}

/// The object in an extension's result.
pub(super) const OBJECT: &str = "extension.o";

#[derive(Debug)]
struct Extension {
    name: String,
    recipe: Vec<u8>,
    cargo: String,
    profile: Profile,
}

impl Action for Extension {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("cargo", &self.cargo);
        self.profile.describe(key);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let recipe = bench.recipes.extension(&self.name);
        let recipe = recipe.ok_or_else(|| ActionError::unexpected("the recipe is gone"))?;
        let sdist = bench.source(&recipe.source)?;
        let tree = bench.work().join(NO_WORKSPACE_ABOVE).join("sdist");
        unpack::tar_gz(&sdist, &tree).map_err(ActionError::file("unpack", &sdist))?;

        let manifest = tree.join(&recipe.rust.manifest);
        let library = StaticLibrary {
            workspace: manifest.parent().unwrap_or(&tree),
            manifest: &manifest,
            features: &recipe.rust.features,
            library: &recipe.rust.library,
            profile: Some(&self.profile),
        };
        let library = library.build(bench)?;
        let keep: Vec<&str> = recipe.modules.iter().map(|module| &*module.init).collect();
        let object = bench.out().join(OBJECT);
        if self.profile.collects() {
            // It shares symbols of the profile runtime with CPython. The guest's object is
            // isolated, so that one extension in Rust can do without.
            link_whole(bench, &library, &object)?;
        } else {
            isolate(bench, &library, &keep, &object)?;
        }
        lay_out_python(recipe, &bench.recipes.cpython.series, &tree, &bench.out())
    }
}

/// cargo looks for a workspace above a package, and would refuse one that lies in a cache
/// inside of somebody's checkout. It does not look beyond a folder of this name, which is
/// where it verifies packages itself. (An empty `[workspace]` in the package's manifest
/// would do as well, but the sdist stays unmodified.)
const NO_WORKSPACE_ABOVE: &str = "unpacked/target/package";

/// Lays out the Python half as an installer would.
fn lay_out_python(
    recipe: &ExtensionRecipe,
    python_series: &str,
    sdist: &Path,
    out: &Path,
) -> Result<(), ActionError> {
    let site_packages = out.join("site-packages");
    let root = sdist.join(&recipe.python.root);
    for package in &recipe.python.packages {
        copy_tree(
            &root.join(package),
            &site_packages.join(package),
            is_shipped,
        )?;
    }
    for (place, file) in &recipe.python.files {
        copy_file(&sdist.join(file), &site_packages.join(place))?;
    }
    for (place, content) in &recipe.python.written {
        write_file(&site_packages.join(place), content)?;
    }
    let dist_info = DistInfo::new(&site_packages, &recipe.name, &recipe.version);
    for license in &recipe.python.licenses {
        copy_file(
            &sdist.join(license),
            &dist_info.folder().join("licenses").join(license),
        )?;
    }
    copy_file(
        &sdist.join("PKG-INFO"),
        &dist_info.folder().join("METADATA"),
    )?;
    let pyproject = sdist.join("pyproject.toml");
    let text = fs::read_to_string(&pyproject).map_err(ActionError::file("read", &pyproject))?;
    let entry_points = entry_points(&text)
        .map_err(|error| ActionError::file("parse", &pyproject)(io::Error::other(error)))?;
    if !entry_points.is_empty() {
        write_file(&dist_info.folder().join("entry_points.txt"), entry_points)?;
    }
    dist_info.complete(python_series)
}

fn is_shipped(path: &Path) -> bool {
    let is = |extension: &str| path.extension().is_some_and(|it| it == extension);
    !path.ends_with("__pycache__") && !is("so") && !is("pyd")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_cache_inside_of_a_cargo_workspace_does_not_claim_an_sdist() {
        let checkout = tempfile::tempdir().unwrap();
        fs::write(checkout.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        let sdist = checkout
            .path()
            .join("cache")
            .join(NO_WORKSPACE_ABOVE)
            .join("sdist");
        fs::create_dir_all(sdist.join("src")).unwrap();
        fs::write(sdist.join("src/lib.rs"), "").unwrap();
        let manifest = sdist.join("Cargo.toml");
        fs::write(
            &manifest,
            "[package]\nname = \"extension\"\nedition = \"2024\"\n",
        )
        .unwrap();
        let located = Command::new(env!("CARGO"))
            .args(["locate-project", "--workspace", "--message-format=plain"])
            .current_dir(&sdist)
            .output()
            .unwrap();
        let located = String::from_utf8(located.stdout).unwrap();
        let located = fs::canonicalize(located.trim_end()).unwrap();
        assert_eq!(located, fs::canonicalize(manifest).unwrap());
    }
}
