//! A program in a real artifact, made by the real build, run by the real host.

use std::{
    error::Error,
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    num::NonZeroU32,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock},
};

use sha2::{Digest as _, Sha256};
use wadup_build::{
    BuildError, BuildSettings, Download, ExtensionRecipe, GuestFile, Runtime, ToolError,
    ToolchainTools, Tools, build,
};
use wadup_host::{Cancel, CompiledCache, Host, HostSettings, Inputs};
use wadup_project::{PackageName, Project, Version};
use wadup_sink::MemorySink;
use wadup_toolchain::{Settings, Silent, Toolchain};

use crate::expectations::Mode;

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
        let extensions = if program.starts_with("pydantic_") {
            "\"pydantic\""
        } else {
            ""
        };
        let snapshot = mode == Mode::Snapshot;
        let pyproject = format!(
            "[project]\nname = \"program\"\nversion = \"1\"\ndependencies = [\"tree-package\"]\n\
             [tool.wadup]\nentry-point = \"{program}\"\nc-extensions = [{extensions}]\n\
             snapshot = {snapshot}\n"
        );
        fs::write(root.join("pyproject.toml"), pyproject)?;
        fs::write(root.join("pylock.toml"), self.lock(&root)?)?;
        Ok(Project::load(&root)?)
    }

    /// The lock of a project, and in its folder the one wheel that it names: the metadata in
    /// `guest/tests`, which a project itself cannot bring.
    fn lock(&self, root: &Path) -> Result<String, Failure> {
        const METADATA: &str = "tree_package-1.2.3.dist-info";
        const WHEEL: &str = "tree_package-1.2.3-py3-none-any.whl";
        let mut zip = zip::ZipWriter::new(File::create(root.join(WHEEL))?);
        for entry in fs::read_dir(self.programs.join(METADATA))? {
            let entry = entry?;
            let name = entry.file_name();
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(format!("{METADATA}/{}", name.to_string_lossy()), options)?;
            zip.write_all(&fs::read(entry.path())?)?;
        }
        zip.finish()?;
        let digest = hexadecimal(&Sha256::digest(fs::read(root.join(WHEEL))?));
        Ok(format!(
            "lock-version = \"1.0\"\ncreated-by = \"test\"\n\
             [[packages]]\nname = \"tree-package\"\nversion = \"1.2.3\"\n\
             wheels = [{{ path = \"{WHEEL}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
        ))
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
    // Each is some 20 MB, and what is to be tested is that it can be made.
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
        cache: CompiledCache::at(TOOLS.cache_dir().join("compiled")),
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

/// The toolchain of the environment, but what a build keeps is kept in the target folder:
/// artifacts of tests are of no use to anybody else.
struct Kept {
    tools: ToolchainTools<'static>,
    cache: PathBuf,
}

static TOOLS: LazyLock<Kept> = LazyLock::new(|| {
    let settings = Settings::from_env().expect("a cache folder");
    let toolchain = Toolchain::open(settings, Arc::new(Silent)).expect("the toolchain opens");
    let toolchain = Box::leak(Box::new(toolchain));
    Kept {
        tools: ToolchainTools::new(toolchain).expect("the recipes can be read"),
        cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest-programs"),
    }
});

impl Tools for Kept {
    fn python(&self) -> &Version {
        self.tools.python()
    }
    fn extensions(&self) -> &[ExtensionRecipe] {
        self.tools.extensions()
    }
    fn cache_dir(&self) -> &Path {
        &self.cache
    }
    fn uv_version(&self) -> &str {
        self.tools.uv_version()
    }
    fn uv(&self, offline: bool) -> Result<Command, ToolError> {
        self.tools.uv(offline)
    }
    fn fetch(&self, download: &Download, offline: bool) -> Result<PathBuf, ToolError> {
        self.tools.fetch(download, offline)
    }
    fn guest_python(&self) -> &[GuestFile] {
        self.tools.guest_python()
    }
    fn runtime(&self, extensions: &[PackageName], offline: bool) -> Result<Runtime, ToolError> {
        self.tools.runtime(extensions, offline)
    }
}
