//! A program in a real artifact, made by the real build, run by the real host.

use std::{
    error::Error,
    ffi::OsStr,
    fs,
    num::NonZeroU32,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use wadup_build::{BuildError, BuildSettings, ToolchainTools, build};
use wadup_host::{Cancel, CompiledCache, Host, HostSettings, Inputs};
use wadup_project::Project;
use wadup_sink::MemorySink;
use wadup_toolchain::{Settings, Silent, Toolchain};

use crate::{expectations::Mode, wheel};

/// The input, relative to the working directory; the name is not UTF-8.
const INPUT: &[u8] = b"some/dir/\xc4\xb1np\xffut.txt";

type Failure = Box<dyn Error + Send + Sync>;

/// The folder with a project for every program.
#[derive(Debug)]
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Workshop {
    /// Makes the input, and the process's working directory the folder that it is in.
    pub(crate) fn open(programs: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let input = folder.path().join(input());
        fs::create_dir_all(input.parent().ok_or("it is in a folder")?)?;
        fs::copy(programs.join("input.bin"), input)?;
        std::env::set_current_dir(folder.path())?;
        Ok(Self {
            folder,
            programs: programs.to_owned(),
        })
    }

    /// The project whose entry point is the program. In it are all programs, as it is in
    /// `guest/tests`, but not those that would not compile.
    pub(crate) fn project(&self, program: &str, mode: Mode) -> Result<Project, Failure> {
        let root = self
            .folder
            .path()
            .join(format!("{program}-{}", mode.name()));
        copy_programs(&self.programs, &root.join("src"), program)?;
        // A lock names all packages or is none: pydantic's is left to the resolver.
        let (dependency, extension) = match program.starts_with("pydantic_") {
            true => ("", "\"pydantic\""),
            false => ("\"tree-package\"", ""),
        };
        let snapshot = mode == Mode::Snapshot;
        let pyproject = format!(
            "[project]\nname = \"program\"\nversion = \"1\"\ndependencies = [{dependency}]\n\
             [tool.wadup]\nentry-point = \"{program}\"\nc-extensions = [{extension}]\n\
             snapshot = {snapshot}\n"
        );
        fs::write(root.join("pyproject.toml"), pyproject)?;
        if extension.is_empty() {
            self.lock(&root)?;
        }
        Ok(Project::load(&root)?)
    }

    /// In a project's folder a lock and the one wheel that it names: the metadata in
    /// `guest/tests`, which a project itself cannot bring.
    fn lock(&self, root: &Path) -> Result<(), Failure> {
        const METADATA: &str = "tree_package-1.2.3.dist-info";
        let mut files = Vec::new();
        for entry in fs::read_dir(self.programs.join(METADATA))? {
            let entry = entry?;
            let path = format!("{METADATA}/{}", entry.file_name().to_string_lossy());
            files.push((path, fs::read(entry.path())?));
        }
        Ok(wheel::locked(root, "tree-package", "1.2.3", &files)?)
    }
}

/// Builds the artifact of a project, whose bytes these are.
pub(crate) fn artifact(project: &Project) -> Result<Vec<u8>, BuildError> {
    let output = build(
        project,
        &BuildSettings::default(),
        &*TOOLS,
        &wadup_build::Silent,
    )?;
    let wasm = fs::read(&output.artifact);
    // It is some 20 MB that nobody else has a use for.
    let _ = fs::remove_file(&output.artifact);
    wasm.map_err(|source| BuildError::Place {
        path: output.artifact,
        source,
    })
}

/// Runs an artifact on the input; the sink has what came of it. Sub-content is not processed.
pub(crate) fn run(wasm: &[u8], env: &[(String, String)]) -> Result<MemorySink, Failure> {
    let host = Host::new(HostSettings {
        jobs: NonZeroU32::MIN,
        max_memory: 512 << 20,
        max_depth: 0,
        env: env.to_vec(),
        cache: CompiledCache::at(TOOLCHAIN.cache_dir().join("compiled")),
        ..HostSettings::default()
    })?;
    let artifact = host.load_bytes(wasm, "program", &wadup_host::Silent)?;
    let mut sink = MemorySink::new();
    let inputs = Inputs::new().path(input());
    host.run(
        &[artifact],
        inputs,
        &mut sink,
        &wadup_host::Silent,
        &Cancel::new(),
    )?;
    Ok(sink)
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn input() -> &'static Path {
    Path::new(OsStr::from_bytes(INPUT))
}

/// Copies the programs to a project. One that has a syntax error is only in its own.
fn copy_programs(from: &Path, to: &Path, program: &str) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_broken =
            name.to_string_lossy().starts_with("syntax_error") && program != "syntax_error";
        if entry.file_type()?.is_dir() {
            copy_programs(&entry.path(), &to.join(name), program)?;
        } else if !is_broken {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// The toolchain, in the cache of the environment.
static TOOLCHAIN: LazyLock<Toolchain> = LazyLock::new(|| {
    let settings = Settings::from_env().expect("a cache folder");
    Toolchain::open(settings, Arc::new(Silent)).expect("the toolchain opens")
});

static TOOLS: LazyLock<ToolchainTools<'static>> =
    LazyLock::new(|| ToolchainTools::new(&TOOLCHAIN).expect("the recipes can be read"));
