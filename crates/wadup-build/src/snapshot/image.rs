use std::collections::BTreeMap;

use wadup_engine::Execution;
use wasmparser::{ExternalKind, Parser, Payload};
use wasmtime::Val;
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType};

/// The exports through which an instrumented module shows its state.
#[derive(Debug, Default)]
pub(super) struct Names {
    memories: Vec<String>,
    globals: Vec<String>,
}

/// The state of an instance, read once it had come to rest.
pub(super) struct Image {
    memories: BTreeMap<String, Vec<u8>>,
    globals: BTreeMap<String, Val>,
}

impl Names {
    pub(super) fn of(module: &[u8]) -> wasmtime::Result<Self> {
        let mut names = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            let Payload::ExportSection(section) = payload? else {
                continue;
            };
            for export in section {
                let export = export?;
                match export.kind {
                    ExternalKind::Memory => names.memories.push(export.name.to_owned()),
                    ExternalKind::Global => names.globals.push(export.name.to_owned()),
                    _ => {}
                }
            }
        }
        Ok(names)
    }
}

impl Image {
    pub(super) fn read(names: &Names, execution: &mut Execution<'_>) -> Self {
        let mut image = Self {
            memories: BTreeMap::new(),
            globals: BTreeMap::new(),
        };
        for name in &names.memories {
            // wizer's name and the module's own lead to the same memory; one copy will do.
            if name.starts_with("__wizer")
                && let Some(bytes) = execution.memory(name)
            {
                image.memories.insert(name.clone(), bytes.to_vec());
            }
        }
        for name in &names.globals {
            if let Some(value) = execution.global(name) {
                image.globals.insert(name.clone(), value);
            }
        }
        image
    }

    /// Everything below the stack's top is left over from calls that have returned.
    pub(super) fn clear_stack(&mut self, top: u64) {
        let top = usize::try_from(top).unwrap_or(usize::MAX);
        for memory in self.memories.values_mut() {
            let top = top.min(memory.len());
            memory[..top].fill(0);
        }
    }
}

impl InstanceState for Image {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        match self.globals.get(name) {
            Some(Val::I32(value)) => SnapshotVal::I32(*value),
            Some(Val::I64(value)) => SnapshotVal::I64(*value),
            Some(Val::F32(bits)) => SnapshotVal::F32(*bits),
            Some(Val::F64(bits)) => SnapshotVal::F64(*bits),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            // wizer asks for what it has exported, and refuses references beforehand.
            other => unreachable!("global {name} is {other:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.memories.get(name) {
            Some(memory) => contents(memory),
            None => unreachable!("wizer asks for the memories that it has exported, not {name}"),
        }
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image")
            .field("memories", &self.memories.keys())
            .field("globals", &self.globals)
            .finish()
    }
}
