//! CPython's sources, unpacked and patched.

use std::fs;

use super::{CPYTHON_SOURCE, NONE, json};
use crate::digest::KeyBuilder;
use crate::graph::{StepPlan, describe_recipe_files};
use crate::patch;
use crate::recipes::Recipes;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(recipes: &Recipes) -> StepPlan {
    let recipe = &recipes.cpython;
    let action = CpythonSource {
        source: recipe.source.clone(),
        patches: recipe.patches.clone(),
    };
    super::plan(CPYTHON_SOURCE, NONE, [&recipe.source], action)
}

#[derive(Debug, serde::Serialize)]
struct CpythonSource {
    source: String,
    patches: Vec<String>,
}

impl Action for CpythonSource {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", json(self));
        describe_recipe_files(key, &self.patches);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let archive = bench.source(&self.source)?;
        let tree = bench.out().join("tree");
        unpack::tar_xz(&archive, &tree).map_err(ActionError::file("unpack", &archive))?;
        // The suites are two thirds of the files, and are not built.
        let tests = tree.join("Lib/test");
        fs::remove_dir_all(&tests).map_err(ActionError::file("remove", &tests))?;
        for patch in &self.patches {
            patch::apply(&tree, patch)?;
            bench.note(&format!("applied {patch}"));
        }
        Ok(())
    }
}
