//! What each command does, told in a few lines; the work is in the libraries.

mod build;
mod call;
mod check;
mod completions;
mod doctor;
mod dry_run;
mod inspect;
mod interrupt;
mod man;
mod new;
mod python;
mod repl;
mod report;
mod run;
mod sandboxed;
mod signals;
mod sql;
mod test;
mod toolchain;
mod watch;
mod wheel;

use std::{
    panic::{self, UnwindSafe},
    process,
};

use crate::{cli::Command, diagnostics::Failure, exit_code::ExitCode};

pub(crate) fn execute(command: Command) -> Result<process::ExitCode, Failure> {
    guarded(|| dispatch(command))
}

/// A panic, here or passed on from another thread, is an internal error.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure> + UnwindSafe) -> Result<T, Failure> {
    panic::catch_unwind(work).unwrap_or_else(|panic| Err(Failure::panic(&*panic)))
}

fn dispatch(command: Command) -> Result<process::ExitCode, Failure> {
    let done = match command {
        Command::Compile => return Ok(compile()),
        Command::Python(args) => return python::python(*args),
        Command::New(args) => new::new(args),
        Command::Check(args) => check::check(&args),
        Command::Build(args) => build::build(args),
        Command::Run(args) => run::run(*args),
        Command::Call(args) => call::call(*args),
        Command::Test(args) => test::test(*args),
        Command::Report(args) => report::report(&args),
        Command::Sql(args) => sql::sql(&args),
        Command::Inspect(args) => inspect::inspect(args),
        Command::Wheel(args) => wheel::wheel(args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
        Command::Toolchain(args) => toolchain::toolchain(args.command),
    };
    done.map(process::ExitCode::from)
}

/// The parent tells of what a panic says, and takes it for the last word.
fn compile() -> process::ExitCode {
    panic::catch_unwind(wadup_host::compile_for_parent).unwrap_or(ExitCode::Internal.into())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        fn passed_on() {
            let thread = thread::spawn(|| panic!("one of a thread"));
            let ended: thread::Result<()> = thread.join();
            ended.unwrap_or_else(|panic| panic::resume_unwind(panic));
        }
        fn in_a_scope() {
            thread::scope(|scope| drop(scope.spawn(|| panic!("one of a scope"))));
        }
        fn here() {
            panic!("one with a {}", "value");
        }
        let messages: [(fn(), &str); 3] = [
            (here, "one with a value"),
            (passed_on, "one of a thread"),
            (in_a_scope, "a scoped thread panicked"),
        ];
        for (panicking, message) in messages {
            let ended = guarded(|| {
                panicking();
                Ok(())
            });
            let failure = ended.expect_err("it panicked");
            assert_eq!(failure.exit_code(), ExitCode::Internal);
            let event = serde_json::to_value(failure.to_event()).expect("an event");
            assert_eq!(event["causes"], serde_json::json!([message]));
        }
    }
}
