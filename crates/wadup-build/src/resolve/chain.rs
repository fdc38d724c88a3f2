//! Who asks for a package. Only an error needs to know.

use std::collections::{BTreeMap, VecDeque};

use wadup_project::{ExtraName, LockedPackage, MarkerEnvironment, PackageName, Requirement};

use super::select::{Chosen, PackageOrigin};
use super::{Inputs, Resolver};
use crate::wheel::{Metadata, fetch};

/// The shortest way from the project to each package.
///
/// PEP 751 has a field for a package's dependencies, but uv leaves it out; then they are
/// read from the package's wheel, where there is a pure one, or from its recipe.
pub(super) struct Chains<'a> {
    resolver: &'a Resolver<'a>,
    environment: &'a MarkerEnvironment,
    active: &'a BTreeMap<&'a PackageName, &'a LockedPackage>,
    chosen: &'a [Chosen],
    /// Of packages that have been reached, in that order.
    reached: BTreeMap<PackageName, Vec<String>>,
    queue: VecDeque<(PackageName, Vec<ExtraName>)>,
}

impl<'a> Chains<'a> {
    pub(super) fn new(
        resolver: &'a Resolver<'a>,
        inputs: &'a Inputs,
        environment: &'a MarkerEnvironment,
        active: &'a BTreeMap<&'a PackageName, &'a LockedPackage>,
        chosen: &'a [Chosen],
    ) -> Self {
        let mut chains = Self {
            resolver,
            environment,
            active,
            chosen,
            reached: BTreeMap::new(),
            queue: VecDeque::new(),
        };
        for root in &inputs.roots {
            chains.follow(&root.requirement, &[], std::slice::from_ref(&root.asked_by));
        }
        chains
    }

    /// From who asks first to `package`; empty when no way is known.
    pub(super) fn to(&mut self, package: &PackageName) -> Vec<String> {
        while !self.reached.contains_key(package) {
            let Some((next, extras)) = self.queue.pop_front() else {
                return Vec::new();
            };
            let chain = self.reached[&next].clone();
            for requirement in self.requirements(&next) {
                self.follow(&requirement, &extras, &chain);
            }
        }
        self.reached[package].clone()
    }

    fn follow(&mut self, requirement: &Requirement, extras: &[ExtraName], chain: &[String]) {
        let name = &requirement.name;
        let holds = requirement.marker.evaluate(self.environment, extras);
        if !holds || !self.active.contains_key(name) || self.reached.contains_key(name) {
            return;
        }
        let mut chain = chain.to_vec();
        chain.push(requirement_without_marker(requirement));
        self.reached.insert(name.clone(), chain);
        self.queue
            .push_back((name.clone(), requirement.extras.clone()));
    }

    /// What a package asks for, as far as that can be found out: a download that fails costs
    /// a chain, not the error that wants to show it.
    fn requirements(&self, package: &PackageName) -> Vec<Requirement> {
        if let Some(dependencies) = &self.active[package].dependencies {
            let names = dependencies.iter().map(|dependency| &dependency.name);
            return names
                .filter_map(|name| name.as_ref().parse().ok())
                .collect();
        }
        let chosen = self.chosen.iter().find(|chosen| chosen.name == *package);
        match chosen.map(|chosen| &chosen.origin) {
            Some(PackageOrigin::Wheel(wheel)) => {
                let metadata = fetch(self.resolver.tools, wheel, self.resolver.settings.offline)
                    .ok()
                    .and_then(|file| Metadata::of_wheel(&file, &wheel.wheel.filename).ok());
                metadata.map(|m| m.requires_dist).unwrap_or_default()
            }
            Some(PackageOrigin::Runtime) => self.recipe_requirements(package),
            None => Vec::new(),
        }
    }

    fn recipe_requirements(&self, package: &PackageName) -> Vec<Requirement> {
        let recipes = self.resolver.tools.extensions().iter();
        let provided = recipes.flat_map(|recipe| &recipe.provides);
        provided
            .filter(|provided| provided.name == *package)
            .flat_map(|provided| provided.requirements.clone())
            .collect()
    }
}

/// What a chain calls a requirement.
pub(super) fn requirement_without_marker(requirement: &Requirement) -> String {
    let mut bare = requirement.clone();
    bare.marker = wadup_project::MarkerTree::TRUE;
    bare.to_string()
}
