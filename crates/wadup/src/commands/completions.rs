use clap::CommandFactory as _;

use crate::{
    cli::{Cli, CompletionsArgs},
    diagnostics::Failure,
    exit_code::ExitCode,
    reporters,
};

/// `wadup completions`
pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    let mut command = visible();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    reporters::write_data(&String::from_utf8_lossy(&script));
    Ok(ExitCode::Success)
}

/// The command line, without what nobody is to type: the scripts would offer that.
fn visible() -> clap::Command {
    let all = Cli::command();
    let commands = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    clap::Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommands(commands.cloned())
}
