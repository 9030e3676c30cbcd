//! Lanes that work on one replica at a time: each has one row, which names who has it and until when.
//!
//! Nothing depends on two never working at once: what such a lane does is done once by keys of its own.

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp};

use crate::db::Tx;

/// Times for which a lane is taken by which the clocks of replicas may differ.
const SKEW: i32 = 4;

/// Takes the lane, or keeps it. It is free where its time is over, and also where that lies further ahead than any replica's clock can:
/// then a clock was set back.
pub(super) fn take(
    tx: &mut dyn Tx,
    (name, owner): (&str, &str),
    now: Timestamp,
    time: SignedDuration,
) -> Result<bool> {
    let until = now.checked_add(time).unwrap_or(Timestamp::MAX);
    let odd = until.checked_add(time * SKEW).unwrap_or(Timestamp::MAX);
    let sql = "INSERT INTO lanes (name, owner, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
        SET owner = excluded.owner, until = excluded.until
        WHERE lanes.owner = excluded.owner OR lanes.until <= $4 OR lanes.until > $5";
    Ok(tx.execute(sql, &[name.into(), owner.into(), until.into(), now.into(), odd.into()])? > 0)
}

/// Leaves the lane to others.
pub(super) fn leave(tx: &mut dyn Tx, name: &str, owner: &str) -> Result<()> {
    tx.execute("DELETE FROM lanes WHERE name = $1 AND owner = $2", &[name.into(), owner.into()]).map(drop)
}
