//! What the machine has to bring: the programs that steps and downloads start. The one list of
//! them, for hints, `wadup doctor` and the documentation's commands.

/// A program that is started by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The program.
    pub program: &'static str,
    /// What it is for, as a clause.
    pub purpose: &'static str,
    /// What installs it on Debian and Ubuntu.
    pub debian: &'static str,
    /// What installs it on macOS.
    pub macos: &'static str,
    pub(crate) need: Need,
}

/// Where a program is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Always,
    /// Where C or Rust for WebAssembly come as Debian's packages.
    DebianPackages,
}

const BUILD_ESSENTIAL: &str = "apt-get install --yes build-essential";
const XCODE: &str = "xcode-select --install";
const RUSTUP: &str = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
/// Nothing of Debian's is needed then.
pub(crate) const WITHOUT_DEBIAN: &str = "set WASI_SDK_PATH to a WASI SDK, and run \
                                         `rustup target add wasm32-wasip1`";

/// Every program that the toolchain starts and does not bring itself.
pub const REQUIREMENTS: [Requirement; 7] = [
    Requirement {
        program: "cc",
        purpose: "compiles the CPython that builds the other",
        debian: BUILD_ESSENTIAL,
        macos: XCODE,
        need: Need::Always,
    },
    Requirement {
        program: "make",
        purpose: "builds CPython",
        debian: BUILD_ESSENTIAL,
        macos: XCODE,
        need: Need::Always,
    },
    Requirement {
        program: "cargo",
        purpose: "fetches crates, and builds the guest's runtime",
        debian: RUSTUP,
        macos: RUSTUP,
        need: Need::Always,
    },
    Requirement {
        program: "rustc",
        purpose: "says where Rust for WebAssembly is",
        debian: RUSTUP,
        macos: RUSTUP,
        need: Need::Always,
    },
    Requirement {
        program: "python3",
        purpose: "runs pip, which fetches uv",
        debian: "apt-get install --yes python3",
        macos: "brew install python",
        need: Need::Always,
    },
    Requirement {
        program: "apt-get",
        purpose: "fetches Debian's packages of C and Rust for WebAssembly",
        debian: WITHOUT_DEBIAN,
        macos: WITHOUT_DEBIAN,
        need: Need::DebianPackages,
    },
    Requirement {
        program: "dpkg-deb",
        purpose: "unpacks Debian's packages of C and Rust for WebAssembly",
        debian: "apt-get install --yes dpkg",
        macos: WITHOUT_DEBIAN,
        need: Need::DebianPackages,
    },
];

/// The command that installs the certificates that every download is checked against.
pub(crate) const CERTIFICATES: &str = "apt-get install --yes ca-certificates";

impl Requirement {
    /// The requirement of a program, by its name.
    pub(crate) fn of(program: &str) -> Option<&'static Self> {
        REQUIREMENTS.iter().find(|one| one.program == program)
    }

    /// What installs it on this machine.
    pub fn remedy(&self) -> &'static str {
        if cfg!(target_os = "macos") {
            self.macos
        } else {
            self.debian
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// README.md has one command for all of it, and CI does the same.
    #[test]
    fn the_documentation_installs_what_is_listed() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let read = |name: &str| std::fs::read_to_string(format!("{root}/{name}")).unwrap();
        let packages = REQUIREMENTS.iter().filter_map(|one| {
            let package = one.debian.strip_prefix("apt-get install --yes ")?;
            (package != "dpkg").then_some(package)
        });
        let certificates = CERTIFICATES.strip_prefix("apt-get install --yes ");
        let mut packages: Vec<&str> = packages.chain(certificates).collect();
        packages.sort();
        packages.dedup();
        let line = format!("apt-get install --yes {}", packages.join(" "));
        assert!(read("README.md").contains(&line), "{line}");
        let ci = read(".ci/run");
        for package in packages {
            assert!(ci.contains(package), "{package}");
        }
    }
}
