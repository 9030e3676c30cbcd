//! What routes and answers tickets by itself, and what tells of the past: rules, mailboxes, work days, the audit, feedback.
//!
//! UNCONFIRMED: nobody has shown these replies; their keys are those of the API file's bodies, their envelopes a guess.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input;
use super::refusals::{Outcome, Refusal};
use super::tables::Table;
use super::times::{naive, read};
use super::{API_AGENT, Halo, actions, show};
use crate::deed::Deed;
use crate::http::{Reply, Request};
use crate::world::{Author, Change, Id, Rule, World};

/// The tables of rules and of the past.
pub(super) fn table(halo: &Halo, world: &World, request: &Request, resource: &str) -> Option<Table> {
    let rows = match resource {
        "ticketrules" => rules(world, request),
        "emailrule" => email_rules(),
        "mailbox" => vec![json!({
            "id": 1, "name": "Support", "emailaddress": "support@desk.example", "requesttype_id": 1,
            "team": world.boards.values().next().map(|board| &board.name), "disabled": false,
        })],
        "workflow" => vec![json!({"id": 1, "name": "Standard", "active": true, "steps": [
            {"id": 1, "name": "Logged", "step_number": 1}, {"id": 2, "name": "Working", "step_number": 2},
            {"id": 3, "name": "Done", "step_number": 3},
        ]})],
        "workday" => vec![workday(request)],
        "holiday" => holidays(),
        "feedback" => feedback(halo),
        "audit" => return Some(Table { key: Some("audits"), rows: audit_rows(halo, world, request) }),
        "timesheetevent" => times(world),
        _ => return None,
    };
    Some(Table::bare(rows))
}

fn rules(world: &World, request: &Request) -> Vec<Value> {
    let with = input::yes(request, "includecriteriainfo");
    (1..).zip(&world.rules).map(|(precedence, rule)| shown(world, rule, (precedence, with))).collect()
}

fn shown(world: &World, rule: &Rule, (precedence, with): (i64, bool)) -> Value {
    let name = |of: Deed, id: Option<Id>| id.and_then(|id| world.name_of(of, id));
    let mut body = json!({
        "id": rule.id, "guid": show::guid(9, rule.id), "name": rule.name, "precedence": precedence, "use": 0,
        "active": true, "stopmatching": true, "new_team": name(Deed::Board, rule.board),
        "new_agent_id": rule.owner.unwrap_or(0), "new_agent_name": name(Deed::Owner, rule.owner),
        "new_priority_id": rule.priority.unwrap_or(0), "new_status_id": 0, "new_sla_id": 0,
        "new_category_1_id": 0, "new_category_2_id": 0, "new_category_3_id": 0, "new_category_4_id": 0,
        "new_workflow_id": 0, "new_template_id": 0,
    });
    if rule.kind.is_some() {
        // The file knows no rule that sets a type; a desk's rule that does so shows it here.
        body["new_tickettype_id"] = json!(rule.kind);
    }
    if with {
        // `type` 0: the value contains the word.
        body["criteria"] = json!([{
            "id": 1, "fieldname": "symptom", "tablename": "faults", "type": 0, "value_type": "string",
            "value_string": rule.word, "value_int": 0, "value_display": rule.word,
        }]);
        body["events"] = json!([{"id": 1, "eventno": 3}]);
    }
    body
}

/// One that closes tickets by itself, and one that answers: what also acts on customers.
fn email_rules() -> Vec<Value> {
    vec![
        json!({"id": 1, "name": "Delivery reports", "sequence": 1, "active": true, "subject": "Undeliverable",
            "new_status_id": 9, "delete_email": false, "send_reply": false}),
        json!({"id": 2, "name": "Acknowledge mails", "sequence": 2, "active": true, "subject": "",
            "new_status_id": 0, "delete_email": false, "send_reply": true}),
    ]
}

fn workday(request: &Request) -> Value {
    let mut day = json!({"id": 1, "name": "Office hours", "timezone": "UTC", "alldays24hours": false});
    for (n, name) in ["monday", "tuesday", "wednesday", "thursday", "friday"].iter().enumerate() {
        day[format!("incday{}", n + 1)] = json!(true);
        day[format!("{name}_start")] = json!("08:00:00");
        day[format!("{name}_end")] = json!("17:30:00");
    }
    day["incday6"] = json!(false);
    day["incday7"] = json!(false);
    if input::yes(request, "showholidays") {
        day["holidays"] = json!(holidays());
    }
    day
}

fn holidays() -> Vec<Value> {
    let day = |id: Id, name: &str, date: &str| json!({"id": id, "name": name, "date": date, "allday": true});
    vec![day(1, "New Year", "2026-01-01T00:00:00"), day(2, "Christmas", "2026-12-25T00:00:00")]
}

/// `GET /Audit` gives the tenant's newest rows, since the API file gives it no parameters.
fn audit_rows(halo: &Halo, world: &World, request: &Request) -> Vec<Value> {
    let ticket: Option<Id> = request.asked("ticket_id").and_then(|id| id.parse().ok());
    let ticket = ticket.filter(|_| halo.settings.audit_by_get);
    rows(world, &|change| ticket.is_none_or(|ticket| change.ticket == ticket))
}

/// `POST /Audit`: the object says which rows.
pub(super) fn audit(world: &World, request: &Request) -> Outcome<Reply> {
    let item = match request.json() {
        Some(Value::Array(items)) => items.into_iter().next(),
        other => other,
    };
    let Some(Value::Object(item)) = item else { return Err(Refusal::invalid("The body holds no object")) };
    let ticket = input::number(&item, "ticket_id")?.filter(|&id| id > 0);
    let time = |key: &str| input::text(&item, key).and_then(read);
    let (from, to) = (time("datetime_from"), time("datetime_to"));
    let within = |at: Timestamp| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
    let rows = rows(world, &|change| ticket.is_none_or(|id| change.ticket == id) && within(change.at));
    Ok(Reply::json(200, &json!({"record_count": rows.len(), "audits": rows})))
}

/// Every change, the newest first.
fn rows(world: &World, wanted: &dyn Fn(&Change) -> bool) -> Vec<Value> {
    let seen = |change: &&Change| world.tickets.get(&change.ticket).is_some_and(|t| show::visible(world, t));
    let changes = (1..).zip(&world.changes).filter(|(_, change)| wanted(change) && seen(change));
    let rows = changes.map(|(id, change): (Id, &Change)| {
        let agent = match change.by {
            Author::Api => API_AGENT,
            Author::Technician(id) => id,
            Author::System | Author::Contact(_) => 0,
        };
        json!({
            "id": id, "ticket_id": change.ticket, "agent_id": agent, "date": naive(change.at),
            "table_name": "faults", "field_name": actions::field(change.deed),
            "from": change.from.as_deref().unwrap_or(""), "to": change.to.as_deref().unwrap_or(""),
        })
    });
    let mut rows: Vec<Value> = rows.collect();
    rows.reverse();
    rows
}

fn feedback(halo: &Halo) -> Vec<Value> {
    let rows = (1..).zip(&halo.settings.feedback);
    rows.map(|(id, said): (Id, _)| json!({"id": id, "ticket_id": said.ticket_id, "score": said.score}))
        .collect()
}

fn times(world: &World) -> Vec<Value> {
    let rows = world.times.values().map(|entry| {
        let run = jiff::SignedDuration::try_from_secs_f64(entry.seconds).unwrap_or_default();
        json!({
            "id": entry.id, "ticket_id": entry.ticket, "agent_id": entry.technician,
            "start_date": naive(entry.from), "end_date": naive(entry.from.checked_add(run).unwrap_or(entry.from)),
            "note": entry.notes, "timetaken": entry.seconds / 3600.0,
        })
    });
    rows.collect()
}
