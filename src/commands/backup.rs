//! `firstline backup`: a copy of the store while it is in use.

use crate::cli::BackupArgs;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

pub(super) fn run(args: &BackupArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = config::existing_store(&args.settings)?;
    store.backup(&args.to)?;
    ui.say("the copy is whole; `firstline audit verify --store FILE` checks its log");
    print(args.to.display());
    Ok(Exit::Success)
}
