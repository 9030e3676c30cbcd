//! The command line: what is typed becomes a [`Cli`], and `--help` groups the commands by task. What a command takes and does
//! stands in its own file under `commands/`.

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::moved;

/// On-prem ticket triage for managed service providers, with calibrated confidence.
///
/// Firstline learns from your ticket history. It then decides the board, type, subtype, priority and technician of each new
/// ticket, and drafts the first response. Tickets never leave this machine.
#[derive(Debug, Parser)]
#[command(name = "firstline", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Print results only: no progress, no advice.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands by task; a test compares them with those there are.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Try it", &["demo", "doctor"]),
    (
        "Learn from your history",
        &["import", "pull", "audit-labels", "learning-curve", "train", "evaluate", "certify"],
    ),
    ("Decide and draft", &["normalize", "classify", "draft", "drafts", "policy"]),
    ("Run as a service", &["serve", "connect", "store", "users"]),
    ("Roll out", &["bench", "rollout", "incidents"]),
    ("Tools", &["models", "completions", "dev"]),
];

const AFTER_HELP: &str = "\
`firstline help COMMAND` explains a command. With tickets of your own: import, train, evaluate, classify.

Exit status:
  0    done
  1    an error you can fix: it starts with a code and ends with what to do
  2    the command line is invalid
  3    done, but some lines or rows were unusable; each is reported
  70   an internal error: please report it
  130  stopped by Ctrl-C";

/// The whole command tree, as help, completions and man pages show it.
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{}\n{{options}}{{after-help}}",
        grouped(&command),
        heading(&command, "Options")
    );
    command.help_template(template)
}

fn heading(command: &clap::Command, title: &str) -> String {
    let style = command.get_styles().get_header();
    format!("{style}{title}:{style:#}")
}

/// One line for each command, under the headings of [`GROUPS`].
fn grouped(command: &clap::Command) -> String {
    let width = command.get_subcommands().map(|c| c.get_name().len()).max().unwrap_or(0);
    let style = command.get_styles().get_literal();
    let line = |name: &&str| {
        let about = command.find_subcommand(name).and_then(|found| found.get_about()).cloned();
        format!("  {style}{name:width$}{style:#}  {}\n", about.unwrap_or_default())
    };
    let group = |(title, names): &(&str, &[&str])| {
        format!("{}\n{}\n", heading(command, title), names.iter().map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect()
}

/// Reads the command line; on an error, explains it and exits with status 2.
pub(crate) fn parse() -> Cli {
    let read = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    read.unwrap_or_else(|error| {
        let typed: Vec<String> =
            std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        match moved::advice(&typed) {
            Some(advice) if error.kind() == clap::error::ErrorKind::InvalidSubcommand => {
                eprintln!("error: {advice}");
                std::process::exit(2)
            }
            _ => error.exit(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_stands_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let command = Cli::command();
        let mut all: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }

    #[test]
    fn every_command_and_argument_has_help() {
        let mut open = vec![command()];
        let mut seen = 0;
        while let Some(command) = open.pop() {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.contains('\n') && about.len() <= 90, "{name}: {about:?}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
                seen += 1;
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(seen > 100, "only {seen} arguments");
    }
}
