//! CPython for WASI: static libraries in `lib/`, headers in `include/`, and the
//! standard library's Python files in `stdlib/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::native_python::{build_library, library_steps, library_variables, prepare};
use super::profile::Profile;
use super::{C_TOOLCHAIN, CPYTHON_SOURCE, NATIVE_PYTHON, NONE, Target, WASM_PYTHON, json, link};
use crate::command::output_of;
use crate::digest::KeyBuilder;
use crate::embedded;
use crate::files::{copy_file, copy_tree};
use crate::graph::{StepPlan, describe_recipe_files};
use crate::recipes::Recipes;
use crate::settings::Profiling;
use crate::stdlib::StandardLibraryFilter;
use crate::step::{Action, ActionError, Workbench};

/// Takes the build's folders out of what `sysconfig` reads.
const RELOCATE: &str = "cpython/relocate_sysconfigdata.py";

pub(super) fn plan(recipes: &Recipes, profiling: Profiling) -> StepPlan {
    let action = WasmPython {
        recipe: json(&(
            &recipes.cpython.wasm,
            &recipes.cpython.stdlib,
            recipes.cpython.source_date_epoch,
        )),
        flags: recipes.c_toolchain.flags.clone(),
        files: [
            RELOCATE.to_owned(),
            recipes.cpython.wasm.own_config_site.clone(),
            recipes.cpython.wasm.header.clone(),
        ],
        profile: Profile::new(recipes.cpython.wasm.profile.as_ref(), profiling),
    };
    let needs = [C_TOOLCHAIN, CPYTHON_SOURCE, NATIVE_PYTHON];
    let mut plan = super::plan(WASM_PYTHON, needs, NONE, action);
    plan.needs.extend(library_steps(recipes, Target::Wasm));
    plan
}

#[derive(Debug)]
struct WasmPython {
    recipe: Vec<u8>,
    flags: Vec<String>,
    /// Of `recipes/`.
    files: [String; 3],
    profile: Profile,
}

impl Action for WasmPython {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.list("flags", &self.flags);
        describe_recipe_files(key, &self.files);
        self.profile.describe(key);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let build = prepare(bench, Target::Wasm)?;
        link(
            &bench.needed(NATIVE_PYTHON)?,
            &bench.work().join("build-python"),
        )?;
        self.configure(bench, &build)?;
        let programs = bench.needed(C_TOOLCHAIN)?.join("bin");
        let mut make = bench.command("make", &[&programs]);
        make.current_dir(&build).arg("--quiet");
        make.args(&bench.recipes.cpython.wasm.archives)
            .arg("pybuilddir.txt");
        // Not through configure: `sysconfig` would say it to those who build for this CPython.
        let mut flags = self.profile.c_flags(bench)?;
        let header = lay_out(bench, &bench.recipes.cpython.wasm.header)?;
        flags.extend(["-include".to_owned(), header.display().to_string()]);
        make.arg(format!("CFLAGS_NODIST={}", flags.join(" ")));
        bench.run_parallel(&mut make)?;
        install(bench, &build)
    }
}

impl WasmPython {
    fn configure(&self, bench: &Workbench<'_>, build: &Path) -> Result<(), ActionError> {
        let recipe = &bench.recipes.cpython;
        let target = &bench.recipes.c_toolchain.target;
        let programs = bench.needed(C_TOOLCHAIN)?.join("bin");
        let machine = output_of(&mut bench.command("src/config.guess", &[]))?;
        let mut configure = bench.command("../src/configure", &[&programs]);
        configure.current_dir(build).args(["--quiet", "--prefix=/"]);
        configure
            .arg(format!("--host={target}"))
            .arg(format!("--build={machine}"));
        let python = format!("../build-python/bin/python{}", recipe.series);
        configure.arg(format!("--with-build-python={python}"));
        configure.args(&recipe.wasm.configure);
        let own_site = lay_out(bench, &recipe.wasm.own_config_site)?;
        let site = format!("../src/{} {}", recipe.wasm.config_site, own_site.display());
        configure.env("CONFIG_SITE", site);
        // Found on `PATH`, so that no folder is written down.
        let tools = [
            ("CC", "clang"),
            ("AR", "llvm-ar"),
            ("RANLIB", "llvm-ranlib"),
            ("NM", "llvm-nm"),
        ];
        configure.envs(tools);
        configure.env("OPT", format!("-fwrapv -Wall {}", self.flags.join(" ")));
        // configure wants one; only libraries are made, so nothing runs it.
        configure.env("HOSTRUNNER", "true");
        library_variables(bench, Target::Wasm, &mut configure);
        bench.run(&mut configure)
    }
}

/// Writes a file of `recipes/` into the working folder.
fn lay_out(bench: &Workbench<'_>, name: &str) -> Result<PathBuf, ActionError> {
    let place = bench
        .work()
        .join(Path::new(name).file_name().unwrap_or_default());
    let content = embedded::file(&format!("recipes/{name}")).unwrap_or_default();
    bench.write(&place, content)?;
    Ok(place)
}

fn install(bench: &Workbench<'_>, build: &Path) -> Result<(), ActionError> {
    let recipe = &bench.recipes.cpython;
    let out = bench.out();
    for archive in &recipe.wasm.archives {
        let name = Path::new(archive).file_name().unwrap_or_default();
        copy_file(&build.join(archive), &out.join("lib").join(name))?;
    }
    let source = bench.work().join("src");
    copy_tree(&source.join("Include"), &out.join("include"), |_| true)?;
    copy_file(&build.join("pyconfig.h"), &out.join("include/pyconfig.h"))?;

    let stdlib = out.join("stdlib");
    let wanted = StandardLibraryFilter::new(&recipe.stdlib)?;
    copy_tree(&source.join("Lib"), &stdlib, |path| wanted.has(path))?;
    write_sysconfigdata(bench, build, &stdlib)
}

fn write_sysconfigdata(
    bench: &Workbench<'_>,
    build: &Path,
    stdlib: &Path,
) -> Result<(), ActionError> {
    let recipe = &bench.recipes.cpython;
    let name = &recipe.wasm.sysconfigdata;
    let script = lay_out(bench, RELOCATE)?;
    let python = bench
        .needed(NATIVE_PYTHON)?
        .join(format!("bin/python{}", recipe.series));
    let moved = bench.work().join(name);
    let mut relocate = bench.command(python, &[]);
    relocate
        .arg(&script)
        .arg(build_library(build)?.join(name))
        .arg(&moved);
    relocate.arg(format!("{}=/build", bench.work().display()));
    bench.run(&mut relocate)?;
    let text = fs::read_to_string(&moved).map_err(ActionError::file("read", &moved))?;
    if text.contains(&*bench.cache.root().to_string_lossy()) {
        let what = format!("{name} names the cache folder: {}", moved.display());
        return Err(ActionError::unexpected(what));
    }
    copy_file(&moved, &stdlib.join(name))
}
