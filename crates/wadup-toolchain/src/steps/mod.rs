//! The steps from nothing to a runtime, and how they hang together.

mod c_library;
mod c_toolchain;
mod cpython_source;
mod extension;
mod guest;
mod native_python;
mod profile;
mod runtime;
mod rust;
mod rust_toolchain;
mod tzdata;
mod uv;
mod wasm_python;

use std::path::Path;

pub(crate) use runtime::{RuntimeRecord, runtime_step_name};

use crate::graph::{Graph, StepPlan};
use crate::host::{COrigin, Host, RustOrigin};
use crate::recipes::{CLibraryRecipe, ExtensionRecipe, RecipeError, Recipes, TargetFlags};
use crate::settings::Profiling;
use crate::step::{Action, ActionError};

/// Names of steps.
pub(crate) const UV: &str = "uv";
pub(crate) const NATIVE_PYTHON: &str = "python-native";
pub(crate) const C_TOOLCHAIN: &str = "c-toolchain";
pub(crate) const RUST_TOOLCHAIN: &str = "rust-toolchain";
const CPYTHON_SOURCE: &str = "python-source";
const WASM_PYTHON: &str = "python-wasm";
const TZDATA: &str = "tzdata";
const GUEST: &str = "guest-runtime";

/// What a C file is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Native,
    Wasm,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
        }
    }

    /// What a library's recipe says for this target.
    fn flags(self, library: &CLibraryRecipe) -> &TargetFlags {
        match self {
            Self::Native => library.native(),
            Self::Wasm => library.wasm(),
        }
    }
}

/// Builds the graph of all steps, with one runtime for each of `runtimes`, sets
/// of extensions.
pub(crate) fn graph(
    recipes: &Recipes,
    host: &Host,
    profiling: Profiling,
    runtimes: &[Vec<&ExtensionRecipe>],
) -> Result<Graph, RecipeError> {
    let mut graph = Graph::default();
    add_tools(&mut graph, recipes, host);
    add_python(&mut graph, recipes, host, profiling);
    for extension in recipes.extensions() {
        graph.add(
            recipes,
            extension::plan(recipes, extension, host, profiling),
        );
    }
    graph.add(recipes, guest::plan(recipes, host)?);
    for extensions in runtimes {
        graph.add(recipes, runtime::plan(recipes, extensions, profiling)?);
    }
    Ok(graph)
}

fn add_tools(graph: &mut Graph, recipes: &Recipes, host: &Host) {
    graph.add(recipes, uv::plan(recipes, host));
    graph.add(recipes, c_toolchain::plan(recipes, host));
    graph.add(recipes, rust_toolchain::plan(recipes, host));
}

fn add_python(graph: &mut Graph, recipes: &Recipes, host: &Host, profiling: Profiling) {
    graph.add(recipes, tzdata::plan(recipes));
    graph.add(recipes, cpython_source::plan(recipes));
    for target in [Target::Native, Target::Wasm] {
        for name in &recipes.cpython.c_libraries {
            let library = &recipes.c_libraries[name];
            graph.add(recipes, c_library::plan(recipes, library, target, host));
        }
    }
    for name in &recipes.runtime.c_libraries {
        let library = &recipes.c_libraries[name];
        graph.add(
            recipes,
            c_library::plan(recipes, library, Target::Wasm, host),
        );
    }
    graph.add(recipes, native_python::plan(recipes, host));
    graph.add(recipes, wasm_python::plan(recipes, profiling));
}

/// Debian packages, where they are asked for.
fn debian_packages(wanted: bool, packages: &[String]) -> Vec<String> {
    if wanted {
        packages.to_vec()
    } else {
        Vec::new()
    }
}

impl COrigin {
    fn is_debian(&self) -> bool {
        matches!(self, Self::Debian)
    }
}

impl RustOrigin {
    fn is_debian(&self) -> bool {
        matches!(self, Self::Debian)
    }
}

/// A plan without tools.
fn plan<N: Into<String>, S: Into<String>>(
    name: impl Into<String>,
    needs: impl IntoIterator<Item = N>,
    sources: impl IntoIterator<Item = S>,
    action: impl Action + 'static,
) -> StepPlan {
    StepPlan {
        name: name.into(),
        needs: needs.into_iter().map(Into::into).collect(),
        tools: Vec::new(),
        sources: sources.into_iter().map(Into::into).collect(),
        action: Box::new(action),
    }
}

/// No needs, or no sources.
const NONE: [String; 0] = [];

/// A recipe as an input of a key.
fn json(recipe: &impl serde::Serialize) -> Vec<u8> {
    // Recipes are plain data; serialising them does not fail.
    serde_json::to_vec(recipe).unwrap_or_default()
}

/// A symbolic link, so that builds see short relative paths that are the same
/// wherever the cache is.
fn link(target: &Path, link: &Path) -> Result<(), ActionError> {
    let parent = link.parent().unwrap_or(link);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::os::unix::fs::symlink(target, link))
        .map_err(ActionError::file("create", link))
}

/// Makes a program executable.
fn executable(path: &Path) -> Result<(), ActionError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(ActionError::file("make executable", path))
}
