//! What a ticket that ended tells, as the batch API takes it.

use firstline_ticket::{ActorKind, Event, Field, Happening, ResponseBasis, unmarked};
use serde_json::{Map, Value, json};

use crate::connector::{History, Record};

/// The feedback item of a ticket: its labels, its first reply, its times, each as far as it is known.
pub fn feedback_of(record: &Record, history: &History) -> Value {
    let ticket = &record.ticket;
    let labels: Map<String, Value> = Field::ALL
        .into_iter()
        .filter_map(|field| Some((field.to_string(), json!(ticket.label(field)?))))
        .collect();
    let is_reply =
        |event: &&Event| matches!(event.what, Happening::Message { visible: true, automatic: false, .. });
    let by_people = |event: &&Event| matches!(event.actor_kind, ActorKind::Technician | ActorKind::Firstline);
    let message = history.events.iter().filter(is_reply).find(by_people);
    let noted = |event: &&Event| matches!(event.what, Happening::TimeEntry { visible: true, .. });
    let entry = history.events.iter().find(noted);
    let (first, basis) = match (message, entry, record.response_stamp) {
        (Some(message), _, _) => (Some(message.at), Some(ResponseBasis::Message)),
        (None, Some(entry), _) => (Some(entry.at), Some(ResponseBasis::TimeEntry)),
        (None, None, stamp) => (stamp, stamp.map(|_| ResponseBasis::Stamp)),
    };
    let acknowledged = history.events.iter().find(|event| {
        event.actor_kind == ActorKind::System
            && matches!(event.what, Happening::Message { visible: true, automatic: true, .. })
    });
    let reply = ticket.messages.iter().find(|m| m.from == "technician" && m.visible == Some(true));
    let mut seconds = 0.0;
    let mut timed = false;
    for event in &history.events {
        if let Happening::TimeEntry { seconds: worked, .. } = event.what {
            (seconds, timed) = (seconds + worked, true);
        }
    }
    let mut item = json!({"ticket_id": ticket.id, "final": labels, "history_known": history.complete});
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            item[key] = value;
        }
    };
    put("customer", json!(ticket.customer));
    put("reply", json!(reply.map(|message| unmarked(&message.text))));
    put("first_response_at", json!(first));
    put("first_response_basis", json!(basis));
    put("acknowledged_at", json!(acknowledged.map(|event| event.at)));
    put("resolved_at", json!(record.resolved_at));
    put("merged_into", json!(record.merged_into));
    put("opened_by_technician", json!(record.opened_by_technician));
    if record.project {
        put("project", json!(true));
    }
    if timed {
        put("handle_seconds", json!(seconds));
    }
    item
}

/// The events of a ticket as the batch API takes them.
pub fn events_of(record: &Record, history: &History) -> Vec<Value> {
    let of_ticket = |event: &Event| {
        let mut item = serde_json::to_value(event).ok()?;
        item["ticket_id"] = json!(record.ticket.id);
        if record.ticket.customer.is_some() {
            item["customer"] = json!(record.ticket.customer);
        }
        Some(item)
    };
    history.events.iter().filter_map(of_ticket).collect()
}
