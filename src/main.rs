//! The binary `firstline`: reads the command line, wires the rooms together, and reports the results to people and machines.
//! It holds no rules about tickets, models or learning.

mod arguments;
mod cli;
mod commands;
mod config;
mod failure;
mod files;
mod moved;
mod spellings;
mod table;
mod ui;

fn main() -> std::process::ExitCode {
    let cli = cli::parse();
    let ui = ui::Ui::new(cli.quiet);
    match commands::run(&cli, &ui) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit().into()
        }
    }
}
