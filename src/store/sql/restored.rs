//! What a backup that is put in a store's place must not undo: holds that were put in force since, and actions that may have been done
//! since.
//!
//! Must never end a hold, nor leave an action to be claimed without a person's word.

use firstline_fault::Result;
use jiff::Timestamp;

use super::grants;
use crate::db::{Tx, Value, json};
use crate::{ActingRecord, Author, HoldRecord, NewHold};

/// Why nothing is done alone about what was decided before the backup.
const RESTORED: &str = "the store was restored from a backup: what was done since is not known";

/// The holds in force.
pub(crate) fn holds(tx: &mut dyn Tx) -> Result<Vec<HoldRecord>> {
    grants::holds(tx, true)
}

/// Whether grants say how far Firstline may go.
pub(crate) fn has_grants(tx: &mut dyn Tx) -> Result<bool> {
    Ok(!grants::grants(tx, true)?.is_empty())
}

/// Holds back all that is still to be done: whether it was done since the backup, only the PSA knows, so that all of it counts as tried. It
/// counts as held since it was approved, so that nothing of more than a day ago can be put back. What Firstline has not looked at stays
/// with people: it may have acted since. Gives how many actions.
pub(crate) fn hold_actions(tx: &mut dyn Tx) -> Result<u64> {
    let told = ActingRecord { reasons: vec![RESTORED.to_owned()], ..ActingRecord::default() };
    let sql =
        "UPDATE decisions SET acting = $1, version = version + 1 WHERE route = 'auto' AND acting IS NULL";
    tx.execute(sql, &[Value::Text(json(&told)?)])?;
    let sql = "UPDATE actions SET state = 'held', held_at = created_at, owner = NULL, lease_until = NULL, attempts = MAX(attempts, 1)
        WHERE state IN ('waiting', 'claimed', 'failed')";
    tx.execute(sql, &[])
}

/// Puts those of `holds` in force that are not yet. Gives them, under their new numbers: what was decided before is older than they.
pub(crate) fn carry_over(tx: &mut dyn Tx, holds: &[HoldRecord], now: Timestamp) -> Result<Vec<HoldRecord>> {
    let known = grants::holds(tx, true)?;
    let same = |a: &HoldRecord, b: &HoldRecord| {
        (a.level, &a.scope, a.at, &a.by, &a.reason) == (b.level, &b.scope, b.at, &b.by, &b.reason)
    };
    let mut carried = Vec::new();
    for hold in holds.iter().filter(|hold| !known.iter().any(|known| same(known, hold))) {
        let new = NewHold {
            level: hold.level,
            scope: hold.scope.clone(),
            by: Author { person: hold.by.clone(), actor: "command:restore".to_owned() },
            reason: hold.reason.clone(),
            figures: hold.figures.clone(),
            trigger_key: hold.trigger_key.clone(),
        };
        let mut held = grants::hold(tx, &new, now)?;
        if held.is_known {
            // The copy knows the trigger, and its hold has ended there: it is put in force all the same.
            held = grants::hold(tx, &NewHold { trigger_key: None, ..new }, now)?;
        }
        carried.push(HoldRecord { id: held.id, at: now, ..hold.clone() });
    }
    Ok(carried)
}
