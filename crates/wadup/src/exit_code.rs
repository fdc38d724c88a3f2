//! What the process says with its exit code. `docs/reference/exit-codes.md` has the table that
//! the tests of [`crate::cli`] make.

use std::process;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// All was done.
    Success = 0,
    /// Something that wadup did not expect; a bug report is welcome.
    Internal = 1,
    /// The command line made no sense.
    Usage = 2,
    /// The run went through, and some inputs have an outcome other than `completed`.
    InputsFailed = 3,
    /// A project could not be read, resolved or built.
    Build = 4,
    /// The toolchain could not be installed or is not usable.
    Toolchain = 5,
    /// A file is no artifact that this version can run.
    Artifact = 6,
    /// The database was refused, or could not be written.
    Database = 7,
    /// What `--input` or `--input-list` names could not be found or listed.
    Input = 8,
    /// Interrupted before all was done.
    Interrupted = 9,
}

/// For `--help`, in the order of the numbers.
pub(crate) const HELP: &str = "\
Exit codes:
  0  all done            5  toolchain error
  1  internal error      6  not a usable artifact
  2  usage error         7  database refused, or not writable
  3  some inputs failed  8  an input path does not exist
  4  project or build    9  interrupted";

/// The same for a command whose exit code is a program's.
pub(crate) const PROGRAM_HELP: &str = "\
The exit code is the program's: that of `sys.exit`, or 1 for an exception. Otherwise:
  2  usage error         6  not a usable artifact
  3  trap or limit       8  a file does not exist
  4  project or build    9  interrupted
  5  toolchain error";

/// What `--help` of a command ends with: examples, one a line, and the exit codes.
pub(crate) fn help(examples: &str) -> String {
    let plural = if examples.contains('\n') { "s" } else { "" };
    let examples = examples.replace('\n', "\n  ");
    format!("Example{plural}:\n  {examples}\n\n{HELP}")
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
