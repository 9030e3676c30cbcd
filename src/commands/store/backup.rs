//! `firstline store backup`: a copy of the store while it is in use.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::SettingsArgs;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Copy the store to a file, even while the service runs; a damaged store is refused.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// File to create; it must not exist.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(args: &BackupArgs, settings: &SettingsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = config::existing_store(settings)?;
    store.backup(&args.to)?;
    ui.say("The copy is complete and was read through. To put it in place: firstline store restore FILE");
    print(args.to.display());
    Ok(Exit::Success)
}
