//! What a ticket that ended tells, as the batch API takes it.
//!
//! What the service would refuse is cut or left out here: an end with an odd time is an end all the same.

use std::collections::{BTreeMap, BTreeSet};

use firstline_ticket::{ActorKind, Event, Field, Happening, ResponseBasis, unmarked};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::connector::{History, Record};
use crate::pull::{initial, reopened};

/// Longest reply and label that are told, in bytes.
const MOST_REPLY: usize = 60 << 10;
const MOST_LABEL: usize = 256;
/// Most seconds of work on a ticket.
const MOST_WORK: f64 = 1e8;

/// The feedback item of a ticket: its labels, its first reply, its times, each as far as it is known. `closing` are the statuses that
/// close a ticket, in lower case; times after `now` by more than a day can't be.
pub fn feedback_of(
    record: &Record,
    history: &History,
    (closing, now): (&BTreeSet<String>, Timestamp),
) -> Value {
    let ticket = &record.ticket;
    let fits = |label: &&str| label.len() <= MOST_LABEL;
    let labels: BTreeMap<Field, &str> =
        Field::ALL.into_iter().filter_map(|field| Some((field, ticket.label(field).filter(fits)?))).collect();
    let is_reply =
        |event: &&Event| matches!(event.what, Happening::Message { visible: true, automatic: false, .. });
    let by_people = |event: &&Event| matches!(event.actor_kind, ActorKind::Technician | ActorKind::Firstline);
    let message = history.events.iter().filter(is_reply).find(by_people);
    let noted = |event: &&Event| matches!(event.what, Happening::TimeEntry { visible: true, .. });
    let entry = history.events.iter().find(noted);
    let (response, basis) = match (message, entry, record.response_stamp) {
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
    put("reply", json!(reply.map(|message| told(&unmarked(&message.text)))));
    let (first, latest) = (Timestamp::UNIX_EPOCH, now + SignedDuration::from_hours(23));
    let possible = |at: &Timestamp| (first..=latest).contains(at);
    put("first_response_at", json!(response.filter(possible)));
    put("first_response_basis", json!(basis.filter(|_| response.as_ref().is_some_and(possible))));
    put("acknowledged_at", json!(acknowledged.map(|event| event.at).filter(possible)));
    put("resolved_at", json!(record.resolved_at.filter(possible)));
    put("merged_into", json!(record.merged_into));
    if history.complete {
        let mut before = initial(ticket, &history.events);
        before.retain(|_, label| fits(&label.as_str()));
        put("initial", json!(before));
        put("initial_basis", json!("history"));
        put("reopened", json!(reopened(&history.events, closing)));
    }
    put("opened_by_technician", json!(record.opened_by_technician));
    if record.project {
        put("project", json!(true));
    }
    if timed && (0.0..=MOST_WORK).contains(&seconds) {
        put("handle_seconds", json!(seconds));
    }
    item
}

/// A text as it is told: its beginning, where it is too long.
fn told(text: &str) -> String {
    text[..text.floor_char_boundary(MOST_REPLY)].to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{Changed, Message, Ticket};

    fn change(of: Changed, from: &str, to: &str) -> Event {
        let what = Happening::Change { of, from: Some(from.to_owned()), to: Some(to.to_owned()) };
        let at = Timestamp::UNIX_EPOCH;
        Event { psa_key: format!("{from}{to}"), at, actor: None, actor_kind: ActorKind::Technician, what }
    }

    #[test]
    fn an_end_tells_first_labels_and_whether_it_was_opened_again() {
        let ticket = Ticket { id: "1".into(), board: Some("Network".into()), ..Ticket::default() };
        let record = Record { ticket, closed: true, ..Record::default() };
        let moved = change(Changed::Board, "Service Desk", "Network");
        let mut history = History { events: vec![moved], complete: true, unread: Vec::new() };
        let closing = BTreeSet::from(["closed".to_owned(), ">erledigt".to_owned()]);
        let told = feedback_of(&record, &history, (&closing, Timestamp::UNIX_EPOCH));
        assert_eq!(
            (&told["initial"]["board"], &told["final"]["board"]),
            (&json!("Service Desk"), &json!("Network"))
        );
        assert_eq!(told["reopened"], false);
        assert!(
            feedback_of(&record, &history, (&BTreeSet::new(), Timestamp::UNIX_EPOCH))
                .get("reopened")
                .is_none(),
            "nobody knows"
        );
        history.events.push(change(Changed::Status, ">Erledigt", "In Arbeit"));
        assert_eq!(feedback_of(&record, &history, (&closing, Timestamp::UNIX_EPOCH))["reopened"], true);
        history.complete = false;
        let told = feedback_of(&record, &history, (&closing, Timestamp::UNIX_EPOCH));
        assert!(told.get("reopened").is_none() && told.get("initial").is_none(), "not all is known");
    }

    #[test]
    fn an_end_with_odd_values_is_told_without_them() {
        let long = "é".repeat(50_000);
        let message = Message {
            from: "technician".into(),
            text: long.clone(),
            visible: Some(true),
            ..Message::default()
        };
        let ticket =
            Ticket { id: "1".into(), kind: Some(long), messages: vec![message], ..Ticket::default() };
        let record = Record {
            ticket,
            resolved_at: Some(Timestamp::MAX),
            response_stamp: Some(Timestamp::MIN),
            ..Record::default()
        };
        let told = feedback_of(&record, &History::default(), (&BTreeSet::new(), Timestamp::UNIX_EPOCH));
        assert!(
            told["final"].as_object().unwrap().is_empty()
                && told["reply"].as_str().unwrap().len() <= MOST_REPLY
        );
        let odd = ["resolved_at", "first_response_at", "first_response_basis", "handle_seconds"];
        assert!(odd.iter().all(|key| told.get(key).is_none()), "{told}");
    }
}
