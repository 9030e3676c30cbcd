//! Corrections and apologies by technicians (R43): whether the next that a customer could read after something that Firstline did takes
//! it back.
//!
//! Judged where the words are at hand, as a ticket or news of it comes in; on record goes a suspected incident, never a word.

use firstline_drafts::takes_back;
use firstline_fault::Result;
use firstline_rollout::OpenHours;
use firstline_store::{CustomerSet, Store};
use firstline_ticket::{Message, Ticket};
use jiff::{SignedDuration, Timestamp};

use super::incidents::IncidentKind;
use super::watch::suspected;

/// Business days within which a message is about what was done.
const BUSINESS_DAYS: usize = 3;

/// What a technician wrote to the customer, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    /// When; now where nobody says.
    pub(crate) at: Timestamp,
    /// The words.
    pub(crate) text: &'a str,
}

/// What technicians wrote to the customer in a ticket, the first first.
pub(crate) fn written(ticket: &Ticket) -> Vec<Written<'_>> {
    let visible = |message: &&Message| message.from == "technician" && message.visible == Some(true);
    let messages = ticket.messages.iter().filter(visible);
    let all = messages.filter_map(|message| Some(Written { at: message.at?, text: &message.text }));
    let mut all: Vec<Written<'_>> = all.collect();
    all.sort_by_key(|written| written.at);
    all
}

/// Whether any of it takes anything back: all else need not be looked up.
pub(crate) fn may_correct(written: &[Written<'_>]) -> bool {
    written.iter().any(|one| takes_back(one.text).is_some())
}

/// Puts an incident on record where the first that was written after something that was done in the ticket of `decision`, within three
/// business days, takes it back. Whether there was one that was not known.
pub(crate) fn note_correction(
    store: &dyn Store,
    hours: &OpenHours,
    (decision, written): (&str, &[Written<'_>]),
    now: Timestamp,
) -> Result<bool> {
    let Some(ticket) = store.acted_ticket(decision)? else { return Ok(false) };
    let found = ticket.actions.iter().find_map(|action| {
        // What was done next answers for itself.
        let next = written.iter().find(|one| one.at > action.at)?;
        let last = (0..BUSINESS_DAYS).try_fold(action.at, |at, _| hours.a_day_after(at));
        let last = last.unwrap_or(action.at + SignedDuration::from_hours(24 * BUSINESS_DAYS as i64));
        (next.at <= last && takes_back(next.text).is_some()).then_some((action, next.at))
    });
    let Some((action, at)) = found else { return Ok(false) };
    let new = suspected(action, IncidentKind::Correction, (at, &action.id.to_string()));
    let results = store.add_incidents(&[new], &CustomerSet::All, now)?;
    Ok(matches!(results.first(), Some(firstline_store::IncidentResult::Stored(_))))
}
