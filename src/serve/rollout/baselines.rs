//! The baseline as it went on record when the programme started. Must never compute one: what was not kept is not known.

use firstline_fault::{InternalError, Result};
use firstline_rollout::Before;
use firstline_store::{CustomerSet, Store};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::Value;

use super::weeks::BASELINE;
use super::work::{before, monday_of};

/// A baseline on record.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineOnRecord {
    /// From this moment.
    pub from: Timestamp,
    /// To before this one.
    pub to: Timestamp,
    /// Days of history.
    pub days: i64,
    /// The figures of people's tickets, as `firstline rollout baseline --json` prints them.
    pub people: Value,
    /// Those of alerts.
    pub alerts: Value,
    /// Tickets that are in neither, by reason.
    pub left_out: Value,
    /// The sha256 of the figures in the audit log.
    pub sha256: String,
    /// What tickets took before, kind by kind; `None` where that was not kept.
    pub before: Option<Before>,
}

/// What is kept of its figures.
#[derive(Debug, Deserialize)]
struct Kept {
    from: Timestamp,
    to: Timestamp,
    days: i64,
    people: Value,
    alerts: Value,
    left_out: Value,
}

/// The baseline on record; `None` before a programme has started.
///
/// # Errors
/// As for the store's calls; an internal error where the row is none of a baseline.
pub fn baseline_on_record(store: &dyn Store, zone: &TimeZone) -> Result<Option<BaselineOnRecord>> {
    let Some(programme) = store.programme()? else { return Ok(None) };
    let monday = monday_of(programme.started_on, zone)?;
    let next = monday.checked_add(1.days()).unwrap_or(monday);
    let Some(row) = store.weeks(Some(BASELINE), monday, next, &CustomerSet::All)?.into_iter().next() else {
        return Ok(None);
    };
    let Kept { from, to, days, people, alerts, left_out } = serde_json::from_value(row.figures)
        .map_err(|e| InternalError::new(format!("reading the baseline: {e}")))?;
    let before = before(store, &programme, zone)?.map(|(before, _)| before);
    Ok(Some(BaselineOnRecord { from, to, days, people, alerts, left_out, sha256: row.sha, before }))
}
