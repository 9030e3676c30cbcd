//! The binary `firstline`: reads the command line, wires the rooms together, and tells people and machines
//! what came out. It holds no rules about tickets, models or learning.

mod cli;
mod commands;
mod config;
mod failure;
mod files;
mod ui;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let ui = ui::Ui::new(cli.quiet);
    match commands::run(&cli, &ui) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit().into()
        }
    }
}
