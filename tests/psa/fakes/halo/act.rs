//! Actions written: notes, mails and time of agents. An outcome is a must.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::input::{self, Item};
use super::numbers::What;
use super::outcomes::{self, Kind};
use super::refusals::{Outcome, Refusal};
use super::times::Spelling;
use super::{Halo, actions, show};
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, Mail, Note, TimeEntry, World};

/// Fields that an action keeps as they were given.
const KEPT: [&str; 17] = [
    "emailto",
    "emailcc",
    "emailbcc",
    "emailsubject",
    "emailbody",
    "emailbody_html",
    "emailfrom",
    "note_html",
    "important",
    "timetaken",
    "timetakenadjusted",
    "nonbilltime",
    "actionarrivaldate",
    "actioncompletiondate",
    "chargerate",
    "actisbillable",
    "traveltime",
];

/// An action that can be written.
struct Plan {
    ticket: Id,
    edits: Option<Id>,
    outcome: Option<&'static Kind>,
    status: Option<Id>,
    text: Option<String>,
    hidden: Option<bool>,
    mail: Option<bool>,
    technician: Option<Id>,
    kept: Item,
}

/// `POST /Actions`: the newest action comes back, all of them with `returnall`.
pub(super) fn post(halo: &mut Halo, world: &mut World, request: &Request) -> Outcome<Reply> {
    let items = input::items(request)?;
    let plans: Outcome<Vec<Plan>> = items.iter().map(|item| plan(halo, world, item)).collect();
    let mut written: Vec<(Id, Id)> = Vec::new();
    for plan in plans? {
        let ticket = plan.ticket;
        let note = match plan.edits {
            Some(note) => edit(world, note, plan),
            None => write(halo, world, plan),
        };
        written.push((ticket, note));
    }
    let tickets: BTreeSet<Id> = written.iter().map(|(ticket, _)| *ticket).collect();
    tickets.into_iter().for_each(|ticket| world.wrote(ticket, "POST /Actions"));
    halo.numbers.follow(world);
    let shown: Vec<Value> = written.iter().filter_map(|&written| reread(halo, world, written)).collect();
    let body = match shown.last() {
        Some(last) if !input::yes(request, "returnall") => last.clone(),
        _ => json!(shown),
    };
    Ok(Reply::json(201, &body))
}

fn reread(halo: &Halo, world: &World, (ticket, note): (Id, Id)) -> Option<Value> {
    let action = halo.numbers.of(ticket).iter().find(|action| action.what == What::Note(note))?;
    actions::shown(halo, world, (ticket, action), Spelling::Written)
}

fn plan(halo: &Halo, world: &World, item: &Item) -> Outcome<Plan> {
    let ticket =
        input::number(item, "ticket_id")?.ok_or_else(|| Refusal::invalid("ticket_id is required"))?;
    let found = world.tickets.get(&ticket).filter(|ticket| show::visible(world, ticket));
    let found = found.ok_or_else(|| Refusal::unknown("Ticket", ticket))?;
    let edits = match input::number(item, "id")?.filter(|&id| id > 0) {
        None => None,
        Some(id) => Some(edited(halo, ticket, id)?),
    };
    let outcome = outcome(item)?;
    if outcome.is_none() && edits.is_none() {
        return Err(Refusal::outcome("An outcome is required to add an action"));
    }
    let text = said(item);
    if edits.is_none() && text.is_none() && !item.contains_key("timetaken") {
        return Err(Refusal::outcome("A note is required for this outcome"));
    }
    // A merged ticket takes no more actions in its own name. UNCONFIRMED: Halo may pass them on; here they are taken.
    let kept = item.iter().filter(|(key, value)| KEPT.contains(&key.as_str()) && !value.is_null());
    Ok(Plan {
        ticket: found.id,
        edits,
        outcome,
        status: status(world, item, outcome)?,
        text,
        hidden: input::flag(item, "hiddenfromuser"),
        mail: input::flag(item, "sendemail"),
        technician: technician(world, item),
        kept: kept.map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

/// The text of an action, from its HTML where it has no other.
fn said(item: &Item) -> Option<String> {
    let text = input::text(item, "note").map(str::to_owned);
    let html = input::text(item, "note_html").map(show::plain);
    let filled = |text: &String| !text.trim().is_empty();
    text.filter(filled).or(html).filter(filled)
}

/// The status that the body sets, or the outcome.
fn status(world: &World, item: &Item, outcome: Option<&Kind>) -> Outcome<Option<Id>> {
    let status = input::number(item, "new_status")?.filter(|&id| id > 0);
    let status = status.or_else(|| outcome.map(|outcome| outcome.status).filter(|&id| id > 0));
    match status.filter(|id| !world.statuses.contains_key(id)) {
        Some(unknown) => Err(Refusal::unknown("Status", unknown)),
        None => Ok(status),
    }
}

/// The agent in whose name it is written, where the body says `who`: one client does that.
fn technician(world: &World, item: &Item) -> Option<Id> {
    let name = input::text(item, "who")?;
    let agent = world.technicians.values().find(|agent| agent.name == name && agent.active);
    agent.map(|agent| agent.id)
}

/// The note that an action of that number is; other actions can't be edited.
fn edited(halo: &Halo, ticket: Id, id: Id) -> Outcome<Id> {
    let action = halo.numbers.of(ticket).iter().find(|action| action.id == id);
    match action.map(|action| action.what) {
        Some(What::Note(note)) => Ok(note),
        _ => Err(Refusal::unknown("Action", id)),
    }
}

fn outcome(item: &Item) -> Outcome<Option<&'static Kind>> {
    if let Some(id) = input::number(item, "outcome_id")?.filter(|&id| id > 0) {
        return outcomes::by_id(id).map(Some).ok_or_else(|| Refusal::unknown("Outcome", id));
    }
    match input::text(item, "outcome").filter(|name| !name.is_empty()) {
        None => Ok(None),
        Some(name) => outcomes::by_name(name).map(Some).ok_or_else(|| Refusal::unknown("Outcome", name)),
    }
}

/// Writes an action. UNCONFIRMED: a body's visibility and mail win over those of the outcome, unless a setting says otherwise.
fn write(halo: &mut Halo, world: &mut World, plan: Plan) -> Id {
    let (private, mails) = plan.outcome.map_or((true, false), |kind| (kind.private, kind.mails));
    let wins = halo.settings.outcome_wins;
    let hidden = plan.hidden.filter(|_| !wins).unwrap_or(private);
    let mailed = plan.mail.filter(|_| !wins).unwrap_or(mails);
    let (ticket, at) = (plan.ticket, world.now());
    let kept = marks(world, &plan);
    let said = Note::said(&plan.text.unwrap_or_default(), !hidden);
    let as_technician = plan.technician;
    let note = world.note(ticket, Note { by: Author::Api, at, mailed, as_technician, kept, ..said });
    if hidden && mailed {
        // Hidden in the portal, and mailed all the same: what the body or the outcome asked for.
        world.mails.push(Mail { ticket, note, at });
    }
    let before = world.changes.len();
    if plan.status.is_some() {
        world.set(ticket, Deed::Status, plan.status, (Author::Api, at));
    }
    halo.numbers.told(before, world);
    note
}

/// What the action keeps: what was given, its outcome, its writer, and the status before and after it.
fn marks(world: &World, plan: &Plan) -> Item {
    let mut kept = plan.kept.clone();
    let mut keep = |key: &str, value: Value| kept.insert(key.to_owned(), value);
    if let Some(kind) = plan.outcome {
        keep("outcome_id", json!(kind.id));
    }
    if let Some(agent) = plan.technician.and_then(|id| world.technicians.get(&id)) {
        keep("who_agentid", json!(agent.id));
        keep("who", json!(agent.name));
    }
    if let Some(status) = plan.status {
        keep("old_status", json!(world.tickets.get(&plan.ticket).and_then(|now| now.status)));
        keep("new_status", json!(status));
        keep("new_status_name", json!(world.name_of(Deed::Status, status)));
    }
    kept
}

fn edit(world: &mut World, note: Id, plan: Plan) -> Id {
    let by = (Author::Api, world.now());
    let change = |note: &mut Note| {
        note.text = plan.text.unwrap_or_else(|| note.text.clone());
        note.visible = plan.hidden.map_or(note.visible, |hidden| !hidden);
        note.kept.extend(plan.kept);
    };
    world.edit_note(note, change, by);
    note
}

/// `DELETE /Actions/{id}?ticket_id=`. UNCONFIRMED: the API file lists no `ticket_id` here, without which a number names no action.
pub(super) fn delete(halo: &Halo, world: &mut World, request: &Request, id: &str) -> Outcome<Reply> {
    let (ticket, action) = actions::named(halo, world, request, id)?;
    let by = (Author::Api, world.now());
    match action.what {
        What::Note(note) if world.notes.contains_key(&note) => world.remove_note(note, by),
        What::Time(entry) if world.times.contains_key(&entry) => world.remove_time(entry, by),
        _ => return Err(Refusal::invalid("This action can't be deleted")),
    }
    world.wrote(ticket, "DELETE /Actions");
    Ok(Reply::json(200, &json!({"id": action.id, "ticket_id": ticket})))
}

/// `POST /TimesheetEvent`: time of an agent on a ticket.
pub(super) fn timesheet(world: &mut World, request: &Request) -> Outcome<Reply> {
    let mut entries = Vec::new();
    for item in &input::items(request)? {
        let ticket = input::number(item, "ticket_id")?;
        let ticket = ticket.filter(|id| world.tickets.get(id).is_some_and(|t| show::visible(world, t)));
        let ticket = ticket.ok_or_else(|| Refusal::invalid("ticket_id is required"))?;
        let agent = input::number(item, "agent_id")?.unwrap_or(super::API_AGENT);
        if agent != super::API_AGENT && !world.technicians.contains_key(&agent) {
            return Err(Refusal::unknown("Agent", agent));
        }
        let time = |key: &str| input::text(item, key).and_then(super::times::read);
        let (Some(from), Some(end)) = (time("start_date"), time("end_date")) else {
            return Err(Refusal::invalid("start_date and end_date are required"));
        };
        let seconds = end.duration_since(from).max(SignedDuration::ZERO).as_secs_f64();
        let notes = input::text(item, "note").unwrap_or_default().to_owned();
        let technician = agent;
        let by = if agent == super::API_AGENT { Author::Api } else { Author::Technician(agent) };
        entries.push(TimeEntry { ticket, technician, from, seconds, notes, by, ..TimeEntry::default() });
    }
    let tickets: BTreeSet<Id> = entries.iter().map(|entry| entry.ticket).collect();
    let ids: Vec<Value> = entries.into_iter().map(|entry| json!({"id": world.time(entry)})).collect();
    tickets.into_iter().for_each(|ticket| world.wrote(ticket, "POST /TimesheetEvent"));
    Ok(Reply::json(201, &if ids.len() == 1 { ids[0].clone() } else { json!(ids) }))
}
