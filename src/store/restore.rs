//! Puts a backup in a store's place: checked first, whole or not at all, and with nothing of the old store's log beside it.
//!
//! Must never delete a store, the old one is kept beside the new; nor let go of a hold that was put in force since the backup, nor
//! leave an action to be done that may have been done since.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use firstline_fault::{Code, Error, Result, UserError};
use jiff::Timestamp;
use serde_json::json;

use crate::audit::Log;
use crate::db::{Db, fault, token};
use crate::file::{KEPT, SIDECARS, busy, private, regular, sidecar, sync_folder};
use crate::sql::{Shelf, restored, sessions, users};
use crate::sqlite::{Sqlite, look, new_mark};
use crate::{HoldRecord, Upkeep, Verified};

/// The actor in the audit log.
const RESTORE: &str = "command:restore";

/// A backup that is in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// What its audit log and rows are.
    pub backup: Verified,
    /// Where the store of before is, if there was one.
    pub kept: Option<PathBuf>,
    /// Holds that were put in force since the backup, and are in force again. `None` where grants are in force, and no store was there
    /// that could tell.
    pub holds: Option<Vec<HoldRecord>>,
    /// Actions that were still to be done, and are held back until a person puts them back.
    pub held: u64,
}

/// What the copy took over.
struct Copied {
    backup: Verified,
    holds: Option<Vec<HoldRecord>>,
    held: u64,
}

/// Puts the backup in the place of `store`. Holds of the store that was there are carried over, and all that was still to be done is
/// held back.
///
/// # Errors
/// [`Code::Store`] where a process serves from the store, the backup is damaged or of a newer version, or a store that was kept
/// before is still there; [`Code::Audit`] where the backup's log or rows are not what they were; [`Code::Io`]. Then the store is as
/// it was.
pub fn restore(backup: &Path, store: &Path, now: Timestamp) -> Result<Restored> {
    let meta = backup.metadata().map_err(|e| UserError::io(backup.display(), &e))?;
    regular(backup, &meta)?;
    for name in ["-wal", "-journal"] {
        let beside = sidecar(backup, name);
        if beside.metadata().is_ok_and(|meta| meta.len() > 0) {
            let problem =
                format!("a log lies beside it, {}: it is a store in use, or a part of one", beside.display());
            let next = "Name a file that `firstline store backup` wrote";
            return Err(fault(&backup.display().to_string(), problem, next));
        }
    }
    // A link's target is replaced, not the link.
    let store = if store.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        store.canonicalize().map_err(|e| UserError::io(store.display(), &e))?
    } else {
        store.to_owned()
    };
    if store.canonicalize().ok().is_some_and(|same| backup.canonicalize().ok() == Some(same)) {
        return Err(fault(
            &store.display().to_string(),
            "the backup is the store itself",
            "Name another file",
        ));
    }
    let _lock = lock(&store)?;
    let kept = sidecar(&store, KEPT);
    if [&kept, &sidecar(&kept, "-wal")].iter().any(|path| path.symlink_metadata().is_ok()) {
        let problem = "a store that was kept by an earlier restore is there";
        return Err(fault(&kept.display().to_string(), problem, "Move it away, or delete it"));
    }
    let partial = sidecar(&store, &format!(".{}.partial", std::process::id()));
    let holds = standing_holds(&store);
    let placed = checked_copy((backup, &partial), holds.as_deref(), now).and_then(|copied| {
        let kept =
            put(&partial, &store, &kept).map_err(|e| Error::from(UserError::io(store.display(), &e)))?;
        let Copied { backup, holds, held } = copied;
        Ok(Restored { backup, kept, holds, held })
    });
    if placed.is_err() {
        for path in SIDECARS.map(|name| sidecar(&partial, name)).iter().chain([&partial]) {
            let _gone = std::fs::remove_file(path);
        }
    }
    placed
}

/// Keeps others from serving from the store that is to be replaced.
fn lock(store: &Path) -> Result<Option<File>> {
    let Ok(meta) = store.metadata() else { return Ok(None) };
    regular(store, &meta)?;
    let lock = if cfg!(unix) { store.to_owned() } else { sidecar(store, ".lock") };
    let Ok(file) = OpenOptions::new().read(true).write(true).open(lock) else { return Ok(None) };
    file.try_lock().map_err(|_| busy(store))?;
    Ok(Some(file))
}

/// The holds in force in the store that is to be replaced; `None` where there is none that can be read.
fn standing_holds(store: &Path) -> Option<Vec<HoldRecord>> {
    let mut holds = None;
    let looked = look(store, &mut |tx| {
        holds = Some(restored::holds(tx)?);
        Ok(())
    });
    holds.filter(|_| looked.is_ok())
}

/// Copies the backup, opens the copy as a store, reads all of it, and takes over what must not be lost.
fn checked_copy(
    (backup, to): (&Path, &Path),
    holds: Option<&[HoldRecord]>,
    now: Timestamp,
) -> Result<Copied> {
    let io = |e: std::io::Error| UserError::io(to.display(), &e);
    private(to, OpenOptions::new().create_new(true)).map_err(io)?;
    // Not `fs::copy`, which would copy who may read it, too.
    let copy = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(to)?;
        std::io::copy(&mut File::open(backup)?, &mut file)?;
        file.sync_all()
    };
    copy().map_err(io)?;
    let copy = Shelf { db: Sqlite::open_whole(to, backup)? };
    let found = copy.audit_check(&[])?;
    if let Some(first) = found.findings.first() {
        let next = "Restore another backup: rows of this one were changed outside of Firstline";
        return Err(UserError::new(Code::Audit, backup.display().to_string(), first, next).into());
    }
    let head = format!("{}:{}", found.entries, found.hash);
    let held = copy.write(|tx| restored::hold_actions(tx))?;
    copy.audit(RESTORE, "restore", &head, &json!({"held": held}), now)?;
    // Who has signed out since, was disabled, or has used a link: nobody knows.
    copy.write(|tx| {
        let mut log = Log::open(tx, now)?;
        sessions::end_all(tx, &mut log, RESTORE)?;
        users::void_links(tx, &mut log, RESTORE)
    })?;
    let holds = match holds {
        Some(holds) => Some(copy.write(|tx| restored::carry_over(tx, holds, now))?),
        None => copy.write(|tx| Ok((!restored::has_grants(tx)?).then(Vec::new)))?,
    };
    // Restored twice, a log that the first left behind is not the second's.
    let (sql, name) = ("UPDATE meta SET setting = $1 WHERE name = 'copy'", token()?);
    copy.write(|tx| {
        tx.execute(sql, &[name.as_str().into()])?;
        tx.batch(&format!("PRAGMA application_id = {}", new_mark()?))
    })?;
    copy.db.wipe()?;
    Ok(Copied { backup: found, holds, held })
}

/// Moves the store away and the copy into its place. The log of the old store goes with it: cut off in the middle, no start takes
/// it for the new one's.
fn put(partial: &Path, store: &Path, kept: &Path) -> std::io::Result<Option<PathBuf>> {
    let was_there = store.symlink_metadata().is_ok();
    File::open(partial)?.sync_all()?;
    for name in SIDECARS {
        let _empty = std::fs::remove_file(sidecar(partial, name));
    }
    if was_there {
        std::fs::rename(store, kept)?;
    }
    for name in SIDECARS {
        let beside = sidecar(store, name);
        if beside.symlink_metadata().is_err() {
            continue;
        }
        // SQLite's index of the log is made again from it.
        if was_there && name != "-shm" {
            std::fs::rename(&beside, sidecar(kept, name))?;
        } else {
            std::fs::remove_file(&beside)?;
        }
    }
    std::fs::rename(partial, store)?;
    sync_folder(store)?;
    Ok(was_there.then(|| kept.to_owned()))
}
