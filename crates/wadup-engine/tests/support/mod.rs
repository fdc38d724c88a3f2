//! A sandbox for a guest in WebAssembly text.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]

use wadup_engine::{CompiledCache, Engine, EngineSettings, Finished, Limits, Program};
use wadup_vfs::{SystemTime, Vfs};
use wadup_wasi::{WasiConfig, WasiCtx};

pub fn wasi() -> WasiCtx {
    let vfs = Vfs::new(wadup_vfs::Limits::default(), SystemTime::shared());
    WasiCtx::new(WasiConfig::default().into(), vfs)
}

pub fn engine(settings: EngineSettings) -> Engine {
    Engine::new(settings).expect("make an engine")
}

pub fn run_with(settings: EngineSettings, limits: &Limits, wat: &str) -> Finished {
    let engine = engine(settings);
    let program = Program::load(&engine, wat.as_bytes(), &CompiledCache::disabled())
        .expect("load the program");
    engine
        .on_worker(|worker| program.run(worker, wasi(), limits))
        .expect("start a worker")
}
