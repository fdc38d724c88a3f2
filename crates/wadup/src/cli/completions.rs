use clap::Args;
use clap_complete::Shell;

use crate::exit_code;

/// Where each shell looks for them.
const WHERE: &str = "\
Where shells look for them:
  bash  wadup completions bash > ~/.local/share/bash-completion/completions/wadup
  zsh   wadup completions zsh > ~/.zfunc/_wadup    (with ~/.zfunc in $fpath)
  fish  wadup completions fish > ~/.config/fish/completions/wadup.fish";

#[derive(Debug, Args)]
#[command(after_help = format!("{WHERE}\n\n{}", exit_code::HELP))]
pub(crate) struct CompletionsArgs {
    /// The shell to write them for
    pub(crate) shell: Shell,
}
