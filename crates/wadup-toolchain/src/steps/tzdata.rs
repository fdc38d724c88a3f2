//! The time zone database, for `zoneinfo`: a pure Python package.

use super::{NONE, TZDATA, UV};
use crate::digest::KeyBuilder;
use crate::files;
use crate::graph::StepPlan;
use crate::recipes::Recipes;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(recipes: &Recipes) -> StepPlan {
    let wheel = &recipes.cpython.tzdata;
    let action = UnpackTzdata {
        wheel: wheel.clone(),
    };
    StepPlan {
        tools: vec![UV.to_owned()],
        ..super::plan(TZDATA, NONE, [wheel], action)
    }
}

#[derive(Debug)]
struct UnpackTzdata {
    wheel: String,
}

impl Action for UnpackTzdata {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("wheel", &self.wheel);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let wheel = bench.source(&self.wheel)?;
        let unpacked = bench.work().join("wheel");
        unpack::wheel(&wheel, &unpacked).map_err(ActionError::file("unpack", &wheel))?;
        files::copy_tree(&unpacked, &bench.out().join("site-packages"), |_| true)
    }
}
