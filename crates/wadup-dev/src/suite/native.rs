//! The suite outside of the sandbox: the toolchain's CPython of the same source.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use wadup_toolchain::{network, unpack_sdist};

use super::definition::Build;
use super::runner::MODULE;
use super::{ENVIRONMENT, Execution, Outcome, Request, Run, Runner, Suite, Test, key};
use crate::context::{Context, output, say};

/// Which build of the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NativeBuild {
    /// By us: the same sdist, compiler and options as in the sandbox.
    Built,
    /// The wheels that their authors publish.
    Published,
}

/// An interpreter and the folders that it imports from.
#[derive(Debug)]
pub(crate) struct Native<'c> {
    context: &'c Context,
    python: PathBuf,
    path: Vec<PathBuf>,
    /// The runner and the suite's files.
    package: PathBuf,
    timeout: Duration,
}

impl<'c> Native<'c> {
    pub(crate) fn new(
        context: &'c Context,
        suite: &Suite,
        build: NativeBuild,
    ) -> anyhow::Result<Self> {
        let python = context.toolchain.native_python()?.program;
        let mut path = Vec::new();
        if let (NativeBuild::Built, Some(build)) = (build, &suite.definition.build) {
            path.push(build_extension(context, &suite.name, build)?);
        }
        if !suite.native_requirements.is_empty() {
            let native = &suite.native_requirements;
            path.push(install(context, "published", native, &python)?);
        }
        path.push(install(context, "packages", &suite.requirements, &python)?);
        let package = suite.package(context)?;
        if suite.definition.runner == Runner::Cpython {
            // Processes that tests start import `test` as well.
            path.push(package.clone());
        }
        Ok(Self {
            context,
            python,
            path,
            package,
            timeout: suite.definition.timeout(),
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

    /// Executes one request, which has to come to its end.
    pub(crate) fn run(&self, request: &Request) -> anyhow::Result<Run> {
        self.execute_one(request)?.ended()
    }

    /// Executes each request in a process of its own, `jobs` of them at once; `each` is told
    /// when one has ended. What ended by itself is kept, and neither executed nor told again.
    pub(crate) fn execute(
        &self,
        requests: &[Request],
        jobs: NonZeroU32,
        each: &(dyn Fn(&Request, &Execution) + Sync),
    ) -> anyhow::Result<Vec<Execution>> {
        let next = AtomicUsize::new(0);
        let executions = Mutex::new(Vec::new());
        let work = || -> anyhow::Result<()> {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(place) else {
                    return Ok(());
                };
                let execution = self.kept(request, each)?;
                let mut executions = executions.lock().map_err(|_| poisoned())?;
                executions.push((place, execution));
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.get()).map(|_| scope.spawn(work)).collect();
            let mut ends = workers.into_iter().map(|worker| worker.join());
            ends.try_for_each(|end| end.map_err(|_| poisoned()).flatten())
        })?;
        let mut executions = executions.into_inner().map_err(|_| poisoned())?;
        executions.sort_by_key(|(place, _)| *place);
        Ok(executions.into_iter().map(|(_, it)| it).collect())
    }

    /// What the request came to before, if all that goes into it is the same.
    fn kept(
        &self,
        request: &Request,
        each: &dyn Fn(&Request, &Execution),
    ) -> anyhow::Result<Execution> {
        let folders = [&self.python, &self.package];
        let folders = folders.into_iter().chain(&self.path);
        let paths: Vec<_> = folders.map(|path| path.to_string_lossy()).collect();
        let request_text = serde_json::to_string(request)?;
        let settings = format!("{ENVIRONMENT:?} {:?}", self.timeout);
        let mut parts: Vec<&str> = paths.iter().map(|path| &**path).collect();
        parts.extend([&*request_text, &*settings]);
        let folder = self.context.cache_dir().join("native-results");
        let file = folder.join(format!("{}.json", key(&parts)));
        if let Ok(text) = fs::read(&file)
            && let Ok(execution) = serde_json::from_slice(&text)
        {
            return Ok(execution);
        }
        let execution = self.execute_one(request)?;
        each(request, &execution);
        if execution.death.is_none() {
            fs::create_dir_all(&folder)?;
            let mut scratch = tempfile::NamedTempFile::new_in(&folder)?;
            scratch.write_all(&serde_json::to_vec(&execution)?)?;
            scratch.persist(&file)?;
        }
        Ok(execution)
    }

    fn execute_one(&self, request: &Request) -> anyhow::Result<Execution> {
        self.context.check()?;
        let scratch = self.context.scratch()?;
        let file = |content: &[u8]| -> anyhow::Result<fs::File> {
            let mut file = tempfile::tempfile_in(&scratch)?;
            file.write_all(content)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let mut stdout = file(b"")?;
        let mut stderr = file(b"")?;
        let mut command = network(&self.python);
        command
            .args(["-s", "-B"])
            .arg(self.package.join(MODULE).join("__init__.py"))
            .stdin(file(&serde_json::to_vec(request)?)?)
            .stdout(Stdio::from(stdout.try_clone()?))
            .stderr(Stdio::from(stderr.try_clone()?))
            .env("PYTHONPATH", std::env::join_paths(&self.path)?)
            // As in the sandbox, the order of sets of strings is the same each time.
            .env("PYTHONHASHSEED", "0")
            .env("TMPDIR", scratch.path())
            .envs(ENVIRONMENT)
            .current_dir(&scratch);
        let started = Instant::now();
        let child = command.spawn().context("failed to start Python")?;
        let status = self.wait(child)?;
        let text = |file: &mut fs::File| -> anyhow::Result<String> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (run, mut output) = Run::parse(&text(&mut stdout)?)?;
        output.push_str(&text(&mut stderr)?);
        let death = match (status, run.code) {
            (Some(status), Some(_)) if status.success() => None,
            (Some(status), _) => {
                let outcome = match status.signal() {
                    Some(_) => Outcome::Trapped,
                    None => Outcome::Exited,
                };
                Some(Test::new(outcome, status.to_string()))
            }
            (None, _) => Some(Test::new(
                Outcome::LimitExceeded,
                "the time limit was reached",
            )),
        };
        Ok(Execution {
            run,
            death,
            output,
            duration: started.elapsed(),
        })
    }

    /// None if it took too long.
    fn wait(&self, mut child: Child) -> anyhow::Result<Option<ExitStatus>> {
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            let is_late = started.elapsed() > self.timeout;
            if is_late || self.context.cancel.is_requested() {
                child.kill()?;
                child.wait()?;
                self.context.check()?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn poisoned() -> anyhow::Error {
    anyhow::anyhow!("a thread that runs tests panicked")
}

impl Execution {
    /// What it told, if it came to its end.
    pub(crate) fn ended(self) -> anyhow::Result<Run> {
        if let Some(death) = self.death {
            let Test {
                outcome,
                message,
                detail,
            } = death;
            bail!("the suite {outcome}: {message}\n{detail}\n{}", self.output);
        }
        if self.run.code != Some(0) {
            let code = self.run.code;
            say(format_args!(
                "the tests ended with {code:?}:\n{}",
                self.output
            ));
        }
        Ok(self.run)
    }
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
fn build_extension(context: &Context, suite: &str, build: &Build) -> anyhow::Result<PathBuf> {
    let rustc = context.toolchain.wasi_rust()?.rustc;
    let python = context.toolchain.native_python()?;
    let sdist = context.toolchain.source(&build.sdist)?;
    let config = pyo3_config(series(&python.version));
    let parts = [
        &*rustc.to_string_lossy(),
        &*sdist.to_string_lossy(),
        &config,
    ];
    let name = format!("{suite}-native-{}", key(&parts));
    context.kept(&name, |folder| {
        say(format_args!("building {suite} natively (two minutes)"));
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
        let package = Path::new(&build.python);
        let package = folder.join(package.file_name().unwrap_or_default());
        fs::rename(tree.join(&build.python), &package)?;
        let library = format!("lib{}.{}", build.module, std::env::consts::DLL_EXTENSION);
        let library = folder.join("target/release").join(library);
        fs::copy(library, package.join(format!("{}.so", build.module)))?;
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
