//! CPython outside of the sandbox: the toolchain's own build, with the packages that an artifact
//! has, to compare with.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
};

use sha2::{Digest as _, Sha256};
use wadup_toolchain::{Settings, Silent, Toolchain};

/// The extensions, as the recipes pin them, and what goes with them; and a type checker.
const PACKAGES: [&str; 17] = [
    "annotated-types==0.7.0",
    "ast-serialize==0.13.1",
    "attrs==26.1.0",
    "hypothesis==6.170.15",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "librt==0.16.0",
    "mypy==2.4.1",
    "mypy-extensions==1.2.0",
    "pathspec==1.1.1",
    "pydantic-core==2.41.5",
    "pydantic==2.12.5",
    "referencing==0.37.0",
    "rpds-py==2026.9.1",
    "sortedcontainers==2.4.0",
    "typing-extensions==4.15.0",
    "typing-inspection==0.4.2",
];

/// What a script prints. It must succeed. Its environment is as empty as a sandbox's: packages
/// look for `CI`, for one.
pub(crate) fn python<I, A>(script: &Path, args: I) -> String
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    let mut command = Command::new(interpreter());
    command.arg("-I").arg(script).args(args);
    command.env_clear().env("TZ", "UTC");
    succeed(&mut command)
}

/// Installs a wheel, and none of its dependencies, into a folder.
pub(crate) fn install(wheel: &Path, folder: &Path) {
    let mut install = toolchain().uv().expect("uv is there").command();
    install.args([
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--offline",
        "--python",
    ]);
    install.arg(interpreter()).arg("--target").arg(folder);
    succeed(install.arg(wheel));
}

/// Writes the `uv.lock` of a project.
pub(crate) fn lock(project: &Path) {
    let mut lock = toolchain().uv().expect("uv is there").command();
    lock.args(["lock", "--quiet", "--python"]);
    lock.arg(interpreter()).current_dir(project);
    succeed(&mut lock);
}

/// The interpreter of a virtual environment that is made once and kept.
pub(crate) fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    INTERPRETER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native");
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a lock");
        lock.lock().expect("the lock, once others are done");
        let pins = Sha256::digest(PACKAGES.join(" "));
        let pins: String = pins.iter().map(|byte| format!("{byte:02x}")).collect();
        let environment = folder.join(pins);
        if !environment.join("complete").exists() {
            make(&environment);
        }
        environment.join("bin/python")
    })
}

fn toolchain() -> Toolchain {
    let settings = Settings::from_env().expect("a cache folder");
    Toolchain::open(settings, Arc::new(Silent)).expect("the toolchain opens")
}

fn make(environment: &Path) {
    let toolchain = toolchain();
    let python = toolchain
        .native_python()
        .expect("native CPython is built")
        .program;
    let uv = toolchain.uv().expect("uv is there");
    let _ = fs::remove_dir_all(environment);
    let mut venv = uv.command();
    succeed(
        venv.args(["venv", "--quiet", "--python"])
            .arg(python)
            .arg(environment),
    );
    let mut install = uv.command();
    install.args([
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--python",
    ]);
    succeed(install.arg(environment.join("bin/python")).args(PACKAGES));
    fs::write(environment.join("complete"), "").expect("a mark");
}

/// Runs a program that must succeed; what it printed to stdout.
fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{stderr}");
    String::from_utf8(output.stdout).expect("stdout is UTF-8")
}
