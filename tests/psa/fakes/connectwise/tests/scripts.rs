//! Two handmade tickets, played and shown.

use super::*;
use crate::Script;

fn tickets() -> Vec<firstline_ticket::Ticket> {
    let at = |minute: u32| format!("2026-03-02T07:{minute:02}:00Z");
    let mail = json!({
        "id": "A", "subject": "Cannot open the shared calendar", "body": "It says access denied.",
        "customer": "Moss & Fern", "contact": "Ida Bloom", "source": "Email Connector", "opened_at": at(1),
        "initial_labels": {"board": "Service Desk", "priority": "Priority 3 - Medium"},
        "messages": [
            {"at": at(9), "from": "technician", "text": "Access is granted.", "visible": true, "psa_key": "m1"},
            {"at": at(20), "from": "customer", "text": "Works, thanks.", "visible": true, "psa_key": "m2"},
        ],
        "events": [
            {"psa_key": "m1", "at": at(9), "actor": "Mara Lindqvist", "actor_kind": "technician", "event": "message",
                "visible": true},
            {"psa_key": "m2", "at": at(20), "actor": "Ida Bloom", "actor_kind": "customer", "event": "message",
                "visible": true},
            {"psa_key": "c1", "at": at(5), "actor_kind": "system", "event": "change", "of": "board",
                "from": "Service Desk", "to": "Access Team"},
            {"psa_key": "c2", "at": at(8), "actor": "Mara Lindqvist", "actor_kind": "technician", "event": "change",
                "of": "status", "from": "New", "to": "In Progress"},
            {"psa_key": "c3", "at": at(10), "actor": "Mara Lindqvist", "actor_kind": "technician", "event": "change",
                "of": "status", "from": "In Progress", "to": "Resolved"},
            {"psa_key": "t1", "at": at(8), "actor": "Mara Lindqvist", "actor_kind": "technician",
                "event": "time_entry", "seconds": 300.0, "visible": false},
        ],
    });
    let alert = json!({
        "id": "B", "subject": "Shared calendar again", "body": "Still denied.", "customer": "Moss & Fern",
        "opened_at": at(15), "initial_labels": {"board": "Service Desk"},
        "events": [{"psa_key": "x", "at": at(30), "actor_kind": "system", "event": "merge", "into": "A"}],
    });
    [mail, alert].into_iter().map(|ticket| serde_json::from_value(ticket).unwrap()).collect()
}

#[test]
fn a_script_is_played_and_shown_as_it_happened() {
    let mut desk = Desk::new();
    let mut script = Script::of(&tickets());
    let now = desk.world.now();
    script.play(&mut desk.world, now);
    assert!(script.steps.is_empty());
    let [a, b] = ["A", "B"].map(|name| desk.world.by_name[name]);
    let shown = desk.get(&format!("service/tickets/{a}")).body;
    for (path, value) in [
        ("/summary", json!("Cannot open the shared calendar")),
        ("/board/name", json!("Access Team")),
        ("/company/identifier", json!("MossFern")),
        ("/contact/name", json!("Ida Bloom")),
        ("/status/name", json!("In Progress")),
        ("/closedFlag", json!(false)),
        ("/dateResponded", json!("2026-03-02T07:08:00Z")),
        ("/customerUpdatedFlag", json!(true)),
        ("/actualHours", json!(0.25)),
        ("/hasMergedChildTicketFlag", json!(true)),
        ("/_info/dateEntered", json!("2026-03-02T07:01:00Z")),
        ("/_info/enteredBy", json!("EmailConnector")),
    ] {
        assert_eq!(shown.pointer(path), Some(&value), "{path}: {shown}");
    }
    assert!(shown.get("dateResolved").is_none(), "a customer's words open it again");
    let notes = desk.list(&format!("service/tickets/{a}/allNotes"));
    let texts: Vec<&str> = notes.iter().map(|note| note["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["It says access denied.", "Access is granted.", "Still denied.", "Works, thanks."]);
    assert!(
        notes[0]["contact"]["name"] == "Ida Bloom" && notes[1]["member"]["identifier"] == "maralindqvist"
    );
    let trail = desk.list(&format!("system/audittrail?type=Ticket&id={a}"));
    assert!(
        trail
            .iter()
            .any(|line| line["text"] == "Status has been updated from \"Resolved\" to \"In Progress\".")
    );
    let merged = desk.get(&format!("service/tickets/{b}")).body;
    assert_eq!((&merged["closedFlag"], &merged["mergedParentTicket"]["id"]), (&json!(true), &json!(a)));
    assert!(desk.world.writes.is_empty());
}

#[test]
fn a_desk_that_is_furnished_has_all_that_is_named_before_it_happens() {
    let mut desk = Desk::new();
    let mut script = Script::of(&tickets());
    let before = desk.world.tickets.len();
    script.furnish(&mut desk.world);
    let counts = |world: &crate::World| {
        [
            world.companies.len(),
            world.contacts.len(),
            world.boards.len(),
            world.kinds.len(),
            world.statuses.len(),
            world.priorities.len(),
            world.technicians.len(),
        ]
    };
    let furnished = counts(&desk.world);
    assert!(desk.world.technicians.values().any(|technician| technician.name == "Mara Lindqvist"));
    assert_eq!(desk.world.tickets.len(), before, "nothing has happened yet");
    assert!(desk.world.happened.is_empty() && desk.world.changes.is_empty());
    let now = desk.world.now();
    script.play(&mut desk.world, now);
    assert_eq!(counts(&desk.world), furnished, "what happens brings nothing new");
}

#[test]
fn a_ticket_whose_history_ends_closed_is_closed_again_after_thanks() {
    let mut desk = Desk::new();
    let mut tickets = tickets();
    tickets[0].resolved_at = Some("2026-03-02T07:10:00Z".parse().unwrap());
    let mut script = Script::of(&tickets);
    script.play(&mut desk.world, "2026-03-02T07:39:00Z".parse().unwrap());
    let id = desk.world.by_name["A"];
    let status = |desk: &mut Desk| desk.get(&format!("service/tickets/{id}")).body["status"]["name"].clone();
    assert_eq!(status(&mut desk), json!("In Progress"), "thanks open it");
    script.play(&mut desk.world, "2026-03-02T08:00:00Z".parse().unwrap());
    assert_eq!(status(&mut desk), json!("Resolved"), "as its history ends");
}
