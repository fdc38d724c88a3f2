//! Files that are said to be artifacts: described, loaded or refused.

use std::sync::LazyLock;

use wadup_build::{InspectError, Manifest};
use wadup_engine::{CompiledCache, Compiler, Engine, EngineSettings, LoadError, Program, binary};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(EngineSettings::default()).expect("this machine can run wasm"));

pub fn check(data: &[u8]) {
    let wasm = match binary(data, &Compiler::InProcess) {
        Ok(wasm) => wasm,
        Err(error) => {
            assert!(matches!(error, LoadError::Text { .. }));
            return;
        }
    };
    let inspected = wadup_build::inspect(&wasm);
    if let Ok(inspection) = &inspected {
        assert_eq!(inspection.size, wasm.len() as u64);
        let sum: u64 = inspection.parts.iter().map(|part| part.size).sum();
        assert_eq!(sum, inspection.size);
    }
    wadup_build::fuzzing::check_artifact(&wasm);
    match Program::load(&ENGINE, &wasm, &CompiledCache::disabled()) {
        Ok(program) => {
            // What can be run can be described, and has the same manifest in both views.
            let inspection = inspected.expect("it is a module");
            assert_eq!(inspection.manifest.as_ref(), program.manifest());
        }
        Err(error) => {
            let _ = (error.to_string(), error.hint());
        }
    }
}

#[expect(dead_code, reason = "so that a change of what they are shows here")]
fn types(error: InspectError, _: Manifest) -> Option<&'static str> {
    error.hint()
}
