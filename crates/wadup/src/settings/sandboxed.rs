//! What `wadup python` and `wadup test` are to do: an interpreter, and what it is asked.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use wadup_build::{BuildSettings, ImportLimits, Product};
use wadup_host::HostSettings;
use wadup_project::{Layout, Project, SourceFile};

use super::{
    build::{build_settings, load_project},
    run::{STDIN, check_input, compiled_cache, guest_settings},
};
use crate::{
    cli::{CompilerArgs, ImportArgs, PythonArgs, ResolveArgs, SandboxArgs, TestArgs},
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
};

/// Where the guest finds files of the project, and a script.
const PROJECT: &str = "/project";
const SCRIPT: &str = "/script";

/// An interpreter in a sandbox, and what is given to it.
#[derive(Debug)]
pub(crate) struct Sandboxed {
    pub(crate) project: Project,
    pub(crate) build: BuildSettings,
    pub(crate) host: HostSettings,
    /// Files of the host, by where the guest finds them.
    pub(crate) files: Vec<(String, PathBuf)>,
    pub(crate) input: Option<PathBuf>,
}

/// What `wadup python` is to do.
#[derive(Debug)]
pub(crate) struct PythonCommand {
    pub(crate) sandboxed: Sandboxed,
    pub(crate) program: Program,
}

#[derive(Debug)]
pub(crate) enum Program {
    /// A program and its arguments, as the guest is asked to run it.
    Once(Request),
    /// A session on the terminal, where modules of the project are at `path`.
    Session { path: Vec<String> },
}

/// What `wadup test` is to do.
#[derive(Debug)]
pub(crate) struct TestCommand {
    pub(crate) sandboxed: Sandboxed,
    pub(crate) request: Request,
}

/// A request that the entry module of an interpreter understands.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Request {
    pub(crate) kind: &'static str,
    /// What it goes on `sys.path`.
    pub(crate) path: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) argv: Vec<String>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_of_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<&'static str>,
    /// Counts the statements of a session.
    pub(crate) number: u64,
}

impl PythonCommand {
    pub(crate) fn resolve(args: PythonArgs) -> Result<Self, Failure> {
        let project = python_project(&args)?;
        let mut files = Vec::new();
        let mut path = Vec::new();
        if let Some(project) = &project {
            files = given(&project.sources.files, &source_root(project));
            path.push(source_root(project));
        }
        let program = program(&args, path, &mut files)?;
        if let Some(input) = &args.input {
            check_input(input)?;
        }
        let project = match project {
            Some(project) => project,
            None => bare_project(&args.with)?,
        };
        let (sandbox, compiler, resolve) = (&args.sandbox, args.compiler, args.resolve);
        Ok(Self {
            sandboxed: Sandboxed {
                input: args.input,
                files,
                ..Sandboxed::new(project, Product::Interpreter, sandbox, compiler, resolve)?
            },
            program,
        })
    }
}

impl TestCommand {
    pub(crate) fn resolve(args: TestArgs) -> Result<Self, Failure> {
        let project = load_project(&args.project)?;
        let failed = |error| Failure::project(&args.project, &error);
        let groups = project.test_groups().map_err(failed)?;
        let asks = |dependency: &wadup_project::Dependency| {
            dependency.requirement.name.as_ref() == "pytest"
        };
        if !groups.ask_for("pytest") && !project.dependencies.iter().any(asks) {
            let action = format_args!("test {}", display_path(&args.project));
            return Err(Failure::new(ExitCode::Build, action)
                .because_of("pytest is not among the project's dependency groups")
                .hint(Some("`uv add --dev pytest` adds it")));
        }
        let files = project.files().map_err(failed)?;
        let (sandbox, compiler, resolve) = (&args.sandbox, args.compiler, args.resolve);
        let mut argv = vec![format!("--color={}", if colour() { "yes" } else { "no" })];
        argv.extend(args.pytest);
        let request = Request {
            kind: "tests",
            path: vec![source_root(&project)],
            argv,
            folder: Some(PROJECT),
            ..Request::default()
        };
        let mut sandboxed =
            Sandboxed::new(project, Product::Tests(groups), sandbox, compiler, resolve)?;
        sandboxed.files = given(&files, PROJECT);
        if let Some((width, _)) = terminal_size::terminal_size() {
            let columns = ("COLUMNS".to_owned(), width.0.to_string());
            // One that was given comes later, and counts.
            sandboxed.host.env.insert(0, columns);
        }
        Ok(Self { sandboxed, request })
    }
}

impl Sandboxed {
    fn new(
        project: Project,
        product: Product,
        sandbox: &SandboxArgs,
        compiler: CompilerArgs,
        resolve: ResolveArgs,
    ) -> Result<Self, Failure> {
        let limits = sandbox.limits();
        let import = ImportArgs { deny_impure: false };
        Ok(Self {
            project,
            build: BuildSettings {
                product,
                ..build_settings(resolve, import, ImportLimits::default(), None)
            },
            host: HostSettings {
                // Who waits in front of it can interrupt it.
                timeout: limits.timeout,
                ..guest_settings(limits, &sandbox.env, compiler, compiled_cache()?)
            },
            files: Vec::new(),
            input: None,
        })
    }
}

/// The project that is named, or the current folder's.
fn python_project(args: &PythonArgs) -> Result<Option<Project>, Failure> {
    match &args.project {
        _ if args.no_project => Ok(None),
        Some(path) => load_project(path).map(Some),
        None if Path::new("pyproject.toml").is_file() => load_project(Path::new(".")).map(Some),
        None => Ok(None),
    }
}

fn bare_project(requirements: &[String]) -> Result<Project, Failure> {
    let settings = wadup_toolchain::Settings::from_env().map_err(|error| Failure::cache(&error))?;
    for requirement in requirements {
        wadup_project::parse_requirement(requirement).map_err(|error| {
            let action = format_args!("understand --with {requirement}");
            Failure::new(ExitCode::Usage, action).because(&error)
        })?;
    }
    let folder = wadup_build::bare_project(&settings.cache, requirements).map_err(|error| {
        Failure::new(ExitCode::Toolchain, "make a place for the interpreter").because(&error)
    })?;
    load_project(&folder)
}

/// Where the guest finds the project's packages.
fn source_root(project: &Project) -> String {
    match project.sources.layout {
        Layout::Src => format!("{PROJECT}/src"),
        Layout::Flat => PROJECT.to_owned(),
    }
}

fn given(files: &[SourceFile], folder: &str) -> Vec<(String, PathBuf)> {
    let place = |file: &SourceFile| (format!("{folder}/{}", file.path), file.file.clone());
    files.iter().map(place).collect()
}

fn program(
    args: &PythonArgs,
    path: Vec<String>,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<Program, Failure> {
    let text = |text: &OsString| text.to_string_lossy().into_owned();
    let texts = |rest: &[OsString]| rest.iter().map(text).collect::<Vec<_>>();
    let once = |kind, name: String, argv| Request {
        kind,
        name,
        argv,
        path: path.clone(),
        ..Request::default()
    };
    if let Some([code, rest @ ..]) = args.code.as_deref() {
        let argv = [vec!["-c".to_owned()], texts(rest)].concat();
        return Ok(Program::Once(Request {
            source: Some(text(code)),
            ..once("code", "<string>".to_owned(), argv)
        }));
    }
    if let Some(module @ [name, ..]) = args.module.as_deref() {
        return Ok(Program::Once(once("module", text(name), texts(module))));
    }
    match args.program.as_slice() {
        [] if io::stdin().is_terminal() => Ok(Program::Session { path }),
        [] => script_on_stdin(once("code", "<stdin>".to_owned(), vec![String::new()])),
        [stdin, ..] if stdin == STDIN => {
            script_on_stdin(once("code", "<stdin>".to_owned(), texts(&args.program)))
        }
        [file, ..] => {
            let name = check_script(Path::new(file))?;
            let place = format!("{SCRIPT}/{name}");
            files.push((place.clone(), PathBuf::from(file)));
            Ok(Program::Once(Request {
                path_of_file: Some(place),
                ..once("file", text(file), texts(&args.program))
            }))
        }
    }
}

fn script_on_stdin(request: Request) -> Result<Program, Failure> {
    let mut source = Vec::new();
    io::stdin().read_to_end(&mut source).map_err(|error| {
        Failure::new(ExitCode::Usage, "read the script from stdin").because(&error)
    })?;
    Ok(Program::Once(Request {
        source: Some(String::from_utf8_lossy(&source).into_owned()),
        ..request
    }))
}

/// The name of a script that can be given.
fn check_script(path: &Path) -> Result<String, Failure> {
    let failed = || {
        let action = format_args!("read the script {}", display_path(path));
        Failure::new(ExitCode::Input, action)
    };
    let metadata = fs::metadata(path).map_err(|error| failed().because(&error))?;
    if !metadata.is_file() {
        return Err(failed().because_of("it is no file"));
    }
    fs::File::open(path).map_err(|error| failed().because(&error))?;
    let name = path.file_name().and_then(OsStr::to_str);
    name.map(str::to_owned)
        .ok_or_else(|| failed().because_of("its name is not UTF-8"))
}

/// Whether what is written to stdout may be in colour.
fn colour() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !forbidden
}
