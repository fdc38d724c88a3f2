//! A C library, for one target: `include/` and `lib/libNAME.a`.

use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSetBuilder};

use super::{C_TOOLCHAIN, Target, json};
use crate::digest::KeyBuilder;
use crate::files::copy_tree;
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::{CLibraryRecipe, Recipes};
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(
    recipes: &Recipes,
    library: &CLibraryRecipe,
    target: Target,
    host: &Host,
) -> StepPlan {
    let action = CLibrary {
        name: library.name.clone(),
        recipe: json(&(library, target.flags(library))),
        target,
        flags: flags(recipes, target),
        compiler: match target {
            Target::Native => host.cc.clone(),
            Target::Wasm => String::new(),
        },
    };
    let needs = match target {
        Target::Native => Vec::new(),
        Target::Wasm => vec![C_TOOLCHAIN],
    };
    super::plan(
        step_name(&library.name, target),
        needs,
        [&library.source],
        action,
    )
}

/// The name of a library's step.
pub(super) fn step_name(library: &str, target: Target) -> String {
    format!("{library}-{}", target.name())
}

fn flags(recipes: &Recipes, target: Target) -> Vec<String> {
    match target {
        Target::Wasm => recipes.c_toolchain.flags.clone(),
        // Position independent: shared modules of the native Python link it.
        Target::Native => ["-O3", "-DNDEBUG", "-fPIC"].map(str::to_owned).into(),
    }
}

#[derive(Debug)]
struct CLibrary {
    name: String,
    recipe: Vec<u8>,
    target: Target,
    flags: Vec<String>,
    /// The native compiler's name for itself.
    compiler: String,
}

impl Action for CLibrary {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("target", self.target.name());
        key.list("flags", &self.flags);
        key.field("compiler", &self.compiler);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let recipe = &bench.recipes.c_libraries[&self.name];
        let archive = bench.source(&recipe.source)?;
        let unpacked = bench.work().join("crate");
        unpack::tar_gz(&archive, &unpacked).map_err(ActionError::file("unpack", &archive))?;
        let root = unpacked.join(&recipe.root);
        let objects = self.compile(bench, recipe, &root)?;
        self.archive(bench, recipe, &objects)?;
        install_headers(recipe, &root, &bench.out().join("include"))
    }
}

impl CLibrary {
    fn compile(
        &self,
        bench: &Workbench<'_>,
        recipe: &CLibraryRecipe,
        root: &Path,
    ) -> Result<Vec<PathBuf>, ActionError> {
        let target = self.target.flags(recipe);
        let folder = bench.work().join("objects");
        fs::create_dir(&folder).map_err(ActionError::file("create", &folder))?;
        let mut objects = Vec::new();
        for source in &recipe.sources {
            let object = folder.join(source.replace('/', "-")).with_extension("o");
            let mut cc = self.program(bench, "clang", "cc")?;
            cc.current_dir(root).args(&self.flags);
            cc.args(
                recipe
                    .defines
                    .iter()
                    .chain(&target.defines)
                    .map(|define| format!("-D{define}")),
            );
            cc.arg("-I.");
            cc.args(recipe.include.iter().map(|folder| format!("-I{folder}")));
            cc.arg("-c").arg(source).arg("-o").arg(&object);
            bench.run(&mut cc)?;
            objects.push(object);
        }
        Ok(objects)
    }

    fn archive(
        &self,
        bench: &Workbench<'_>,
        recipe: &CLibraryRecipe,
        objects: &[PathBuf],
    ) -> Result<(), ActionError> {
        let folder = bench.out().join("lib");
        fs::create_dir(&folder).map_err(ActionError::file("create", &folder))?;
        let mut ar = self.program(bench, "llvm-ar", "ar")?;
        ar.arg("rcs")
            .arg(folder.join(&recipe.archive))
            .args(objects);
        bench.run(&mut ar)
    }

    fn program(
        &self,
        bench: &Workbench<'_>,
        wasm: &str,
        native: &str,
    ) -> Result<std::process::Command, ActionError> {
        Ok(match self.target {
            Target::Native => bench.command(native, &[]),
            Target::Wasm => {
                let toolchain = bench.needed(C_TOOLCHAIN)?;
                bench.command(toolchain.join("bin").join(wasm), &[])
            }
        })
    }
}

fn install_headers(recipe: &CLibraryRecipe, root: &Path, to: &Path) -> Result<(), ActionError> {
    let mut patterns = GlobSetBuilder::new();
    for header in &recipe.headers {
        let glob = GlobBuilder::new(header).literal_separator(true).build();
        patterns.add(glob.map_err(|error| ActionError::unexpected(error.to_string()))?);
    }
    let patterns = patterns
        .build()
        .map_err(|error| ActionError::unexpected(error.to_string()))?;
    let below = Path::new(&recipe.header_root);
    copy_tree(&root.join(below), to, |path| {
        let path = below.join(path);
        root.join(&path).is_dir() || patterns.is_match(&path)
    })
}
