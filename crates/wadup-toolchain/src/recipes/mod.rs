//! Recipes: pinned sources, and how to build them. They are data (`recipes/` in
//! the repository, embedded); this parses them into types and checks that they
//! agree with one another.

mod c_library;
mod extension;
mod sources;
mod toolchain;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

pub(crate) use c_library::{CLibraryRecipe, CpythonUse, TargetFlags};
pub use extension::{ExtensionModule, ExtensionRecipe, Provision};
pub(crate) use sources::{Source, SourceKind, Sources};
pub(crate) use toolchain::{
    CToolchainRecipe, CpythonRecipe, RuntimeRecipe, RustToolchainRecipe, StandardLibrary, UvRecipe,
};

use crate::embedded;

/// Every recipe.
#[derive(Debug)]
pub struct Recipes {
    pub(crate) sources: Sources,
    pub(crate) c_toolchain: CToolchainRecipe,
    pub(crate) rust_toolchain: RustToolchainRecipe,
    pub(crate) uv: UvRecipe,
    pub(crate) cpython: CpythonRecipe,
    pub(crate) runtime: RuntimeRecipe,
    /// Names and values of the file for `PYO3_CONFIG_FILE`.
    pub(crate) pyo3: BTreeMap<String, String>,
    pub(crate) c_libraries: BTreeMap<String, CLibraryRecipe>,
    extensions: Vec<ExtensionRecipe>,
}

impl Recipes {
    /// The recipes that are part of this build of wadup.
    ///
    /// # Errors
    ///
    /// When a recipe cannot be parsed, or names a source that is not pinned.
    pub fn embedded() -> Result<Self, RecipeError> {
        let recipes = Self {
            sources: Sources::parse(&text("sources.toml")?)
                .map_err(|error| RecipeError::parse("sources.toml", error))?,
            c_toolchain: parse("c-toolchain.toml")?,
            rust_toolchain: parse("rust-toolchain.toml")?,
            uv: parse("uv.toml")?,
            cpython: parse("cpython.toml")?,
            runtime: parse("runtime.toml")?,
            pyo3: parse("pyo3.toml")?,
            c_libraries: parse_folder::<CLibraryRecipe>("c-libraries")?
                .into_iter()
                .map(|library| (library.name.clone(), library))
                .collect(),
            extensions: parse_folder("extensions")?,
        };
        recipes.check()?;
        Ok(recipes)
    }

    /// The native Python packages that can be linked into a runtime, by name.
    pub fn extensions(&self) -> &[ExtensionRecipe] {
        &self.extensions
    }

    /// The extension whose package has that name; spelling is normalised
    /// (PEP 503), so `pydantic_core` finds `pydantic-core`.
    pub fn extension(&self, package: &str) -> Option<&ExtensionRecipe> {
        let name = normalized(package);
        self.extensions.iter().find(|recipe| recipe.name == name)
    }

    /// What an entry of a project's `c-extensions` brings.
    pub fn provision(&self, name: &str) -> Option<&Provision> {
        let name = normalized(name);
        self.extensions
            .iter()
            .flat_map(|recipe| &recipe.provides)
            .find(|provision| provision.name == name)
    }

    /// The version of CPython, such as `3.13.5`.
    pub fn python_version(&self) -> &str {
        &self.cpython.version
    }

    /// The version of uv, such as `0.13.9`.
    pub fn uv_version(&self) -> &str {
        &self.uv.version
    }

    fn check(&self) -> Result<(), RecipeError> {
        let debian = [
            &self.c_toolchain.debian.packages,
            &self.rust_toolchain.debian.packages,
        ];
        let crates = self.c_libraries.values().map(|library| &library.source);
        let files = self.extensions.iter().map(|extension| &extension.source);
        let named = debian
            .into_iter()
            .flatten()
            .chain([
                &self.uv.pip.package,
                &self.cpython.source,
                &self.cpython.tzdata,
            ])
            .chain(self.uv.wheels.values())
            .chain(crates)
            .chain(files);
        for name in named {
            if self.sources.get(name).is_none() {
                return Err(RecipeError::UnknownSource(name.clone()));
            }
        }
        let libraries = self.cpython.c_libraries.iter();
        match libraries
            .chain(&self.runtime.c_libraries)
            .find(|name| !self.c_libraries.contains_key(*name))
        {
            Some(name) => Err(RecipeError::UnknownSource(name.clone())),
            None => Ok(()),
        }
    }
}

/// A recipe is wrong. Recipes are part of wadup, so this is a bug in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A recipe that the code wants is not there.
    #[error("the recipe `{0}` is missing")]
    Missing(String),
    /// A recipe is not what is expected.
    #[error("failed to parse the recipe `{name}`")]
    Parse {
        /// The recipe's file, relative to `recipes/`.
        name: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A recipe names a source or a library that is not there.
    #[error("a recipe names `{0}`, which is not in `sources.toml` or `c-libraries/`")]
    UnknownSource(String),
}

impl RecipeError {
    fn parse(name: &str, error: toml::de::Error) -> Self {
        Self::Parse {
            name: name.to_owned(),
            source: Box::new(error),
        }
    }
}

fn text(name: &str) -> Result<String, RecipeError> {
    let content = embedded::file(&format!("recipes/{name}"));
    let content = content.ok_or_else(|| RecipeError::Missing(name.to_owned()))?;
    Ok(String::from_utf8_lossy(content).into_owned())
}

fn parse<T: DeserializeOwned>(name: &str) -> Result<T, RecipeError> {
    toml::from_str(&text(name)?).map_err(|error| RecipeError::parse(name, error))
}

fn parse_folder<T: DeserializeOwned>(folder: &str) -> Result<Vec<T>, RecipeError> {
    embedded::folder(&format!("recipes/{folder}"))
        .map(|(name, _)| parse(&format!("{folder}/{name}")))
        .collect()
}

/// A package's name as PEP 503 compares it.
fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normalized.is_empty() {
            normalized.push('-');
        }
        normalized.push_str(&part.to_ascii_lowercase());
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_recipes_agree_with_one_another() {
        let recipes = Recipes::embedded().unwrap();
        assert_eq!(recipes.python_version(), "3.13.5");
        assert!(recipes.cpython.version.starts_with(&recipes.cpython.series));
    }

    #[test]
    fn extensions_are_found_under_any_spelling() {
        let recipes = Recipes::embedded().unwrap();
        assert_eq!(
            recipes.extension("Pydantic_Core").unwrap().version,
            "2.41.5"
        );
        assert!(recipes.extension("numpy").is_none());
    }

    #[test]
    fn pydantic_brings_what_it_needs() {
        let recipes = Recipes::embedded().unwrap();
        let pydantic = recipes.provision("pydantic").unwrap();
        assert!(
            pydantic
                .requirements
                .contains(&"pydantic==2.12.5".to_owned())
        );
        let core = recipes.extension("pydantic-core").unwrap();
        let pin = format!("{}=={}", core.name, core.version);
        assert!(pydantic.requirements.contains(&pin));
    }

    #[test]
    fn a_listed_extension_has_the_recipes_version() {
        let recipes = Recipes::embedded().unwrap();
        for recipe in recipes.extensions() {
            let pin = format!("{}=={}", recipe.name, recipe.version);
            let listed = recipes.provision(&recipe.name);
            let listed = listed.unwrap_or_else(|| panic!("{} is not provided", recipe.name));
            assert!(listed.requirements.contains(&pin), "{pin}");
        }
    }

    #[test]
    fn the_documentation_lists_the_extensions() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
        let page = std::fs::read_to_string(page).unwrap();
        let recipes = Recipes::embedded().unwrap();
        for recipe in recipes.extensions() {
            let row = format!("| `{}` | {} |", recipe.name, recipe.version);
            assert!(page.contains(&row), "{row}");
        }
        let provided = recipes.extensions().iter().flat_map(|it| &it.provides);
        let mut names: Vec<&str> = provided.map(|it| &*it.name).collect();
        names.sort();
        let names = format!("`{}`", names.join("`, `"));
        assert!(page.contains(&names), "{names}");
    }

    #[test]
    fn no_two_extensions_bring_the_same_module() {
        let recipes = Recipes::embedded().unwrap();
        let modules = recipes.extensions().iter().flat_map(|it| &it.modules);
        let mut names = std::collections::HashSet::new();
        for module in modules {
            assert!(names.insert(&module.name), "{}", module.name);
            let last = module.name.rsplit('.').next().unwrap();
            assert_eq!(module.init, format!("PyInit_{last}"));
        }
    }

    #[test]
    fn no_source_names_a_host() {
        let text = text("sources.toml").unwrap();
        let hosts = text.matches("://").count();
        assert_eq!(hosts, 1, "only CPython's home is named");
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_place() {
        let error = toml::from_str::<CLibraryRecipe>("name = \"x\"\nheader = []").unwrap_err();
        assert!(
            error.to_string().contains("unknown field `header`"),
            "{error}"
        );
    }
}
