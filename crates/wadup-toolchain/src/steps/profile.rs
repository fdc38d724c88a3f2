//! Profile-guided optimisation. A runtime is either compiled with the profiles that the
//! recipes name, or so that it counts what a profile is made of.

use std::path::PathBuf;

use super::C_TOOLCHAIN;
use crate::digest::KeyBuilder;
use crate::embedded;
use crate::graph::describe_recipe_files;
use crate::settings::Profiling;
use crate::step::{ActionError, Workbench};
use crate::unpack;
use crate::wasm::Entry;

/// A profile that a recipe names, and what to do with it.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// The file, relative to `recipes/`.
    file: Option<String>,
    profiling: Profiling,
}

impl Profile {
    pub(super) fn new(file: Option<&String>, profiling: Profiling) -> Self {
        Self {
            file: file.cloned(),
            profiling,
        }
    }

    /// Nothing is added where there is no profile.
    pub(super) fn describe(&self, key: &mut KeyBuilder) {
        match (self.profiling, &self.file) {
            (Profiling::Use, None) => {}
            (Profiling::Use, Some(file)) => describe_recipe_files(key, std::slice::from_ref(file)),
            (Profiling::Collect, _) => key.field("profiling", "collect"),
        }
    }

    /// What clang is told. It is run in a folder beside the profile, so that no path of this
    /// machine is in its arguments. A profile that does not fit a function, because a source or
    /// the compiler changed, is no error: that function is compiled as if there were none.
    pub(super) fn c_flags(&self, bench: &Workbench<'_>) -> Result<Vec<String>, ActionError> {
        let flags: &[&str] = match (self.profiling, self.lay_out(bench)?) {
            (Profiling::Collect, _) => &["-fprofile-generate"],
            (Profiling::Use, None) => &[],
            (Profiling::Use, Some(_)) => &[
                "-fprofile-use=../profile.profdata",
                "-Wno-profile-instr-missing",
                "-Wno-profile-instr-out-of-date",
                "-Wno-profile-instr-unprofiled",
                "-Wno-backend-plugin",
            ],
        };
        Ok(flags.iter().map(|flag| (*flag).to_owned()).collect())
    }

    /// What rustc is told. The flags that count are for `RUSTC_BOOTSTRAP=1`: the profile runtime
    /// is linked later, and no crate of it is looked for.
    pub(super) fn rust_flags(&self, bench: &Workbench<'_>) -> Result<Vec<String>, ActionError> {
        Ok(match (self.profiling, self.lay_out(bench)?) {
            (Profiling::Collect, _) => ["-Cprofile-generate", "-Zno-profiler-runtime"]
                .map(str::to_owned)
                .into(),
            (Profiling::Use, None) => Vec::new(),
            (Profiling::Use, Some(file)) => vec![
                format!("-Cprofile-use={}", file.display()),
                "-Cllvm-args=-no-pgo-warn-mismatch".to_owned(),
            ],
        })
    }

    pub(super) fn collects(&self) -> bool {
        self.profiling == Profiling::Collect
    }

    fn lay_out(&self, bench: &Workbench<'_>) -> Result<Option<PathBuf>, ActionError> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let Some(content) = embedded::file(&format!("recipes/{file}")) else {
            return Ok(None);
        };
        let place = bench.work().join("profile.profdata");
        bench.write(&place, content)?;
        Ok(Some(place))
    }
}

/// The crate that carries the C sources of LLVM's profile runtime.
pub(super) const RUNTIME_SOURCE: &str = "minicov";

/// The Python module that an instrumented runtime has.
pub(super) fn module() -> Entry<'static> {
    Entry {
        module: "_profile",
        init: "PyInit__profile".to_owned(),
    }
}

/// Its source, which is also the platform's half of the profile runtime.
pub(super) const MODULE_SOURCE: &str = "profiling/_profile.c";

/// The files of the profile runtime that WASI needs.
const RUNTIME: [&str; 7] = [
    "InstrProfiling",
    "InstrProfilingBuffer",
    "InstrProfilingInternal",
    "InstrProfilingMerge",
    "InstrProfilingValue",
    "InstrProfilingVersionVar",
    "InstrProfilingWriter",
];

/// Compiles the profile runtime and the module `_profile`.
pub(super) fn runtime_objects(bench: &Workbench<'_>) -> Result<Vec<PathBuf>, ActionError> {
    let packed = bench.source(RUNTIME_SOURCE)?;
    let tree = bench.work().join("profile-runtime");
    unpack::tar_gz(&packed, &tree).map_err(ActionError::file("unpack", &packed))?;
    let module = bench.work().join("_profile.c");
    let content = embedded::file(&format!("recipes/{MODULE_SOURCE}")).unwrap_or_default();
    bench.write(&module, content)?;

    let headers = bench.needed(super::WASM_PYTHON)?.join("include");
    let clang = bench.needed(C_TOOLCHAIN)?.join("bin/clang");
    let sources = RUNTIME.map(|name| tree.join("c").join(name).with_extension("c"));
    let mut objects = Vec::new();
    for source in sources.iter().chain([&module]) {
        let name = source.with_extension("o");
        let object = bench.work().join(name.file_name().unwrap_or_default());
        let mut cc = bench.command(&clang, &[]);
        cc.args(&bench.recipes.c_toolchain.flags);
        cc.arg("-DCOMPILER_RT_HAS_ATOMICS=1");
        cc.arg("-I").arg(tree.join("c")).arg("-I").arg(&headers);
        bench.run(cc.arg("-c").arg(source).arg("-o").arg(&object))?;
        objects.push(object);
    }
    Ok(objects)
}
