//! A real toolchain (built where it is not in the cache of the environment), and projects.

#![allow(dead_code, reason = "each test program uses a part")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use wadup_build::{
    BuildError, BuildOutput, BuildSettings, Download, ExtensionRecipe, GuestFile, MissingStep,
    Runtime, Silent, ToolError, ToolchainTools, Tools, build,
};
use wadup_project::{PackageName, Project, Version};
use wadup_toolchain::{Settings, Toolchain};

static TOOLCHAIN: LazyLock<Toolchain> = LazyLock::new(|| {
    let settings = Settings::from_env().unwrap();
    Toolchain::open(settings, Arc::new(wadup_toolchain::Silent)).unwrap()
});

pub(crate) fn tools() -> ToolchainTools<'static> {
    ToolchainTools::new(&TOOLCHAIN).unwrap()
}

/// The same toolchain, but all that a build keeps is kept elsewhere.
pub(crate) struct Elsewhere {
    pub(crate) tools: ToolchainTools<'static>,
    pub(crate) cache: PathBuf,
}

impl Tools for Elsewhere {
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
    fn native_python(&self) -> Result<PathBuf, ToolError> {
        self.tools.native_python()
    }
    fn fetch(&self, download: &Download, offline: bool) -> Result<PathBuf, ToolError> {
        self.tools.fetch(download, offline)
    }
    fn guest_python(&self) -> &[GuestFile] {
        self.tools.guest_python()
    }
    fn missing_steps(&self, extensions: &[PackageName]) -> Result<Vec<MissingStep>, ToolError> {
        self.tools.missing_steps(extensions)
    }
    fn runtime(&self, extensions: &[PackageName], offline: bool) -> Result<Runtime, ToolError> {
        self.tools.runtime(extensions, offline)
    }
}

/// A project in a folder of its own, in `src` layout.
pub(crate) struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    pub(crate) fn new(fields: &str, wadup: &str, sources: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pyproject = format!(
            "[project]\nname = \"Demo_App\"\nversion = \"1.2\"\n{fields}\n\
             [tool.wadup]\nentry-point = \"demo\"\n{wadup}\n"
        );
        fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
        let case = Self { folder };
        for (path, content) in sources {
            case.write(&format!("src/{path}"), content);
        }
        case
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("out/demo.wasm")
    }

    pub(crate) fn build_with(
        &self,
        tools: &dyn Tools,
        settings: BuildSettings,
    ) -> Result<BuildOutput, BuildError> {
        let project = Project::load(self.folder.path()).unwrap();
        let settings = BuildSettings {
            output: Some(self.output()),
            ..settings
        };
        build(&project, &settings, tools, &Silent)
    }

    pub(crate) fn build(&self) -> Result<BuildOutput, BuildError> {
        self.build_with(&tools(), BuildSettings::default())
    }

    /// An error with its causes, its place, its hint and its traceback.
    pub(crate) fn told(&self, error: &BuildError) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(text, "\n  {error}").unwrap();
            cause = error.source();
        }
        if let Some(location) = error.location() {
            let (line, column) = location.line_column();
            let span = &location.text[location.span.clone()];
            let file = location.path.display();
            write!(text, "\n  at {file}:{line}:{column}: {span}").unwrap();
        }
        if let Some(hint) = error.hint() {
            write!(text, "\n  hint: {hint}").unwrap();
        }
        if let Some(traceback) = error.traceback() {
            write!(text, "\n{traceback}").unwrap();
        }
        let root = self.folder.path().canonicalize().unwrap();
        text.replace(&*root.to_string_lossy(), "PROJECT")
    }
}
