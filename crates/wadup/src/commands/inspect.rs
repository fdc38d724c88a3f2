use std::{collections::BTreeMap, error::Error};

use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;
use wadup_build::{Inspection, Part};
use wadup_host::{HostSettings, binary, read_module};

use crate::{
    cli::{CompilerArgs, InspectArgs},
    diagnostics::{Failure, OneLine, display_path},
    exit_code::ExitCode,
    reporters::{self, JsonLines},
    settings::compiler,
};

/// `wadup inspect`
pub(super) fn inspect(args: InspectArgs) -> Result<ExitCode, Failure> {
    let path = &args.artifact;
    let module = read_module(path).map_err(|error| Failure::artifact(path, &error))?;
    let failed = |error: &(dyn Error + 'static), hint| {
        let action = format!("inspect {}", display_path(path));
        Failure::new(ExitCode::Artifact, action)
            .because(error)
            .hint(hint)
    };
    let compiler = compiler(CompilerArgs::default());
    let wasm = binary(&module, &compiler).map_err(|error| failed(&error, error.hint()))?;
    let inspection = wadup_build::inspect(&wasm).map_err(|error| failed(&error, error.hint()))?;
    if args.json {
        JsonLines::to_stdout().write(&Event::new(&inspection, args.size));
    } else {
        let mut text = outside(&inspection);
        if args.size {
            text.push('\n');
            text.push_str(&sizes(&inspection));
        }
        reporters::write_data(&text);
    }
    Ok(ExitCode::Success)
}

/// What `--json` writes.
#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    size: u64,
    memory: u64,
    memory_max: Option<u64>,
    tables: &'a [wadup_build::Table],
    limits: Limits,
    manifest: Option<&'a wadup_build::Manifest>,
    imports: &'a [wadup_build::Import],
    exports: &'a [wadup_build::Export],
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<&'a [Part]>,
}

impl<'a> Event<'a> {
    fn new(inspection: &'a Inspection, size: bool) -> Self {
        Self {
            event: "inspected",
            size: inspection.size,
            memory: inspection.memory,
            memory_max: inspection.memory_max,
            tables: &inspection.tables,
            limits: Limits::default(),
            manifest: inspection.manifest.as_ref(),
            imports: &inspection.imports,
            exports: &inspection.exports,
            parts: size.then_some(inspection.parts.as_slice()),
        }
    }
}

/// What an execution may use unless options of `run` say otherwise. Sizes in bytes.
#[derive(Serialize)]
struct Limits {
    timeout_ms: Option<u128>,
    fuel: Option<u64>,
    max_memory: u64,
    max_stack: u64,
    max_files: u64,
    max_output: u64,
    max_rows: u64,
    max_tables: u32,
    max_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let HostSettings {
            timeout,
            fuel,
            max_memory,
            max_stack,
            max_depth,
            caps,
            ..
        } = HostSettings::default();
        Self {
            timeout_ms: timeout.map(|timeout| timeout.as_millis()),
            fuel,
            max_memory,
            max_stack,
            max_files: caps.files,
            max_output: caps.output,
            max_rows: caps.rows,
            max_tables: caps.tables,
            max_depth,
        }
    }
}

impl Limits {
    fn shown(&self) -> Vec<String> {
        let size = |bytes| HumanBytes(bytes).to_string();
        let time = self.timeout_ms.map_or("any time".to_owned(), |time| {
            format!("{} s", time as f64 / 1e3)
        });
        vec![
            format!("{time} (--timeout)"),
            format!("{} of memory (--max-memory)", size(self.max_memory)),
            format!("{} of stack (--max-stack)", size(self.max_stack)),
            format!("{} of files (--max-files)", size(self.max_files)),
            format!("{} of rows (--max-rows)", size(self.max_rows)),
            format!("{} tables (--max-tables)", self.max_tables),
        ]
    }
}

fn memory(inspection: &Inspection) -> Vec<String> {
    let most = match inspection.memory_max {
        Some(most) => format!("{} at most", HumanBytes(most)),
        None => "no maximum of its own".to_owned(),
    };
    let start = format!("{} bytes at the start", HumanCount(inspection.memory));
    let mut memory = vec![start, most];
    if inspection.memory > Limits::default().max_memory {
        memory.push("more than a run gives it".to_owned());
    }
    memory
}

fn table(table: &wadup_build::Table) -> String {
    match table.maximum {
        Some(most) if most == table.initial => format!("{} elements", HumanCount(most)),
        Some(most) => format!(
            "{} to {} elements",
            HumanCount(table.initial),
            HumanCount(most)
        ),
        None => format!("{} elements and more", HumanCount(table.initial)),
    }
}

/// Where values start; what a line cannot hold goes on below.
const INDENT: usize = 14;
const WIDTH: usize = 80;

fn outside(inspection: &Inspection) -> String {
    let mut text = String::new();
    match &inspection.manifest {
        Some(manifest) => {
            let name = format!("{} {}", manifest.name, manifest.version);
            field(&mut text, "project", [name]);
            field(&mut text, "entry point", [manifest.entry_point.clone()]);
            field(&mut text, "start", started(manifest.start, inspection));
            let seed = manifest.hash_seed.map(|seed| seed.to_string());
            field(&mut text, "hash seed", seed);
            field(&mut text, "python", [manifest.python.clone()]);
            field(&mut text, "runtime", [manifest.runtime.clone()]);
            field(&mut text, "extensions", manifest.extensions.clone());
            let packages = manifest.packages.iter();
            let packages = packages.map(|(name, version)| format!("{name} {version}"));
            field(&mut text, "packages", packages);
            field(&mut text, "ABI", [manifest.abi_version.to_string()]);
        }
        None => field(&mut text, "project", ["none: wadup did not make it"]),
    }
    field(&mut text, "memory", memory(inspection));
    field(&mut text, "tables", inspection.tables.iter().map(table));
    field(&mut text, "a run gives", Limits::default().shown());
    let mut imports: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for import in &inspection.imports {
        imports
            .entry(&import.module)
            .or_default()
            .push(&import.name);
    }
    if imports.is_empty() {
        field(&mut text, "imports", ["nothing"]);
    }
    for (module, names) in imports {
        field(&mut text, "imports", [format!("from {module}:")]);
        field(&mut text, "", names);
    }
    let exports = inspection.exports.iter().map(|export| match export.kind {
        "function" => export.name.clone(),
        kind => format!("{} ({kind})", export.name),
    });
    field(&mut text, "exports", exports);
    text
}

/// How an instance starts, and with how much that the import left behind.
fn started(how: wadup_build::Start, inspection: &Inspection) -> Vec<String> {
    let heap = inspection.parts.iter().find(|part| part.name == "heap");
    let heap = heap.filter(|_| how == wadup_build::Start::Snapshot);
    let heap = heap.map(|heap| format!("{} bytes of heap", HumanCount(heap.size)));
    [start(how).to_owned()].into_iter().chain(heap).collect()
}

fn start(start: wadup_build::Start) -> &'static str {
    match start {
        wadup_build::Start::Cold => "cold: every instance starts the interpreter",
        wadup_build::Start::Snapshot => "snapshot: interpreter started, entry point imported",
    }
}

/// A line `label  value, value`, broken between values. No values are no line.
fn field<T: AsRef<str>>(text: &mut String, label: &str, values: impl IntoIterator<Item = T>) {
    let mut values = values.into_iter().peekable();
    if values.peek().is_none() {
        return;
    }
    let mut line = format!("{label:<INDENT$}");
    while let Some(value) = values.next() {
        let comma = if values.peek().is_some() { "," } else { "" };
        let value = format!("{}{comma}", OneLine(value.as_ref()));
        let used = line.chars().count();
        if used > INDENT && used + 1 + value.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(INDENT);
        } else if used > INDENT {
            line.push(' ');
        }
        line.push_str(&value);
    }
    text.push_str(&line);
    text.push('\n');
}

fn sizes(inspection: &Inspection) -> String {
    let line = |name: &str, size: u64| {
        let share = size as f64 / inspection.size.max(1) as f64 * 100.0;
        let (size, name) = (HumanCount(size).to_string(), OneLine(name));
        format!("{size:>14} {share:>5.1} %  {name}\n")
    };
    let parts = inspection.parts.iter();
    parts
        .map(|part| line(&part.name, part.size))
        .chain([line("in all", inspection.size)])
        .collect()
}
