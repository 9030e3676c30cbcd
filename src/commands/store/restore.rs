//! `firstline store restore`: puts a backup in the store's place.

use std::path::PathBuf;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_store::{AnchorKey, Location, anchor, restore};
use jiff::Timestamp;

use crate::arguments::SettingsArgs;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Put a backup in the store's place; the service must be stopped.
///
/// The backup is read through and its audit log checked. The store that was there is kept, with `.before-restore` after its name.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// File that `firstline store backup` wrote.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

pub(super) fn run(args: &RestoreArgs, settings: &SettingsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut settings = config::settings(settings, &[])?;
    let Location::Sqlite(path) = config::location(&settings)? else {
        let problem = "a PostgreSQL store is not restored by Firstline";
        let next = "Use pg_restore, then `firstline store audit anchor --accept`";
        return Err(UserError::new(Code::Store, "store", problem, next).into());
    };
    let now = Timestamp::now();
    let restored = restore(&args.backup, &path, now)?;
    if let Some(kept) = &restored.kept {
        ui.say(format_args!("The store that was there is kept: {}", kept.display()));
    }
    // The log continues after the backup's last entry, and the key signs that it does.
    config::anchoring(&mut settings, false)?;
    let signed = AnchorKey::read(&settings.audit_key).and_then(|key| {
        let store = config::store(&settings).map_err(|Failure(error)| error)?;
        anchor(store.as_ref(), &key, &settings.audit_anchor, now, true)
    });
    if let Err(error) = signed {
        ui.say(format_args!(
            "The audit log is not anchored yet ({error}). Run: firstline store audit anchor --accept"
        ));
    }
    print(format_args!(
        "restored: {} audit entries, {} rows compared",
        restored.backup.entries, restored.backup.compared
    ));
    Ok(Exit::Success)
}
