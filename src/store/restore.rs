//! Puts a backup in a store's place: checked first, whole or not at all, and with nothing of the old store's log beside it.
//!
//! Must never delete a store: the old one is kept beside the new.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use firstline_fault::{Code, Error, Result, UserError};
use jiff::Timestamp;
use serde_json::json;

use crate::db::{Db, fault, token};
use crate::file::{KEPT, SIDECARS, busy, private, regular, sidecar, sync_folder};
use crate::sql::Shelf;
use crate::sqlite::{Sqlite, new_mark};
use crate::{Upkeep, Verified};

/// A backup that is in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What its audit log and rows are.
    pub backup: Verified,
    /// Where the store of before is, if there was one.
    pub kept: Option<PathBuf>,
}

/// Puts the backup in the place of `store`.
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
    let placed = checked_copy(backup, &partial, now).and_then(|backup| {
        let kept =
            put(&partial, &store, &kept).map_err(|e| Error::from(UserError::io(store.display(), &e)))?;
        Ok(Restored { backup, kept })
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

/// Copies the backup, opens the copy as a store, and reads all of it.
fn checked_copy(backup: &Path, to: &Path, now: Timestamp) -> Result<Verified> {
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
    copy.audit("command:restore", "restore", &head, &json!({}), now)?;
    // Restored twice, a log that the first left behind is not the second's.
    let (sql, name) = ("UPDATE meta SET setting = $1 WHERE name = 'copy'", token()?);
    copy.write(|tx| {
        tx.execute(sql, &[name.as_str().into()])?;
        tx.batch(&format!("PRAGMA application_id = {}", new_mark()?))
    })?;
    copy.db.wipe()?;
    Ok(found)
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
