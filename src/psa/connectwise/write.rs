//! What is written: a note with its mark, labels by the tenant's own ids.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Field, own_mark};
use serde_json::{Value, json};
use ureq::http::Method;

use super::client::{Client, fault, refuses};
use super::wire::{self, Named, OfBoard};
use super::{look, read};
use crate::connector::{Act, Done, Left, Stands, Turn, halted, not_assigned, not_set};
use crate::http::Sent;

pub(super) fn apply(
    client: &mut Client,
    id: &str,
    act: &Act,
    labels: &BTreeMap<Field, Option<String>>,
) -> Result<Done> {
    match act {
        Act::Note { text, visible, status, .. } => {
            let mark = own_mark(text).ok_or_else(|| fault("a note without a mark", "Please report it"))?;
            if let Some(psa_ref) = find_mark(client, id, mark)? {
                return Ok(Done::WasThere { psa_ref: Some(psa_ref) });
            }
            let found = ticket(client, id)?;
            if let Some(halted) = halted_at(&found, act) {
                return Ok(halted);
            }
            let done = note(client, id, (text, mark), *visible)?;
            Ok(match (done, status) {
                (Done::Written { psa_ref, cut: None }, Some(status)) => {
                    let cut = set_status(client, &found, status).err().map(|e| not_set(status, &e));
                    Done::Written { psa_ref, cut }
                }
                (done, _) => done,
            })
        }
        Act::SetFields(fields) => {
            let stops = |found: &wire::Ticket| {
                let what = || changed(found, fields, labels).map(|what| Done::Changed { what });
                halted_at(found, act).or_else(what)
            };
            let found = ticket(client, id)?;
            if let Some(stopped) = stops(&found) {
                return Ok(stopped);
            }
            let changes = changes(client, &found, fields)?;
            // The lists that names were looked up in may have taken a while.
            if let Some(stopped) = stops(&ticket(client, id)?) {
                return Ok(stopped);
            }
            set(client, id, fields, changes)
        }
        Act::Turn(turn) => turned(client, id, turn),
    }
}

/// What of a turn is still to be done to the ticket as it stands now.
fn left<'a>(found: &wire::Ticket, turn: &'a Turn) -> std::result::Result<Left<'a>, Done> {
    if is_merged(found) {
        return Err(Done::Changed { what: "the ticket was merged into another".to_owned() });
    }
    let named = |named: Option<&Named>| named.and_then(Named::text);
    let (customer, status) = (named(found.company.as_ref()), named(found.status.as_ref()));
    turn.left(&Stands {
        closed: found.closed_flag,
        customer: customer.as_deref(),
        status: status.as_deref(),
        unowned: value(found, Field::Technician).is_none(),
    })
}

/// Closes a ticket, or opens it again.
fn turned(client: &mut Client, id: &str, turn: &Turn) -> Result<Done> {
    let found = ticket(client, id)?;
    let todo = match left(&found, turn) {
        Ok(todo) => todo,
        Err(done) => return Ok(done),
    };
    let (mut changes, mut cut) = (Vec::new(), None);
    let mut replace =
        |path: &str, id: i64| changes.push(json!({"op": "replace", "path": path, "value": {"id": id}}));
    if let Some(status) = todo.status {
        replace(
            "status",
            status_of(client, &found, status, |closes| turn.fits(closes))?.ok_or_else(|| {
                let problem = format!("its board has no status {status:?} {}", turn.wanted());
                refuses(&problem, "Name one that each board has in [write]")
            })?,
        );
    }
    if let Some(technician) = todo.technician {
        match look::member(client, technician)
            .and_then(|id| id.ok_or_else(|| unknown("technician", technician)))
        {
            Ok(owner) => replace("owner", owner),
            Err(error) => cut = Some(not_assigned(technician, &error)),
        }
    }
    if changes.is_empty() {
        return Ok(Done::WasThere { psa_ref: None });
    }
    // The lists that names were looked up in may have taken a while.
    match left(&ticket(client, id)?, turn) {
        Err(done) => return Ok(done),
        Ok(now) if now != todo => {
            return Ok(Done::Changed { what: "the ticket was changed a moment ago".to_owned() });
        }
        Ok(_) => {}
    }
    let written = Done::Written { psa_ref: Some(id.to_owned()), cut };
    match client.send(Method::PATCH, &format!("service/tickets/{id}"), &Value::Array(changes)) {
        Ok(answer) => client.judged(answer).map(|_| written).map_err(Into::into),
        Err(Sent::Unknown(error)) => match left(&ticket(client, id)?, turn) {
            Err(Done::WasThere { .. }) => Ok(written),
            _ => Err(error),
        },
        Err(Sent::NotDone(error)) => Err(error),
    }
}

fn is_merged(found: &wire::Ticket) -> bool {
    found.merged_parent_ticket.as_ref().is_some_and(|parent| parent.id.is_some())
}

fn ticket(client: &mut Client, id: &str) -> Result<wire::Ticket> {
    Ok(client.get(&format!("service/tickets/{id}"), &[])?)
}

/// Why nothing is written to the ticket as it stands now.
fn halted_at(found: &wire::Ticket, act: &Act) -> Option<Done> {
    let customer = found.company.as_ref().and_then(Named::text);
    halted(act, is_merged(found) || found.closed_flag, customer.as_deref())
}

/// The id of the note with that mark.
pub(super) fn find_mark(client: &mut Client, id: &str, mark: &str) -> Result<Option<String>> {
    let has = |note: &wire::Note| note.text.as_deref().is_some_and(|text| text.contains(mark));
    let found = read::notes(client, id)?.into_iter().find(has);
    Ok(found.and_then(|note| note.id).map(|id| id.to_string()))
}

/// Posts a note once: where it is not known whether it arrived, it is looked for.
fn note(client: &mut Client, id: &str, (text, mark): (&str, &str), visible: bool) -> Result<Done> {
    // An internal note never asks for mail: old servers have mailed it to the customer.
    let body = json!({"text": text, "detailDescriptionFlag": visible, "internalAnalysisFlag": !visible, "resolutionFlag": false,
        "processNotifications": visible});
    match client.send(Method::POST, &format!("service/tickets/{id}/notes"), &body) {
        Ok(answer) if answer.status < 500 => {
            let written: wire::Note = super::client::read(&client.judged(answer)?)?;
            Ok(Done::Written { psa_ref: written.id.map(|id| id.to_string()), cut: None })
        }
        // A proxy's error may hide that it was done.
        Ok(answer) => sought(client, id, mark, client_error(client, answer)),
        Err(Sent::Unknown(error)) => sought(client, id, mark, error),
        Err(Sent::NotDone(error)) => Err(error),
    }
}

fn client_error(client: &Client, answer: crate::http::Answer) -> firstline_fault::Error {
    client.judged(answer).map_or_else(Into::into, |_| fault("a reply that is none", "Please report it"))
}

fn sought(client: &mut Client, id: &str, mark: &str, error: firstline_fault::Error) -> Result<Done> {
    match find_mark(client, id, mark)? {
        Some(psa_ref) => Ok(Done::Written { psa_ref: Some(psa_ref), cut: None }),
        None => Err(error),
    }
}

/// Sets a status of the ticket's board that does not close.
fn set_status(client: &mut Client, ticket: &wire::Ticket, status: &str) -> Result<()> {
    if is(ticket.status.as_ref().and_then(Named::text).as_ref(), status) {
        return Ok(());
    }
    let to = status_of(client, ticket, status, |closes| !closes)?;
    let to = to.ok_or_else(|| fault("its board has no such status that is open", "Name one that it has"))?;
    let id = ticket.id.unwrap_or_default();
    let change = json!([{"op": "replace", "path": "status", "value": {"id": to}}]);
    let answer = client.send(Method::PATCH, &format!("service/tickets/{id}"), &change)?;
    client.judged(answer)?;
    Ok(())
}

/// The id of a status of the ticket's board, of which it `fits` whether it closes.
fn status_of(
    client: &mut Client,
    ticket: &wire::Ticket,
    status: &str,
    fits: impl Fn(bool) -> bool,
) -> Result<Option<i64>> {
    let board = ticket.board.as_ref().and_then(|board| board.id);
    let board = board.ok_or_else(|| refuses("the ticket has no board", "Give it one in the PSA"))?;
    let mut to = None;
    client.each(&format!("service/boards/{board}/statuses"), &[], &mut |one: OfBoard| {
        if one.is_active() && fits(one.closed_status) && is(one.name.as_ref(), status) {
            to = one.id;
        }
        Ok(())
    })?;
    Ok(to)
}

fn value(ticket: &wire::Ticket, field: Field) -> Option<String> {
    let named: Option<&Named> = match field {
        Field::Board => ticket.board.as_ref(),
        Field::Type => ticket.kind.as_ref(),
        Field::Subtype => ticket.sub_type.as_ref(),
        Field::Priority => ticket.priority.as_ref(),
        Field::Technician => ticket.owner.as_ref(),
    };
    named.and_then(Named::text)
}

/// What somebody has changed of the fields that are to be set: they stand neither as expected nor as wanted.
fn changed(
    ticket: &wire::Ticket,
    fields: &BTreeMap<Field, String>,
    labels: &BTreeMap<Field, Option<String>>,
) -> Option<String> {
    let differs = |(field, wanted): &(&Field, &String)| {
        let now = value(ticket, **field);
        let expected = labels.get(*field)?;
        let same = |a: Option<&str>, b: Option<&str>| a.map(str::to_lowercase) == b.map(str::to_lowercase);
        let stands = same(now.as_deref(), expected.as_deref()) || same(now.as_deref(), Some(wanted));
        (!stands).then(|| format!("{field} is {:?} by now", now.unwrap_or_default()))
    };
    fields.iter().find_map(|pair| differs(&pair))
}

/// What sets labels by id. Those of another board than the ticket's are set together with it: a status that is valid there too.
fn changes(
    client: &mut Client,
    ticket: &wire::Ticket,
    fields: &BTreeMap<Field, String>,
) -> Result<Vec<Value>> {
    // What stands already, as after a crash, is not set again: workflows would fire twice.
    let open = fields.iter().filter(|(field, wanted)| !is(value(ticket, **field).as_ref(), wanted));
    let fields: &BTreeMap<Field, String> = &open.map(|(field, wanted)| (*field, wanted.clone())).collect();
    let mut changes: Vec<Value> = Vec::new();
    let mut replace =
        |path: &str, id: i64| changes.push(json!({"op": "replace", "path": path, "value": {"id": id}}));
    let mut board = ticket.board.as_ref().and_then(|board| board.id);
    if let Some(name) =
        fields.get(&Field::Board).filter(|name| value(ticket, Field::Board).as_ref() != Some(name))
    {
        let boards = look::boards(client)?;
        let found = boards.iter().find(|b| is(b.name.as_ref(), name)).and_then(|b| b.id);
        let to = found.ok_or_else(|| unknown("board", name))?;
        replace("board", to);
        let now = ticket.status.as_ref().and_then(Named::text);
        replace("status", status_there(client, to, now.as_deref())?);
        board = Some(to);
    }
    let board = board.ok_or_else(|| refuses("the ticket has no board", "Give it one in the PSA"))?;
    if let Some(name) = fields.get(&Field::Type) {
        let kind = of_board(client, board, "types", "type", name)?;
        replace("type", kind);
        if let Some(name) = fields.get(&Field::Subtype) {
            replace("subType", of_board(client, board, "subtypes", "subtype", name)?);
        }
    } else if let Some(name) = fields.get(&Field::Subtype) {
        replace("subType", of_board(client, board, "subtypes", "subtype", name)?);
    }
    if let Some(name) = fields.get(&Field::Priority) {
        replace("priority", named(client, "service/priorities", "priority", name)?);
    }
    if let Some(name) = fields.get(&Field::Technician) {
        replace("owner", look::member(client, name)?.ok_or_else(|| unknown("technician", name))?);
    }
    Ok(changes)
}

fn set(client: &mut Client, id: &str, fields: &BTreeMap<Field, String>, changes: Vec<Value>) -> Result<Done> {
    if changes.is_empty() {
        return Ok(Done::WasThere { psa_ref: None });
    }
    match client.send(Method::PATCH, &format!("service/tickets/{id}"), &Value::Array(changes)) {
        Ok(answer) => {
            client.judged(answer)?;
            Ok(Done::Written { psa_ref: Some(id.to_owned()), cut: None })
        }
        Err(Sent::Unknown(error)) => {
            let now = ticket(client, id)?;
            let stands = fields.iter().all(|(field, wanted)| is(value(&now, *field).as_ref(), wanted));
            if stands { Ok(Done::Written { psa_ref: Some(id.to_owned()), cut: None }) } else { Err(error) }
        }
        Err(Sent::NotDone(error)) => Err(error),
    }
}

fn is(found: Option<&String>, wanted: &str) -> bool {
    found.is_some_and(|found| found.trim().to_lowercase() == wanted.trim().to_lowercase())
}

fn unknown(what: &str, name: &str) -> firstline_fault::Error {
    let problem = format!("it has no {what} {name:?}");
    refuses(&problem, "Name it so in the PSA, or train on its present names")
}

fn of_board(client: &mut Client, board: i64, list: &str, what: &str, name: &str) -> Result<i64> {
    named(client, &format!("service/boards/{board}/{list}"), what, name)
}

fn named(client: &mut Client, path: &str, what: &str, name: &str) -> Result<i64> {
    let mut found = None;
    client.each(path, &[], &mut |one: OfBoard| {
        if one.is_active() && is(one.name.as_ref(), name) {
            found = one.id;
        }
        Ok(())
    })?;
    found.ok_or_else(|| unknown(what, name))
}

/// The status of a board that has the same name as `now`, or its first that does not close.
fn status_there(client: &mut Client, board: i64, now: Option<&str>) -> Result<i64> {
    let (mut same, mut first) = (None, None);
    client.each(&format!("service/boards/{board}/statuses"), &[], &mut |status: OfBoard| {
        if status.is_active() && !status.closed_status {
            if now.is_some_and(|now| is(status.name.as_ref(), now)) {
                same = status.id;
            }
            first = first.or(status.id);
        }
        Ok(())
    })?;
    let found = same.or(first);
    found.ok_or_else(|| refuses("the board has no status that is open", "Give it one in the PSA"))
}
