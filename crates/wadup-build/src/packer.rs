//! The bundle: the standard library, packages and the project, each packed once and kept.
//! What is kept is compressed already, so that a build compresses only what has changed.

use std::cell::OnceCell;
use std::fs;

use wadup_project::{Location, PackageName, Project};
use wadup_protocol::bundle::APP_DIR;

use crate::bytecode::{self, CompileError, Compiler, Placement, SourceError};
use crate::cache::Cache;
use crate::compression;
use crate::digest::Digest;
use crate::dist_info;
use crate::error::BuildError;
use crate::library;
use crate::plan::BuildPlan;
use crate::resolve::{Chosen, PackageOrigin, PinnedWheel, Selection};
use crate::sandbox::Sandbox;
use crate::tools::{Runtime, Tools};
use crate::tree::{Merged, PackedTree, Tree};
use crate::wheel;

/// Packs what a plan names.
pub(crate) struct Packer<'a> {
    pub(crate) project: &'a Project,
    pub(crate) plan: &'a BuildPlan,
    pub(crate) tools: &'a dyn Tools,
    pub(crate) cache: &'a Cache,
    pub(crate) offline: bool,
    pub(crate) runtime: &'a Runtime,
    pub(crate) wasm: &'a [u8],
    pub(crate) sandbox: &'a Sandbox,
    /// Whether the package `wadup` is to have what is for outside of the sandbox as well.
    whole: bool,
    compiler: OnceCell<Compiler<'a>>,
    dictionary: OnceCell<Vec<u8>>,
    library: OnceCell<Tree>,
}

/// A bundle's files, and the packages among them.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) files: Merged,
    /// What they are compressed with.
    pub(crate) dictionary: Vec<u8>,
    /// Of the packages that the lock does not have: name and version.
    pub(crate) runtime_packages: Vec<(PackageName, String)>,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(
        project: &'a Project,
        plan: &'a BuildPlan,
        (tools, cache, offline): (&'a dyn Tools, &'a Cache, bool),
        (runtime, wasm): (&'a Runtime, &'a [u8]),
        sandbox: &'a Sandbox,
        whole: bool,
    ) -> Self {
        Self {
            project,
            plan,
            tools,
            cache,
            offline,
            runtime,
            wasm,
            sandbox,
            whole,
            compiler: OnceCell::new(),
            dictionary: OnceCell::new(),
            library: OnceCell::new(),
        }
    }

    pub(crate) fn pack(
        &self,
        selection: &Selection,
        sources: Vec<(String, Vec<u8>)>,
    ) -> Result<Packed, BuildError> {
        let mut files = Merged::default();
        files.add(self.standard_library()?, "the standard library")?;
        let runtime_packages = self.add_runtime_packages(&mut files, selection)?;
        for chosen in &selection.packages {
            if let PackageOrigin::Wheel(wheel) = &chosen.origin {
                files.add(self.wheel(wheel)?, &owner(chosen))?;
            }
        }
        files.add(self.sources(sources)?, self.project.name.as_ref())?;
        Ok(Packed {
            files,
            dictionary: self.dictionary()?.to_vec(),
            runtime_packages,
        })
    }

    fn standard_library(&self) -> Result<PackedTree, BuildError> {
        self.packed(&self.plan.library_digest("stdlib"), || {
            Ok(self.compiled_library()?.clone())
        })
    }

    fn compiled_library(&self) -> Result<&Tree, BuildError> {
        if let Some(library) = self.library.get() {
            return Ok(library);
        }
        let library = self.compiled(library::standard_library(self.runtime)?)?;
        Ok(self.library.get_or_init(|| library))
    }

    /// What all files are compressed with.
    fn dictionary(&self) -> Result<&[u8], BuildError> {
        if let Some(dictionary) = self.dictionary.get() {
            return Ok(dictionary);
        }
        let key = self.plan.library_digest("dictionary");
        let dictionary = match self.cache.read("dictionaries", &key) {
            Some(dictionary) => dictionary,
            None => {
                let dictionary = compression::dictionary(self.compiled_library()?);
                self.cache.write("dictionaries", &key, &dictionary)?;
                dictionary
            }
        };
        Ok(self.dictionary.get_or_init(|| dictionary))
    }

    /// A package that the lock has as a wheel takes the place of the runtime's own.
    fn add_runtime_packages(
        &self,
        files: &mut Merged,
        selection: &Selection,
    ) -> Result<Vec<(PackageName, String)>, BuildError> {
        let mut added = Vec::new();
        for package in library::packages(self.runtime, self.tools.guest_python(), self.whole)? {
            if selection.has_wheel(&package.name) {
                continue;
            }
            let name = package.name.clone();
            let part = match self.whole {
                true => format!("{name} with stand-ins"),
                false => name.to_string(),
            };
            let tree = self.packed(&self.plan.library_digest(&part), || {
                Ok(library::recorded(self.compiled(package.tree)?))
            })?;
            files.add(tree, name.as_ref())?;
            added.push((name, package.version));
        }
        Ok(added)
    }

    fn wheel(&self, pinned: &PinnedWheel) -> Result<PackedTree, BuildError> {
        self.packed(&self.plan.wheel_digest(&pinned.sha256), || {
            let file = wheel::fetch(self.tools, pinned, self.offline)?;
            let files = wheel::unpack(&file, &pinned.wheel.filename)?;
            let tree = self.compiled(library::installed(files))?;
            Ok(library::recorded(tree))
        })
    }

    fn sources(&self, sources: Vec<(String, Vec<u8>)>) -> Result<PackedTree, BuildError> {
        let mut tree = dist_info::of_project(self.project);
        for (path, content) in sources {
            tree.insert(format!("{APP_DIR}/{path}"), content);
        }
        self.packed(&self.plan.sources_digest(), || {
            if self.plan.precompile {
                let (compiled, errors) =
                    bytecode::compile(self.compiler()?, tree, Placement::Beside)?;
                let fatal = |error: &SourceError| self.is_of_entry_point(&error.path);
                if let Some(error) = errors.into_iter().find(fatal) {
                    return Err(BuildError::Syntax {
                        line: error.line.unwrap_or(1).max(1),
                        location: Box::new(place(self.project, &error)),
                        message: error.message,
                    });
                }
                tree = compiled;
            }
            dist_info::record(&mut tree, APP_DIR);
            Ok(tree)
        })
    }

    /// Whether every start of the artifact imports it: the entry module, and the packages that
    /// it is in.
    fn is_of_entry_point(&self, path: &str) -> bool {
        let mut module = APP_DIR.to_owned();
        self.plan.boot.entry_point.split('.').any(|name| {
            module = format!("{module}/{name}");
            path == format!("{module}.py") || path == format!("{module}/__init__.py")
        })
    }

    /// Packages do ship files that are no Python, such as templates: those stay sources.
    fn compiled(&self, tree: Tree) -> Result<Tree, BuildError> {
        if !self.plan.precompile {
            return Ok(tree);
        }
        let (tree, _errors) = bytecode::compile(self.compiler()?, tree, Placement::Instead)?;
        Ok(tree)
    }

    fn compiler(&self) -> Result<&Compiler<'a>, CompileError> {
        if let Some(compiler) = self.compiler.get() {
            return Ok(compiler);
        }
        let driver = self.tools.guest_python();
        let runtime = (self.runtime, self.wasm);
        let compiler = Compiler::start(self.sandbox, self.cache, runtime, driver)?;
        Ok(self.compiler.get_or_init(|| compiler))
    }

    /// The tree under this key, made and compressed where it is not in the cache.
    fn packed(
        &self,
        key: &Digest,
        make: impl FnOnce() -> Result<Tree, BuildError>,
    ) -> Result<PackedTree, BuildError> {
        let kept = self.cache.read("trees", key);
        if let Some(tree) = kept.and_then(|bytes| PackedTree::from_bytes(&bytes).ok()) {
            return Ok(tree);
        }
        let tree = compression::compress(make()?, self.dictionary()?)?;
        self.cache.write("trees", key, &tree.to_bytes()?)?;
        Ok(tree)
    }
}

/// Where the error is, in the file as it is on the host.
pub(crate) fn place(project: &Project, error: &SourceError) -> Location {
    let relative = error.path.strip_prefix(&format!("{APP_DIR}/"));
    let relative = relative.unwrap_or(&error.path);
    let path = project.sources.root.join(relative);
    let bytes = fs::read(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = error.line.unwrap_or(1).max(1);
    let lines = text.split_inclusive('\n').take(line - 1);
    let start: usize = lines.map(str::len).sum();
    let length = text[start..].lines().next().map_or(0, str::len);
    Location {
        path,
        span: start..start + length,
        text: text.into(),
    }
}

fn owner(chosen: &Chosen) -> String {
    format!("{} {}", chosen.name, chosen.version)
}

impl std::fmt::Debug for Packer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
