//! What only the real compilers and linker can show.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use wasmtime::{Engine, Instance, Module, Store};

use super::*;
use crate::recipes::ExtensionModule;
use crate::report::Silent;
use crate::wasm::{Entry, extension_table, init_functions, localize};

/// Two packages, each with a module `_native` and a function `helper`, and what they return.
const PACKAGES: [(&str, i32); 2] = [("one", 11), ("other", 22)];

struct Linker {
    bin: PathBuf,
    folder: tempfile::TempDir,
}

impl Linker {
    fn new() -> Self {
        let settings = Settings::from_env().unwrap();
        let toolchain = Toolchain::open(settings, Arc::new(Silent)).unwrap();
        let graph = toolchain.graph(&[]).unwrap();
        let step = toolchain.build(&graph, &[C_TOOLCHAIN]).unwrap();
        Self {
            bin: step.join("bin"),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.bin.join(program));
        let output = command.args(args).current_dir(&self.folder).output();
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        output.status.success().then_some(()).ok_or(stderr)
    }

    fn compile(&self, source: &str, text: &str) -> String {
        fs::write(self.path().join(source), text).unwrap();
        let object = format!("{source}.o");
        self.run("clang", &["-c", source, "-o", &object]).unwrap();
        object
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What an extension's step leaves: its functions are hidden, but for `PyInit__native`.
fn extension(linker: &Linker, package: &str, number: i32) -> String {
    let text = format!(
        "int helper(void) {{ return {number}; }}\nint PyInit__native(void) {{ return helper(); }}\n"
    );
    let object = linker.compile(&format!("{package}.c"), &text);
    hide(&linker.path().join(&object), "PyInit__native");
    object
}

fn hide(object: &Path, keep: &str) {
    let mut bytes = fs::read(object).unwrap();
    localize(&mut bytes, &[keep]).unwrap();
    fs::write(object, bytes).unwrap();
}

fn native_module(package: &str) -> ExtensionModule {
    ExtensionModule {
        name: format!("{package}._native"),
        init: "PyInit__native".to_owned(),
    }
}

#[test]
fn modules_with_the_same_last_name_are_in_one_runtime() {
    let linker = Linker::new();
    let mut inputs = Vec::new();
    for (package, number) in PACKAGES {
        let object = extension(&linker, package, number);
        let module = native_module(package);
        let functions = init_functions(std::slice::from_ref(&module));
        let functions = linker.compile(&format!("{package}-init.s"), &functions);
        let merged = format!("{package}.o");
        let merge = ["-r", &object, &functions, "-o", &merged];
        linker.run("wasm-ld", &merge).unwrap();
        hide(&linker.path().join(&merged), &module.symbol());
        inputs.push(merged);
    }
    let modules = PACKAGES.map(|(package, _)| native_module(package));
    let entries = modules.each_ref().map(|module| Entry {
        module: &module.name,
        init: module.symbol(),
    });
    inputs.push(linker.compile("table.s", &extension_table("extensions", &entries)));
    let main = "extern const struct { const char *name; int (*init)(void); } extensions[];\n\
                int call(int index) { return extensions[index].init(); }\n";
    inputs.push(linker.compile("main.c", main));

    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let options = ["--no-entry", "--export=call", "-o", "all.wasm"];
    linker
        .run("wasm-ld", &[&inputs, &options[..]].concat())
        .unwrap();
    let engine = Engine::default();
    let module = Module::from_file(&engine, linker.path().join("all.wasm")).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let call = instance.get_typed_func::<i32, i32>(&mut store, "call");
    let call = call.unwrap();
    for (index, (package, number)) in (0..).zip(PACKAGES) {
        assert_eq!(call.call(&mut store, index).unwrap(), number, "{package}");
    }
}

/// Without names of their own they would not link: the test above shows something.
#[test]
fn the_same_name_twice_does_not_link() {
    let linker = Linker::new();
    let [one, other] = PACKAGES.map(|(package, number)| extension(&linker, package, number));
    let link = ["--no-entry", &one, &other, "-o", "all.wasm"];
    let said = linker.run("wasm-ld", &link).unwrap_err();
    assert!(said.contains("duplicate symbol: PyInit__native"), "{said}");
}
