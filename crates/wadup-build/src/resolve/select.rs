//! From a lock to one source for every package.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wadup_project::{
    Location, LockedPackage, LockedWheel, MarkerEnvironment, PackageName, PackageSource, Project,
    Purity, Version,
};

use super::chain::{Chains, requirement_without_marker};
use super::error::RefusalReason;
use super::{FoundLock, Inputs, Refusal, ResolveError, Resolver};

/// What goes into the artifact, beside the project itself.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Ordered by name.
    pub(crate) packages: Vec<Chosen>,
    /// The lock that has them.
    pub(crate) lock: PathBuf,
    /// Whether that had to be made.
    pub(crate) is_lock_new: bool,
}

/// A package in its one version.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    pub(crate) origin: PackageOrigin,
}

#[derive(Debug, Clone)]
pub(crate) enum PackageOrigin {
    Wheel(Box<PinnedWheel>),
    /// The runtime has it: a recipe built it.
    Runtime,
}

/// A wheel, and the digest that it must have.
#[derive(Debug, Clone)]
pub(crate) struct PinnedWheel {
    pub(crate) wheel: LockedWheel,
    pub(crate) sha256: String,
    /// The folder that a path in the lock is relative to.
    pub(crate) folder: PathBuf,
}

impl Selection {
    /// Whether the lock has `package` as a wheel.
    pub(crate) fn has_wheel(&self, package: &PackageName) -> bool {
        let is_wheel = |chosen: &Chosen| matches!(chosen.origin, PackageOrigin::Wheel(_));
        let mut chosen = self.packages.iter();
        chosen.any(|chosen| chosen.name == *package && is_wheel(chosen))
    }

    /// The packages of the runtime.
    pub(crate) fn extensions(&self) -> Vec<PackageName> {
        self.packages
            .iter()
            .filter(|chosen| matches!(chosen.origin, PackageOrigin::Runtime))
            .map(|chosen| chosen.name.clone())
            .collect()
    }
}

/// The dependency of the project's own that the first of the refused packages comes with.
fn asked_for(project: &Project, refusals: &[Refusal]) -> Option<Box<Location>> {
    let direct = refusals.first()?.chain.get(1)?;
    let mut dependencies = project.dependencies.iter();
    let found = dependencies.find(|it| requirement_without_marker(&it.requirement) == *direct)?;
    Some(Box::new(project.location(found.span.clone())))
}

pub(super) fn select(
    resolver: &Resolver<'_>,
    inputs: &Inputs,
    found: &FoundLock,
    environment: &MarkerEnvironment,
) -> Result<Selection, ResolveError> {
    let active = active(found, environment)?;
    let mut packages = Vec::new();
    let mut refused = Vec::new();
    for package in active.values().copied() {
        match choose(resolver, found, package)? {
            Ok(chosen) => packages.push(chosen),
            Err(reason) => refused.push((package, reason)),
        }
    }
    let chains = || Chains::new(resolver, inputs, environment, &active, &packages);
    if !refused.is_empty() {
        let recipes = resolver.tools.extensions().iter();
        let refusals = refusals(&refused, chains());
        return Err(ResolveError::Refused {
            location: asked_for(resolver.project, &refusals),
            refusals,
            known: recipes.map(|recipe| recipe.name.clone()).collect(),
        });
    }
    check_recipe_versions(resolver, found, &packages, chains)?;
    Ok(Selection {
        packages,
        lock: found.path.clone(),
        is_lock_new: found.is_new,
    })
}

/// The packages whose markers hold, by name.
fn active<'l>(
    found: &'l FoundLock,
    environment: &MarkerEnvironment,
) -> Result<BTreeMap<&'l PackageName, &'l LockedPackage>, ResolveError> {
    let mut active = BTreeMap::new();
    for package in found.lock.active(environment) {
        if active.insert(&package.name, package).is_some() {
            return Err(ResolveError::Ambiguous {
                path: found.path.clone(),
                package: package.name.clone(),
            });
        }
    }
    Ok(active)
}

fn choose(
    resolver: &Resolver<'_>,
    found: &FoundLock,
    package: &LockedPackage,
) -> Result<Result<Chosen, RefusalReason>, ResolveError> {
    let (PackageSource::Wheels(wheels), Some(version)) = (&package.source, &package.version) else {
        return Ok(Err(RefusalReason::SourceOnly));
    };
    let chosen = |origin| Chosen {
        name: package.name.clone(),
        version: version.clone(),
        origin,
    };
    let mut recipes = resolver.tools.extensions().iter();
    let recipe = recipes.find(|recipe| recipe.name == package.name);
    if recipe.is_some_and(|recipe| recipe.version == *version) {
        return Ok(Ok(chosen(PackageOrigin::Runtime)));
    }
    let release = resolver.tools.python().release();
    let (major, minor) = (release[0], release.get(1).copied().unwrap_or(0));
    let purity = |wheel: &LockedWheel| wheel.filename.purity(major, minor);
    let best = wheels
        .iter()
        .max_by_key(|wheel| (purity(wheel), wheel.filename.build));
    let Some(best) = best else {
        return Ok(Err(RefusalReason::SourceOnly));
    };
    match purity(best) {
        // In another version than there is a recipe for, which is told later.
        Purity::Native if recipe.is_some() => Ok(Ok(chosen(PackageOrigin::Runtime))),
        Purity::Native => Ok(Err(RefusalReason::Native)),
        Purity::OtherPython => Ok(Err(RefusalReason::OtherPython)),
        Purity::AnyPython | Purity::ThisPython => Ok(Ok(chosen(PackageOrigin::Wheel(Box::new(
            pin(found, best)?,
        ))))),
    }
}

fn pin(found: &FoundLock, wheel: &LockedWheel) -> Result<PinnedWheel, ResolveError> {
    let Some(sha256) = wheel.sha256.clone() else {
        return Err(ResolveError::NoDigest {
            path: found.path.clone(),
            file_name: wheel.filename.to_string(),
        });
    };
    Ok(PinnedWheel {
        wheel: wheel.clone(),
        sha256,
        folder: found.path.parent().map(Into::into).unwrap_or_default(),
    })
}

/// A lock may have another version than the runtime, where others wrote it, or where an older
/// one that was asked for turns out to be native.
fn check_recipe_versions<'c>(
    resolver: &Resolver<'_>,
    found: &FoundLock,
    packages: &[Chosen],
    chains: impl FnOnce() -> Chains<'c>,
) -> Result<(), ResolveError> {
    for recipe in resolver.tools.extensions() {
        let chosen = packages.iter().find(|chosen| chosen.name == recipe.name);
        if let Some(chosen) = chosen
            && matches!(chosen.origin, PackageOrigin::Runtime)
            && chosen.version != recipe.version
        {
            return Err(ResolveError::LockedRecipeVersion {
                path: found.path.clone(),
                package: recipe.name.clone(),
                locked: chosen.version.to_string(),
                provided: recipe.version.clone(),
                asked_by: chains().to(&recipe.name).join(" → "),
            });
        }
    }
    Ok(())
}

/// A package that only other refused packages ask for has no chain, and is not worth a line
/// when one that has a chain is there.
fn refusals(refused: &[(&LockedPackage, RefusalReason)], mut chains: Chains<'_>) -> Vec<Refusal> {
    let refusal = |(package, reason): &(&LockedPackage, RefusalReason)| Refusal {
        package: package.name.clone(),
        version: package.version.clone(),
        reason: *reason,
        chain: chains.to(&package.name),
    };
    let all: Vec<Refusal> = refused.iter().map(refusal).collect();
    let has_chain = |refusal: &Refusal| !refusal.chain.is_empty();
    if all.iter().any(has_chain) {
        all.into_iter().filter(has_chain).collect()
    } else {
        all
    }
}
