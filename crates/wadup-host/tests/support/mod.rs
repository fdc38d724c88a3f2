//! Inputs that say what the guest is to do with them, and hosts that run them.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use wadup_host::{Artifact, Cancel, Host, HostSettings, Inputs, RunSummary, Silent, Status};
use wadup_sink::{InputRecord, MemorySink, OutcomeRecord};

/// Commands for `interpreter.wat`, which documents them.
#[derive(Debug, Clone, Default)]
pub struct Script(Vec<u8>);

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    fn op(mut self, op: u8, operand: &[u8]) -> Self {
        self.0.push(op);
        self.0.extend(operand);
        self
    }

    fn file(self, op: u8, path: &str, data: &[u8]) -> Self {
        // WASI's paths start at the preopened root.
        let path = path.trim_start_matches('/');
        let mut operand = (path.len() as u16).to_le_bytes().to_vec();
        operand.extend((data.len() as u32).to_le_bytes());
        operand.extend(path.as_bytes());
        operand.extend(data);
        self.op(op, &operand)
    }

    /// And then what `other` does.
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub fn write(self, path: &str, data: impl AsRef<[u8]>) -> Self {
        self.file(1, path, data.as_ref())
    }

    pub fn write_unclosed(self, path: &str, data: impl AsRef<[u8]>) -> Self {
        self.file(9, path, data.as_ref())
    }

    /// Metadata, in a file of its own.
    pub fn metadata(self, json: &str) -> Self {
        let name = format!("/metadata/{}.json", self.0.len());
        self.write(&name, json)
    }

    /// A table `t` with an Int64 column `n`, and a row for each number.
    pub fn rows(self, numbers: impl IntoIterator<Item = i64>) -> Self {
        let rows: Vec<String> = numbers
            .into_iter()
            .map(|n| format!(r#"{{"table_name":"t","values":[{{"Int64":{n}}}]}}"#))
            .collect();
        let table = r#"{"name":"t","columns":[{"name":"n","data_type":"Int64"}]}"#;
        self.metadata(&format!(
            r#"{{"tables":[{table}],"rows":[{}]}}"#,
            rows.join(",")
        ))
    }

    /// Sub-content.
    pub fn emit(self, filename: &str, content: &[u8]) -> Self {
        let number = self.0.len();
        self.write(&format!("/subcontent/{number}.bin"), content)
            .write(
                &format!("/subcontent/{number}.json"),
                format!(r#"{{"filename":"{filename}"}}"#),
            )
    }

    /// Emits the input itself, `times`.
    pub fn emit_self(mut self, times: u32) -> Self {
        for number in 0..times {
            let path = format!("subcontent/self{number}.bin");
            let mut operand = (path.len() as u16).to_le_bytes().to_vec();
            operand.extend(path.as_bytes());
            self = self.op(10, &operand).write(
                &format!("/subcontent/self{number}.json"),
                format!(r#"{{"filename":"self{number}"}}"#),
            );
        }
        self
    }

    pub fn fail(self, json: &str) -> Self {
        self.write("/metadata/failure.error", json).ret(1)
    }

    pub fn ret(self, code: u8) -> Self {
        self.op(2, &[code])
    }

    pub fn trap(self) -> Self {
        self.op(3, &[])
    }

    pub fn spin(self) -> Self {
        self.op(4, &[])
    }

    pub fn exit(self, code: u8) -> Self {
        self.op(5, &[code])
    }

    pub fn grow(self, pages: u32) -> Self {
        self.op(6, &pages.to_le_bytes())
    }

    pub fn recurse(self) -> Self {
        self.op(7, &[])
    }

    pub fn print(self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let mut operand = (text.len() as u32).to_le_bytes().to_vec();
        operand.extend(text);
        self.op(8, &operand)
    }

    pub fn sleep(self, duration: Duration) -> Self {
        self.op(11, &(duration.as_millis() as u32).to_le_bytes())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

pub const INTERPRETER: &str = include_str!("interpreter.wat");

pub fn settings() -> HostSettings {
    HostSettings {
        jobs: NonZeroU32::new(4).unwrap(),
        timeout: Some(Duration::from_secs(20)),
        ..HostSettings::default()
    }
}

pub fn interpreter(host: &Host) -> Artifact {
    host.load_bytes(INTERPRETER.as_bytes(), "interpreter", &Silent)
        .expect("load the interpreter")
}

/// A folder with a file for each script.
pub fn folder<'a>(scripts: impl IntoIterator<Item = (&'a str, Script)>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in scripts {
        std::fs::write(folder.path().join(name), script.bytes()).unwrap();
    }
    folder
}

/// Everything that came of a run.
pub struct Results {
    pub sink: MemorySink,
    pub summary: RunSummary,
}

pub fn run_inputs(settings: HostSettings, inputs: Inputs) -> Results {
    let host = Host::new(settings).expect("make a host");
    let artifact = interpreter(&host);
    let mut sink = MemorySink::new();
    let summary = host
        .run(&[artifact], inputs, &mut sink, &Silent, &Cancel::new())
        .expect("run");
    Results { sink, summary }
}

pub fn run_folder(settings: HostSettings, folder: &Path) -> Results {
    run_inputs(settings, Inputs::new().path(folder))
}

/// The outcome of one script.
pub fn outcome_with(settings: HostSettings, script: Script) -> OutcomeRecord {
    let folder = folder([("input", script)]);
    let results = run_folder(settings, folder.path());
    results.sink.inputs[0].outcomes[0].clone()
}

pub fn outcome(script: Script) -> OutcomeRecord {
    outcome_with(settings(), script)
}

/// Status, kind and message.
pub fn describe(outcome: &OutcomeRecord) -> String {
    let mut text = outcome.status.to_string();
    if let Some(kind) = &outcome.error_kind {
        text += &format!(" [{kind}]");
    }
    if let Some(message) = &outcome.message {
        text += &format!(" {message}");
    }
    text
}

impl Results {
    /// The record of the input whose path ends with `name`.
    pub fn input(&self, name: &str) -> &InputRecord {
        self.sink
            .inputs
            .iter()
            .find(|input| Path::new(&input.path).file_name() == Some(name.as_ref()))
            .unwrap_or_else(|| panic!("no input {name}"))
    }

    pub fn status(&self, name: &str) -> Status {
        self.input(name).outcomes[0].status
    }
}
