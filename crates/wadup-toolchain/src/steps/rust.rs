//! Building crates for wasm32-wasip1, and isolating what comes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::profile::Profile;
use super::{C_TOOLCHAIN, RUST_TOOLCHAIN};
use crate::step::{ActionError, Workbench};
use crate::wasm::localize;

/// A crate that becomes a static library.
pub(super) struct StaticLibrary<'a> {
    /// The workspace's folder; the crate must be below it, as cargo hashes the
    /// paths of packages outside of it into the names of symbols.
    pub(super) workspace: &'a Path,
    /// The crate's manifest.
    pub(super) manifest: &'a Path,
    pub(super) features: &'a [String],
    /// The name of the file that cargo makes.
    pub(super) library: &'a str,
    /// Its profile, if the recipe can name one.
    pub(super) profile: Option<&'a Profile>,
}

impl StaticLibrary<'_> {
    /// Fetches the crate's locked dependencies, builds it, and returns the
    /// static library.
    pub(super) fn build(&self, bench: &Workbench<'_>) -> Result<PathBuf, ActionError> {
        let vendor = self.vendor(bench)?;
        let toolchain = bench.needed(RUST_TOOLCHAIN)?;
        let target = &bench.recipes.rust_toolchain.target;
        let config = bench.work().join("pyo3.cfg");
        bench.write(&config, pyo3_config(&bench.recipes.pyo3))?;

        let mut cargo = cargo(bench, &toolchain, &vendor);
        // Only the static library: a package may declare a cdylib as well.
        cargo.args(["rustc", "--locked", "--lib", "--crate-type", "staticlib"]);
        cargo.args(release(target));
        cargo.arg("--manifest-path").arg(self.manifest);
        if !self.features.is_empty() {
            cargo.arg("--features").arg(self.features.join(","));
        }
        cargo.env("PYO3_CONFIG_FILE", &config);
        let mut flags = remap(bench, &toolchain);
        if let Some(profile) = self.profile {
            flags.extend(profile.rust_flags(bench)?);
            if profile.collects() {
                cargo.env("RUSTC_BOOTSTRAP", "1");
            }
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        bench.run_parallel(&mut cargo)?;
        let release = bench.work().join("target").join(target).join("release");
        Ok(release.join(self.library))
    }

    /// Puts the sources of all dependencies into one folder. cargo checks them
    /// against the digests of `Cargo.lock`.
    fn vendor(&self, bench: &Workbench<'_>) -> Result<PathBuf, ActionError> {
        let folder = bench.work().join("vendor");
        let mut cargo = bench.fetcher.cargo();
        cargo.args(["vendor", "--locked", "--versioned-dirs"]);
        bench.run(cargo.arg(&folder).current_dir(self.workspace))?;
        Ok(folder)
    }
}

/// A cargo that knows nothing of the user's: its home is a folder of the step,
/// and its only registry is the folder `vendor`. What a configuration file above
/// the cache could still say is overruled by `CARGO_ENCODED_RUSTFLAGS` and the
/// variables here.
pub(super) fn cargo(bench: &Workbench<'_>, toolchain: &Path, vendor: &Path) -> Command {
    let mut cargo = bench.command(bench.fetcher.cargo().get_program(), &[]);
    cargo.env("CARGO_HOME", bench.work().join("cargo-home"));
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo.env("RUSTC", toolchain.join("bin/rustc"));
    for wrapper in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env(wrapper, "");
    }
    let folder = vendor.display().to_string();
    cargo.args([
        "--config",
        "source.crates-io.replace-with=\"vendored\"",
        "--config",
    ]);
    cargo.arg(format!("source.vendored.directory={folder:?}"));
    cargo
}

/// The arguments of an optimised build without network.
pub(super) fn release(target: &str) -> [&str; 6] {
    [
        "--release",
        "--offline",
        "--target",
        target,
        "--target-dir",
        "target",
    ]
}

/// Compiler flags that keep this machine's folders out of the result.
pub(super) fn remap(bench: &Workbench<'_>, toolchain: &Path) -> Vec<String> {
    let folders = [(bench.work(), "/build"), (toolchain.to_owned(), "/rust")];
    let folders = folders.iter();
    folders
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect()
}

/// Links a static library into one object at `object`, in which all symbols are
/// local but those that `keep` names.
pub(super) fn isolate(
    bench: &Workbench<'_>,
    library: &Path,
    keep: &[&str],
    object: &Path,
) -> Result<(), ActionError> {
    link_whole(bench, library, object)?;
    hide(object, keep)
}

/// Makes all symbols of an object local but those that `keep` names.
pub(super) fn hide(object: &Path, keep: &[&str]) -> Result<(), ActionError> {
    let mut bytes = fs::read(object).map_err(ActionError::file("read", object))?;
    localize(&mut bytes, keep)?;
    fs::write(object, bytes).map_err(ActionError::file("write", object))
}

/// Links a static library into one object at `object`.
pub(super) fn link_whole(
    bench: &Workbench<'_>,
    library: &Path,
    object: &Path,
) -> Result<(), ActionError> {
    merge(bench, &[Path::new("--whole-archive"), library], object)
}

/// Links `inputs` into one object at `object`.
pub(super) fn merge(
    bench: &Workbench<'_>,
    inputs: &[&Path],
    object: &Path,
) -> Result<(), ActionError> {
    let linker = bench.needed(C_TOOLCHAIN)?.join("bin/wasm-ld");
    let mut link = bench.command(linker, &[]);
    link.arg("-r").args(inputs).arg("-o").arg(object);
    bench.run(&mut link)
}

fn pyo3_config(values: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in values {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}
