//! Time entries, in quarters of an hour.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::lists::Query;
use super::refusals::{self, Wrong};
use super::shapes::{login, member, time, without_nulls};
use super::{API_MEMBER_ID, Answer, Connectwise, tickets};
use crate::http::{Reply, Request};
use crate::world::{Author, Id, Mail, TimeEntry, World};

/// Fields that time entries may have.
pub(super) const FIELDS: &[&str] = &[
    "chargeToId",
    "chargeToType",
    "company",
    "member",
    "ticket",
    "timeStart",
    "timeEnd",
    "actualHours",
    "hoursDeduct",
    "hoursBilled",
    "billableOption",
    "notes",
    "internalNotes",
    "status",
    "workType",
    "workRole",
    "addToDetailDescriptionFlag",
    "addToInternalAnalysisFlag",
    "addToResolutionFlag",
    "emailContactFlag",
    "emailResourceFlag",
    "emailCcFlag",
    "emailCc",
    "locationId",
    "businessUnitId",
    "agreement",
];
/// Fields that are the record's own.
const OWN: &[&str] = &[
    "id",
    "chargeToId",
    "chargeToType",
    "company",
    "member",
    "ticket",
    "timeStart",
    "timeEnd",
    "actualHours",
    "notes",
    "addToDetailDescriptionFlag",
    "dateEntered",
    "enteredBy",
    "_info",
];

/// Hours of so many seconds, in quarters that are begun.
pub(super) fn hours(seconds: f64) -> f64 {
    (seconds / 900.0).ceil() / 4.0
}

/// When an entry ends.
pub(super) fn end(entry: &TimeEntry) -> Timestamp {
    let run = SignedDuration::try_from_secs_f64(entry.seconds).unwrap_or(SignedDuration::ZERO);
    entry.from.checked_add(run).unwrap_or(entry.from)
}

impl Connectwise {
    /// Time on tickets that the API member can see, without that which a query leaves out at first sight.
    pub(super) fn time_entries(&self, world: &World, query: &Query) -> Vec<Value> {
        let charged = query.ids("chargeToId");
        let seen = world.times.values().filter(|entry| {
            charged.as_ref().is_none_or(|ids| ids.contains(&entry.ticket))
                && tickets::visible(world, entry.ticket).is_some()
        });
        seen.map(|entry| self.time_entry(world, entry)).collect()
    }

    fn time_entry(&self, world: &World, entry: &TimeEntry) -> Value {
        let ticket = world.tickets.get(&entry.ticket);
        let by = match entry.by {
            Author::Api => Author::Api,
            _ => Author::Technician(entry.technician),
        };
        let mut shown = json!({
            "id": entry.id,
            "company": ticket.map(|t| self.company_ref(world, t.company)),
            "chargeToId": entry.ticket,
            "chargeToType": if ticket.is_some_and(|t| t.project) { "ProjectTicket" } else { "ServiceTicket" },
            "ticket": self.ticket_ref(world, entry.ticket),
            "member": self.member_ref(world, Some(entry.technician)),
            "locationId": 1,
            "businessUnitId": 10,
            "workType": self.reference("workType", 1, "Regular", "time/workTypes"),
            "workRole": self.reference("workRole", 1, "Engineer", "time/workRoles"),
            "timeStart": time(entry.from),
            "timeEnd": time(end(entry)),
            "actualHours": hours(entry.seconds),
            "billableOption": "Billable",
            "notes": entry.notes,
            "addToDetailDescriptionFlag": entry.visible,
            "addToInternalAnalysisFlag": !entry.visible,
            "addToResolutionFlag": false,
            "emailResourceFlag": false,
            "emailContactFlag": false,
            "emailCcFlag": false,
            "status": "Open",
            "dateEntered": time(end(entry)),
            "enteredBy": login(world, by),
            "_info": self.info(end(entry), login(world, by)),
        });
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(entry.kept.clone());
        }
        without_nulls(&mut shown);
        shown
    }

    /// References to the time of a ticket.
    pub(super) fn time_refs(&self, world: &World, ticket: Id) -> Vec<Value> {
        let of = world.times.values().filter(|entry| entry.ticket == ticket);
        let href = |id: Id| self.href(&format!("time/entries/{id}"));
        of.map(|entry| json!({"id": entry.id, "_info": {"timeentry_href": href(entry.id)}})).collect()
    }

    /// Records time.
    pub(super) fn post_time(&self, world: &mut World, request: &Request) -> Answer {
        self.may("time.add")?;
        let body = request.json().ok_or_else(|| refusals::unreadable("The body is not JSON."))?;
        let mut entry = TimeEntry { technician: API_MEMBER_ID, by: Author::Api, ..TimeEntry::default() };
        read(world, &mut entry, &body).map_err(|wrong| refusals::invalid("timeEntry", &wrong))?;
        let (ticket, mailed) = (entry.ticket, body.get("emailContactFlag") == Some(&json!(true)));
        let id = world.time(entry);
        if mailed {
            let at = world.now();
            world.mails.push(Mail { ticket, note: id, at });
        }
        world.wrote(ticket, &format!("{} {}", request.method, request.path));
        Ok(Reply::json(201, &world.times.get(&id).map_or(Value::Null, |entry| self.time_entry(world, entry))))
    }

    /// Changes time that was recorded.
    pub(super) fn change_time(&self, world: &mut World, request: &Request, id: &str) -> Answer {
        self.may("time.edit")?;
        let found = found(world, id)?.clone();
        let before = self.time_entry(world, &found);
        let after = super::patch::after(request, &before)?;
        let mut changed = found.clone();
        read(world, &mut changed, &after).map_err(|wrong| refusals::invalid("timeEntry", &wrong))?;
        if after != before {
            let by = (Author::Api, world.now());
            world.edit_time(found.id, |entry| *entry = changed, by);
            world.wrote(found.ticket, &format!("{} {}", request.method, request.path));
        }
        let shown = world.times.get(&found.id).map_or(Value::Null, |entry| self.time_entry(world, entry));
        Ok(Reply::json(200, &shown))
    }

    /// Deletes time that was recorded.
    pub(super) fn delete_time(&self, world: &mut World, request: &Request, id: &str) -> Answer {
        self.may("time.edit")?;
        let (id, ticket) = found(world, id).map(|entry| (entry.id, entry.ticket))?;
        let by = (Author::Api, world.now());
        world.remove_time(id, by);
        world.wrote(ticket, &format!("{} {}", request.method, request.path));
        Ok(Reply::empty(204))
    }
}

fn found<'a>(world: &'a World, id: &str) -> Result<&'a TimeEntry, Reply> {
    let found = id.parse().ok().and_then(|id: Id| world.times.get(&id));
    found
        .filter(|entry| tickets::visible(world, entry.ticket).is_some())
        .ok_or_else(|| refusals::not_found("TimeEntry", id))
}

/// Reads time from a body.
fn read(world: &World, entry: &mut TimeEntry, body: &Value) -> Result<(), Vec<Wrong>> {
    let mut wrong = Vec::new();
    match charged(world, body) {
        Ok(ticket) => entry.ticket = ticket,
        Err(found) => wrong.push(found),
    }
    let member_id = body.get("member").and_then(|m| m.get("id")).and_then(Value::as_i64);
    if let Some(id) = member_id {
        let works = id == API_MEMBER_ID || world.technicians.get(&id).is_some_and(|t| t.active);
        if !works || member(world, id).is_none() {
            wrong.push(Wrong::field("member", "The member does not exist or is inactive."));
        }
        entry.technician = id;
    }
    if let Err(found) = span(entry, body) {
        wrong.push(found);
    }
    entry.notes = body.get("notes").and_then(Value::as_str).unwrap_or_default().to_owned();
    entry.visible = body.get("addToDetailDescriptionFlag") == Some(&json!(true));
    let rest = body.as_object().cloned().unwrap_or_default();
    let kept = rest.into_iter().filter(|(key, value)| !OWN.contains(&key.as_str()) && !value.is_null());
    entry.kept = kept.collect::<Map<_, _>>();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn charged(world: &World, body: &Value) -> Result<Id, Wrong> {
    let id = body.get("chargeToId").and_then(Value::as_i64).ok_or_else(|| Wrong::missing("chargeToId"))?;
    let ticket = tickets::visible(world, id)
        .ok_or_else(|| Wrong::field("chargeToId", format!("The ticket {id} does not exist.")))?;
    let right = if ticket.project { "ProjectTicket" } else { "ServiceTicket" };
    match body.get("chargeToType").and_then(Value::as_str) {
        Some(said) if said == right => Ok(id),
        Some(_) => Err(Wrong::field("chargeToType", "The chargeToType is not that of the record.")),
        None => Err(Wrong::missing("chargeToType")),
    }
}

/// From when, and how long: to an end, or for so many hours.
fn span(entry: &mut TimeEntry, body: &Value) -> Result<(), Wrong> {
    let at = |key: &str| match body.get(key).and_then(Value::as_str) {
        None => Ok(None),
        Some(text) => match super::conditions::time_of(text) {
            Some(at) => Ok(Some(at)),
            None => Err(Wrong::field(key, format!("{key} is not a time in UTC."))),
        },
    };
    let (before, hours_before) = ((entry.from, end(entry)), hours(entry.seconds));
    entry.from = at("timeStart")?.ok_or_else(|| Wrong::missing("timeStart"))?;
    let worked = body.get("actualHours").and_then(Value::as_f64);
    let end = at("timeEnd")?;
    let seconds = |end: Timestamp| end.duration_since(entry.from).as_secs_f64();
    entry.seconds = match (end, worked) {
        // Of two that contradict each other, that which changed is meant.
        (Some(end), Some(worked)) if time(before.1) == time(end) && worked != hours_before => worked * 3600.0,
        (Some(end), _) => seconds(end),
        (None, Some(worked)) => worked * 3600.0,
        (None, None) => return Err(Wrong::missing("actualHours")),
    };
    if entry.seconds > 0.0 && entry.seconds <= 86_400.0 {
        Ok(())
    } else {
        Err(Wrong::field("timeEnd", "The time must be above 0 and at most 24 hours."))
    }
}
