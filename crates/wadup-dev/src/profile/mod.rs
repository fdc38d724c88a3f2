//! `cargo dev profile`: makes the profiles that the guest's native code is compiled with.
//!
//! An instrumented runtime does the work of the project in `training/` in one sandbox, and hands
//! over what it counted as rows of a table. `llvm-profdata` makes a profile of that for CPython
//! and one for each extension.

mod training;

use std::fs;
use std::path::Path;

use anyhow::bail;

use crate::cli::ProfileArgs;
use crate::context::{Context, output, say};

/// The profiles: their files, and what is in them. Names of functions in Rust begin with `_R`,
/// after the codegen unit where they are local to it. A second extension in Rust will want a
/// filter of its own.
///
/// What of CPython never ran is in its profile, and is compiled for size. pydantic-core's
/// functions that never ran are left out (`-sparse`) and compiled as without a profile: the
/// training comes to a sixth of them only, as most are for schemas that few programs have.
const PROFILES: [(&str, &[&str]); 2] = [
    ("cpython.profdata", &["--no-function=(^|;)_R[A-Z]"]),
    (
        "pydantic-core.profdata",
        &["-sparse", "--function=(^|;)_R[A-Z]"],
    ),
];

pub(crate) fn profile(context: &Context, args: &ProfileArgs) -> anyhow::Result<()> {
    if !args.output.is_dir() {
        bail!("{} is no folder", args.output.display());
    }
    let profile = training::run(context)?;
    let scratch = context.scratch()?;
    let raw = scratch.path().join("training.profraw");
    fs::write(&raw, profile)?;
    for (name, options) in PROFILES {
        let place = args.output.join(name);
        merge(context, &raw, options, &place)?;
        say(format_args!("wrote {}", place.display()));
    }
    Ok(())
}

fn merge(context: &Context, raw: &Path, options: &[&str], place: &Path) -> anyhow::Result<()> {
    let mut merge = context.toolchain.llvm_profdata()?;
    merge.arg("merge").args(options).arg("-o");
    output(merge.arg(place).arg(raw)).map(drop)
}
