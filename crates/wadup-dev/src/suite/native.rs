//! The suite outside of the sandbox: the toolchain's CPython of the same source.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use wadup_toolchain::{network, unpack_sdist};

use super::{RUNNER, Request, Run, Suite, key};
use crate::context::{Context, output, say};

/// Which build of the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NativeBuild {
    /// By us: the same sdist, compiler and options as in the sandbox.
    Built,
    /// The wheel that its authors publish.
    Published,
}

/// An interpreter and the folders that it imports from.
#[derive(Debug)]
pub(crate) struct Native {
    python: PathBuf,
    path: Vec<PathBuf>,
    input: PathBuf,
    scratch: TempDir,
}

impl Native {
    pub(crate) fn new(
        context: &Context,
        suite: &Suite,
        build: NativeBuild,
    ) -> anyhow::Result<Self> {
        let python = context.toolchain.native_python()?.program;
        let packages = install(context, "packages", suite.requirements, &python)?;
        let extension = match build {
            NativeBuild::Built => build_extension(context, suite)?,
            NativeBuild::Published => {
                let hashes = suite.extension.wheels.iter();
                let hashes = hashes.map(|digest| format!(" --hash=sha256:{digest}"));
                let hashes: String = hashes.collect();
                let requirement = format!("{}{hashes}\n", suite.extension.published);
                install(context, "published", &requirement, &python)?
            }
        };
        Ok(Self {
            python,
            path: vec![extension, packages],
            input: suite.input.clone(),
            scratch: context.scratch()?,
        })
    }

    /// The interpreter.
    pub(crate) fn python(&self) -> &Path {
        &self.python
    }

    /// Its `PYTHONPATH`, with a folder before the packages.
    pub(crate) fn path_with(&self, folder: &Path) -> anyhow::Result<OsString> {
        let folders = self.path.iter().map(PathBuf::as_path);
        Ok(std::env::join_paths([folder].into_iter().chain(folders))?)
    }

    /// Runs pytest once.
    pub(crate) fn run(&self, request: &Request) -> anyhow::Result<Run> {
        let folder = tempfile::tempdir_in(&self.scratch)?;
        let folder = folder.path();
        let runner = folder.join("wadup_suite.py");
        fs::write(&runner, RUNNER)?;
        let results = folder.join("results.jsonl");
        let mut command = network(&self.python);
        command
            .args(["-s", "-B"])
            .arg(&runner)
            .arg(&self.input)
            .arg(&results);
        command.env("PYTHONPATH", std::env::join_paths(&self.path)?);
        command.envs(request.environment()).current_dir(folder);
        let said = output_of_pytest(&mut command)?;
        let lines = fs::read_to_string(&results).context("the suite's runner wrote no results")?;
        let run = Run::parse(lines.lines())?;
        if run.code != Some(0) {
            say(format_args!(
                "pytest ended natively with {:?}:\n{said}",
                run.code
            ));
        }
        Ok(run)
    }
}

/// pytest's failures are in the results.
fn output_of_pytest(command: &mut std::process::Command) -> anyhow::Result<String> {
    let output = command.output().context("failed to start Python")?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A folder with the packages of a `requirements.txt`, as wheels, verified by digest.
pub(crate) fn install(
    context: &Context,
    name: &str,
    requirements: &str,
    python: &Path,
) -> anyhow::Result<PathBuf> {
    let uv = context.toolchain.uv()?;
    let key = key(&[requirements, &python.to_string_lossy()]);
    context.kept(&format!("{name}-{key}"), |folder| {
        say(format_args!("installing {name}"));
        let file = folder.join("requirements.txt");
        fs::write(&file, requirements)?;
        let mut command = uv.command();
        command.args(["pip", "install", "--quiet", "--no-deps", "--require-hashes"]);
        command.args(["--only-binary=:all:", "--link-mode=copy"]);
        command
            .arg("--python")
            .arg(python)
            .arg("--target")
            .arg(folder);
        command.arg("--requirement").arg(&file);
        output(&mut command).map(drop)
    })
}

/// What PyO3 asks the interpreter for that it builds for. These are the recipes' values, but
/// for the width.
fn pyo3_config(series: &str) -> String {
    format!(
        "implementation=CPython\nversion={series}\nshared=false\nabi3=false\n\
         lib_name=python{series}\npointer_width=64\nsuppress_build_script_link_lines=true\n"
    )
}

/// Builds the extension natively, with the compiler that the toolchain has for WebAssembly and
/// the profile of the sdist's own manifest. Symbols stay in, for `perf`.
fn build_extension(context: &Context, suite: &Suite) -> anyhow::Result<PathBuf> {
    let rustc = context.toolchain.wasi_rust()?.rustc;
    let python = context.toolchain.native_python()?;
    let sdist = context.toolchain.source(&suite.extension.sdist)?;
    let config = pyo3_config(series(&python.version));
    let parts = [
        &*rustc.to_string_lossy(),
        &*sdist.to_string_lossy(),
        &config,
    ];
    let name = format!("{}-native-{}", suite.name, key(&parts));
    let extension = &suite.extension;
    context.kept(&name, |folder| {
        say(format_args!(
            "building {} natively (two minutes)",
            suite.name
        ));
        // cargo looks for a workspace above a package, but not beyond a folder of this name.
        let tree = folder.join("target/package/sdist");
        unpack_sdist(&sdist, &tree)?;
        fs::write(folder.join("pyo3.cfg"), config)?;
        let mut cargo = network("cargo");
        cargo.args([
            "rustc",
            "--release",
            "--locked",
            "--lib",
            "--crate-type",
            "cdylib",
        ]);
        cargo
            .arg("--target-dir")
            .arg(folder.join("target"))
            .current_dir(&tree);
        cargo.env("RUSTC", &rustc);
        cargo.env("PYO3_CONFIG_FILE", folder.join("pyo3.cfg"));
        cargo.env("CARGO_PROFILE_RELEASE_STRIP", "none");
        output(&mut cargo)?;
        let package = Path::new(&extension.python);
        let package = folder.join(package.file_name().unwrap_or_default());
        fs::rename(tree.join(&extension.python), &package)?;
        let library = format!(
            "lib{}.{}",
            extension.module,
            std::env::consts::DLL_EXTENSION
        );
        let library = folder.join("target/release").join(library);
        fs::copy(library, package.join(format!("{}.so", extension.module)))?;
        fs::remove_dir_all(folder.join("target"))?;
        Ok(())
    })
}

/// `3.13` of `3.13.5`.
fn series(version: &str) -> &str {
    version
        .rsplit_once('.')
        .map_or(version, |(series, _)| series)
}
