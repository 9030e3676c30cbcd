//! One round: what changed since the last one, and then what was approved.
//!
//! The watermark moves only once the whole list was read and the service has all of it. A round that breaks off is done again.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Field, Ticket};
use jiff::{SignedDuration, Timestamp};

use super::api::{Leased, Service};
use super::cursor::{Cursor, OpenTicket};
use super::outbox;
use super::outcome::{events_of, feedback_of};
use crate::connector::{Connector, Record, Seen};

/// Tickets that are read before they are sent on.
const PART: usize = 32;

/// How a connection is run.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundSettings {
    /// Its name.
    pub name: String,
    /// This process, as others see it.
    pub owner: String,
    /// From when on tickets are read where none was before.
    pub start: Timestamp,
    /// How far before the watermark changes are asked for again.
    pub overlap: SignedDuration,
    /// Seconds that the lease holds.
    pub lease_seconds: u32,
    /// What may be written; nothing where it is `None`.
    pub write: Option<WriteSettings>,
}

/// What may be written to the PSA, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteSettings {
    /// Replies are visible to the customer; else they are internal notes.
    pub visible_replies: bool,
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// Another process has the lease: nothing was done.
    pub other: Option<String>,
    /// Changes that were listed and not known.
    pub changed: usize,
    /// Tickets that were sent to triage.
    pub decided: usize,
    /// Tickets whose end was told.
    pub ended: usize,
    /// Tickets that were listed and are gone, or out of sight.
    pub gone: usize,
    /// Actions that were done.
    pub written: usize,
    /// Actions that went back, since the ticket was changed meanwhile.
    pub returned: usize,
    /// What went wrong with single tickets and actions: they are tried again.
    pub faults: Vec<String>,
    /// Lines of histories that were not understood.
    pub unread: usize,
}

/// Does one round with the tickets that changed, and those that are `hinted` at by webhooks.
///
/// # Errors
/// When the PSA or the service can't be asked. What was done stands, and the next round goes on from the same place.
pub fn round(
    psa: &mut dyn Connector,
    service: &mut Service,
    settings: &RoundSettings,
    hinted: &[String],
) -> Result<Round> {
    let mut done = Round::default();
    let mut cursor = match service.lease(&settings.name, &settings.owner, settings.lease_seconds, None)? {
        Leased::Held(cursor) => *cursor,
        Leased::Other(who) => return Ok(Round { other: Some(who), ..done }),
    };
    let mut todo: Vec<Seen> = Vec::new();
    let mut latest = cursor.watermark;
    psa.changed_since(cursor.since(settings.start, settings.overlap), &mut |seen| {
        latest = latest.max(Some(seen.at));
        if !cursor.knows(&seen) {
            todo.push(seen);
        }
        Ok(())
    })?;
    // The newest first: a first draft is due within a minute, and what waited has waited already.
    todo.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| a.id.cmp(&b.id)));
    todo.dedup_by(|a, b| a.id == b.id);
    done.changed = todo.len();
    for part in todo.chunks(PART) {
        read(psa, service, (part, latest), &mut cursor, &mut done)?;
        if let Leased::Other(who) =
            service.lease(&settings.name, &settings.owner, settings.lease_seconds, Some(&cursor))?
        {
            return Ok(Round { other: Some(who), ..done });
        }
    }
    let hinted: Vec<Seen> = hinted.iter().map(|id| hint(id)).collect();
    read(psa, service, (&hinted, latest), &mut cursor, &mut done)?;
    cursor.advance(latest, settings.overlap);
    service.lease(&settings.name, &settings.owner, settings.lease_seconds, Some(&cursor))?;
    if let Some(write) = settings.write {
        outbox::act(psa, service, (&settings.owner, write), &cursor, &mut done)?;
    }
    Ok(done)
}

fn hint(id: &str) -> Seen {
    let (version, at) = (String::new(), Timestamp::UNIX_EPOCH);
    Seen { id: id.to_owned(), version, at, opened_at: None, customer: None }
}

/// Reads tickets and sends them on: open ones to triage, those that ended to feedback.
fn read(
    psa: &mut dyn Connector,
    service: &mut Service,
    (part, latest): (&[Seen], Option<Timestamp>),
    cursor: &mut Cursor,
    done: &mut Round,
) -> Result<()> {
    let now = Timestamp::now();
    let (mut open, mut ended, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let mut known: Vec<(Seen, Option<OpenTicket>)> = Vec::new();
    let ids: Vec<String> = part.iter().map(|seen| seen.id.clone()).collect();
    psa.expect(&ids)?;
    for seen in part {
        let Some(record) = psa.ticket(&seen.id)? else {
            done.gone += 1;
            known.push((seen.clone(), None));
            continue;
        };
        if record.closed || record.merged_into.is_some() {
            let history = psa.history(&seen.id)?;
            done.unread += history.unread.len();
            ended.push(feedback_of(&record, &history));
            events.extend(events_of(&record, &history));
            // One that was opened and closed between two rounds was never decided: it is now, so that its end can be joined.
            if !cursor.open.contains_key(&seen.id) {
                open.push(as_it_came(&record));
            }
            known.push((seen.clone(), None));
        } else if record.project {
            known.push((seen.clone(), None));
        } else {
            open.push(as_it_came(&record));
            let labels =
                Field::ALL.into_iter().map(|field| (field, record.ticket.label(field).map(str::to_owned)));
            let held = OpenTicket { labels: labels.collect() };
            known.push((seen.clone(), Some(held)));
        }
    }
    let refused = service.triage(&open)?;
    done.faults.extend(
        refused.iter().map(|(i, why)| format!("ticket {}: {why}", open.get(*i).map_or("?", |t| &t.id))),
    );
    done.decided += open.len() - refused.len();
    if !events.is_empty() {
        done.faults.extend(service.events(&events)?.into_iter().map(|(_, why)| why));
    }
    if !ended.is_empty() {
        let refused = service.feedback(&ended)?;
        done.ended += ended.len() - refused.len();
        done.faults.extend(refused.into_iter().map(|(_, why)| why));
    }
    for (seen, held) in known {
        match held {
            Some(held) => {
                // The labels at the first decision stay what changes are compared with.
                cursor.open.entry(seen.id.clone()).or_insert(held);
            }
            None => {
                cursor.open.remove(&seen.id);
            }
        }
        if !seen.version.is_empty() {
            cursor.read(&seen, latest, now);
        }
    }
    Ok(())
}

/// The ticket as triage takes it: what was written, not what people have made of it.
fn as_it_came(record: &Record) -> Ticket {
    Ticket {
        board: None,
        kind: None,
        subtype: None,
        priority: None,
        technician: None,
        first_response_at: None,
        resolved_at: None,
        resolution: None,
        ..record.ticket.clone()
    }
}

/// The labels that a ticket is expected to have still.
pub(super) fn expected(cursor: &Cursor, id: &str) -> BTreeMap<Field, Option<String>> {
    cursor.open.get(id).map(|open| open.labels.clone()).unwrap_or_default()
}
