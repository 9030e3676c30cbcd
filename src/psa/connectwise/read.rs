//! Tickets, their notes and their history.

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Event, Happening, Message, Ticket, without_own_notes};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ahead::Ahead;
use super::audit;
use super::client::{AUDIT_TRAIL, Client, Refused};
use super::members::{By, Members};
use super::wire::{self, at};
use crate::connector::{History, Record, Seen};

/// A description is entered with its ticket, or in the minute after.
const WITH_TICKET: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn seen(ticket: &wire::Ticket) -> Option<Seen> {
    let version = ticket.info().last_updated?;
    Some(Seen {
        id: ticket.id?.to_string(),
        at: at(Some(&version))?,
        version,
        opened_at: ticket.entered_at(),
        customer: ticket.company.as_ref().and_then(wire::Named::text),
    })
}

pub(super) fn ticket(
    (client, ahead): (&mut Client, &mut Ahead),
    id: &str,
    members: &mut Members,
) -> Result<Option<Record>> {
    let found: wire::Ticket = match ahead.ticket(id) {
        Some(found) => found,
        None => match client.get(&format!("service/tickets/{id}"), &[]) {
            Err(Refused::Missing) => return Ok(None),
            found => found?,
        },
    };
    let notes = notes(client, id)?;
    ahead.keep_notes(id, &notes);
    let mut record = record(&found, &notes);
    record.opened_by_technician = opened_by_technician(client, &found, members);
    Ok(Some(record))
}

/// Whether a technician entered the ticket; unknown where a program did, or somebody whom nobody knows. Where members can't be read, which
/// a history tells, a ticket is read all the same.
fn opened_by_technician(client: &mut Client, found: &wire::Ticket, members: &mut Members) -> Option<bool> {
    let by = found.info().entered_by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty())?;
    let contact = found.contact.as_ref().and_then(wire::Named::text).or_else(|| found.contact_name.clone());
    let is_contact = contact.is_some_and(|name| name.trim().to_lowercase() == by.to_lowercase());
    if !is_contact && members.who(&by) != By::Customers {
        members.renew(client, std::iter::once(by.as_str())).ok()?;
    }
    match members.who(&by) {
        By::Member(_) => Some(true),
        By::Customers => Some(false),
        // Members have no addresses for names: it is a contact's.
        By::Unknown if is_contact || by.contains('@') => Some(false),
        By::Machine | By::Unknown => None,
    }
}

/// The notes of a ticket, oldest first: with those of time entries where the server tells them.
pub(super) fn notes(client: &mut Client, id: &str) -> Result<Vec<wire::Note>> {
    let mut notes: Vec<wire::Note> = Vec::new();
    let mut keep = |note: wire::Note| {
        notes.push(note);
        Ok(())
    };
    match client.list(&format!("service/tickets/{id}/allNotes"), &[], &mut keep) {
        // Servers before 2018 have only this.
        Err(Refused::NoEndpoint) => client.each(&format!("service/tickets/{id}/notes"), &[], &mut keep)?,
        told => told?,
    }
    // Those of a merged ticket are a conversation of its own.
    notes.retain(|note| !note.merged_flag);
    notes.sort_by_key(|note| (note.created_at(), note.id));
    Ok(notes)
}

fn record(found: &wire::Ticket, notes: &[wire::Note]) -> Record {
    let text = |named: &Option<wire::Named>| named.as_ref().and_then(wire::Named::text);
    let entered = found.entered_at();
    let first = notes.iter().position(|note| is_description(note, entered));
    let body = first.and_then(|i| notes.get(i)).and_then(|note| note.text.clone());
    let messages =
        notes.iter().enumerate().filter(|(i, _)| Some(*i) != first).filter_map(|(_, note)| message(note));
    let ticket = Ticket {
        id: found.id.map(|id| id.to_string()).unwrap_or_default(),
        opened_at: entered,
        subject: found.summary.clone(),
        body,
        customer: text(&found.company),
        contact: text(&found.contact).or_else(|| found.contact_name.clone()),
        source: text(&found.source),
        board: text(&found.board),
        kind: text(&found.kind),
        subtype: text(&found.sub_type),
        priority: text(&found.priority),
        technician: text(&found.owner),
        resolved_at: resolved(found),
        messages: messages.collect(),
        ..Ticket::default()
    };
    Record {
        ticket,
        changed_at: at(found.info().last_updated.as_deref()),
        version: found.info().last_updated.unwrap_or_default(),
        status: text(&found.status),
        closed: found.closed_flag,
        project: found.record_type.as_deref().is_some_and(|kind| kind.starts_with("Project")),
        left_out: false,
        opened_by_technician: None,
        merged_into: found
            .merged_parent_ticket
            .as_ref()
            .and_then(|parent| parent.id)
            .map(|id| id.to_string()),
        response_stamp: at(found.date_responded.as_deref()),
        resolved_at: resolved(found),
    }
}

fn resolved(found: &wire::Ticket) -> Option<Timestamp> {
    at(found.date_resolved.as_deref())
        .or_else(|| at(found.closed_date.as_deref()))
        .filter(|_| found.closed_flag)
}

/// Whether a note is what the ticket was opened with: a contact's words, or a technician's who entered them with the ticket.
fn is_description(note: &wire::Note, entered: Option<Timestamp>) -> bool {
    let text = note.text.as_deref().unwrap_or_default();
    let with_ticket = || {
        let written = note.created_at().zip(entered);
        written.is_some_and(|(written, entered)| written.duration_since(entered) <= WITH_TICKET)
    };
    let ours = || without_own_notes(text).is_some();
    note.detail_description_flag
        && !note.is_time_entry()
        && !ours()
        && (note.contact.is_some() || with_ticket())
}

fn message(note: &wire::Note) -> Option<Message> {
    let mut extra = serde_json::Map::new();
    extra.insert("psa_key".to_owned(), Value::String(key(note)?));
    if who(note) == ActorKind::System {
        extra.insert("automatic".to_owned(), json!(true));
    }
    if let Some(author) = note.contact.as_ref().and_then(wire::Named::text) {
        extra.insert("author".to_owned(), json!(author));
    }
    let from = match who(note) {
        ActorKind::Customer => "customer",
        ActorKind::Technician | ActorKind::Firstline => "technician",
        ActorKind::System => "system",
    };
    Some(Message {
        at: note.created_at(),
        from: from.to_owned(),
        text: note.text.clone()?,
        visible: Some(note.detail_description_flag || note.resolution_flag),
        extra,
    })
}

/// Notes and notes of time entries have ids of their own.
fn key(note: &wire::Note) -> Option<String> {
    let id = note.id?;
    Some(if note.is_time_entry() { format!("time-note-{id}") } else { format!("note-{id}") })
}

fn who(note: &wire::Note) -> ActorKind {
    let ours = || without_own_notes(note.text.as_deref().unwrap_or_default()).is_some();
    match (&note.contact, &note.member) {
        (Some(_), _) => ActorKind::Customer,
        // Servers may name the API's member as the author of what it wrote.
        (None, _) if ours() => ActorKind::Firstline,
        (None, Some(_)) => ActorKind::Technician,
        (None, None) => ActorKind::System,
    }
}

/// Whether a note is Firstline's, and was written by the API's member of this name: what that one has changed is Firstline's, too.
fn is_ours_by(note: &wire::Note, name: &str) -> bool {
    let info = note.info.as_ref();
    // Of the two lists of notes, one names who wrote a note, the other who last changed it.
    let by = [
        note.created_by.as_deref(),
        info.and_then(|info| info.entered_by.as_deref()),
        info.and_then(|info| info.updated_by.as_deref()),
    ];
    who(note) == ActorKind::Firstline
        && by.into_iter().flatten().any(|by| by.trim().eq_ignore_ascii_case(name.trim()))
}

/// The history: the audit trail's changes, the notes without their words, and time.
pub(super) fn history(
    (client, ahead): (&mut Client, &mut Ahead),
    id: &str,
    members: &mut Members,
) -> Result<History> {
    let mut history = History { complete: true, ..History::default() };
    let query = [("type", "Ticket"), ("id", id)];
    let mut entries: Vec<wire::AuditEntry> = Vec::new();
    let told = client.list(AUDIT_TRAIL, &query, &mut |entry: wire::AuditEntry| {
        entries.push(entry);
        Ok(())
    });
    match told {
        Err(Refused::NoEndpoint) => history.complete = false,
        told => told?,
    }
    members.renew(client, entries.iter().filter_map(audit::person))?;
    for entry in &entries {
        match audit::event(entry, members) {
            audit::Told::Event(event) => history.events.push(event),
            audit::Told::Nothing => {}
            audit::Told::Unread(line) => history.unread.push(line),
        }
    }
    let said = ahead.notes(id).map_or_else(|| notes(client, id), Ok)?;
    for event in history.events.iter_mut().filter(|event| event.actor_kind == ActorKind::System) {
        if event.actor.as_deref().is_some_and(|actor| said.iter().any(|note| is_ours_by(note, actor))) {
            event.actor_kind = ActorKind::Firstline;
        }
    }
    history.events.extend(said.iter().filter_map(of_note));
    let worked = ahead.times(id).map_or_else(|| times(client, id), Ok)?;
    history.events.extend(worked.iter().filter_map(of_time));
    history.complete &= history.unread.is_empty();
    history.events.sort_by(|a, b| (a.at, &a.psa_key).cmp(&(b.at, &b.psa_key)));
    Ok(history)
}

fn times(client: &mut Client, id: &str) -> Result<Vec<wire::TimeEntry>> {
    let conditions = format!("chargeToType=\"ServiceTicket\" and chargeToId={id}");
    let mut times = Vec::new();
    client.each("time/entries", &[("conditions", &conditions)], &mut |entry| {
        times.push(entry);
        Ok(())
    })?;
    Ok(times)
}

fn of_note(note: &wire::Note) -> Option<Event> {
    let actor_kind = who(note);
    let what = Happening::Message {
        visible: note.detail_description_flag || note.resolution_flag,
        automatic: actor_kind == ActorKind::System,
        text_key: None,
    };
    let actor = note.member.as_ref().or(note.contact.as_ref()).and_then(wire::Named::text);
    Some(Event { psa_key: key(note)?, at: note.created_at()?, actor, actor_kind, what })
}

/// Hours from the entry's start to its end, without those it deducts.
fn worked(entry: &wire::TimeEntry) -> Option<f64> {
    let [start, end] = [&entry.time_start, &entry.time_end].map(|time| at(time.as_deref()));
    Some(end?.duration_since(start?).as_secs_f64() / 3_600.0 - entry.hours_deduct.unwrap_or(0.0))
}

/// Whether a tenant that bills in quarters of an hour, or in smaller steps, has made `hours` of what was `worked`: a ticket of three
/// minutes took three, not fifteen.
fn is_rounded(worked: f64, hours: f64) -> bool {
    worked > 0.0 && (0.0..0.25).contains(&(hours - worked))
}

fn of_time(entry: &wire::TimeEntry) -> Option<Event> {
    let hours = entry.actual_hours.filter(|hours| (0.0..=24_000.0).contains(hours))?;
    let seconds = 3_600.0 * worked(entry).filter(|worked| is_rounded(*worked, hours)).unwrap_or(hours);
    let what = Happening::TimeEntry { seconds, visible: entry.add_to_detail_description_flag };
    Some(Event {
        psa_key: format!("time-{}", entry.id?),
        at: at(entry.time_start.as_deref())?,
        actor: entry.member.as_ref().and_then(wire::Named::text),
        actor_kind: ActorKind::Technician,
        what,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seconds(entry: &serde_json::Value) -> Option<f64> {
        let mut entry = entry.clone();
        entry["id"] = json!(7);
        match of_time(&serde_json::from_value(entry).unwrap())?.what {
            Happening::TimeEntry { seconds, .. } => Some(seconds),
            _ => None,
        }
    }

    #[test]
    fn an_entry_whose_hours_are_rounded_up_took_as_long_as_from_its_start_to_its_end() {
        let entry = |end: &str, hours: f64, deducted: f64| {
            let (start, end) = ("2026-11-30T09:00:00Z", format!("2026-11-30T{end}Z"));
            json!({"timeStart": start, "timeEnd": end, "actualHours": hours, "hoursDeduct": deducted})
        };
        for (end, hours, deducted, expected) in [
            ("09:03:00", 0.25, 0.0, 180.0),
            ("09:15:00", 0.25, 0.0, 900.0),
            ("10:01:00", 0.75, 0.5, 1_860.0),
            // What was typed in says something else than the clock: it counts.
            ("09:03:00", 1.0, 0.0, 3_600.0),
            ("12:00:00", 0.5, 0.0, 1_800.0),
            ("09:00:00", 0.2, 0.0, 720.0),
            ("08:00:00", 0.2, 0.0, 720.0),
        ] {
            let found = seconds(&entry(end, hours, deducted)).unwrap();
            assert!((found - expected).abs() < 1e-6, "{end}, {hours} h: {found}");
        }
        let alone = json!({"timeStart": "2026-11-30T09:00:00Z", "actualHours": 0.25});
        assert_eq!(seconds(&alone), Some(900.0), "without an end");
        assert_eq!(seconds(&json!({"timeStart": "2026-11-30T09:00:00Z"})), None);
    }
}
