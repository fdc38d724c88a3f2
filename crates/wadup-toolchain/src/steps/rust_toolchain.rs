//! The Rust compiler for wasm32-wasip1, as `bin/rustc`.

use std::fs;
use std::path::Path;

use super::{NONE, RUST_TOOLCHAIN, debian_packages, executable, json, rust};
use crate::digest::KeyBuilder;
use crate::files::copy_tree;
use crate::graph::StepPlan;
use crate::host::{Host, RustOrigin};
use crate::recipes::Recipes;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(recipes: &Recipes, host: &Host) -> StepPlan {
    let packages = &recipes.rust_toolchain.debian.packages;
    let sources = debian_packages(host.rust.is_debian(), packages);
    let action = RustToolchain {
        recipe: json(&recipes.rust_toolchain),
        origin: host.rust.clone(),
        cargo: host.cargo_version.clone(),
    };
    super::plan(RUST_TOOLCHAIN, NONE, sources, action)
}

#[derive(Debug)]
struct RustToolchain {
    recipe: Vec<u8>,
    origin: RustOrigin,
    cargo: String,
}

impl Action for RustToolchain {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", &self.recipe);
        key.field("cargo", &self.cargo);
        match &self.origin {
            RustOrigin::Debian => key.field("origin", "debian"),
            RustOrigin::Installed { sysroot, version } => {
                key.field("origin", sysroot.as_os_str().as_encoded_bytes());
                key.field("version", version);
            }
        }
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        match &self.origin {
            RustOrigin::Installed { sysroot, .. } => {
                let rustc = sysroot.join("bin/rustc");
                write_rustc(bench, &format!("exec \"{}\" \"$@\"\n", rustc.display()))?;
            }
            RustOrigin::Debian => from_debian(bench)?,
        }
        let mut rustc = bench.command(bench.out().join("bin/rustc"), &[]);
        bench.run(rustc.arg("-vV"))
    }
}

fn write_rustc(bench: &Workbench<'_>, script: &str) -> Result<(), ActionError> {
    let path = bench.out().join("bin/rustc");
    bench.write(&path, format!("#!/bin/sh\nroot=${{0%/*}}/..\n{script}"))?;
    executable(&path)
}

fn from_debian(bench: &Workbench<'_>) -> Result<(), ActionError> {
    let recipe = &bench.recipes.rust_toolchain.debian;
    let root = bench.out().join("debian");
    let library = Path::new(&recipe.library);
    for package in &recipe.packages {
        let file = bench.source(package)?;
        let wanted = |path: &Path| {
            !path.starts_with("usr/share")
                && (!path.starts_with("usr/src") || path.starts_with(library))
        };
        unpack::deb(&file, &root, wanted).map_err(ActionError::file("unpack", &file))?;
    }
    let libraries: Vec<_> = recipe
        .libraries
        .iter()
        .map(|folder| format!("$root/debian/{folder}"))
        .collect();
    let script = format!(
        "LD_LIBRARY_PATH=\"{}\"\nexport LD_LIBRARY_PATH\nexec \"$root/debian/{}/rustc\" \"$@\"\n",
        libraries.join(":"),
        recipe.programs,
    );
    write_rustc(bench, &script)?;
    build_std(bench)
}

/// Builds the standard library from its sources, and puts it where rustc looks
/// for it, as rustup would have.
///
/// The sources are moved to the working folder first, and built as the workspace
/// that they are: cargo hashes the paths of packages outside of its workspace
/// into the names of symbols, and they would differ from cache to cache.
fn build_std(bench: &Workbench<'_>) -> Result<(), ActionError> {
    let recipe = &bench.recipes.rust_toolchain;
    let debian = bench.out().join("debian");
    let packed = debian.join(&recipe.debian.library);
    let library = bench.work().join("library");
    fs::rename(&packed, &library).map_err(ActionError::file("move", &packed))?;
    let sources = debian.join("usr/src");
    fs::remove_dir_all(&sources).map_err(ActionError::file("remove", &sources))?;

    let mut cargo = rust::cargo(bench, &bench.out(), &library.join("vendor"));
    cargo.arg("build").args(rust::release(&recipe.target));
    cargo
        .arg("--manifest-path")
        .arg(library.join("sysroot/Cargo.toml"));
    // The vendored dependencies are those of a build, not those of its tests.
    cargo.arg("-Zavoid-dev-deps").env("RUSTC_BOOTSTRAP", "1");
    let mut flags = rust::remap(bench, &bench.out());
    flags.push("-Zforce-unstable-if-unmarked".to_owned());
    flags.push("-Cembed-bitcode=yes".to_owned());
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    bench.run_parallel(&mut cargo)?;

    let built = bench
        .work()
        .join("target")
        .join(&recipe.target)
        .join("release/deps");
    let place = debian
        .join("usr/lib/rustlib")
        .join(&recipe.target)
        .join("lib");
    copy_tree(&built, &place, |path| {
        path.extension().is_some_and(|it| it == "rlib")
    })
}
