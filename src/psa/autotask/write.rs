//! What is written: a note with its mark, labels by the tenant's own ids.
//!
//! A note below its ticket, with who may see it said each time. Must never send a description back, nor a record as a whole.

use std::collections::BTreeMap;

use firstline_fault::{Error, Result};
use firstline_ticket::{Field, own_mark};
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::client::{Client, read};
use super::names::{self, COMPLETE, Names, field_of, same};
use super::read::{PUBLIC, is_closed};
use super::refusal::{Refused, fault, refuses};
use super::talk;
use super::wire::{self, Note, Pick, Written};
use crate::connector::{Act, Done, Left, Stands, Turn, halted, not_assigned, not_set};
use crate::http::{Answer, Sent};

/// Whom an internal note is for.
const INTERNAL: i64 = 2;
/// The documented length of a note, where the tenant's metadata doesn't say.
const NOTE_LENGTH: usize = 3_200;
/// The stock type of a technician's note.
const TASK_NOTES: i64 = 3;

/// Does `act` to a ticket.
pub(super) fn apply(
    client: &mut Client,
    names: &mut Names,
    found: &wire::Ticket,
    act: &Act,
    labels: &BTreeMap<Field, Option<String>>,
) -> Result<Done> {
    let id = found.id.unwrap_or_default();
    let customer = found.company.map(|id| names.company(client, id)).transpose()?;
    if let Some(halted) = halted(act, is_closed(found), customer.as_deref()) {
        return Ok(halted);
    }
    match act {
        Act::Note { text, visible, status, .. } => {
            let done = note(client, names, id, (text, *visible))?;
            Ok(match (done, status) {
                (Done::Written { psa_ref, cut }, Some(status)) => {
                    let unset = set_status(client, names, found, status).err().map(|e| not_set(status, &e));
                    let cut = cut.into_iter().chain(unset).collect::<Vec<_>>().join("; ");
                    Done::Written { psa_ref, cut: Some(cut).filter(|cut| !cut.is_empty()) }
                }
                (done, _) => done,
            })
        }
        Act::SetFields(fields) => set(client, names, found, (fields, labels)),
        Act::Turn(turn) => turned(client, names, (found, customer.as_deref()), turn),
    }
}

/// What of a turn is still to be done to the ticket as it stands now.
fn left<'a>(
    names: &Names,
    (found, customer): (&wire::Ticket, Option<&str>),
    turn: &'a Turn,
) -> std::result::Result<Left<'a>, Done> {
    let status = names.label("status", found.status);
    turn.left(&Stands {
        closed: is_closed(found),
        customer,
        status: status.as_deref(),
        unowned: found.resource.is_none(),
    })
}

/// Closes a ticket, or opens it again. A merge is known from its notes, which were looked at before.
fn turned(
    client: &mut Client,
    names: &Names,
    (found, customer): (&wire::Ticket, Option<&str>),
    turn: &Turn,
) -> Result<Done> {
    let todo = match left(names, (found, customer), turn) {
        Ok(todo) => todo,
        Err(done) => return Ok(done),
    };
    let (mut body, mut cut) = (Map::new(), None);
    if let Some(status) = todo.status {
        let fits = |pick: &&Pick| {
            pick.is_active() && same(pick.label.as_deref(), status) && turn.fits(pick.value == Some(COMPLETE))
        };
        let to = names.picks("status").iter().find(fits).and_then(|pick| pick.value).ok_or_else(|| {
            let problem = format!("it has no status {status:?} {}", turn.wanted());
            refuses(&problem, "Name one that it has in [write]")
        })?;
        body.insert("status".to_owned(), json!(to));
    }
    if let Some(technician) = todo.technician {
        match values(client, names, found, &BTreeMap::from([(Field::Technician, &technician.to_owned())])) {
            Ok(owner) => body.extend(owner),
            Err(error) => cut = Some(not_assigned(technician, &error)),
        }
    }
    if body.is_empty() {
        return Ok(Done::WasThere { psa_ref: None });
    }
    body.insert("id".to_owned(), json!(found.id));
    let sent = client.send(&Method::PATCH, "Tickets", &Value::Object(body));
    let psa_ref = found.id.map(|id| id.to_string());
    match settled(client, sent) {
        Ok(_) => Ok(Done::Written { psa_ref, cut }),
        Err(Sent::Unknown(error)) => {
            let now: Option<wire::Ticket> = client.item("Tickets", &psa_ref.clone().unwrap_or_default())?;
            match now.map(|now| left(names, (&now, customer), turn)) {
                Some(Err(Done::WasThere { .. })) => Ok(Done::Written { psa_ref, cut }),
                _ => Err(error),
            }
        }
        Err(Sent::NotDone(error)) => Err(error),
    }
}

/// The note of `act` that is there already: it is written once.
pub(super) fn was_there(client: &mut Client, id: &str, act: &Act) -> Result<Option<Done>> {
    let Act::Note { text, .. } = act else { return Ok(None) };
    let psa_ref = find_mark(client, id, mark_of(text)?)?;
    Ok(psa_ref.map(|psa_ref| Done::WasThere { psa_ref: Some(psa_ref) }))
}

fn mark_of(text: &str) -> Result<&str> {
    own_mark(text).ok_or_else(|| fault("a note without a mark", "Please report it"))
}

/// The id of the note with that mark, in its words or its title.
pub(super) fn find_mark(client: &mut Client, id: &str, mark: &str) -> Result<Option<String>> {
    let has = |note: &Note| {
        [&note.description, &note.title]
            .iter()
            .any(|text| text.as_deref().is_some_and(|text| text.contains(mark)))
    };
    let mut found = None;
    talk::notes(client, &[talk::of_ticket(id)], &mut |note| {
        if found.is_none() && has(&note) {
            found = note.id;
        }
    })?;
    Ok(found.map(|id| id.to_string()))
}

/// Posts a note once: where it is not known whether it arrived, it is looked for.
fn note(client: &mut Client, names: &Names, id: i64, (text, visible): (&str, bool)) -> Result<Done> {
    let mark = mark_of(text)?;
    let (description, cut) = fitting(text, mark, names.note_length("description").unwrap_or(NOTE_LENGTH));
    let title = format!("{} {mark}", if visible { "Reply" } else { "Draft reply" });
    let body = json!({
        "title": title, "description": description, "noteType": note_type(client, names)?,
        "publish": if visible { PUBLIC } else { internal(names)? },
    });
    let sent = client.send(&Method::POST, &format!("Tickets/{id}/Notes"), &body);
    match settled(client, sent) {
        Ok(answer) => {
            let written: Written = read(&answer).unwrap_or_default();
            Ok(Done::Written { psa_ref: written.item_id.map(|id| id.to_string()), cut })
        }
        Err(Sent::Unknown(error)) => match find_mark(client, &id.to_string(), mark)? {
            Some(psa_ref) => Ok(Done::Written { psa_ref: Some(psa_ref), cut }),
            None => Err(error),
        },
        Err(Sent::NotDone(error)) => Err(error),
    }
}

/// Sets a status that does not complete the ticket. By Autotask's default, each but those of new, waiting and completed tickets stamps the
/// first response.
fn set_status(client: &mut Client, names: &Names, ticket: &wire::Ticket, status: &str) -> Result<()> {
    let fits = |pick: &&Pick| pick.is_active() && same(pick.label.as_deref(), status);
    let to = names.picks("status").iter().find(fits).and_then(|pick| pick.value);
    let to = to.filter(|to| *to != COMPLETE);
    let to = to.ok_or_else(|| fault("it has no such status that is open", "Name one that it has"))?;
    if ticket.status == Some(to) {
        return Ok(());
    }
    let sent = client.send(&Method::PATCH, "Tickets", &json!({"id": ticket.id, "status": to}));
    settled(client, sent)?;
    Ok(())
}

/// The reply to a write that was done. A 500 of Autotask's and a proxy's page alike may hide that it was.
fn settled(
    client: &mut Client,
    sent: std::result::Result<Answer, Sent>,
) -> std::result::Result<Answer, Sent> {
    let answer = sent?;
    let status = answer.status;
    client.judged(answer).map_err(|refused| match refused {
        Refused::Busy(error) | Refused::Credentials(error) => Sent::NotDone(error),
        refused if status >= 500 => Sent::Unknown(refused.into()),
        refused => Sent::NotDone(refused.into()),
    })
}

/// The value of internal notes, which the tenant must have.
fn internal(names: &Names) -> Result<i64> {
    let picks = names.note_picks("publish");
    if picks.is_empty() || picks.iter().any(|pick| pick.value == Some(INTERNAL) && pick.is_active()) {
        return Ok(INTERNAL);
    }
    Err(fault(
        "it has no internal notes (publish 2)",
        "See the values of \"publish\" in Autotask, and please report it",
    ))
}

/// The type of notes that are written: as the settings name it, the tenant's default, or the one for technicians.
pub(super) fn note_type(client: &Client, names: &Names) -> Result<i64> {
    let picks: Vec<&Pick> = names
        .note_picks("noteType")
        .iter()
        .filter(|pick| pick.is_active() && !names.is_automatic(pick.value))
        .collect();
    let id = |pick: Option<&&Pick>| pick.and_then(|pick| pick.value);
    if let Some(wanted) = &client.settings.note_type {
        let found = id(picks.iter().find(|pick| same(pick.label.as_deref(), wanted)));
        return found.ok_or_else(|| {
            let told: Vec<&str> = picks.iter().filter_map(|pick| pick.label.as_deref()).collect();
            let next = format!("Set \"note_type\" in the settings to one of: {}", told.join(", "));
            fault(&format!("it has no note type {wanted:?}"), &next)
        });
    }
    let default = id(picks.iter().find(|pick| pick.is_default_value == Some(true)));
    let stock = id(picks.iter().find(|pick| pick.value == Some(TASK_NOTES)));
    let none = || fault("it tells no type for notes", "Set \"note_type\" in the settings");
    let any = || if names.note_picks("noteType").is_empty() { Some(TASK_NOTES) } else { id(picks.first()) };
    default.or(stock).or_else(any).ok_or_else(none)
}

/// A text in at most `most` UTF-16 units, its mark included; and what was left out, if anything was.
fn fitting(text: &str, mark: &str, most: usize) -> (String, Option<String>) {
    let units = |text: &str| text.chars().map(char::len_utf16).sum::<usize>();
    let whole = units(text);
    if whole <= most {
        return (text.to_owned(), None);
    }
    let words = text.strip_suffix(mark).unwrap_or(text).trim_end();
    let end = |left_out: usize| format!(" [… {left_out} characters left out]\n\n{mark}");
    let room = most.saturating_sub(units(&end(whole)));
    let mut used = 0;
    let fits = |c: &char| {
        used += c.len_utf16();
        used <= room
    };
    let kept: String = words.chars().take_while(fits).collect();
    let left_out = words.chars().count() - kept.chars().count();
    let told = format!("{left_out} characters left out: a note holds {most}");
    (format!("{}{}", kept.trim_end(), end(left_out)), Some(told))
}

/// What somebody has changed of the fields that are to be set: they stand neither as expected nor as wanted.
fn changed(
    names: &Names,
    ticket: &wire::Ticket,
    touched: &BTreeMap<Field, Option<String>>,
    labels: &BTreeMap<Field, Option<String>>,
) -> Option<String> {
    touched.iter().find_map(|(field, wanted)| {
        let now = names.value(ticket, *field);
        let expected = labels.get(field)?;
        let as_is = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_lowercase());
        let stands = as_is(&now) == as_is(expected) || as_is(&now) == as_is(wanted);
        (!stands).then(|| format!("{field} is {:?} by now", now.unwrap_or_default()))
    })
}

/// Sets labels by id.
fn set(
    client: &mut Client,
    names: &Names,
    ticket: &wire::Ticket,
    (fields, labels): (&BTreeMap<Field, String>, &BTreeMap<Field, Option<String>>),
) -> Result<Done> {
    let stands = |field: &Field, wanted: &String| same(names.value(ticket, *field).as_deref(), wanted);
    let wanted = |(field, wanted): (&Field, &String)| (*field, Some(wanted.clone()));
    let mut touched: BTreeMap<Field, Option<String>> = fields.iter().map(wanted).collect();
    let to_set: BTreeMap<Field, &String> = fields
        .iter()
        .filter(|(field, wanted)| !stands(field, wanted))
        .map(|(field, to)| (*field, to))
        .collect();
    // A type that leaves the subtype of another behind is refused.
    if to_set.contains_key(&Field::Type) && ticket.sub_issue_type.is_some() {
        touched.entry(Field::Subtype).or_insert(None);
    }
    if let Some(what) = changed(names, ticket, &touched, labels) {
        return Ok(Done::Changed { what });
    }
    if to_set.is_empty() {
        return Ok(Done::WasThere { psa_ref: None });
    }
    let mut body = values(client, names, ticket, &to_set)?;
    body.insert("id".to_owned(), json!(ticket.id));
    let sent = client.send(&Method::PATCH, "Tickets", &Value::Object(body));
    match settled(client, sent) {
        Ok(_) => Ok(written(ticket)),
        Err(Sent::Unknown(error)) => is_set(client, names, ticket, fields, error),
        Err(Sent::NotDone(error)) => Err(error),
    }
}

fn written(ticket: &wire::Ticket) -> Done {
    Done::Written { psa_ref: ticket.id.map(|id| id.to_string()), cut: None }
}

/// Whether labels stand as they were to be set; the error where they don't.
fn is_set(
    client: &mut Client,
    names: &Names,
    ticket: &wire::Ticket,
    fields: &BTreeMap<Field, String>,
    error: Error,
) -> Result<Done> {
    let id = ticket.id.unwrap_or_default().to_string();
    let now: Option<wire::Ticket> = client.item("Tickets", &id)?;
    let stand = now.is_some_and(|now| {
        fields.iter().all(|(field, wanted)| same(names.value(&now, *field).as_deref(), wanted))
    });
    if stand { Ok(written(ticket)) } else { Err(error) }
}

/// The ids of labels, and what goes with them: a resource's role, no subtype of another type.
fn values(
    client: &mut Client,
    names: &Names,
    ticket: &wire::Ticket,
    to_set: &BTreeMap<Field, &String>,
) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    let mut kind = ticket.issue_type;
    for (field, wanted) in to_set {
        if *field == Field::Technician {
            let one = names.technician(wanted)?.ok_or_else(|| unknown(names, *field, wanted))?;
            let role = names::role(client, one)?.ok_or_else(|| {
                fault(
                    &format!("{wanted:?} has no role on the service desk"),
                    "Give the resource a service desk role in Autotask",
                )
            })?;
            body.insert("assignedResourceID".to_owned(), json!(one.id));
            body.insert("assignedResourceRoleID".to_owned(), json!(role));
            continue;
        }
        let id = names.pick(*field, wanted, kind).ok_or_else(|| unknown(names, *field, wanted))?;
        if *field == Field::Type {
            kind = Some(id);
        }
        body.insert(field_of(*field).to_owned(), json!(id));
    }
    if to_set.contains_key(&Field::Type) && !to_set.contains_key(&Field::Subtype) {
        let now = names.picks("subIssueType").iter().find(|pick| pick.value == ticket.sub_issue_type);
        if now.is_some_and(|pick| !pick.fits(kind)) {
            body.insert("subIssueType".to_owned(), Value::Null);
        }
    }
    Ok(body)
}

/// Whether the tenant may know a name that was not found: its picklists may be newer than what is remembered.
pub(super) fn is_unknown(names: &Names, act: &Act) -> bool {
    let no_status =
        |status: &str| !names.picks("status").iter().any(|pick| same(pick.label.as_deref(), status));
    let nobody = |name: &str| !matches!(names.technician(name), Ok(Some(_)));
    let fields = match act {
        Act::Note { .. } => return false,
        Act::Turn(turn) => return no_status(&turn.status) || turn.technician.as_deref().is_some_and(nobody),
        Act::SetFields(fields) => fields,
    };
    fields.iter().any(|(field, wanted)| match field {
        Field::Technician => nobody(wanted),
        field => !names.picks(field_of(*field)).iter().any(|pick| same(pick.label.as_deref(), wanted)),
    })
}

fn unknown(names: &Names, field: Field, name: &str) -> Error {
    let out_of_use = match field {
        Field::Technician => names.is_inactive(name),
        field => names
            .picks(field_of(field))
            .iter()
            .any(|pick| !pick.is_active() && same(pick.label.as_deref(), name)),
    };
    let problem = match field {
        _ if out_of_use => format!("its {field} {name:?} is no longer in use"),
        Field::Subtype => format!("it has no subtype {name:?} of the ticket's type"),
        field => format!("it has no {field} {name:?}"),
    };
    refuses(&problem, "Name it so in the PSA, or train on its present names")
}
