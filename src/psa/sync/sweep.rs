//! Once a day: the PSA's own list of the tickets that were opened, against what the service has.
//!
//! A webhook that never came and a page that was skipped show here. Must never take a ticket for deleted because a list lacks it.

use std::collections::BTreeMap;

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp};

use super::api::Service;
use super::cursor::Cursor;
use super::round::{Asked, PART, Round, RoundSettings, due, is_id, read};
use crate::connector::{Connector, Seen};

/// Hours between two lists.
const EVERY: i64 = 24;
/// Minutes that a ticket has to come in before a list counts it.
const GRACE: i64 = 10;
/// Tickets of a list.
const MOST: usize = 20_000;
/// Missing tickets that a round reads: intake does not wait for more.
const BUDGET: usize = 64;
/// Days that a list may span.
const MOST_DAYS: i64 = 90;

/// Sends the list of the tickets that were opened since the last one, and reads those that are missing, so many a round: as long as there
/// are more, the next round goes on, and its list stands in the place of this one.
pub(super) fn sweep(
    psa: &mut dyn Connector,
    service: &mut Service,
    (settings, go_on): (&RoundSettings, &dyn Fn() -> bool),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let now = settings.clock.now();
    let after = |hours| now.checked_add(SignedDuration::from_hours(hours)).ok();
    let Some((from, to)) = span(settings, cursor, now) else {
        cursor.sweep_due = after(1);
        return Ok(());
    };
    let (mut opened, to) = opened(psa, (from, to))?;
    opened.retain(|id, _| !cursor.out.contains_key(id));
    // A day without tickets belongs to the next list.
    if opened.is_empty() {
        cursor.sweep_due = after(EVERY);
        return Ok(());
    }
    let mut missing = service.coverage((from, to), opened.keys())?;
    let known = missing.len();
    missing.truncate(BUDGET);
    for part in missing.chunks(PART) {
        let part: Vec<_> =
            part.iter().map(|id| Seen { opened_at: opened.get(id).copied(), ..due(id) }).collect();
        read(psa, service, &Asked { settings, part: &part, latest: cursor.watermark, go_on }, cursor, done)?;
        if !go_on() {
            return Ok(());
        }
    }
    if known > missing.len() {
        return Ok(());
    }
    if known > 0 {
        opened.retain(|id, _| !cursor.out.contains_key(id));
        missing = if opened.is_empty() { Vec::new() } else { service.coverage((from, to), opened.keys())? };
    }
    (cursor.sweep_due, cursor.listed_to) = (after(EVERY), Some(to));
    cursor.out.retain(|_, at| *at >= to);
    done.listed = Some((opened.len(), missing.len()));
    Ok(())
}

/// The time that the list is over: not beyond what was read, since the PSA's clock may be behind.
fn span(settings: &RoundSettings, cursor: &Cursor, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let oldest = now.checked_sub(SignedDuration::from_hours(24 * MOST_DAYS)).unwrap_or(now);
    let from = cursor.listed_to.unwrap_or(settings.start).max(oldest);
    let to = now.checked_sub(SignedDuration::from_mins(GRACE)).ok()?.min(cursor.watermark.unwrap_or(now));
    (to > from).then_some((from, to))
}

/// The tickets that were opened in the time, as many as a list takes, and up to when these are all.
fn opened(
    psa: &mut dyn Connector,
    (from, to): (Timestamp, Timestamp),
) -> Result<(BTreeMap<String, Timestamp>, Timestamp)> {
    let mut opened: BTreeMap<String, Timestamp> = BTreeMap::new();
    psa.changed_since(from, &mut |seen| {
        if let Some(at) = seen.opened_at.filter(|at| (from..to).contains(at) && is_id(&seen.id)) {
            opened.insert(seen.id, at);
        }
        Ok(())
    })?;
    if opened.len() <= MOST {
        return Ok((opened, to));
    }
    let mut times: Vec<Timestamp> = opened.values().copied().collect();
    times.sort_unstable();
    let to = times[MOST];
    opened.retain(|_, at| *at < to);
    Ok((opened, to))
}
