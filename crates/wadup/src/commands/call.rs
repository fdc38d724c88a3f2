use std::sync::Arc;

use wadup_host::{Cancel, Host, Status};
use wadup_sink::MemorySink;

use super::{
    interrupt::{self, Interrupt},
    run::{build_projects, load},
};
use crate::{
    cli::CallArgs,
    diagnostics::Failure,
    exit_code::ExitCode,
    reporters::{CallReporter, RunReporter},
    settings::{CallCommand, RunOutput},
};

const OUTPUT: RunOutput = RunOutput {
    verbose: false,
    json: false,
    watch: false,
};

/// `wadup call`
pub(super) fn call(args: CallArgs) -> Result<ExitCode, Failure> {
    let command = CallCommand::resolve(args)?;
    let sources = [command.artifact];
    let built = build_projects(&sources, (&command.build, OUTPUT), &Interrupt::default())?;
    let reporter = Arc::new(RunReporter::new(OUTPUT));
    let host = Host::new(command.host).map_err(|error| Failure::engine(&error))?;
    let artifacts = load(&host, &built, &reporter)?;

    let cancel = Cancel::new();
    interrupt::stop_at_once(&cancel)?;
    let mut sink = MemorySink::new();
    let inputs = command.input.into_inputs();
    let ran = host.run(&artifacts, inputs, &mut sink, &*reporter, &cancel);
    reporter.clear();
    let summary = ran.map_err(|error| Failure::run(&error))?;
    let told = CallReporter::new();
    sink.inputs.iter().for_each(|input| told.input(input));
    let failed = |record: &wadup_host::OutcomeRecord| record.status != Status::Completed;
    Ok(match summary.cancelled {
        true => ExitCode::Interrupted,
        false
            if sink
                .inputs
                .iter()
                .any(|input| input.outcomes.iter().any(failed)) =>
        {
            ExitCode::InputsFailed
        }
        false => ExitCode::Success,
    })
}
