//! Actions read: what was said, done and changed, by ticket.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::numbers::{Numbered, What};
use super::refusals::{Outcome, Refusal};
use super::settings::TimeUnit;
use super::times::Spelling;
use super::{API_AGENT, API_AGENT_NAME, CLIENT_ID, Halo, input, outcomes, show, sla};
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Change, Id, Note, TimeEntry, World};

/// `GET /Actions`. Newest first, without pages: page parameters are ignored (UNCONFIRMED: the order; the API file lists `count` only).
pub(super) fn list(halo: &Halo, world: &World, request: &Request) -> Outcome<Reply> {
    let ticket = input::asked(request, "ticket_id")?;
    let (from, to) = (input::time(request, "startdate")?, input::time(request, "enddate")?);
    let count = input::asked(request, "count")?.and_then(|count| usize::try_from(count).ok());
    if ticket.is_none() && from.is_none() && count.is_none() && halo.settings.all_actions_time_out {
        return Err(Refusal::slow());
    }
    let tickets = ticket.map_or_else(|| halo.numbers.tickets().collect(), |ticket| vec![ticket]);
    let visible = |id: &Id| world.tickets.get(id).is_some_and(|ticket| show::visible(world, ticket));
    let within = |at: Timestamp| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
    let mut actions: Vec<(Timestamp, Value)> = Vec::new();
    for ticket in tickets.into_iter().filter(visible) {
        for action in halo.numbers.of(ticket).iter().filter(|action| within(action.at)) {
            let shown = shown(halo, world, (ticket, action), Spelling::Read);
            actions.extend(shown.filter(|shown| wanted(request, shown)).map(|shown| (action.at, shown)));
        }
    }
    actions.reverse();
    actions.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let actions: Vec<Value> =
        actions.into_iter().take(count.unwrap_or(usize::MAX)).map(|(_, a)| trimmed(request, a)).collect();
    let body = json!({"ticket_id": ticket.unwrap_or(0), "record_count": actions.len(), "actions": actions});
    Ok(Reply::json(200, &body))
}

/// `GET /Actions/{id}?ticket_id=`: a number alone names no action.
pub(super) fn one(halo: &Halo, world: &World, request: &Request, id: &str) -> Outcome<Reply> {
    let (ticket, action) = named(halo, world, request, id)?;
    let shown = shown(halo, world, (ticket, &action), Spelling::Read);
    shown.map(|shown| Reply::json(200, &shown)).ok_or_else(|| Refusal::missing("The action was not found"))
}

/// The action that a path and its `ticket_id` name.
pub(super) fn named(halo: &Halo, world: &World, request: &Request, id: &str) -> Outcome<(Id, Numbered)> {
    let missing = || Refusal::missing("The action was not found");
    let id: Id = id.parse().map_err(|_| missing())?;
    let ticket = input::asked(request, "ticket_id")?
        .ok_or_else(|| Refusal::invalid("A ticket_id is needed: ids of actions are those of their ticket"))?;
    show::found(world, ticket)?;
    let action = halo.numbers.of(ticket).iter().find(|action| action.id == id);
    action.map(|action| (ticket, *action)).ok_or_else(missing)
}

/// Whether the parameters want it.
fn wanted(request: &Request, action: &Value) -> bool {
    let (private, system) = (action["hiddenfromuser"] == true, action["action_systemid"] != 0);
    let refused = [
        ("excludesys", system),
        ("conversationonly", system || private || action["outcome_id"] == outcomes::TIME),
        ("excludeprivate", private),
        ("agentonly", action["who_agentid"] == 0),
        ("importantonly", action["important"] != true),
        ("timeentriesonly", action["timetaken"].as_f64().unwrap_or(0.0) <= 0.0),
        ("supplieronly", true),
    ];
    !refused.iter().any(|&(key, out)| out && input::yes(request, key))
}

/// Without the long texts that were not asked for.
fn trimmed(request: &Request, mut action: Value) -> Value {
    if let Some(action) = action.as_object_mut() {
        if !input::yes(request, "includehtmlnote") {
            action.remove("note_html");
        }
        if !input::yes(request, "includehtmlemail") {
            action.remove("emailbody_html");
        }
    }
    action
}

/// An action as it is shown; `None` where it was deleted.
pub(super) fn shown(
    halo: &Halo,
    world: &World,
    (ticket, action): (Id, &Numbered),
    spelling: Spelling,
) -> Option<Value> {
    let mut body = json!({
        "ticket_id": ticket, "id": action.id, "guid": show::guid(ticket, action.id),
        "datetime": spelling.time(Some(action.at)), "actiondatecreated": spelling.time(Some(action.at)),
        "actionarrivaldate": spelling.time(Some(action.at)), "actioncompletiondate": spelling.time(Some(action.at)),
        "hiddenfromuser": false, "important": false, "attachment_count": 0, "old_status": 0, "new_status": 0,
        "timetaken": 0.0, "timetakenadjusted": 0.0, "nonbilltime": 0.0, "emaildirection": "", "project_id": null,
        "merged_from_ticketid": action.from.unwrap_or(0), "actisbillable": false, "charge_rate_id": null,
    });
    let (by, outcome) = match action.what {
        What::Note(id) => of_note(&mut body, world, world.notes.get(&id)?, spelling),
        What::Time(id) => of_time(&mut body, world.times.get(&id)?, spelling, halo.settings.time_unit),
        What::Change(n) => of_change(&mut body, world, world.changes.get(n)?),
    };
    let kind = outcomes::by_id(outcome)?;
    body["outcome_id"] = json!(outcome);
    body["outcome"] = json!(kind.name);
    // A rule's change and a person's carry the system's outcome alike; only the writer differs.
    body["action_systemid"] = json!(kind.system);
    who(&mut body, world, by);
    Some(body)
}

fn of_note(body: &mut Value, world: &World, note: &Note, spelling: Spelling) -> (Author, Id) {
    body["note"] = json!(note.text);
    body["note_html"] = json!(show::html(&note.text));
    body["hiddenfromuser"] = json!(!note.visible);
    let address = |contact: Option<Id>| {
        contact.and_then(|id| world.contacts.get(&id)).map_or(String::new(), |contact| contact.email.clone())
    };
    let contact = world.tickets.get(&note.ticket).and_then(|ticket| ticket.contact);
    if let Author::Contact(id) = note.by {
        body["emaildirection"] = json!("I");
        body["emailfrom"] = json!(address(Some(id)));
    } else if note.mailed || note.automatic && note.visible {
        body["emaildirection"] = json!("O");
        body["emailto"] = json!(address(contact));
        body["dateemailed"] = json!(spelling.time(Some(note.at)));
    }
    if sla::responds(note) {
        body["actionresponsedate"] = json!(spelling.time(Some(note.at)));
    }
    let kept = note.kept.get("outcome_id").and_then(Value::as_i64);
    let outcome = kept.unwrap_or(match note.by {
        Author::Contact(_) if note.first => outcomes::FIRST_MAIL,
        Author::Contact(_) => outcomes::USER_MAIL,
        _ if note.first => outcomes::LOGGED,
        Author::System => outcomes::AUTOMATIC,
        _ if note.automatic => outcomes::AUTOMATIC,
        _ if !note.visible => super::PRIVATE_NOTE,
        _ if note.mailed => super::EMAIL_USER,
        _ => super::PUBLIC_NOTE,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(note.kept.clone());
    }
    (note.by, outcome)
}

fn of_time(body: &mut Value, entry: &TimeEntry, spelling: Spelling, unit: TimeUnit) -> (Author, Id) {
    let seconds_of_unit = match unit {
        TimeUnit::Hours => 3600.0,
        TimeUnit::Minutes => 60.0,
    };
    let end = SignedDuration::try_from_secs_f64(entry.seconds).ok();
    let end = end.and_then(|run| entry.from.checked_add(run).ok());
    body["note"] = json!(entry.notes);
    body["note_html"] = json!(show::html(&entry.notes));
    body["hiddenfromuser"] = json!(!entry.visible);
    body["timetaken"] = json!((entry.seconds / seconds_of_unit * 1e4).round() / 1e4);
    body["timetakenadjusted"] = body["timetaken"].clone();
    body["actioncompletiondate"] = json!(spelling.time(end));
    if let Some(body) = body.as_object_mut() {
        body.extend(entry.kept.clone());
    }
    let by = if entry.by == Author::Api { Author::Api } else { Author::Technician(entry.technician) };
    (by, outcomes::TIME)
}

fn of_change(body: &mut Value, world: &World, change: &Change) -> (Author, Id) {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing".to_owned());
    let note = match change.deed {
        Deed::Opened => "Ticket logged".to_owned(),
        Deed::Merged => format!("Merged into ticket {}", name(&change.to)),
        _ => format!("{} changed from {} to {}", field(change.deed), name(&change.from), name(&change.to)),
    };
    body["note_html"] = json!(show::html(&note));
    body["note"] = json!(note);
    body["hiddenfromuser"] = json!(true);
    if change.deed == Deed::Status {
        let id = |name: &Option<String>| {
            let of_name = world.statuses.values().find(|status| Some(&status.name) == name.as_ref());
            of_name.map_or(0, |status| status.id)
        };
        body["old_status"] = json!(id(&change.from));
        body["new_status"] = json!(id(&change.to));
        body["new_status_name"] = json!(change.to);
    }
    (change.by, outcomes::of(change.deed))
}

/// What of a ticket changed, in Halo's words.
pub(super) fn field(deed: Deed) -> &'static str {
    match deed {
        Deed::Opened => "Ticket",
        Deed::Summary => "Summary",
        Deed::Status => "Status",
        Deed::Board => "Team",
        Deed::Kind => "Ticket Type",
        Deed::Subkind => "Category",
        Deed::Priority => "Priority",
        Deed::Owner => "Agent",
        Deed::Company => "Client",
        Deed::Contact => "User",
        Deed::Merged => "Merged",
        Deed::Deleted => "Deleted",
    }
}

/// Who wrote it. UNCONFIRMED: the numbers of `who_type`; here 1 for agents, 0 for all others.
fn who(body: &mut Value, world: &World, by: Author) {
    let (agent, name) = match by {
        Author::System => (0, "System".to_owned()),
        Author::Api => (API_AGENT, API_AGENT_NAME.to_owned()),
        Author::Technician(id) => (id, world.technicians.get(&id).map_or(String::new(), |t| t.name.clone())),
        Author::Contact(id) => (0, world.contacts.get(&id).map_or(String::new(), |c| c.name.clone())),
    };
    if body["who_agentid"].is_null() {
        body["who_agentid"] = json!(agent);
        body["who"] = json!(name);
    }
    body["who_type"] = json!(i64::from(agent > 0));
    body["actionby_agent_id"] = json!(agent);
    body["actionby_application_id"] = if by == Author::Api { json!(CLIENT_ID) } else { Value::Null };
}
