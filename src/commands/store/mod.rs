//! `firstline store`: what the service keeps. The commands work on its store while it runs.

mod audit;
mod backup;
mod forget;
mod keys;
mod outcomes;
mod restore;

use clap::{Args, Subcommand};

use crate::arguments::SettingsArgs;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Manage the store: API keys, outcomes, audit log, backup, restore, deletion.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    Keys(keys::KeysArgs),
    Outcomes(outcomes::OutcomesArgs),
    Audit(audit::AuditLogArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Forget(forget::ForgetArgs),
}

pub(super) fn run(args: &StoreArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = &args.settings;
    match &args.command {
        StoreCommand::Keys(args) => keys::run(args, settings),
        StoreCommand::Outcomes(args) => outcomes::run(args, settings, ui),
        StoreCommand::Audit(args) => audit::run(args, settings),
        StoreCommand::Backup(args) => backup::run(args, settings, ui),
        StoreCommand::Restore(args) => restore::run(args, settings, ui),
        StoreCommand::Forget(args) => forget::run(args, settings),
    }
}
