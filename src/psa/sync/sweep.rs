//! Once a day: the PSA's own list of the tickets that were opened, against what the service has.
//!
//! A webhook that never came and a page that was skipped show here. Must never take a ticket for deleted because a list lacks it.

use std::collections::BTreeMap;

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp};

use super::api::Service;
use super::cursor::Cursor;
use super::round::{PART, Round, RoundSettings, due, is_id, read};
use crate::connector::Connector;

/// Hours between two lists.
const EVERY: i64 = 24;
/// Minutes that a ticket has to come in before a list counts it.
const GRACE: i64 = 10;
/// Tickets of a list.
const MOST: usize = 20_000;
/// Days that a list may span.
const MOST_DAYS: i64 = 90;

/// Sends the list of the tickets that were opened since the last one, after reading those that are missing. Where it can't be had, the
/// next round with one due tries again.
pub(super) fn sweep(
    psa: &mut dyn Connector,
    service: &mut Service,
    settings: &RoundSettings,
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let now = settings.clock.now();
    let after = |hours| now.checked_add(SignedDuration::from_hours(hours)).ok();
    let oldest = now.checked_sub(SignedDuration::from_hours(24 * MOST_DAYS)).unwrap_or(now);
    let from = cursor.listed_to.unwrap_or(settings.start).max(oldest);
    // Not beyond what was read: the PSA's clock may be behind.
    let to = now.checked_sub(SignedDuration::from_mins(GRACE)).ok().min(cursor.watermark.or(Some(now)));
    let Some(mut to) = to.filter(|to| *to > from) else {
        cursor.sweep_due = after(1);
        return Ok(());
    };
    let mut opened: BTreeMap<String, Timestamp> = BTreeMap::new();
    psa.changed_since(from, &mut |seen| {
        if let Some(at) = seen.opened_at.filter(|at| (from..to).contains(at) && is_id(&seen.id)) {
            opened.insert(seen.id, at);
        }
        Ok(())
    })?;
    if opened.len() > MOST {
        let mut times: Vec<Timestamp> = opened.values().copied().collect();
        times.sort_unstable();
        to = times[MOST];
        opened.retain(|_, at| *at < to);
    }
    cursor.sweep_due = after(EVERY);
    // A day without tickets belongs to the next list.
    if opened.is_empty() {
        return Ok(());
    }
    let mut missing = service.coverage((from, to), opened.keys())?;
    for part in missing.chunks(PART) {
        let part: Vec<_> = part.iter().filter(|id| opened.contains_key(*id)).map(|id| due(id)).collect();
        for id in read(psa, service, (settings, &part, cursor.watermark), cursor, done)? {
            opened.remove(&id);
        }
    }
    if !missing.is_empty() && !opened.is_empty() {
        missing = service.coverage((from, to), opened.keys())?;
    }
    cursor.listed_to = Some(to);
    done.listed = Some((opened.len(), missing.len()));
    Ok(())
}
