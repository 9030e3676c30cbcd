//! What may have been wrong, noticed by rules (R43): a ticket that was opened again after Firstline had answered or closed it, and the
//! same reply that a customer got twice. A PSA opens a ticket again for whatever its customer writes: one that thanks, or says that the
//! matter is done, complains of nothing.
//!
//! Each is an incident that is suspected, under a key of its own: however often it is noticed, it is one. A person decides; what nobody
//! decides counts as an error after three business days. Must never confirm one.

use std::collections::BTreeSet;

use firstline_fault::Result;
use firstline_store::{
    ActedTicket, Author, CustomerSet, IncidentResult, IncidentState, NewIncident, SeenAction, Store,
};
use firstline_ticket::{ActorKind, Event, Happening};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::super::desk::DeskRules;
use super::super::incidents::{IncidentKind, IncidentSeverity};
use super::super::text::FIRSTLINE;
use super::ACTOR;

/// Days within which opening a ticket again says something of what was done.
const REOPENED_DAYS: i64 = 30;
/// How long after a message a PSA may take to open its ticket again.
const BY_MESSAGE: SignedDuration = SignedDuration::from_mins(10);
/// Days by which news of that may be late.
const LATE_DAYS: i64 = 15;

/// Puts what may have been wrong on record, but for what is among `noted`, which grows by it. Gives how many there were.
pub(super) fn note(
    store: &dyn Store,
    rules: &DeskRules,
    noted: &mut BTreeSet<String>,
    now: Timestamp,
) -> Result<usize> {
    let from = now.checked_sub((24 * (REOPENED_DAYS + LATE_DAYS)).hours()).unwrap_or(Timestamp::MIN);
    let tickets = store.acted_tickets(from)?;
    let all = tickets.iter().flat_map(|ticket| [opened_again(ticket, rules), posted_twice(ticket)]).flatten();
    let new: Vec<NewIncident> = all.filter(|incident| !noted.contains(&incident.key)).collect();
    if new.is_empty() {
        return Ok(0);
    }
    let results = store.add_incidents(&new, &CustomerSet::All, now)?;
    noted.extend(new.into_iter().map(|incident| incident.key));
    Ok(results.iter().filter(|result| matches!(result, IncidentResult::Stored(_))).count())
}

fn opened_again(ticket: &ActedTicket, rules: &DeskRules) -> Option<NewIncident> {
    let first = ticket.actions.first()?;
    let mut all = rules.tiers.opened_again(&ticket.events, first.at).peekable();
    let told = ticket.reported_at.filter(|at| ticket.reopened == Some(true) && *at > first.at);
    // Where no status tells when it was, that somebody has reported it.
    let at = if all.peek().is_none() { told } else { all.find(|at| !by_a_content_customer(ticket, *at)) }?;
    let action = ticket.actions.iter().rev().find(|action| action.at < at)?;
    let within = at.duration_since(action.at).as_hours() <= 24 * REOPENED_DAYS;
    within.then(|| suspected(action, IncidentKind::Reopened, (at, &action.id.to_string())))
}

/// Whether what opened the ticket again was its customer's word that all is well.
fn by_a_content_customer(ticket: &ActedTicket, at: Timestamp) -> bool {
    ticket.content.iter().any(|wrote| *wrote <= at && at.duration_since(*wrote) <= BY_MESSAGE)
}

fn posted_twice(ticket: &ActedTicket) -> Option<NewIncident> {
    let mut texts = BTreeSet::new();
    let second =
        ticket.events.iter().find(|event| own_text(event).is_some_and(|text| !texts.insert(text)))?;
    let action =
        ticket.actions.iter().rev().find(|action| action.at <= second.at).or(ticket.actions.first())?;
    Some(suspected(action, IncidentKind::PostedTwice, (second.at, &second.psa_key)))
}

/// The text of what Firstline wrote to the customer.
fn own_text(event: &Event) -> Option<u64> {
    match event.what {
        Happening::Message { visible: true, automatic: false, text_key }
            if event.actor_kind == ActorKind::Firstline =>
        {
            text_key
        }
        _ => None,
    }
}

/// An incident of something that was done; `what` names it beside others of its kind.
pub(in crate::rollout) fn suspected(
    action: &SeenAction,
    kind: IncidentKind,
    (at, what): (Timestamp, &str),
) -> NewIncident {
    NewIncident {
        key: format!("{FIRSTLINE} {} {what}", kind.name()),
        ticket_id: None,
        customer: None,
        decision: Some(action.decision.clone()),
        action: Some(action.id),
        at,
        kind: kind.name().to_owned(),
        severity: IncidentSeverity::Medium.name().to_owned(),
        sla_credit: false,
        credit_amount: None,
        state: IncidentState::Suspected,
        by: Author { person: FIRSTLINE.to_owned(), actor: ACTOR.to_owned() },
        reason: None,
    }
}
