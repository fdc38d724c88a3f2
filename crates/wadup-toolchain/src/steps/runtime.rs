//! The runtime: CPython, a set of extensions and the guest, linked; and beside it
//! the files that go with it, so that a runtime needs no other step's result.
//!
//! ```text
//! runtime.wasm
//! runtime.json            digests
//! stdlib/                 the standard library's Python files
//! site-packages/NAME/     one folder for tzdata and for each extension
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::c_toolchain::BUILTINS;
use super::guest::{self, GuestLink};
use super::native_python::library_steps;
use super::profile;
use super::rust::{hide, merge};
use super::{C_TOOLCHAIN, GUEST, TZDATA, Target, WASM_PYTHON, c_library, extension, json};
use crate::digest::{KeyBuilder, Sha256, of_tree};
use crate::files::{copy_tree, write_file};
use crate::graph::{StepPlan, describe_recipe_files};
use crate::recipes::{ExtensionRecipe, RecipeError, Recipes};
use crate::settings::Profiling;
use crate::step::{Action, ActionError, Workbench};
use crate::wasm::{Entry, check_runtime, extension_table, init_functions, lower_bulk};

pub(super) fn plan(
    recipes: &Recipes,
    extensions: &[&ExtensionRecipe],
    profiling: Profiling,
) -> Result<StepPlan, RecipeError> {
    let names = extensions.iter().map(|extension| extension.name.clone());
    let action = Runtime {
        recipe: json(&recipes.runtime),
        link: GuestLink::embedded()?,
        extensions: names.collect(),
        profiling,
    };
    let sources = match profiling {
        Profiling::Use => Vec::new(),
        Profiling::Collect => vec![profile::RUNTIME_SOURCE.to_owned()],
    };
    let needs = [C_TOOLCHAIN, WASM_PYTHON, TZDATA, GUEST];
    let mut plan = super::plan(runtime_step_name(extensions), needs, sources, action);
    plan.needs.extend(library_steps(recipes, Target::Wasm));
    let libraries = recipes.runtime.c_libraries.iter();
    plan.needs
        .extend(libraries.map(|name| c_library::step_name(name, Target::Wasm)));
    plan.needs
        .extend(extensions.iter().map(|it| extension::step_name(it)));
    Ok(plan)
}

/// The name of the step that links a runtime with these extensions.
pub(crate) fn runtime_step_name(extensions: &[&ExtensionRecipe]) -> String {
    let mut name = String::from("runtime");
    for (index, extension) in extensions.iter().enumerate() {
        name.push(if index == 0 { '-' } else { '+' });
        name.push_str(&extension.name);
    }
    name
}

/// What `runtime.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RuntimeRecord {
    /// The digest of `runtime.wasm`.
    pub(crate) wasm: String,
    /// A digest of all that a runtime consists of.
    pub(crate) digest: String,
}

impl RuntimeRecord {
    /// The record of a finished runtime.
    pub(crate) fn read(step: &Path) -> Result<Self, ActionError> {
        let path = step.join(RECORD);
        let text = fs::read(&path).map_err(ActionError::file("read", &path))?;
        serde_json::from_slice(&text)
            .map_err(|error| ActionError::file("parse", &path)(error.into()))
    }
}

const RECORD: &str = "runtime.json";

#[derive(Debug)]
struct Runtime {
    recipe: Vec<u8>,
    link: GuestLink,
    extensions: Vec<String>,
    profiling: Profiling,
}

impl Action for Runtime {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("rewritten", "bulk memory, readable names");
        key.field("init", "PyInit.MODULE");
        key.list("export", &self.link.export);
        key.list("wrap", &self.link.wrap);
        key.list("libraries", &self.link.libraries);
        key.field("table", &self.link.extensions);
        key.list("extensions", &self.extensions);
        if self.profiling == Profiling::Collect {
            describe_recipe_files(key, &[profile::MODULE_SOURCE.to_owned()]);
        }
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let extensions = self.extensions.iter();
        let extensions: Vec<&ExtensionRecipe> = extensions
            .filter_map(|name| bench.recipes.extension(name))
            .collect();
        let modules = extensions.iter().flat_map(|it| &it.modules);
        let mut modules: Vec<Entry<'_>> = modules
            .map(|module| Entry {
                module: &module.name,
                init: module.symbol(),
            })
            .collect();
        let mut objects = Vec::new();
        if self.profiling == Profiling::Collect {
            modules.push(profile::module());
            objects = profile::runtime_objects(bench)?;
        }
        let table = extension_table(&self.link.extensions, &modules);
        objects.push(assemble(bench, "extensions", table)?);
        for recipe in &extensions {
            objects.extend(self.extension_objects(bench, recipe)?);
        }
        let module = bench.out().join("runtime.wasm");
        self.link(bench, &objects, &module)?;
        let linked = fs::read(&module).map_err(ActionError::file("read", &module))?;
        let bytes = lower_bulk(&linked)?;
        bench.write(&module, &bytes)?;
        check_runtime(&bytes, &self.link.export)?;
        copy_files(bench, &extensions)?;
        write_record(bench, Sha256::of(bytes))
    }
}

impl Runtime {
    /// An extension, of which nothing can be seen but [`ExtensionModule::symbol`]s.
    ///
    /// [`ExtensionModule::symbol`]: crate::recipes::ExtensionModule::symbol
    fn extension_objects(
        &self,
        bench: &Workbench<'_>,
        recipe: &ExtensionRecipe,
    ) -> Result<Vec<PathBuf>, ActionError> {
        let name = extension::step_name(recipe);
        let object = bench.needed(&name)?.join(extension::OBJECT);
        let functions = init_functions(&recipe.modules);
        let functions = assemble(bench, &format!("{name}-init"), functions)?;
        if self.profiling == Profiling::Collect {
            return Ok(vec![object, functions]);
        }
        let merged = bench.work().join(format!("{name}.o"));
        merge(bench, &[&object, &functions], &merged)?;
        let symbols: Vec<String> = recipe.modules.iter().map(|it| it.symbol()).collect();
        let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
        hide(&merged, &symbols)?;
        Ok(vec![merged])
    }

    /// Links with `wasm-ld` itself: clang's driver would run a `wasm-opt` that
    /// it finds. Inputs are named relative to the working folder.
    fn link(
        &self,
        bench: &Workbench<'_>,
        objects: &[PathBuf],
        module: &Path,
    ) -> Result<(), ActionError> {
        let toolchain = bench.needed(C_TOOLCHAIN)?;
        let python = bench.needed(WASM_PYTHON)?;
        let mut link = bench.command(toolchain.join("bin/wasm-ld"), &[]);
        link.args(&bench.recipes.runtime.flags).arg("--no-entry");
        if self.profiling == Profiling::Collect {
            // Nothing refers to what describes the counters, once it went through `wasm-ld -r`.
            link.arg("--no-gc-sections");
        }
        link.args(
            self.link
                .export
                .iter()
                .map(|name| format!("--export={name}")),
        );
        link.args(self.link.wrap.iter().map(|name| format!("--wrap={name}")));
        link.arg(bench.needed(GUEST)?.join(guest::OBJECT))
            .args(objects);
        for archive in &bench.recipes.cpython.wasm.archives {
            let name = Path::new(archive).file_name().unwrap_or_default();
            link.arg(python.join("lib").join(name));
        }
        let libraries = bench.recipes.cpython.c_libraries.iter();
        for name in libraries.chain(&bench.recipes.runtime.c_libraries) {
            let library = bench.needed(&c_library::step_name(name, Target::Wasm))?;
            link.arg(
                library
                    .join("lib")
                    .join(&bench.recipes.c_libraries[name].archive),
            );
        }
        let target = &bench.recipes.c_toolchain.target;
        link.arg("-L")
            .arg(toolchain.join("sysroot/lib").join(target));
        link.args(self.link.libraries.iter().map(|name| format!("-l{name}")));
        link.arg(toolchain.join(BUILTINS)).arg("-o").arg(module);
        bench.run(&mut link)
    }
}

/// Assembles `NAME.s`.
fn assemble(bench: &Workbench<'_>, name: &str, source: String) -> Result<PathBuf, ActionError> {
    let (from, to) = (format!("{name}.s"), format!("{name}.o"));
    bench.write(&bench.work().join(&from), source)?;
    let clang = bench.needed(C_TOOLCHAIN)?.join("bin/clang");
    let mut assemble = bench.command(clang, &[]);
    assemble.args(["-c", &from, "-o", &to]);
    bench.run(&mut assemble)?;
    Ok(bench.work().join(to))
}

fn copy_files(bench: &Workbench<'_>, extensions: &[&ExtensionRecipe]) -> Result<(), ActionError> {
    let out = bench.out();
    let stdlib = bench.needed(WASM_PYTHON)?.join("stdlib");
    copy_tree(&stdlib, &out.join("stdlib"), |_| true)?;
    let steps = extensions
        .iter()
        .map(|it| (it.name.clone(), extension::step_name(it)));
    let tzdata = (TZDATA.to_owned(), TZDATA.to_owned());
    for (name, step) in steps.chain([tzdata]) {
        let packages = bench.needed(&step)?.join("site-packages");
        copy_tree(&packages, &out.join("site-packages").join(name), |_| true)?;
    }
    Ok(())
}

fn write_record(bench: &Workbench<'_>, wasm: Sha256) -> Result<(), ActionError> {
    let out = bench.out();
    let all = of_tree(&out).map_err(ActionError::file("read", &out))?;
    let record = RuntimeRecord {
        wasm: wasm.to_string(),
        digest: all.to_string(),
    };
    write_file(&out.join(RECORD), json(&record))
}
