//! Tickets with their notes, and the words of time entries.

use firstline_fault::Result;
use firstline_ticket::{ActorKind, Message, Ticket, without_own_notes};
use serde_json::{Map, Value, json};

use super::client::{Client, is};
use super::names::{COMPLETE, Names};
use super::talk::Talk;
use super::wire::{self, Note, TimeEntry, at};
use crate::connector::{Record, Seen};

/// Whom a note is for: all, the customer among them. All else is internal.
pub(super) const PUBLIC: i64 = 1;
/// What a list of changes is read with.
pub(super) const LISTED: [&str; 3] = ["id", "lastActivityDate", "createDate"];

/// What tells a state of a ticket from any other.
fn version(ticket: &wire::Ticket) -> Option<&String> {
    ticket.last_activity_date.as_ref().or(ticket.create_date.as_ref())
}

/// A ticket in a list of changes. Whose it is comes with the ticket itself: a list has the company's id only.
pub(super) fn seen(ticket: &wire::Ticket) -> Option<Seen> {
    let version = version(ticket)?;
    Some(Seen {
        id: ticket.id?.to_string(),
        at: at(Some(version))?,
        version: version.clone(),
        opened_at: at(ticket.create_date.as_deref()),
        customer: None,
    })
}

/// A ticket with its conversation.
pub(super) fn record(
    client: &mut Client,
    names: &mut Names,
    found: &wire::Ticket,
    talk: &Talk,
) -> Result<Record> {
    let id = found.id.map(|id| id.to_string()).unwrap_or_default();
    let contact = found.contact.map(|id| names.contact(client, id)).transpose()?.flatten();
    let authored = |note: &Note| {
        // Another contact's name would take a call for each: that it is another is enough.
        let by = note.contact.map(|id| match &contact {
            Some(name) if found.contact == Some(id) => name.clone(),
            _ => format!("contact {id}"),
        });
        let mut message = message(note, names)?;
        message.extra.extend(by.map(|by| ("author".to_owned(), json!(by))));
        Some(message)
    };
    let mut messages: Vec<Message> = talk.notes.iter().filter_map(authored).collect();
    messages.extend(talk.times.iter().flat_map(|entry| words(entry, names)));
    messages.sort_by_key(|message| message.at);
    let closed = is_closed(found);
    let resolved = at(found.resolved_date_time.as_deref()).or_else(|| at(found.completed_date.as_deref()));
    let resolved_at = resolved.filter(|_| closed);
    let value = |field| names.value(found, field);
    let [board, kind, subtype, priority, technician] = firstline_ticket::Field::ALL.map(value);
    let (status, source) = (names.label("status", found.status), names.label("source", found.source));
    let merged_into = if closed { merged(client, &talk.notes)? } else { None };
    let opened_by_technician = opened_by_technician(found, names);
    let ticket = Ticket {
        id,
        opened_at: at(found.create_date.as_deref()),
        subject: found.title.clone(),
        body: found.description.clone(),
        customer: found.company.map(|id| names.company(client, id)).transpose()?,
        contact,
        source,
        board,
        kind,
        subtype,
        priority,
        technician,
        resolved_at,
        resolution: found.resolution.clone(),
        messages,
        ..Ticket::default()
    };
    Ok(Record {
        ticket,
        changed_at: at(version(found).map(String::as_str)),
        version: version(found).cloned().unwrap_or_default(),
        status,
        closed,
        project: false,
        left_out: false,
        opened_by_technician,
        merged_into,
        response_stamp: at(found.first_response_date_time.as_deref()),
        resolved_at,
    })
}

/// Whether its status closes it. A ticket that was opened again may keep the date on which it was completed.
pub(super) fn is_closed(found: &wire::Ticket) -> bool {
    found.status.map_or(found.completed_date.is_some(), |status| status == COMPLETE)
}

/// A contact's ticket, or one that a person of the desk entered; what the system or a program opened is neither.
fn opened_by_technician(found: &wire::Ticket, names: &Names) -> Option<bool> {
    match (found.created_by_contact, names.actor(found.creator).1) {
        (Some(_), _) => Some(false),
        (None, ActorKind::Technician) => Some(true),
        _ => None,
    }
}

/// The ticket that this one was merged into, where a note of the PSA's own says so. UNCONFIRMED: a merge is shown nowhere else.
fn merged(client: &mut Client, notes: &[Note]) -> Result<Option<String>> {
    let of_merge = |note: &&Note| {
        let title = note.title.as_deref().unwrap_or_default().to_lowercase();
        note.contact.is_none() && title.starts_with("merged")
    };
    let into = notes.iter().filter(of_merge).find_map(|note| merged_into(note.description.as_deref()?));
    match into {
        Some(into) => ticket_of(client, into),
        None => Ok(None),
    }
}

/// The id or number of the ticket that a line says something was merged into.
pub(super) fn merged_into(text: &str) -> Option<&str> {
    let at = text.to_ascii_lowercase().find("merged into")? + "merged into".len();
    let words = text.get(at..)?.split(|c: char| !c.is_alphanumeric() && c != '.');
    words.map(|word| word.trim_end_matches('.')).find(|word| {
        let digits = word.strip_prefix('T').unwrap_or(word);
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// The id of the ticket with that id or number.
pub(super) fn ticket_of(client: &mut Client, number: &str) -> Result<Option<String>> {
    if !number.starts_with('T') {
        return Ok(Some(number.to_owned()));
    }
    let mut found = None;
    client.each("Tickets", &[is("ticketNumber", number)], &["id"], &mut |ticket: wire::Ticket| {
        found = ticket.id;
        Ok(())
    })?;
    Ok(found.map(|id| id.to_string()))
}

/// A note as a message; who may see one that does not say so is not known.
fn message(note: &Note, names: &Names) -> Option<Message> {
    let mut extra = said(key(note)?);
    if is_automatic(note, names) {
        extra.insert("automatic".to_owned(), json!(true));
    }
    let from = match who(note, names).1 {
        ActorKind::Customer => "customer",
        ActorKind::Technician | ActorKind::Firstline => "technician",
        ActorKind::System => "system",
    };
    Some(Message {
        at: at(note.create_date_time.as_deref()),
        from: from.to_owned(),
        text: note.description.clone()?,
        visible: note.publish.map(|publish| publish == PUBLIC),
        extra,
    })
}

/// What a time entry says to the customer, and among technicians.
fn words(entry: &TimeEntry, names: &Names) -> Vec<Message> {
    let Some(id) = entry.id else { return Vec::new() };
    let kind = names.actor(entry.resource).1;
    let from = if kind == ActorKind::System { "system" } else { "technician" };
    let one = |text: &Option<String>, visible: bool, key: &str| {
        let extra = said(format!("time-{key}-{id}"));
        let text = text.clone()?;
        Some(Message { at: entry.started(), from: from.to_owned(), text, visible: Some(visible), extra })
    };
    let said = [one(&entry.summary_notes, true, "summary"), one(&entry.internal_notes, false, "internal")];
    said.into_iter().flatten().collect()
}

fn said(key: String) -> Map<String, Value> {
    Map::from_iter([("psa_key".to_owned(), Value::String(key))])
}

/// A note's key among the events of its ticket.
pub(super) fn key(note: &Note) -> Option<String> {
    Some(format!("note-{}", note.id?))
}

/// Whether nobody wrote a note: a workflow rule, or the system.
pub(super) fn is_automatic(note: &Note, names: &Names) -> bool {
    names.is_automatic(note.note_type) || who(note, names).1 == ActorKind::System
}

/// Who wrote a note. One of ours has our mark, in whose name it stands; a customer who quotes it is the customer.
pub(super) fn who(note: &Note, names: &Names) -> (Option<String>, ActorKind) {
    let marked = || without_own_notes(note.description.as_deref().unwrap_or_default()).is_some();
    let by_us = names.is_us(note.creator) || names.is_us(note.impersonator);
    match note.contact {
        Some(_) => (None, ActorKind::Customer),
        None if by_us && marked() => (names.actor(note.creator).0, ActorKind::Firstline),
        None if names.is_automatic(note.note_type) => (None, ActorKind::System),
        None => names.actor(note.creator),
    }
}
