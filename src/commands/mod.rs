//! One file per command: its arguments and its `run`, which turns them into calls and the results into text or JSON. A family of
//! commands is a folder. No rule about tickets, models or learning stands here.

mod audit_labels;
mod bench;
mod best;
mod certify;
mod classify;
mod completions;
mod connect;
mod demo;
mod dev;
mod doctor;
mod draft;
mod drafts;
mod evaluate;
mod import;
mod incidents;
mod learning_curve;
mod models;
mod normalize;
mod policy;
mod pull;
mod rollout;
mod serve;
mod store;
mod train;
mod users;

use clap::Subcommand;

use crate::cli::Cli;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, catch_ctrl_c};

/// The commands; each is described where its arguments are.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::DemoArgs),
    Doctor(doctor::DoctorArgs),
    Import(import::ImportArgs),
    AuditLabels(audit_labels::AuditArgs),
    LearningCurve(learning_curve::CurveArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Certify(certify::CertifyArgs),
    Classify(classify::ClassifyArgs),
    Normalize(normalize::NormalizeArgs),
    Draft(draft::DraftArgs),
    Drafts(drafts::DraftsArgs),
    Policy(policy::PrintPolicyArgs),
    Bench(bench::BenchArgs),
    Rollout(rollout::RolloutArgs),
    Incidents(incidents::IncidentsArgs),
    Serve(serve::ServeArgs),
    Connect(connect::ConnectArgs),
    Pull(pull::PullArgs),
    Store(store::StoreArgs),
    Users(users::UsersArgs),
    Models(models::ModelsArgs),
    Completions(completions::CompletionsArgs),
    Dev(dev::DevArgs),
}

/// Runs the command.
pub(crate) fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    catch_ctrl_c();
    match &cli.command {
        Command::Demo(args) => demo::run(args, ui),
        Command::Doctor(args) => doctor::run(args),
        Command::Import(args) => import::run(args, ui),
        Command::AuditLabels(args) => audit_labels::run(args, ui),
        Command::LearningCurve(args) => learning_curve::run(args, ui),
        Command::Train(args) => train::run(args, ui),
        Command::Evaluate(args) => evaluate::run(args, ui),
        Command::Certify(args) => certify::run(args, ui),
        Command::Classify(args) => classify::run(args, ui),
        Command::Normalize(args) => normalize::run(args),
        Command::Draft(args) => draft::run(args, ui),
        Command::Drafts(args) => drafts::run(args, ui),
        Command::Policy(args) => Ok(policy::run(args)),
        Command::Bench(args) => bench::run(args, ui),
        Command::Rollout(args) => rollout::run(args, ui),
        Command::Incidents(args) => incidents::run(args),
        Command::Serve(args) => serve::run(args, ui),
        Command::Connect(args) => connect::run(args, ui),
        Command::Pull(args) => pull::run(args, ui),
        Command::Store(args) => store::run(args, ui),
        Command::Users(args) => users::run(args),
        Command::Models(args) => models::run(args, ui),
        Command::Completions(args) => completions::run(args),
        Command::Dev(args) => dev::run(args, ui),
    }
}
