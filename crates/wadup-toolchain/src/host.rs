//! The machine's own tools, as far as results depend on them. Asking takes a few
//! hundredths of a second: the programs run side by side.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{network, output_of};

/// What results depend on, apart from recipes.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// `OS-ARCHITECTURE`, as in `std::env::consts`.
    pub(crate) platform: String,
    /// What the C compiler says of itself; empty if there is none.
    pub(crate) cc: String,
    /// cargo's program, and what it says of itself.
    pub(crate) cargo: PathBuf,
    pub(crate) cargo_version: String,
    pub(crate) rust: RustOrigin,
    pub(crate) c: COrigin,
}

/// Where the Rust compiler for wasm32-wasip1 comes from.
#[derive(Debug, Clone)]
pub(crate) enum RustOrigin {
    /// The machine's rustc, which has the target's standard library.
    Installed { sysroot: PathBuf, version: String },
    /// Debian's packages.
    Debian,
}

/// Where the C compiler for wasm32-wasip1 comes from.
#[derive(Debug, Clone)]
pub(crate) enum COrigin {
    /// A WASI SDK of the user's.
    WasiSdk { root: PathBuf, version: String },
    /// Debian's packages.
    Debian,
}

impl Host {
    /// Asks the machine. `folder` is the same at every call: rustup lets the current folder
    /// choose a toolchain. Before it is there, the one that it is going to be in is asked.
    pub(crate) fn probe(folder: &Path, wasi_sdk: Option<&Path>, target: &str) -> Self {
        let mut folders = folder.ancestors();
        let folder = folders.find(|folder| folder.is_dir());
        let folder = folder.unwrap_or_else(|| Path::new("/"));
        std::thread::scope(|scope| {
            let cc = scope.spawn(|| ask(Command::new("cc").arg("--version")));
            let version = scope.spawn(|| ask(network("cargo").arg("-V").current_dir(folder)));
            let c = scope.spawn(|| probe_c(wasi_sdk));
            let sysroot = ask(network("rustc")
                .args(["--print", "sysroot"])
                .current_dir(folder));
            let sysroot = PathBuf::from(sysroot);
            // rustup's cargo is a proxy that takes its time; this is the real one.
            let real = sysroot.join("bin/cargo");
            Self {
                platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
                cargo: if real.is_file() {
                    real
                } else {
                    PathBuf::from("cargo")
                },
                rust: probe_rust(sysroot, target),
                cc: cc.join().unwrap_or_default(),
                cargo_version: version.join().unwrap_or_default(),
                c: c.join().unwrap_or(COrigin::Debian),
            }
        })
    }
}

fn probe_rust(sysroot: PathBuf, target: &str) -> RustOrigin {
    let library = sysroot.join("lib/rustlib").join(target).join("lib");
    if !library.is_dir() {
        return RustOrigin::Debian;
    }
    let version = ask(Command::new(sysroot.join("bin/rustc")).arg("-vV"));
    RustOrigin::Installed { sysroot, version }
}

fn probe_c(wasi_sdk: Option<&Path>) -> COrigin {
    let Some(root) = wasi_sdk else {
        return COrigin::Debian;
    };
    let release = std::fs::read_to_string(root.join("VERSION")).unwrap_or_default();
    let clang = ask(Command::new(root.join("bin/clang")).arg("--version"));
    COrigin::WasiSdk {
        root: root.to_owned(),
        version: format!("{release}\n{clang}"),
    }
}

/// A program's answer; empty if there is none.
fn ask(command: &mut Command) -> String {
    output_of(command).unwrap_or_default()
}
