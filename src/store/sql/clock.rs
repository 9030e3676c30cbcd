//! The time that deletion goes by. A clock that jumped ahead would make everything old at once.
//!
//! The store keeps the last time that it believes. A clock that is far ahead of it is believed once the service has run with it for
//! a day; until then time goes on from the last one, by a clock that can't be set. Must never take a wall clock's word at once.

use std::time::Duration;

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::TrustedTime;
use crate::db::{Tx, Value, json};

/// A service may have been stopped for so long without its clock being doubted.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// For so long a service has to run until a clock that jumped is believed.
const PROOF: SignedDuration = SignedDuration::from_hours(24);
/// Wall clocks are set by so much without it being a jump.
const STEP: SignedDuration = SignedDuration::from_hours(1);

/// What the store keeps.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Clock {
    /// The last time that is believed.
    trusted: Timestamp,
    /// The wall clock when it was last looked at.
    seen: Timestamp,
    /// How long the service has run with a clock that is ahead, in seconds.
    proof: i64,
}

/// What time it is by now; `ran` is how long this process has run since it last asked.
pub(super) fn tick(tx: &mut dyn Tx, now: Timestamp, ran: Duration) -> Result<TrustedTime> {
    let ran = SignedDuration::try_from(ran).unwrap_or(SignedDuration::ZERO);
    let kept = tx.first("SELECT setting FROM meta WHERE name = 'clock' FOR UPDATE", &[])?;
    let kept = kept.and_then(|mut row| row.json::<Clock>().ok());
    let clock = match kept {
        Some(clock) => next(clock, now, ran),
        // What is on record came in at a time that was once believed.
        None => {
            let newest = tx.first("SELECT MAX(received_at) FROM tickets", &[])?;
            let newest = newest.map(|mut row| row.maybe_time()).transpose()?.flatten();
            let trusted = newest.filter(|newest| *newest < now).unwrap_or(now);
            next(Clock { trusted, seen: now, proof: 0 }, now, ran)
        }
    };
    let sql = "INSERT INTO meta (name, setting) VALUES ('clock', $1)
        ON CONFLICT (name) DO UPDATE SET setting = excluded.setting";
    tx.execute(sql, &[Value::Text(json(&clock)?)])?;
    let held = now.duration_since(clock.trusted) > AHEAD;
    // A clock that was set back counts: it makes less old.
    Ok(TrustedTime { at: clock.trusted.min(now), held })
}

fn next(clock: Clock, now: Timestamp, ran: SignedDuration) -> Clock {
    let expected = clock.trusted.checked_add(ran).unwrap_or(clock.trusted);
    if now.duration_since(expected) <= AHEAD {
        return Clock { trusted: now, seen: now, proof: 0 };
    }
    let steady = (now.duration_since(clock.seen) - ran).abs() <= STEP;
    let proof = if steady { clock.proof.saturating_add(ran.as_secs()) } else { 0 };
    if proof >= PROOF.as_secs() {
        return Clock { trusted: now, seen: now, proof: 0 };
    }
    Clock { trusted: expected, seen: now, proof }
}
