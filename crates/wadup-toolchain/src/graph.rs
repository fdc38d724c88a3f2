//! The graph of steps. Building it reads and writes nothing: keys follow from
//! recipes and from the identities of the machine's tools alone.

use std::collections::BTreeMap;

use crate::cache::StepId;
use crate::digest::{KeyBuilder, Sha256};
use crate::recipes::{Recipes, Source};
use crate::step::{Action, Step};

/// Part of every key. To be raised when the code of an action changes what it
/// makes: the code itself is in no key.
const FORMAT: &str = "1";

/// Steps by name. A step's needs come before it.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    steps: Vec<Step>,
    by_name: BTreeMap<String, usize>,
}

/// What a step is made of, before it has a key.
pub(crate) struct StepPlan {
    pub(crate) name: String,
    pub(crate) needs: Vec<String>,
    pub(crate) tools: Vec<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) action: Box<dyn Action>,
}

impl Graph {
    /// Adds a step. Names of needs, tools and sources that are not known are a
    /// bug of the caller: recipes are checked when they are parsed.
    pub(crate) fn add(&mut self, recipes: &Recipes, plan: StepPlan) {
        let sources = plan.sources.iter();
        let sources: Vec<Source> = sources
            .filter_map(|name| recipes.sources.get(name).cloned())
            .collect();
        let ids = |names: &[String]| -> Vec<StepId> {
            let steps = names.iter().filter_map(|name| self.get(name));
            steps.map(|step| step.id.clone()).collect()
        };
        let (needs, tools) = (ids(&plan.needs), ids(&plan.tools));
        debug_assert_eq!(needs.len(), plan.needs.len(), "needs of {}", plan.name);
        debug_assert_eq!(
            sources.len(),
            plan.sources.len(),
            "sources of {}",
            plan.name
        );

        let mut key = KeyBuilder::new(&plan.name);
        key.field("format", FORMAT);
        key.list(
            "sources",
            sources.iter().map(|source| source.sha256.to_string()),
        );
        key.list("needs", needs.iter().map(StepId::to_string));
        plan.action.describe(&mut key);
        let id = StepId {
            name: plan.name,
            key: key.finish(),
        };
        self.by_name.insert(id.name.clone(), self.steps.len());
        self.steps.push(Step {
            id,
            needs,
            tools,
            sources,
            action: plan.action,
        });
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Step> {
        self.by_name.get(name).map(|index| &self.steps[*index])
    }

    /// All steps, each after those that it needs.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The steps that have to be built for `wanted`, each after those that it
    /// needs. A step that is `cached` needs nothing.
    pub(crate) fn missing(&self, wanted: &[&str], cached: impl Fn(&StepId) -> bool) -> Vec<&Step> {
        let mut chosen = vec![false; self.steps.len()];
        let mut open: Vec<usize> = wanted
            .iter()
            .filter_map(|name| self.by_name.get(*name).copied())
            .collect();
        while let Some(index) = open.pop() {
            let step = &self.steps[index];
            if chosen[index] || cached(&step.id) {
                continue;
            }
            chosen[index] = true;
            let needed = step.needs.iter().chain(&step.tools);
            open.extend(needed.filter_map(|id| self.by_name.get(&id.name).copied()));
        }
        let steps = self.steps.iter().zip(chosen);
        steps
            .filter_map(|(step, chosen)| chosen.then_some(step))
            .collect()
    }
}

/// Adds files of `recipes/` to a key.
pub(crate) fn describe_recipe_files(key: &mut KeyBuilder, files: &[String]) {
    let contents = files.iter().map(|file| {
        let content = crate::embedded::file(&format!("recipes/{file}"));
        Sha256::of(content.unwrap_or_default()).to_string()
    });
    key.list("files", contents);
}
