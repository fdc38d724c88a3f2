//! The C toolchain for wasm32-wasip1: `bin/clang`, `bin/wasm-ld`, `bin/llvm-ar`
//! and their kin, `sysroot/`, and `lib/libclang_rt.builtins.a`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{C_TOOLCHAIN, NONE, debian_packages, executable, json, link};
use crate::digest::KeyBuilder;
use crate::graph::StepPlan;
use crate::host::{COrigin, Host};
use crate::recipes::Recipes;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

/// The programs that other steps call.
const PROGRAMS: [&str; 4] = ["wasm-ld", "llvm-ar", "llvm-ranlib", "llvm-nm"];

pub(super) fn plan(recipes: &Recipes, host: &Host) -> StepPlan {
    let packages = &recipes.c_toolchain.debian.packages;
    let sources = debian_packages(host.c.is_debian(), packages);
    let action = CToolchain {
        recipe: json(&recipes.c_toolchain),
        origin: host.c.clone(),
    };
    super::plan(C_TOOLCHAIN, NONE, sources, action)
}

#[derive(Debug)]
struct CToolchain {
    recipe: Vec<u8>,
    origin: COrigin,
}

impl Action for CToolchain {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        match &self.origin {
            COrigin::Debian => key.field("origin", "debian"),
            COrigin::WasiSdk { root, version } => {
                key.field("origin", root.as_os_str().as_encoded_bytes());
                key.field("version", version);
            }
        }
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        match &self.origin {
            COrigin::Debian => from_debian(bench),
            COrigin::WasiSdk { root, .. } => from_sdk(bench, root),
        }?;
        check(bench)
    }
}

fn from_debian(bench: &Workbench<'_>) -> Result<(), ActionError> {
    let recipe = &bench.recipes.c_toolchain.debian;
    let out = bench.out();
    let root = out.join("debian");
    for package in &recipe.packages {
        let file = bench.source(package)?;
        unpack::deb(&file, &root, |path| !path.starts_with("usr/share"))
            .map_err(ActionError::file("unpack", &file))?;
    }
    let resources = root.join(&recipe.resources);
    let builtins = resources.join(&recipe.builtins);
    for place in [
        resources.join(&recipe.builtins_expected),
        out.join(BUILTINS),
    ] {
        crate::files::copy_file(&builtins, &place)?;
    }
    link(
        &Path::new("debian").join(&recipe.sysroot),
        &out.join("sysroot"),
    )?;

    let libraries: Vec<_> = recipe
        .libraries
        .iter()
        .map(|folder| format!("$root/debian/{folder}"))
        .collect();
    let environment = format!(
        "LD_LIBRARY_PATH=\"{}\"\nexport LD_LIBRARY_PATH\n",
        libraries.join(":")
    );
    let programs = format!("$root/debian/{}", recipe.programs);
    let resources = format!(" -resource-dir \"$root/debian/{}\"", recipe.resources);
    link(Path::new("wasm-ld"), &out.join("bin").join(&recipe.linker))?;
    write_programs(bench, &environment, &programs, &resources)
}

fn from_sdk(bench: &Workbench<'_>, sdk: &Path) -> Result<(), ActionError> {
    let out = bench.out();
    link(&sdk.join("share/wasi-sysroot"), &out.join("sysroot"))?;
    write_programs(bench, "", &format!("{}/bin", sdk.display()), "")?;
    let mut clang = bench.command(out.join("bin/clang"), &[]);
    clang.args(["-print-libgcc-file-name", "--rtlib=compiler-rt"]);
    let builtins = PathBuf::from(crate::command::output_of(&mut clang)?);
    crate::files::copy_file(&builtins, &out.join(BUILTINS))
}

/// compiler-rt's builtins, in the result.
pub(super) const BUILTINS: &str = "lib/libclang_rt.builtins.a";

/// Writes small scripts that find their toolchain beside themselves. Their
/// `PATH` is their own folder: clang's driver runs any `wasm-opt` that it finds.
fn write_programs(
    bench: &Workbench<'_>,
    environment: &str,
    programs: &str,
    clang: &str,
) -> Result<(), ActionError> {
    let target = &bench.recipes.c_toolchain.target;
    let head = format!("#!/bin/sh\nroot=${{0%/*}}/..\n{environment}PATH=${{0%/*}}\nexport PATH\n");
    let clang = format!(
        "exec \"{programs}/clang\" --no-default-config --target={target} \
         --sysroot=\"$root/sysroot\"{clang} \"$@\"\n"
    );
    let others = PROGRAMS
        .iter()
        .map(|name| (*name, format!("exec \"{programs}/{name}\" \"$@\"\n")));
    for (name, line) in [("clang", clang)].into_iter().chain(others) {
        let path = bench.out().join("bin").join(name);
        bench.write(&path, format!("{head}{line}"))?;
        executable(&path)?;
    }
    Ok(())
}

/// Compiles and links a program, so that a broken toolchain is found here.
fn check(bench: &Workbench<'_>) -> Result<(), ActionError> {
    let source = bench.work().join("check.c");
    let code = "#include <stdio.h>\nint main(void) { return printf(\"%f\", 1.0) != 8; }\n";
    fs::write(&source, code).map_err(ActionError::file("write", &source))?;
    let mut clang = bench.command(bench.out().join("bin/clang"), &[]);
    bench.run(clang.args(["-O1", "check.c", "-o", "check.wasm"]))
}
