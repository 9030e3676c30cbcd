//! `firstline completions`: a script with which a shell completes commands and arguments.

use clap::Args;
use clap_complete::Shell;
use firstline_fault::InternalError;

use crate::cli;
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Print a script that completes commands and arguments in your shell.
///
/// Bash: firstline completions bash > ~/.local/share/bash-completion/completions/firstline
///
/// Zsh: firstline completions zsh > DIR/_firstline, where DIR is in $fpath
///
/// Fish: firstline completions fish > ~/.config/fish/completions/firstline.fish
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "firstline", &mut script);
    let script = String::from_utf8(script).map_err(|e| InternalError::new(format!("the script: {e}")))?;
    print(script.trim_end());
    Ok(Exit::Success)
}
