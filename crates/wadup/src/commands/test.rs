use serde::Deserialize;
use wadup_host::TurnEnd;

use super::sandboxed::{Interpreter, Interrupts, ended};
use crate::{
    cli::TestArgs,
    diagnostics::{self, Failure},
    exit_code::ExitCode,
    settings::TestCommand,
};

/// What the entry module answers: <https://docs.pytest.org/en/stable/reference/exit-codes.html>
#[derive(Deserialize)]
struct Answer {
    code: i32,
}

/// `wadup test`
pub(super) fn test(args: TestArgs) -> Result<ExitCode, Failure> {
    let command = TestCommand::resolve(args)?;
    let interpreter = Interpreter::prepare(command.sandboxed)?;
    let interrupts = Interrupts::install()?;
    let turn = interpreter.session(false, |session| interrupts.ask(session, &command.request))?;
    let answer = turn.answer.as_deref();
    let answer = answer.and_then(|json| serde_json::from_slice::<Answer>(json).ok());
    match (turn.end, answer) {
        (TurnEnd::Returned, Some(Answer { code })) => of_pytest(code),
        (TurnEnd::Interrupted, _) => {
            diagnostics::warn("interrupted");
            Ok(ExitCode::Interrupted)
        }
        (TurnEnd::Failed(message), _) => Err(ended(&message)),
        // A test may do that; pytest itself returns.
        (TurnEnd::Returned | TurnEnd::Exited(_), _) => {
            Err(ended("a test ended the interpreter before pytest was done"))
        }
    }
}

fn of_pytest(code: i32) -> Result<ExitCode, Failure> {
    match code {
        0 => Ok(ExitCode::Success),
        // Its usage.
        4 => Ok(ExitCode::Usage),
        5 => Err(Failure::new(ExitCode::Build, "test the project")
            .because_of("it has no tests")
            .hint(Some(
                "pytest finds functions `test_…` in files `test_….py`, by default in all folders",
            ))),
        _ => Ok(ExitCode::InputsFailed),
    }
}
