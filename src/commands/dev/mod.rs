//! `firstline dev`: commands for people who work on Firstline, package it, or try a model by hand.

pub(super) mod generate;

mod acknowledgements;
mod certificates;
mod chat;
mod man;
mod psa;

use clap::{Args, Subcommand};

use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Generate histories, run test PSAs, try models, test certificates, write man pages.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    #[command(subcommand)]
    command: DevCommand,
}

#[derive(Debug, Subcommand)]
enum DevCommand {
    Generate(generate::GenerateArgs),
    Acknowledgements(acknowledgements::AcknowledgementsArgs),
    Certificates(certificates::CertificatesArgs),
    Chat(chat::ChatArgs),
    Man(man::ManArgs),
    Psa(psa::PsaArgs),
}

pub(super) fn run(args: &DevArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &args.command {
        DevCommand::Generate(args) => generate::run(args, ui),
        DevCommand::Acknowledgements(args) => acknowledgements::run(args, ui),
        DevCommand::Certificates(args) => certificates::run(args, ui),
        DevCommand::Chat(args) => chat::run(args, ui),
        DevCommand::Man(args) => man::run(args, ui),
        DevCommand::Psa(args) => psa::run(args, ui),
    }
}
