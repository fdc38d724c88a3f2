use std::process;

use super::{
    repl::Repl,
    sandboxed::{Interpreter, Interrupts, exit_code},
};
use crate::{
    cli::PythonArgs,
    diagnostics::Failure,
    settings::{Program, PythonCommand},
};

/// `wadup python`. The exit code is the program's.
pub(super) fn python(args: PythonArgs) -> Result<process::ExitCode, Failure> {
    let command = PythonCommand::resolve(args)?;
    let interpreter = Interpreter::prepare(command.sandboxed)?;
    let interrupts = Interrupts::install()?;
    let code = match command.program {
        Program::Once(request) => {
            let stdin = request.name != "<stdin>";
            interpreter.session(stdin, |session| {
                exit_code(&interrupts.ask(session, &request))
            })?
        }
        Program::Session { path } => {
            let repl = Repl::new(interpreter.artifact(), path)?;
            interpreter.session(true, |session| repl.run(session, &interrupts))??
        }
    };
    Ok(code.into())
}
