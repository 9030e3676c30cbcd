//! A script of two handmade tickets, played and shown as Autotask shows them.

use firstline_ticket::Ticket;
use serde_json::{Value, json};

use super::Talk;
use crate::autotask::COMPLETE;
use crate::script::Script;

fn tickets() -> Vec<Ticket> {
    let outbox = json!({
        "id": "one", "subject": "Outbox full", "body": "Nothing leaves.", "customer": "Harbour Veterinary Group",
        "contact": "Nora Fields", "source": "Email", "opened_at": "2026-03-02T08:00:00Z",
        "initial_labels": {"board": "Service Desk", "type": "Email", "priority": "Medium"},
        "messages": [{"from": "technician", "text": "Please restart it.", "at": "2026-03-02T08:20:00Z", "visible": true, "psa_key": "m1"}],
        "events": [
            {"at": "2026-03-02T08:10:00Z", "psa_key": "c1", "actor": "Grace Okafor", "actor_kind": "technician",
             "event": "change", "of": "status", "from": "New", "to": "In Progress"},
            {"at": "2026-03-02T08:20:00Z", "psa_key": "m1", "actor": "Grace Okafor", "actor_kind": "technician",
             "event": "message", "visible": true},
            {"at": "2026-03-02T08:21:00Z", "psa_key": "t1", "actor": "Grace Okafor", "actor_kind": "technician",
             "event": "time_entry", "seconds": 900.0, "visible": true},
            {"at": "2026-03-02T08:30:00Z", "psa_key": "c2", "actor": "Grace Okafor", "actor_kind": "technician",
             "event": "change", "of": "status", "from": "In Progress", "to": "Closed"},
        ],
    });
    let twin = json!({
        "id": "two", "subject": "Outbox still full", "body": "As before.", "customer": "Harbour Veterinary Group",
        "contact": "Nora Fields", "opened_at": "2026-03-02T08:05:00Z", "initial_labels": {"board": "Service Desk"},
        "messages": [],
        "events": [{"at": "2026-03-02T08:06:00Z", "psa_key": "x1", "actor_kind": "system", "event": "merge", "into": "one"}],
    });
    [outbox, twin].into_iter().map(|ticket| serde_json::from_value(ticket).unwrap()).collect()
}

#[test]
fn a_script_is_played_and_shown() {
    let mut talk = Talk::new();
    let now = talk.world.now();
    let mut script = Script::of(&tickets());
    assert!(script.play(&mut talk.world, now) >= 6);
    let (one, two) = (talk.world.by_name["one"], talk.world.by_name["two"]);
    let shown = talk.shown(one);
    for (key, value) in [
        ("title", json!("Outbox full")),
        ("description", json!("Nothing leaves.")),
        ("companyID", json!(174)),
        ("contactID", json!(29_683_586)),
        ("queueID", json!(29_682_833)),
        ("issueType", json!(10)),
        ("priority", json!(2)),
        ("source", json!(4)),
        ("status", json!(COMPLETE)),
        ("createDate", json!("2026-03-02T08:00:00Z")),
        ("firstResponseDateTime", json!("2026-03-02T08:10:00Z")),
        ("completedDate", json!("2026-03-02T08:30:00Z")),
        ("resolvedDateTime", json!("2026-03-02T08:30:00Z")),
        ("completedByResourceID", json!(29_682_885)),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    let of_one = json!([{"op": "eq", "field": "ticketID", "value": one}]);
    let notes = talk.items("TicketNotes", &of_one);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(
        (notes[0]["creatorResourceID"].as_i64(), notes[0]["publish"].as_i64()),
        (Some(29_682_885), Some(1))
    );
    let times = talk.items("TimeEntries", &of_one);
    assert_eq!((times[0]["hoursWorked"].as_f64(), times.len()), (Some(0.25), 1));
    assert_eq!(talk.items("TicketHistory", &of_one).len(), 3);
    let twin = talk.shown(two);
    assert_eq!(twin["status"], COMPLETE);
    let notes = talk.items("TicketNotes", &json!([{"op": "eq", "field": "ticketID", "value": two}]));
    assert_eq!((notes[0]["noteType"].as_i64(), notes[0]["publish"].as_i64()), (Some(15), Some(2)));
    assert!(notes[0]["description"].as_str().unwrap().contains("T20260302.0001"));
    let merged: Vec<Value> =
        talk.items("TicketHistory", &json!([{"op": "eq", "field": "ticketID", "value": two}]));
    assert!(merged.iter().any(|row| row["action"] == "Merged"));
    assert!(talk.world.writes.is_empty(), "what people do is no write of the API user");
}

#[test]
fn tickets_that_come_in_are_routed_and_acknowledged() {
    let mut talk = Talk::new();
    let now = talk.world.now();
    let mail = crate::world::NewTicket {
        summary: "ALERT disk".to_owned(),
        company: 174,
        contact: Some(29_683_586),
        board: crate::autotask::SERVICE_DESK,
        routed: true,
        at: Some(now),
        ..crate::world::NewTicket::default()
    };
    let id = talk.world.open(mail, crate::world::Author::System);
    assert_eq!(talk.shown(id)["queueID"], crate::autotask::MONITORING);
    let notes = talk.items("TicketNotes", &json!([{"op": "eq", "field": "ticketID", "value": id}]));
    assert_eq!((notes[0]["noteType"].as_i64(), notes[0]["creatorResourceID"].as_i64()), (Some(13), Some(4)));
    let learnt = talk.items("TicketNotes", &json!([{"op": "noteq", "field": "noteType", "value": 13}]));
    assert!(learnt.is_empty());
}
