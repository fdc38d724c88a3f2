//! uv, from its wheel.

use std::fs;

use super::{NONE, UV, executable, json};
use crate::digest::KeyBuilder;
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::Recipes;
use crate::step::{Action, ActionError, Workbench};
use crate::unpack;

pub(super) fn plan(recipes: &Recipes, host: &Host) -> StepPlan {
    let wheel = recipes.uv.wheels.get(&host.platform);
    let action = UnpackUv {
        version: recipes.uv.version.clone(),
        platform: host.platform.clone(),
        wheel: wheel.cloned(),
    };
    super::plan(UV, NONE, wheel, action)
}

#[derive(Debug, serde::Serialize)]
struct UnpackUv {
    version: String,
    platform: String,
    wheel: Option<String>,
}

impl Action for UnpackUv {
    fn describe(&self, key: &mut KeyBuilder) {
        key.field("recipe", json(self));
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let Some(wheel) = &self.wheel else {
            return Err(ActionError::unexpected(format!(
                "there is no recipe for uv on {}",
                self.platform
            )));
        };
        let archive = bench.source(wheel)?;
        let unpacked = bench.work().join("wheel");
        unpack::wheel(&archive, &unpacked).map_err(ActionError::file("unpack", &archive))?;
        let program = unpacked.join(format!("uv-{}.data/scripts/uv", self.version));
        let kept = bench.out().join("bin/uv");
        fs::create_dir_all(bench.out().join("bin"))
            .and_then(|()| fs::rename(&program, &kept))
            .map_err(ActionError::file("keep", &program))?;
        executable(&kept)?;
        bench.run(bench.command(&kept, &[]).arg("--version"))
    }
}
