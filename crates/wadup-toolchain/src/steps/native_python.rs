//! CPython for this machine: it builds the other one, and is the baseline of
//! tests and benchmarks. `bin/python3.13` and `lib/python3.13/`; relocatable,
//! as CPython finds its library from its own place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::c_library::step_name;
use super::{CPYTHON_SOURCE, NATIVE_PYTHON, NONE, Target, executable, json, link};
use crate::digest::KeyBuilder;
use crate::files::{copy_file, copy_tree};
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::{CpythonUse, Recipes};
use crate::stdlib::StandardLibraryFilter;
use crate::step::{Action, ActionError, Workbench};

pub(super) fn plan(recipes: &Recipes, host: &Host) -> StepPlan {
    let action = NativePython {
        recipe: json(&(&recipes.cpython.native, &recipes.cpython.stdlib)),
        compiler: host.cc.clone(),
        platform: host.platform.clone(),
    };
    let mut plan = super::plan(NATIVE_PYTHON, [CPYTHON_SOURCE], NONE, action);
    plan.needs.extend(library_steps(recipes, Target::Native));
    plan
}

/// The steps of the C libraries that CPython uses, for a target.
pub(super) fn library_steps(recipes: &Recipes, target: Target) -> Vec<String> {
    let libraries = recipes.cpython.c_libraries.iter();
    libraries.map(|name| step_name(name, target)).collect()
}

#[derive(Debug)]
struct NativePython {
    recipe: Vec<u8>,
    compiler: String,
    platform: String,
}

impl Action for NativePython {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("compiler", &self.compiler);
        key.field("platform", &self.platform);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let build = prepare(bench, Target::Native)?;
        let mut configure = bench.command("../src/configure", &[]);
        configure
            .current_dir(&build)
            .args(["--quiet", "--prefix=/"]);
        configure.args(&bench.recipes.cpython.native.configure);
        // Without `-g`: half the time, and nobody debugs it.
        configure.env("OPT", "-DNDEBUG -fwrapv -O3 -Wall");
        library_variables(bench, Target::Native, &mut configure);
        bench.run(&mut configure)?;
        bench.run_parallel(
            bench
                .command("make", &[])
                .current_dir(&build)
                .arg("--quiet"),
        )?;
        install(bench, &build)?;
        check(bench)
    }
}

/// Lays out the folder to build in: `src`, `libs/NAME` and the build folder,
/// which is returned. All paths of a build are relative to one another.
///
/// CPython's makefile runs interpreters with `-E`, which cannot be kept from
/// writing bytecode beside the sources. It is not copied into any result.
pub(super) fn prepare(bench: &Workbench<'_>, target: Target) -> Result<PathBuf, ActionError> {
    let source = bench.needed(CPYTHON_SOURCE)?;
    link(&source.join("tree"), &bench.work().join("src"))?;
    for name in &bench.recipes.cpython.c_libraries {
        let library = bench.needed(&step_name(name, target))?;
        link(&library, &bench.work().join("libs").join(name))?;
    }
    let build = bench.work().join("build");
    fs::create_dir(&build).map_err(ActionError::file("create", &build))?;
    Ok(build)
}

/// Tells configure where the C libraries are. pkg-config must not see the
/// machine's own.
pub(super) fn library_variables(bench: &Workbench<'_>, target: Target, configure: &mut Command) {
    configure.env("PKG_CONFIG_LIBDIR", bench.work().join("none"));
    for name in &bench.recipes.cpython.c_libraries {
        let library = &bench.recipes.c_libraries[name];
        let Some(CpythonUse { variable }) = &library.cpython else {
            continue;
        };
        let mut libraries = format!("-L../libs/{name}/lib -l{}", library.link_name());
        for system in &target.flags(library).link {
            libraries.push_str(&format!(" -l{system}"));
        }
        configure.env(
            format!("{variable}_CFLAGS"),
            format!("-I../libs/{name}/include"),
        );
        configure.env(format!("{variable}_LIBS"), libraries);
    }
}

/// The folder that a build wrote its modules and its configuration to.
pub(super) fn build_library(build: &Path) -> Result<PathBuf, ActionError> {
    let name = build.join("pybuilddir.txt");
    let folder = fs::read_to_string(&name).map_err(ActionError::file("read", &name))?;
    Ok(build.join(folder.trim()))
}

fn install(bench: &Workbench<'_>, build: &Path) -> Result<(), ActionError> {
    let series = &bench.recipes.cpython.series;
    let python = bench.out().join(format!("bin/python{series}"));
    let library = bench.out().join(format!("lib/python{series}"));
    copy_file(&build.join("python"), &python)?;
    executable(&python)?;
    let wanted = StandardLibraryFilter::new(&bench.recipes.cpython.stdlib)?;
    copy_tree(&bench.work().join("src/Lib"), &library, |path| {
        wanted.has(path)
    })?;
    let built = build_library(build)?;
    let is = |path: &Path, extension: &str| path.extension().is_some_and(|it| it == extension);
    copy_tree(&built, &library.join("lib-dynload"), |path| is(path, "so"))?;
    copy_tree(&built, &library, |path| is(path, "py"))
}

/// Sees to it that all modules are there that the sandbox has as well, and
/// compiles the library, which nobody may write to later.
fn check(bench: &Workbench<'_>) -> Result<(), ActionError> {
    let series = &bench.recipes.cpython.series;
    let python = bench.out().join(format!("bin/python{series}"));
    let modules = "import zlib, bz2, lzma, sqlite3, _decimal, pyexpat, zoneinfo, hashlib";
    bench.run(bench.command(&python, &[]).args(["-c", modules]))?;
    let mut compile = bench.command(&python, &[]);
    compile.env_remove("PYTHONDONTWRITEBYTECODE");
    compile.args([
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
    ]);
    compile.arg("-s").arg(bench.out());
    bench.run(compile.arg(bench.out().join(format!("lib/python{series}"))))
}
