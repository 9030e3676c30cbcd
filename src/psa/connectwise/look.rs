//! What there is to choose from, and whether all is there that a connector needs.

use std::collections::BTreeMap;

use firstline_fault::{Error, Result};
use serde_json::Value;

use super::client::{AUDIT_TRAIL, Client, FORBIDDEN, Refused, fault};
use super::wire::{Board, Member, Named, OfBoard, Template};
use crate::connector::{CLOSING, Finding, Reference, clock};
use crate::findings::{closing, counted, few, finding, some};

/// Boards of tickets that are in use.
pub(super) fn boards(client: &mut Client) -> Result<Vec<Board>> {
    let mut boards = Vec::new();
    client.each("service/boards", &[], &mut |board: Board| {
        if !board.inactive_flag && !board.project_flag {
            boards.push(board);
        }
        Ok(())
    })?;
    Ok(boards)
}

pub(super) fn reference(client: &mut Client) -> Result<Reference> {
    let mut found = Reference::default();
    for board in boards(client)? {
        let (Some(id), Some(name)) = (board.id, board.name) else { continue };
        client.each(&format!("service/boards/{id}/types"), &[], &mut |one: OfBoard| {
            if let Some(kind) = one.name.clone().filter(|_| one.is_active()) {
                found.types.push((Some(name.clone()), kind));
            }
            Ok(())
        })?;
        client.each(&format!("service/boards/{id}/subtypes"), &[], &mut |one: OfBoard| {
            if let Some(subtype) = one.name.clone().filter(|_| one.is_active()) {
                found.subtypes.push((Some(name.clone()), subtype));
            }
            Ok(())
        })?;
        client.each(&format!("service/boards/{id}/statuses"), &[], &mut |one: OfBoard| {
            if let Some(status) = one.name.clone().filter(|_| one.is_active()) {
                found.statuses.push((Some(name.clone()), status, one.closed_status));
            }
            Ok(())
        })?;
        found.boards.push(name);
    }
    client.each("service/priorities", &[], &mut |one: Named| {
        found.priorities.extend(one.name);
        Ok(())
    })?;
    members(client, &mut |member| found.technicians.extend(name(&member)))?;
    Ok(found)
}

fn members(client: &mut Client, each: &mut dyn FnMut(Member)) -> Result<()> {
    client.each("system/members", &[], &mut |member: Member| {
        if !member.inactive_flag && !member.is_api() {
            each(member);
        }
        Ok(())
    })
}

/// A member's name as tickets show it.
pub(super) fn name(member: &Member) -> Option<String> {
    let parts = [member.first_name.as_deref(), member.last_name.as_deref()];
    let whole = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    member
        .name
        .clone()
        .or(Some(whole))
        .filter(|name| !name.trim().is_empty())
        .or_else(|| member.identifier.clone())
}

/// The id of the member of that name or identifier.
pub(super) fn member(client: &mut Client, wanted: &str) -> Result<Option<i64>> {
    let mut found = None;
    let is = |text: Option<&str>| {
        text.is_some_and(|text| text.trim().to_lowercase() == wanted.trim().to_lowercase())
    };
    members(client, &mut |member| {
        if is(name(&member).as_deref()) || is(member.identifier.as_deref()) {
            found = member.id;
        }
    })?;
    Ok(found)
}

/// A look at something that is needed.
type Look = fn(&mut Client) -> Result<String>;

/// What is looked at once the key is taken, and the right that it needs, as security roles name it.
const LOOKS: [(&str, Look, &str); 7] = [
    ("tickets", tickets, "Service Desk > Service Tickets: Inquire All"),
    ("notes", notes_of_newest, "Service Desk > Service Tickets: Inquire All"),
    ("history (audit trail)", trail, "System > the audit trail of tickets: Inquire"),
    ("time entries", time, "Time & Expense > Time Entry: Inquire All"),
    ("members", technicians, "System > Member Maintenance: Inquire"),
    ("rules", rules, "System > Table Setup: Inquire, for workflow rules and mail connectors"),
    ("templates", templates, "System > Table Setup: Inquire, for service templates"),
];
/// The right that boards and what belongs to them need.
const SETUP: &str = "System > Table Setup: Inquire, for boards, statuses, types and priorities; and the boards on the member's record";

/// Looks at all that is needed; no further than the key where it is refused.
pub(super) fn check(client: &mut Client) -> Vec<Finding> {
    let version = client.clock().map(|(version, _)| format!("API version {version}"));
    let first = finding("address and key", version);
    if first.next.is_some() {
        return vec![first];
    }
    let server = client.clock().and_then(|(_, server)| clock(server, "ConnectWise"));
    let mut found = vec![first, finding("clock", server)];
    found.extend(LOOKS.into_iter().map(|(what, look, right)| finding(what, with_right(look(client), right))));
    let (listed, closes) = match reference(client) {
        Ok(there) => (counted(&there, "boards", &format!("Give the security role {SETUP}")), closing(&there)),
        Err(error) => (with_right(Err(error.clone()), SETUP), with_right(Err(error), SETUP)),
    };
    found.push(finding("boards, types, statuses, priorities", listed));
    found.push(finding(CLOSING, closes));
    found.push(finding("board defaults", with_right(defaults(client), SETUP)));
    // No call tells the rights of a role: the first write does.
    let writing = "only the first write tells: it needs Service Tickets: Add and Edit All, and to close, Close Service Tickets";
    found.push(finding("right to write", Ok(writing.to_owned())));
    let pace = client.a_minute();
    found.push(finding("quota", Ok(format!("{pace} requests a minute at most; ConnectWise publishes none"))));
    found
}

/// What is looked at needs that right: where it is refused, the next step names it.
fn with_right(looked: Result<String>, right: &str) -> Result<String> {
    looked.map_err(|error| match error {
        Error::User(mut fault) if fault.problem.starts_with(FORBIDDEN) => {
            fault.next = format!("Give the API member's security role {right}");
            Error::User(fault)
        }
        error => error,
    })
}

fn tickets(client: &mut Client) -> Result<String> {
    let open = client.count("service/tickets", "closedFlag=False")?;
    Ok(format!("{open} open tickets in sight"))
}

/// The notes of one ticket, with those of time entries where the server tells them.
fn notes_of_newest(client: &mut Client) -> Result<String> {
    let one: Vec<Named> = client.get("service/tickets", &[("pageSize", "1"), ("fields", "id")])?;
    let Some(id) = one.first().and_then(|ticket| ticket.id) else {
        return Ok("no ticket to try it with".to_owned());
    };
    match client.list(&format!("service/tickets/{id}/allNotes"), &[], &mut |_: Value| Ok(())) {
        Err(Refused::NoEndpoint) => {
            client.count_rows(&format!("service/tickets/{id}/notes"), &[])?;
            Ok("can be read, without those of time entries: the server is too old".to_owned())
        }
        told => Ok(told.map(|()| "can be read, those of time entries too".to_owned())?),
    }
}

fn trail(client: &mut Client) -> Result<String> {
    // No ticket has the id 0: that it is not there says that the trail may be read.
    match client.list(AUDIT_TRAIL, &[("type", "Ticket"), ("id", "0")], &mut |_: Value| Ok(())) {
        Ok(()) | Err(Refused::Missing) => Ok("can be read".to_owned()),
        Err(refused) => Err(refused.into()),
    }
}

fn time(client: &mut Client) -> Result<String> {
    client.count_rows("time/entries", &[("conditions", "chargeToId=0")]).map(|_| "can be read".to_owned())
}

fn technicians(client: &mut Client) -> Result<String> {
    let mut n = 0;
    members(client, &mut |_| n += 1)?;
    if n == 0 {
        return Err(fault(
            "no member in use is in sight",
            "Give the security role System > Member Maintenance: Inquire All",
        ));
    }
    Ok(format!("{n} technicians"))
}

fn rules(client: &mut Client) -> Result<String> {
    Ok(format!("{} workflow rules in sight", client.count_rows("system/workflows", &[])?))
}

/// Templates set fields of tickets that are made from them: what they force is not to be fought over.
fn templates(client: &mut Client) -> Result<String> {
    let mut told = Vec::new();
    let list = client.list("service/templates", &[], &mut |template: Template| {
        told.push(template.told());
        Ok(())
    });
    match list {
        Err(Refused::NoEndpoint) => return Ok("the server does not tell them".to_owned()),
        list => list?,
    }
    Ok(match told.len() {
        0 => "none".to_owned(),
        n => format!("{n}, which are read and never applied: {}", few(&told)),
    })
}

/// The status that new tickets of each board begin with, and which boards mail the contact.
fn defaults(client: &mut Client) -> Result<String> {
    let mut begins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut mailing = Vec::new();
    for board in boards(client)? {
        let (Some(id), Some(name)) = (board.id, board.name) else { continue };
        let mut first = "no default status".to_owned();
        client.each(&format!("service/boards/{id}/statuses"), &[], &mut |one: OfBoard| {
            if let Some(status) = one.name.filter(|_| one.default_flag) {
                first = format!("{status:?}");
            }
            Ok(())
        })?;
        begins.entry(first).or_default().push(name.clone());
        if board.send_to_contact_flag {
            mailing.push(name);
        }
    }
    let names = |names: &[String]| some(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let begins: Vec<String> =
        begins.iter().map(|(status, boards)| format!("{} begin with {status}", names(boards))).collect();
    let mails = match mailing.is_empty() {
        true => "none mails the contact by itself".to_owned(),
        false => format!("these mail the contact by themselves: {}", names(&mailing)),
    };
    Ok(format!("{}; {mails}", few(&begins)))
}
