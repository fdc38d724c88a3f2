use std::path::Path;

use wadup_project::{PackageName, Project};
use wadup_protocol::bundle::APP_DIR;

use super::{read, read_sources};
use crate::bytecode::{self, Compiler, Placement, SourceError};
use crate::cache::Cache;
use crate::error::BuildError;
use crate::event::Reporter;
use crate::output::Warning;
use crate::packer;
use crate::plan::{PlannedPackage, planned};
use crate::resolve::Resolver;
use crate::sandbox::Sandbox;
use crate::settings::BuildSettings;
use crate::tools::Tools;
use crate::tree::Tree;

/// What was looked at, and what was found.
#[derive(Debug)]
pub struct Check {
    /// Why a build would fail, or the artifact.
    pub problems: Vec<BuildError>,
    pub warnings: Vec<Warning>,
    /// Ordered by name; none where they cannot be resolved.
    pub packages: Vec<PlannedPackage>,
    pub python: PythonCheck,
}

/// How the project's sources were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PythonCheck {
    /// The interpreter compiled so many.
    Compiled(usize),
    /// There is no interpreter yet.
    NotInstalled,
}

/// Looks for reasons why [`build`](super::build) would fail, without making an artifact:
/// dependencies are resolved, as a build does it, which may write the lock; the project's sources
/// are compiled by the interpreter, if a runtime is in the cache; the entry module must have a
/// `main`. No code of the project is run.
///
/// # Errors
///
/// When it cannot be done; what is wrong with the project is in [`Check::problems`].
pub fn check(
    project: &Project,
    settings: &BuildSettings,
    tools: &dyn Tools,
    reporter: &dyn Reporter,
) -> Result<Check, BuildError> {
    let cache = Cache::new(tools.cache_dir());
    let resolver = Resolver {
        project,
        settings,
        tools,
        cache: &cache,
        reporter,
        writes: true,
    };
    let native = project.sources.native.iter();
    let native = native.map(|path| Warning::NativeLibrary { path: path.clone() });
    let mut check = Check {
        problems: Vec::new(),
        warnings: native.collect(),
        packages: Vec::new(),
        python: PythonCheck::NotInstalled,
    };
    let mut extensions = Vec::new();
    match resolver.resolve() {
        Ok(selection) => {
            extensions = selection.extensions();
            check.packages = selection.packages.iter().map(planned).collect();
        }
        Err(error) => check.problems.push(error.into()),
    }
    check.sources(project, (tools, &cache), extensions)?;
    Ok(check)
}

/// What gives a module names that are not in its text.
const DYNAMIC: &[&str] = &["__getattr__", "exec(", "globals(", "setattr(", "vars("];

/// Not the name of a source of any project.
const PROBE: &str = "/probe.py";

impl Check {
    fn sources(
        &mut self,
        project: &Project,
        (tools, cache): (&dyn Tools, &Cache),
        extensions: Vec<PackageName>,
    ) -> Result<(), BuildError> {
        // Every runtime has the same interpreter.
        let recipes = tools.extensions().iter().map(|recipe| recipe.name.clone());
        let one = recipes.clone().map(|name| vec![name]);
        let mut others = vec![Vec::new(), recipes.collect()];
        others.extend(one);
        let mut found = None;
        for extensions in [extensions].into_iter().chain(others) {
            let missing = tools.missing_steps(&extensions);
            if missing.map_err(BuildError::Runtime)?.is_empty() {
                let runtime = tools.runtime(&extensions, true);
                found = Some(runtime.map_err(BuildError::Runtime)?);
                break;
            }
        }
        let Some(runtime) = found else {
            return Ok(());
        };
        let sandbox = Sandbox::new(tools.cache_dir())?;
        let wasm = read(&runtime.wasm)?;
        let compiler = (&runtime, wasm.as_slice());
        let compiler = Compiler::start(&sandbox, cache, compiler, tools.guest_python())?;
        let sources = read_sources(project)?;
        let mut tree = Tree::default();
        for (path, content) in &sources {
            tree.insert(format!("{APP_DIR}/{path}"), content.clone());
        }
        let entry = sources.iter().find(|(path, _)| project.is_entry(path));
        if let Some((_, entry)) = entry {
            tree.insert(PROBE.to_owned(), probe(entry));
        }
        let (_, errors) = bytecode::compile(&compiler, tree, Placement::Beside)?;
        let is_python = |path: &str| path.ends_with(".py");
        let modules = sources.iter().filter(|(path, _)| is_python(path));
        self.python = PythonCheck::Compiled(modules.count());
        if let Some((path, entry)) = entry
            && lacks_main(&errors, path, entry)
        {
            self.problems.push(BuildError::NoMain {
                entry_point: project.entry_point.to_string(),
                file: project.entry_file().to_owned(),
                location: Box::new(project.location(project.entry_point_span.clone())),
            });
        }
        for error in errors {
            self.add(project, error);
        }
        Ok(())
    }

    /// A build packs what is not valid Python and warns. Here it is a problem, unless it has a
    /// name that cannot be imported.
    fn add(&mut self, project: &Project, error: SourceError) {
        let Some(path) = error.path.strip_prefix(&format!("{APP_DIR}/")) else {
            return;
        };
        let path = path.to_owned();
        if !is_importable(&path) {
            self.warnings.push(Warning::NotPython { path });
            return;
        }
        self.problems.push(BuildError::Module {
            path,
            line: error.line,
            location: Box::new(packer::place(project, &error)),
            message: error.message,
        });
    }
}

/// The module with a statement after it that is an error if, and only if, the module's own code
/// has used the name `main` or given it a meaning by `def`, `class` or an assignment. Imports do
/// not count.
/// <https://docs.python.org/3/reference/simple_stmts.html#the-global-statement>
fn probe(entry: &[u8]) -> Vec<u8> {
    [entry, b"\nglobal main\n"].concat()
}

fn lacks_main(errors: &[SourceError], path: &str, entry: &[u8]) -> bool {
    let entry_path = format!("{APP_DIR}/{path}");
    let has_error = |path: &str| errors.iter().any(|error| error.path == path);
    if has_error(&entry_path) || has_error(PROBE) {
        return false;
    }
    let text = String::from_utf8_lossy(entry);
    !DYNAMIC.iter().any(|name| text.contains(name)) && !may_import_main(&text)
}

/// Whether anything that looks like an import names `main`, or all there is.
fn may_import_main(text: &str) -> bool {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.split("import").skip(1).any(|rest| {
        let rest = rest.trim_start_matches([' ', '\t']);
        let end = if rest.starts_with('(') { ')' } else { '\n' };
        let names = rest.split(end).next().unwrap_or_default();
        let mut words = names.split(|c: char| !(c == '*' || c == '_' || c.is_alphanumeric()));
        words.any(|word| matches!(word, "main" | "*"))
    })
}

fn is_importable(path: &str) -> bool {
    let parts = Path::new(path).with_extension("");
    let mut parts = parts.iter().filter_map(|part| part.to_str());
    parts.all(wadup_project::is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_main_are_seen() {
        for text in [
            "from a import main",
            "from a import b as main, c",
            "from a import *",
            "import main",
            "from a import (\n    b,\n    main,\n)\n",
            "from a \\\n import b, \\\n  main\n",
        ] {
            assert!(may_import_main(text), "{text}");
        }
        for text in [
            "import a\nmain",
            "from a import domain",
            "import a.main_b",
            "main *",
        ] {
            assert!(!may_import_main(text), "{text}");
        }
    }

    #[test]
    fn templates_cannot_be_imported() {
        for path in ["app.py", "app/__init__.py", "app/größe.py"] {
            assert!(is_importable(path), "{path}");
        }
        for path in ["app/{{name}}.py", "app/my-template.py", "app/1.py"] {
            assert!(!is_importable(path), "{path}");
        }
    }
}
