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

/// The profiles: their files, and which functions are theirs. Names of functions in Rust begin
/// with `_R`, after the codegen unit where they are local to it. A second extension in Rust will
/// want a filter of its own.
const PROFILES: [(&str, &str); 2] = [
    ("cpython.profdata", "--no-function=(^|;)_R[A-Z]"),
    ("pydantic-core.profdata", "--function=(^|;)_R[A-Z]"),
];

pub(crate) fn profile(context: &Context, args: &ProfileArgs) -> anyhow::Result<()> {
    if !args.output.is_dir() {
        bail!("{} is no folder", args.output.display());
    }
    let profile = training::run(context)?;
    let scratch = context.scratch()?;
    let raw = scratch.path().join("training.profraw");
    fs::write(&raw, profile)?;
    for (name, filter) in PROFILES {
        let place = args.output.join(name);
        merge(context, &raw, filter, &place)?;
        say(format_args!("wrote {}", place.display()));
    }
    Ok(())
}

/// Functions that never ran are left out: they are then compiled as without a profile, and not
/// for size. No training does everything that a user's program will.
fn merge(context: &Context, raw: &Path, filter: &str, place: &Path) -> anyhow::Result<()> {
    let mut merge = context.toolchain.llvm_profdata()?;
    merge.args(["merge", "-sparse", filter, "-o"]);
    output(merge.arg(place).arg(raw)).map(drop)
}
