//! A native Python package from its unmodified sdist: one isolated object,
//! `extension.o`, and `site-packages/` with its Python half and its metadata.

use std::path::Path;

use super::rust::{StaticLibrary, isolate};
use super::{C_TOOLCHAIN, RUST_TOOLCHAIN, UV, json};
use crate::digest::KeyBuilder;
use crate::dist_info::DistInfo;
use crate::files::{copy_file, copy_tree};
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::{ExtensionRecipe, Recipes};
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(recipes: &Recipes, extension: &ExtensionRecipe, host: &Host) -> StepPlan {
    let action = Extension {
        name: extension.name.clone(),
        recipe: json(&(extension, &recipes.pyo3)),
        cargo: host.cargo_version.clone(),
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
}

impl Action for Extension {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("cargo", &self.cargo);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let recipe = bench.recipes.extension(&self.name);
        let recipe = recipe.ok_or_else(|| ActionError::unexpected("the recipe is gone"))?;
        let sdist = bench.source(&recipe.source)?;
        let tree = bench.work().join("sdist");
        unpack::tar_gz(&sdist, &tree).map_err(ActionError::file("unpack", &sdist))?;

        let manifest = tree.join(&recipe.rust.manifest);
        let library = StaticLibrary {
            workspace: manifest.parent().unwrap_or(&tree),
            manifest: &manifest,
            features: &recipe.rust.features,
            library: &recipe.rust.library,
        };
        let library = library.build(bench)?;
        let keep: Vec<&str> = recipe.modules.iter().map(|module| &*module.init).collect();
        isolate(bench, &library, &keep, &bench.out().join(OBJECT))?;
        lay_out_python(recipe, &bench.recipes.cpython.series, &tree, &bench.out())
    }
}

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
    dist_info.complete(python_series)
}

fn is_shipped(path: &Path) -> bool {
    let is = |extension: &str| path.extension().is_some_and(|it| it == extension);
    !path.ends_with("__pycache__") && !is("so") && !is("pyd")
}
