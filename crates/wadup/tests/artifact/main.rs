//! What an artifact is: its imports, exports, memory and manifest. And what its stack is for:
//! sources and calls that are nested deeply.

#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use support::{Scratch, native, project::repository};
use wadup_protocol::manifest::{self, Manifest, Start};
use wasmparser::{DataKind, ExternalKind, Operator, Parser, Payload, ValType};

/// With which every artifact is linked, in bytes: 8 MiB.
const STACK: i32 = 8_388_608;

/// What the tests want to know of a module.
#[derive(Debug, Default)]
struct Outline {
    imports: Vec<String>,
    exports: BTreeMap<String, ExternalKind>,
    /// The initial values of mutable 32-bit globals, in order; the stack pointer is the first.
    globals: Vec<i32>,
    /// Where each active data segment begins, and its length.
    data: Vec<(i32, usize)>,
    custom: BTreeMap<String, Vec<u8>>,
    has_start: bool,
}

impl Outline {
    fn read(wasm: &[u8]) -> wasmparser::Result<Self> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        outline.imports.push(import?.module.to_owned());
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        outline.exports.insert(export.name.to_owned(), export.kind);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let global = global?;
                        if global.ty.mutable && global.ty.content_type == ValType::I32 {
                            outline.globals.push(constant(&global.init_expr));
                        }
                    }
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        if let DataKind::Active { offset_expr, .. } = &data.kind {
                            outline.data.push((constant(offset_expr), data.data.len()));
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    let (name, data) = (section.name().to_owned(), section.data().to_vec());
                    assert!(outline.custom.insert(name, data).is_none());
                }
                Payload::StartSection { .. } => outline.has_start = true,
                _ => {}
            }
        }
        Ok(outline)
    }
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> i32 {
    let mut operators = expression.get_operators_reader();
    match operators.read().expect("an operator") {
        Operator::I32Const { value } => value,
        other => panic!("{other:?} is no constant"),
    }
}

/// The mission's example, as `wadup build` makes it.
fn quick_start() -> &'static [u8] {
    static ARTIFACT: OnceLock<Vec<u8>> = OnceLock::new();
    ARTIFACT.get_or_init(|| {
        let scratch = Scratch::new();
        scratch.copy_example("python-pydantic-test");
        let said = scratch.wadup(["build", "python-pydantic-test", "-o", "out.wasm"]);
        assert_eq!(said.code, Some(0), "{}", said.text());
        fs::read(scratch.path().join("out.wasm")).expect("an artifact")
    })
}

fn outline() -> Outline {
    let wasm = quick_start();
    wasmparser::validate(wasm).expect("a valid module");
    Outline::read(wasm).expect("a module")
}

#[test]
fn only_wasi_is_imported() {
    let imports = outline().imports;
    assert!(imports.len() > 10, "{imports:?}");
    assert!(
        imports
            .iter()
            .all(|module| module == "wasi_snapshot_preview1"),
        "{imports:?}"
    );
}

#[test]
fn exports_are_those_of_the_protocol() {
    let outline = outline();
    let exports: Vec<_> = outline.exports.iter().collect();
    let (name, kind) = (String::from, |kind| kind);
    assert_eq!(
        exports,
        [
            (&name("_start"), &kind(ExternalKind::Func)),
            (&name("memory"), &kind(ExternalKind::Memory)),
            (&name("process"), &kind(ExternalKind::Func)),
        ]
    );
    assert!(!outline.has_start);
}

/// The stack grows down from 8 MiB to address 0: an overflow is an access below 0, a trap, and
/// never a write into data.
#[test]
fn the_stack_is_first_in_memory() {
    let outline = outline();
    assert_eq!(outline.globals.first(), Some(&STACK));
    assert!(outline.data.len() > 1);
    for (offset, length) in &outline.data {
        assert!(
            *offset >= STACK,
            "{length} bytes of data at {offset} are in the stack"
        );
    }
}

#[test]
fn the_manifest_says_what_is_inside() {
    let outline = outline();
    let manifest: Manifest =
        serde_json::from_slice(&outline.custom[manifest::SECTION]).expect("a manifest");
    assert_eq!(manifest.abi_version, wadup_protocol::ABI_VERSION);
    assert_eq!(manifest.name, "my-project");
    assert_eq!(manifest.entry_point, "my_module");
    assert_eq!(manifest.python, "3.13.5");
    assert_eq!(manifest.start, Start::Snapshot);
    assert_eq!(manifest.runtime.len(), 64);
    let packages: Vec<_> = manifest.packages.keys().map(String::as_str).collect();
    assert_eq!(
        packages,
        [
            "annotated-types",
            "pydantic",
            "pydantic-core",
            "typing-extensions",
            "typing-inspection",
            "tzdata",
            "wadup",
        ]
    );
    assert_eq!(manifest.packages["pydantic"], "2.12.5");
    assert_eq!(manifest.packages["pydantic-core"], "2.41.5");
}

#[test]
fn nothing_of_this_machine_is_inside() {
    let wasm = quick_start();
    for place in places() {
        let place = place.to_string_lossy().into_owned();
        let found = find(wasm, place.as_bytes());
        assert!(
            found.is_none(),
            "{place}: {}",
            around(wasm, found.unwrap_or_default())
        );
    }
}

/// Folders of this machine that the build works in, and who it works for.
fn places() -> Vec<PathBuf> {
    let cache = wadup_toolchain::Settings::from_env()
        .expect("a cache folder")
        .cache;
    let real = |path: &Path| path.canonicalize().unwrap_or(path.to_owned());
    let checkout = real(&repository("."));
    let mut places = vec![real(&cache), cache, checkout, env::temp_dir().join(".tmp")];
    for variable in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_MANIFEST_DIR"] {
        let value = env::var_os(variable).filter(|value| value.len() > 1);
        places.extend(value.map(|value| PathBuf::from(value).join("")));
    }
    // Of a name such as `root` the letters are in many words.
    let name = env::var_os("USER").filter(|name| name.len() > 5);
    places.extend(name.map(PathBuf::from));
    places
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn around(bytes: &[u8], at: usize) -> String {
    let part = &bytes[at.saturating_sub(60)..(at + 100).min(bytes.len())];
    String::from_utf8_lossy(part).into_owned()
}

/// The source that is compiled has blocks, functions and expressions in each other as deeply as
/// CPython allows. With a stack that is too small and not first in memory, the compiler's
/// `label_exception_targets` and `_PyCfg_OptimizeCodeUnit` overwrote the interpreter's data.
#[test]
fn deeply_nested_sources_compile_as_they_do_natively() {
    let scratch = Scratch::new();
    let scripts = repository("crates/wadup/tests/artifact");
    let nested = native::python(&scripts.join("generate.py"), [""; 0]);
    scratch.write("project/src/nested.py", nested);
    fs::copy(
        scripts.join("describe.py"),
        scratch.path().join("project/src/describe.py"),
    )
    .expect("a copy");
    scratch.write("project/pyproject.toml", pyproject("describe", ""));
    scratch.write("input", "");
    let said = scratch.wadup(["run", "project", "--input=input", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let in_sandbox = scratch
        .query("out.db", "SELECT stdout FROM _wadup_outcomes")
        .remove(0);

    let script = "import runpy, sys; sys.path.insert(0, sys.argv[1]); \
                  runpy.run_module('describe', run_name='__main__')";
    let script = scratch.write("native.py", script);
    let outside = native::python(&script, [scratch.path().join("project/src")]);
    assert!(outside.lines().count() > 100, "{outside}");
    for (in_sandbox, outside) in in_sandbox.lines().zip(outside.lines()) {
        assert_eq!(
            in_sandbox, outside,
            "the sandbox (left) and CPython (right) differ"
        );
    }
    assert_eq!(in_sandbox.lines().count(), outside.lines().count());
}

/// Whatever the stack of the host is, what is too deep is an outcome, and what is not goes on.
#[test]
fn recursion_without_end_is_an_outcome_with_any_stack() {
    let scratch = Scratch::new();
    let scripts = repository("crates/wadup/tests/artifact");
    fs::create_dir_all(scratch.path().join("project/src")).expect("a folder");
    fs::copy(
        scripts.join("recursion.py"),
        scratch.path().join("project/src/recursion.py"),
    )
    .expect("a copy");
    scratch.write(
        "project/pyproject.toml",
        pyproject("recursion", "\"pydantic\""),
    );
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        scratch.write(format!("inputs/{number:02}"), scenario);
        scratch.write(format!("inputs/{number:02} and then"), "fine");
    }
    let built = scratch.wadup(["build", "project", "-o", "recursion.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    for stack in ["1MiB", "4MiB", "default", "64MiB"] {
        let database = format!("{stack}.db");
        let mut run = vec![
            "run",
            "recursion.wasm",
            "--input=inputs",
            // Where Python has no limit, its frames fill all memory, and each is in the traceback.
            "--max-memory=128MiB",
            "--output",
            &database,
        ];
        if stack != "default" {
            run.extend(["--max-stack", stack]);
        }
        let said = scratch.wadup(run);
        assert_eq!(said.code, Some(3), "--max-stack {stack}: {}", said.text());
        let fine = scratch.query(
            &database,
            "SELECT count(*) FROM done WHERE scenario = 'fine'",
        );
        assert_eq!(fine, [SCENARIOS.len().to_string()], "--max-stack {stack}");
        for (number, scenario) in SCENARIOS.iter().enumerate() {
            let sql = format!(
                "SELECT o.status || ' ' || coalesce(o.error_kind, ''), coalesce(o.message, '')
                 FROM _wadup_outcomes AS o JOIN _wadup_inputs AS i ON i.id = o.input_id
                 WHERE i.path = 'inputs/{number:02}'"
            );
            let (ended, message) = scratch.pairs(&database, &sql).remove(0);
            assert!(
                ALLOWED.contains(&&*ended),
                "--max-stack {stack}, {scenario}: {ended}: {message}"
            );
        }
    }
}

/// What `recursion.py` can do, but for `fine`.
const SCENARIOS: [&str; 11] = [
    "python",
    "unlimited",
    "through C",
    "attributes",
    "sorting",
    "repr",
    "json",
    "compile",
    "compile signs",
    "compile sum",
    "pydantic",
];

/// How that may end.
const ALLOWED: [&str; 7] = [
    "raised RecursionError",
    "raised MemoryError",
    "raised pydantic_core._pydantic_core.ValidationError",
    "raised SyntaxError",
    "trapped stack-overflow",
    "trapped memory-out-of-bounds",
    // Without a limit of Python's, its frames fill all memory.
    "limit-exceeded memory",
];

fn pyproject(entry_point: &str, extensions: &str) -> String {
    format!(
        "[project]\nname = \"{entry_point}\"\nversion = \"1\"\n\
         [tool.wadup]\nentry-point = \"{entry_point}\"\nc-extensions = [{extensions}]\n"
    )
}
