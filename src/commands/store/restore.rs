//! `firstline store restore`: puts a backup in the store's place.

use std::path::PathBuf;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::counted;
use firstline_serve::rollout::HoldLevel;
use firstline_store::{AnchorKey, Location, Restored, anchor, restore};
use jiff::Timestamp;

use crate::arguments::SettingsArgs;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Put a backup in the store's place; the service must be stopped.
///
/// The backup is read through and its audit log checked. The store that was there is kept, with `.before-restore` after its name.
/// Holds that it has in force are carried over. Actions that were still to be done are held back: they may have been done since.
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
        let next = "Use pg_restore, then `firstline store audit anchor --accept`, and put back the holds of since: firstline rollout hold";
        return Err(UserError::new(Code::Store, "store", problem, next).into());
    };
    let now = Timestamp::now();
    let restored = restore(&args.backup, &path, now)?;
    if let Some(kept) = &restored.kept {
        ui.say(format_args!("The store that was there is kept: {}", kept.display()));
    }
    tell(&restored, ui);
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

/// Says what of the store that was there goes on, and what a person has to look after.
fn tell(restored: &Restored, ui: &Ui) {
    match &restored.holds {
        Some(holds) => {
            for hold in holds {
                let level = HoldLevel::from(hold.level).name();
                ui.say(format_args!("Hold {} ({level}) is in force again: {}", hold.id, hold.reason));
            }
        }
        None => eprintln!(
            "warning: no store was there that tells which holds were put in force since the backup. \
             Compare `firstline rollout status` with what you know, and put back what is missing: firstline rollout hold"
        ),
    }
    if restored.held > 0 {
        ui.say(format_args!(
            "{} held back, which may have been done since the backup. Look at them with GET /v1/outbox?state=held; \
             those approved in the last 24 hours can be put back with POST /v1/outbox/ID/retry",
            counted(restored.held, "action is", "actions are")
        ));
    }
}
