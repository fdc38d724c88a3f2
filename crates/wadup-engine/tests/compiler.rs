//! Modules that are compiled in a process of their own.

mod support;

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use support::{engine, wasi};
use wadup_engine::{
    CompiledCache, Compiler, CompilerError, CompilerProcess, End, EngineSettings, Limits,
    LoadError, Origin, Problem, Program, binary, compile_for_parent,
};

/// What this program is called with to be the compiler.
const COMPILE: &str = "compile-for-parent";

fn main() -> ExitCode {
    if std::env::args_os().nth(1) == Some(COMPILE.into()) {
        return compile_for_parent();
    }
    let tests: &[(&str, fn())] = &[
        (
            "code_does_not_depend_on_the_process",
            code_does_not_depend_on_the_process,
        ),
        ("functions_are_shared", functions_are_shared),
        (
            "without_a_cache_it_works_as_well",
            without_a_cache_it_works_as_well,
        ),
        (
            "what_is_cached_needs_no_compiler",
            what_is_cached_needs_no_compiler,
        ),
        ("refusals_are_the_same", refusals_are_the_same),
        ("memory_is_limited", memory_is_limited),
        ("a_text_has_the_same_limits", a_text_has_the_same_limits),
        ("time_is_limited", time_is_limited),
        (
            "what_is_no_compiler_is_an_error",
            what_is_no_compiler_is_an_error,
        ),
    ];
    let trials = tests.iter().map(|(name, test)| {
        Trial::test(*name, || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn this_program() -> CompilerProcess {
    let program = std::env::current_exe().expect("this program");
    CompilerProcess::new(program, [COMPILE.into()])
}

fn settings(process: CompilerProcess) -> EngineSettings {
    EngineSettings {
        compiler: Compiler::Process(process),
        ..EngineSettings::default()
    }
}

fn load(
    settings: &EngineSettings,
    wasm: &[u8],
    cache: &CompiledCache,
) -> Result<Program, LoadError> {
    Program::load(&engine(settings.clone()), wasm, cache)
}

/// The names and contents of all files.
fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name(), fs::read(entry.path()).expect("a file")))
        .collect();
    files.sort();
    files
}

fn compiler_error(result: Result<Program, LoadError>) -> CompilerError {
    match result.expect_err("it must fail") {
        LoadError::Compiler(error) => error,
        error => panic!("{error:?}"),
    }
}

fn with_causes(error: &dyn Error) -> Vec<String> {
    let mut next = Some(error);
    std::iter::from_fn(|| {
        let error = next?;
        next = error.source();
        Some(error.to_string())
    })
    .collect()
}

fn code_does_not_depend_on_the_process() {
    let modules = [
        // For signals, and with text.
        r#"(module (func (export "process") (result i32) (i32.const 7)))"#,
        // For epochs.
        r#"(module (memory 1) (data (i32.const 9) "x")
            (func (export "process") (result i32)
                (memory.fill (i32.const 0) (i32.const 7) (i32.const 9))
                (i32.load8_u (i32.const 5))))"#,
    ];
    for fuel in [false, true] {
        let here = EngineSettings {
            fuel,
            ..EngineSettings::default()
        };
        let there = EngineSettings {
            fuel,
            ..settings(this_program())
        };
        let [of_here, of_there] = [here, there].map(|settings| {
            let folder = tempfile::tempdir().expect("a folder");
            let cache = CompiledCache::at(folder.path());
            let engine = engine(settings);
            for module in modules {
                let program = Program::load(&engine, module.as_bytes(), &cache).expect("valid");
                assert!(matches!(program.origin(), Origin::Compiled { .. }));
                assert!(program.cache_problems().is_empty());
                let limits = Limits {
                    fuel: fuel.then_some(1000),
                    ..Limits::default()
                };
                let finished = engine.on_worker(|worker| program.run(worker, wasi(), &limits));
                assert_eq!(finished.expect("a worker").end, End::Returned(7));
            }
            files(folder.path())
        });
        assert_eq!(of_here.len(), 2);
        assert!(of_here == of_there, "names and bytes are equal");
    }
}

/// A module with more than a mebibyte of code.
fn large(data: &str) -> String {
    let functions = (0..2000).map(|number| {
        let body = (0..60).map(|step| {
            format!(
                "(local.set 0 (i32.mul (local.get 0) (i32.const {})))",
                number * 1000 + step
            )
        });
        format!("(func (param i32) {})", body.collect::<String>())
    });
    format!(
        r#"(module (memory 1) (data (i32.const 0) "{data}") {}
            (func (export "process") (result i32) (i32.load8_u (i32.const 0))))"#,
        functions.collect::<String>()
    )
}

fn functions_are_shared() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = CompiledCache::at(folder.path());
    let settings = settings(this_program());
    let has_functions = |(name, _): &&(OsString, Vec<u8>)| {
        Path::new(name).extension() == Some("functions".as_ref())
    };
    for data in ["one", "two"] {
        let program = load(&settings, large(data).as_bytes(), &cache).expect("valid");
        assert!(program.cache_problems().is_empty());
        assert_eq!(files(folder.path()).iter().filter(has_functions).count(), 1);
    }
    let shared = files(folder.path());
    assert_eq!(shared.len(), 3);
    // The same as without.
    let alone = tempfile::tempdir().expect("a folder");
    load(
        &settings,
        large("two").as_bytes(),
        &CompiledCache::at(alone.path()),
    )
    .expect("valid");
    let of_two = files(alone.path());
    let of_two = of_two.iter().find(|file| !has_functions(file));
    assert!(shared.contains(of_two.expect("the module's code")));
}

fn without_a_cache_it_works_as_well() {
    let module = br#"(module (func (export "process") (result i32) (i32.const 7)))"#;
    let folder = tempfile::tempdir().expect("a folder");
    let no_folder = folder.path().join("file");
    fs::write(&no_folder, "").expect("a file");
    for cache in [CompiledCache::disabled(), CompiledCache::at(&no_folder)] {
        let engine = engine(settings(this_program()));
        let program = Program::load(&engine, module, &cache).expect("valid");
        let finished = engine.on_worker(|worker| program.run(worker, wasi(), &Limits::default()));
        assert_eq!(finished.expect("a worker").end, End::Returned(7));
        let problems = program.cache_problems().iter();
        assert!(
            problems
                .into_iter()
                .all(|found| matches!(found.problem, Problem::NotADirectory))
        );
    }
}

fn what_is_cached_needs_no_compiler() {
    let module = wat::parse_str(r#"(module (func (export "process")))"#).expect("a module");
    let folder = tempfile::tempdir().expect("a folder");
    let cache = CompiledCache::at(folder.path());
    load(&settings(this_program()), &module, &cache).expect("valid");
    let none = CompilerProcess::new("/no/such/program", []);
    let program = load(&settings(none), &module, &cache).expect("it is in the cache");
    assert_eq!(program.origin(), Origin::Cached);
}

fn refusals_are_the_same() {
    let invalid = [
        r#"(module (func (export "process") (i32.add)))"#,
        r#"(module (memory i64 1) (func (export "process")))"#,
        r#"(module (func (export "process"))"#,
        r#"(module (func (export "process"))) (quoted "
            \1b[31m")"#,
    ];
    for module in invalid {
        let [here, there] = [EngineSettings::default(), settings(this_program())].map(|settings| {
            let folder = tempfile::tempdir().expect("a folder");
            let refused = load(
                &settings,
                module.as_bytes(),
                &CompiledCache::at(folder.path()),
            );
            assert_eq!(files(folder.path()), [], "nothing is left of it");
            with_causes(&refused.expect_err("it is not valid"))
        });
        assert_eq!(here, there);
    }
}

fn memory_is_limited() {
    // A sparse image of 128 MiB: 60 bytes.
    let image = r#"(module (memory 2048) (data (i32.const 0) "a") (data (i32.const 134217720) "b")
        (func (export "process")))"#;
    let image = wat::parse_str(image).expect("a module");
    let folder = tempfile::tempdir().expect("a folder");
    let cache = CompiledCache::at(folder.path());
    let small = CompilerProcess {
        memory: 64 << 20,
        ..this_program()
    };
    let error = compiler_error(load(&settings(small), &image, &cache));
    let CompilerError::Ended { limit, how, said } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*limit, 64 << 20);
    assert!(!how.is_empty() && !said.is_empty(), "{error}");
    assert_eq!(files(folder.path()), [], "nothing is left of it");
    load(&settings(this_program()), &image, &cache).expect("the default is enough");
}

fn a_text_has_the_same_limits() {
    let text = format!(
        r#"(module (func (export "process") {}))"#,
        "nop ".repeat(4 << 20)
    );
    let small = Compiler::Process(CompilerProcess {
        memory: 64 << 20,
        ..this_program()
    });
    let error = binary(text.as_bytes(), &small).expect_err("it is too long");
    assert!(
        matches!(error, LoadError::Compiler(CompilerError::Ended { .. })),
        "{error:?}"
    );
}

/// Loops in each other that each change a local: every one of them is a parameter of every loop.
fn slow() -> Vec<u8> {
    const DEPTH: usize = 2000;
    let change = (0..50_000).map(|number| {
        let local = number % DEPTH;
        format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))")
    });
    let text = format!(
        r#"(module (func (export "process") (local {}) {} {} br_if 0 {}))"#,
        "i32 ".repeat(DEPTH),
        "loop ".repeat(DEPTH),
        change.collect::<String>() + " local.get 0",
        "end ".repeat(DEPTH)
    );
    wat::parse_str(text).expect("a module")
}

/// It would take a minute or more.
fn time_is_limited() {
    let folder = tempfile::tempdir().expect("a folder");
    let hasty = CompilerProcess {
        timeout: Duration::from_secs(1),
        ..this_program()
    };
    let loaded = load(&settings(hasty), &slow(), &CompiledCache::at(folder.path()));
    let error = compiler_error(loaded);
    assert!(matches!(error, CompilerError::Timeout { .. }), "{error:?}");
    assert_eq!(error.to_string(), "compiling it took longer than 1s");
    assert_eq!(files(folder.path()), [], "nothing is left of it");
}

fn what_is_no_compiler_is_an_error() {
    let module = wat::parse_str(r#"(module (func (export "process")))"#).expect("a module");
    let with = |program: &str| {
        let process = CompilerProcess::new(program, []);
        compiler_error(load(
            &settings(process),
            &module,
            &CompiledCache::disabled(),
        ))
    };
    assert!(matches!(with("/no/such/program"), CompilerError::Start(_)));
    assert!(matches!(with("true"), CompilerError::Answer(_)));
    let CompilerError::Ended { how, .. } = with("false") else {
        panic!("it fails");
    };
    assert_eq!(how, "ended with code 1");
}
