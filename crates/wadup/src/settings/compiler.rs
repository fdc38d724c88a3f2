use wadup_host::{Compiler, CompilerProcess};

use crate::cli::{COMPILE, CompilerArgs};

/// This program once more, also if its file has been replaced since it was started.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// A process of its own: nobody vouches for an artifact.
pub(crate) fn compiler(args: CompilerArgs) -> Compiler {
    let default = CompilerProcess::new(THIS_PROGRAM, [COMPILE.into()]);
    Compiler::Process(CompilerProcess {
        timeout: args.compile_timeout.unwrap_or(default.timeout),
        memory: args
            .compile_memory
            .map_or(default.memory, |size| size.as_u64()),
        ..default
    })
}
