//! What is asked for: by the project, and by the extensions that it lists.

use std::collections::BTreeSet;
use std::path::Path;

use wadup_project::{
    Extension, LockInputs, MarkerEnvironment, Project, Requirement, Version, VersionOrUrl,
};

use super::FoundLock;
use super::error::ResolveError;
use crate::product::Product;
use crate::tools::{ExtensionRecipe, Provided, Tools};

/// What a lock is made from.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) roots: Vec<Root>,
    pub(crate) recorded: LockInputs,
}

/// A requirement, and who has it.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) requirement: Requirement,
    /// The project, or the extension that it lists.
    pub(crate) asked_by: String,
    /// Whether `pyproject.toml` has it, where uv reads it.
    pub(crate) in_pyproject: bool,
}

impl Inputs {
    pub(crate) fn of(
        project: &Project,
        product: &Product,
        tools: &dyn Tools,
    ) -> Result<Self, ResolveError> {
        check_python(project, tools)?;
        check_recipes(project, tools.extensions())?;
        let dependencies = project.dependencies.iter().chain(product.dependencies());
        let mut roots: Vec<Root> = dependencies
            .map(|dependency| Root {
                requirement: dependency.requirement.clone(),
                asked_by: project.name.to_string(),
                in_pyproject: true,
            })
            .collect();
        for extension in &project.extensions {
            let provided = listed(project, extension, tools.extensions())?;
            roots.extend(provided.requirements.iter().map(|requirement| Root {
                requirement: requirement.clone(),
                asked_by: format!("c-extensions = [\"{}\"]", extension.name),
                in_pyproject: false,
            }));
        }
        let recorded = LockInputs {
            requirements: sorted(roots.iter().map(|root| root.requirement.to_string())),
            constraints: constraints(tools.extensions()),
            python: tools.python().to_string(),
            uv: project.uv_settings.clone(),
        };
        Ok(Self { roots, recorded })
    }

    /// A lock need not be ours: whether it has what is asked for is looked at in any case.
    pub(crate) fn check_satisfied(
        &self,
        found: &FoundLock,
        environment: &MarkerEnvironment,
    ) -> Result<(), ResolveError> {
        for root in &self.roots {
            let requirement = &root.requirement;
            if !requirement.marker.evaluate(environment, &[]) {
                continue;
            }
            let mut active = found.lock.active(environment);
            let Some(package) = active.find(|package| package.name == requirement.name) else {
                return Err(ResolveError::NotInLock {
                    path: found.path.clone(),
                    requirement: requirement.to_string(),
                    asked_by: root.asked_by.clone(),
                });
            };
            if let Some(version) = &package.version
                && !admits(requirement, version)
            {
                return Err(ResolveError::LockedVersion {
                    path: found.path.clone(),
                    requirement: requirement.to_string(),
                    asked_by: root.asked_by.clone(),
                    locked: version.to_string(),
                });
            }
        }
        Ok(())
    }

    /// The error of `--locked`, with what has changed.
    pub(crate) fn outdated(&self, path: &Path, old: Option<&FoundLock>) -> ResolveError {
        let path = path.to_owned();
        let Some(old) = old else {
            return ResolveError::LockMissing { path };
        };
        let lines = |inputs: &LockInputs| -> BTreeSet<String> {
            let lists = [&inputs.requirements, &inputs.constraints];
            let mut lines: BTreeSet<String> = lists.into_iter().flatten().cloned().collect();
            lines.insert(format!("python=={}", inputs.python));
            lines
        };
        let before = old.lock.inputs.as_ref().map(lines).unwrap_or_default();
        let now = lines(&self.recorded);
        ResolveError::LockOutdated {
            path,
            added: now.difference(&before).cloned().collect(),
            removed: before.difference(&now).cloned().collect(),
        }
    }
}

fn check_python(project: &Project, tools: &dyn Tools) -> Result<(), ResolveError> {
    match &project.requires_python {
        Some(requires) if !requires.contains(tools.python()) => Err(ResolveError::Python {
            requires: requires.to_string(),
            python: tools.python().clone(),
        }),
        _ => Ok(()),
    }
}

/// A direct dependency that excludes the version that a recipe provides is found here, where
/// it can be shown; one further down is found by uv. Where older releases are pure, only the
/// lock can tell.
fn check_recipes(project: &Project, recipes: &[ExtensionRecipe]) -> Result<(), ResolveError> {
    for dependency in &project.dependencies {
        let requirement = &dependency.requirement;
        let provided = recipes
            .iter()
            .filter(|recipe| !recipe.older_are_pure)
            .find_map(|recipe| recipe.provided_version(&requirement.name));
        if let Some(version) = provided
            && !admits(requirement, &version)
        {
            return Err(ResolveError::RecipeVersion {
                requirement: dependency.text.clone(),
                package: requirement.name.clone(),
                provided: version,
                location: Box::new(project.location(dependency.span.clone())),
            });
        }
    }
    Ok(())
}

fn listed<'r>(
    project: &Project,
    extension: &Extension,
    recipes: &'r [ExtensionRecipe],
) -> Result<&'r Provided, ResolveError> {
    let provided = || recipes.iter().flat_map(|recipe| &recipe.provides);
    provided()
        .find(|provided| provided.name == extension.name)
        .ok_or_else(|| ResolveError::UnknownExtension {
            name: extension.name.clone(),
            known: provided().map(|provided| provided.name.clone()).collect(),
            location: Box::new(project.location(extension.span.clone())),
        })
}

/// uv takes the newest release that is admitted, so an older one is locked only where somebody
/// asks for it.
fn constraints(recipes: &[ExtensionRecipe]) -> Vec<String> {
    sorted(recipes.iter().map(|recipe| {
        let operator = if recipe.older_are_pure { "<=" } else { "==" };
        format!("{}{operator}{}", recipe.name, recipe.version)
    }))
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a requirement admits a version; one by URL says nothing about versions.
fn admits(requirement: &Requirement, version: &Version) -> bool {
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.contains(version),
        Some(VersionOrUrl::Url(_)) | None => true,
    }
}
