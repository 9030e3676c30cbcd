//! One file a command: each turns what was typed into calls, and results into text or JSON.

mod audit;
mod audit_labels;
mod backup;
mod certify;
mod chat;
mod classify;
mod demo;
mod doctor;
mod draft;
mod evaluate;
mod evaluate_drafts;
mod forget;
mod generate;
mod import;
mod index;
mod keys;
mod learn_reviews;
mod learning_curve;
mod models;
mod outcomes;
mod policy;
mod serve;
mod similar;
mod table;
mod templates;
mod train;
mod tune_writer;
mod writer;

use crate::cli::{Cli, Command};
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, catch_ctrl_c};

/// Runs the command.
pub(crate) fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    catch_ctrl_c();
    match &cli.command {
        Command::Demo(args) => demo::run(args, ui),
        Command::Import(args) => import::run(args, ui),
        Command::Train(args) => train::run(args, ui),
        Command::Evaluate(args) => evaluate::run(args, ui),
        Command::AuditLabels(args) => audit_labels::run(args, ui),
        Command::Chat(args) => chat::run(args, ui),
        Command::Serve(args) => serve::run(args, ui),
        Command::Keys(args) => keys::run(args),
        Command::Outcomes(args) => outcomes::run(args, ui),
        Command::Audit(args) => audit::run(args),
        Command::Backup(args) => backup::run(args, ui),
        Command::Forget(args) => forget::run(args),
        Command::Policy => Ok(policy::run()),
        Command::LearningCurve(args) => learning_curve::run(args, ui),
        Command::Certify(args) => certify::run(args, ui),
        Command::Classify(args) => classify::run(args, ui),
        Command::Index(args) => index::run(args, ui),
        Command::Similar(args) => similar::run(args),
        Command::Templates(args) => templates::run(args),
        Command::EvaluateDrafts(args) => evaluate_drafts::run(args, ui),
        Command::TuneWriter(args) => tune_writer::run(args, ui),
        Command::LearnReviews(args) => learn_reviews::run(args, ui),
        Command::Draft(args) => draft::run(args, ui),
        Command::Generate(args) => generate::run(args, ui),
        Command::Models(args) => models::run(args, ui),
        Command::Doctor(args) => doctor::run(args),
    }
}
