//! Guests in WebAssembly text: no CPython is needed to see how the command line behaves.

use std::fmt::Write as _;

const IMPORTS: &str = r#"
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  (func $check (param $errno i32) (if (local.get $errno) (then unreachable)))
  ;; Writes a file whole: its path and content are in memory.
  (func $write_file (param $path i32) (param $path_len i32) (param $data i32) (param $len i32)
    (local $fd i32)
    ;; The root is the first preopened directory, 3. Flags: create and truncate; right: fd_write.
    (call $check (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $path_len)
      (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
    (local.set $fd (i32.load (i32.const 8)))
    (call $write (local.get $fd) (local.get $data) (local.get $len))
    (call $check (call $fd_close (local.get $fd))))
  (func $write (param $fd i32) (param $data i32) (param $len i32)
    (i32.store (i32.const 16) (local.get $data))
    (i32.store (i32.const 20) (local.get $len))
    (call $check (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24))))
"#;

/// A guest under construction: what `process` does, step by step.
#[derive(Default)]
pub(crate) struct Guest {
    data: Vec<u8>,
    steps: String,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Writes a file of the guest's file system; `path` is relative to the root.
    pub(crate) fn file(mut self, path: &str, content: &str) -> Self {
        let path = self.put(path.as_bytes());
        let content = self.put(content.as_bytes());
        let _ = writeln!(self.steps, "(call $write_file {path} {content})");
        self
    }

    /// Hands over tables and rows.
    pub(crate) fn metadata(self, json: &str) -> Self {
        self.file("metadata/1.json", json)
    }

    /// Writes to stdout (1) or stderr (2).
    pub(crate) fn print(mut self, fd: u32, text: &str) -> Self {
        let text = self.put(text.as_bytes());
        let _ = writeln!(self.steps, "(call $write (i32.const {fd}) {text})");
        self
    }

    /// Keeps a core busy for some milliseconds.
    pub(crate) fn works(mut self) -> Self {
        self.steps.push_str(
            "(local.set $n (i32.const 5000000))
             (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))\n",
        );
        self
    }

    pub(crate) fn exit(mut self, code: u32) -> String {
        let _ = writeln!(self.steps, "(call $proc_exit (i32.const {code}))");
        self.returns(0)
    }

    pub(crate) fn traps(mut self) -> String {
        self.steps.push_str("unreachable\n");
        self.returns(0)
    }

    pub(crate) fn loops(mut self) -> String {
        self.steps.push_str("(loop $again (br $again))\n");
        self.returns(0)
    }

    /// The module, whose `process` returns `code` at the end.
    pub(crate) fn returns(self, code: i32) -> String {
        let mut data = String::new();
        for byte in &self.data {
            let _ = write!(data, "\\{byte:02x}");
        }
        format!(
            "(module {IMPORTS}\n  (data (i32.const {BASE}) \"{data}\")\n  \
             (func (export \"process\") (result i32) (local $n i32)\n{}  (i32.const {code})))",
            self.steps
        )
    }

    fn put(&mut self, bytes: &[u8]) -> String {
        let at = BASE + self.data.len();
        self.data.extend_from_slice(bytes);
        format!("(i32.const {at}) (i32.const {})", bytes.len())
    }
}

/// Where the guest's data starts; below it is scratch space.
const BASE: usize = 64;

/// A guest that hands over one row of a table `greetings`.
pub(crate) fn greeting() -> String {
    Guest::new().greets().returns(0)
}

impl Guest {
    /// Hands over one row of a table `greetings`.
    pub(crate) fn greets(self) -> Self {
        self.metadata(
            r#"{"tables":[{"name":"greetings","columns":[{"name":"text","data_type":"String"},
                {"name":"number","data_type":"Int64"}]}],
               "rows":[{"table_name":"greetings","values":[{"String":"hello"},{"Int64":1}]}]}"#,
        )
    }
}

/// A guest that ends like a Python program that raised.
pub(crate) fn raising(kind: &str, message: &str, traceback: &str) -> String {
    let failure = serde_json::json!({"kind": kind, "message": message, "traceback": traceback});
    Guest::new()
        .file("metadata/failure.error", &failure.to_string())
        .returns(1)
}
