//! Two handmade tickets played, and what Halo tells of them.

use firstline_ticket::Ticket;
use serde_json::{Value, json};

use super::Bench;
use crate::script::Script;

fn tickets() -> Vec<Ticket> {
    let one = json!({
        "id": "A", "opened_at": "2026-03-03T09:00:00Z", "subject": "Scanner jams", "body": "It jams on page two.",
        "customer": "Larkspur Dental", "contact": "Dana Whitlock", "source": "email", "board": "Service Desk",
        "initial_labels": {"board": "1st Line Support", "priority": "Medium"},
        "messages": [
            {"at": "2026-03-03T09:05:00Z", "from": "technician", "text": "Which model?", "visible": true, "psa_key": "m1"},
            {"at": "2026-03-03T09:20:00Z", "from": "customer", "text": "The grey one.", "visible": true, "psa_key": "m2"},
            {"at": "2026-03-03T09:30:00Z", "from": "technician", "text": "Roller is worn.", "visible": false, "psa_key": "m3"},
        ],
        "events": [
            {"psa_key": "m1", "at": "2026-03-03T09:05:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "message", "visible": true, "automatic": false, "text_key": 1},
            {"psa_key": "m3", "at": "2026-03-03T09:30:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "message", "visible": false, "automatic": false, "text_key": 2},
            {"psa_key": "h1", "at": "2026-03-03T09:04:00Z", "actor": "Dispatch", "actor_kind": "technician", "event": "change", "of": "owner", "to": "Leif Tanaka"},
            {"psa_key": "h2", "at": "2026-03-03T09:06:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "change", "of": "status", "from": "New", "to": "Waiting on customer"},
            {"psa_key": "h3", "at": "2026-03-03T09:21:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "change", "of": "type", "to": "Hardware"},
            {"psa_key": "h4", "at": "2026-03-03T09:21:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "change", "of": "subtype", "to": "Scanner"},
            {"psa_key": "h5", "at": "2026-03-03T09:22:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "change", "of": "board", "to": "Projects"},
            {"psa_key": "t1", "at": "2026-03-03T09:35:00Z", "actor": "Leif Tanaka", "event": "time_entry", "actor_kind": "technician", "seconds": 1800.0, "visible": false},
            {"psa_key": "h6", "at": "2026-03-03T09:40:00Z", "actor": "Leif Tanaka", "actor_kind": "technician", "event": "change", "of": "status", "to": "Closed"},
        ],
    });
    let two = json!({
        "id": "B", "opened_at": "2026-03-03T09:10:00Z", "subject": "Scanner jams again", "body": "As I said.",
        "customer": "Larkspur Dental", "contact": "Dana Whitlock", "source": "email", "board": "Service Desk",
        "initial_labels": {"board": "1st Line Support"},
        "messages": [],
        "events": [
            {"psa_key": "g1", "at": "2026-03-03T09:15:00Z", "actor": "Dispatch", "actor_kind": "technician", "event": "merge", "into": "A"},
        ],
    });
    [one, two].into_iter().map(|ticket| serde_json::from_value(ticket).unwrap()).collect()
}

#[test]
fn a_script_is_shown_as_it_happened() {
    let mut bench = Bench::new();
    let mut script = Script::of(&tickets());
    let until = "2026-03-03T12:00:00Z".parse().unwrap();
    bench.world.clock.set(until);
    bench.renew();
    assert_eq!(script.play(&mut bench.world, until), 13);
    let (a, b) = (bench.world.by_name["A"], bench.world.by_name["B"]);
    let one = bench.got(&format!("/api/Tickets/{a}?includedetails=true"));
    let wanted = [
        ("dateoccurred", json!("2026-03-03T09:00:00")),
        ("team", json!("Projects")),
        ("agent_name", json!("Leif Tanaka")),
        ("tickettype_name", json!("Hardware")),
        ("category_1", json!("Scanner")),
        ("status_id", json!(9)),
        ("dateclosed", json!("2026-03-03T09:40:00")),
        ("responsedate", json!("2026-03-03T09:05:00")),
        ("priority_name", json!("Medium")),
        ("details", json!("It jams on page two.")),
        ("dateassigned", json!("2026-03-03T09:04:00")),
    ];
    for (key, value) in wanted {
        assert_eq!(one[key], value, "{key}");
    }
    let two = bench.got(&format!("/api/Tickets/{b}"));
    assert_eq!((&two["merged_into_id"], &two["status_id"]), (&json!(a), &json!(9)));
    let actions = bench.actions(a);
    let told: Vec<(&str, &str)> = actions
        .iter()
        .map(|action| (action["outcome"].as_str().unwrap(), action["who"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("First User Email", "Dana Whitlock"),
            ("Re-Assigned", "Dispatch"),
            ("Email User", "Leif Tanaka"),
            ("Changed Status", "Leif Tanaka"),
            ("First User Email", "Dana Whitlock"),
            ("Email Update", "Dana Whitlock"),
            ("Changed Team", "Leif Tanaka"),
            ("Private Note", "Leif Tanaka"),
            ("Time Entry", "Leif Tanaka"),
            ("Changed Status", "Leif Tanaka"),
        ]
    );
    assert_eq!(
        (&actions[4]["merged_from_ticketid"], &actions[0]["merged_from_ticketid"]),
        (&json!(b), &json!(0))
    );
    assert_eq!(actions[8]["timetaken"], 0.5);
    assert_eq!((&actions[3]["old_status"], &actions[3]["new_status"]), (&json!(1), &json!(4)));
    assert!(
        actions.iter().all(|action| action["ticket_id"] == a && action["actionby_application_id"].is_null())
    );
    let systems: Vec<bool> =
        actions.iter().map(|action| action["action_systemid"].as_i64().unwrap() > 0).collect();
    assert_eq!(systems, [false, true, false, true, false, false, true, false, false, true]);
    audited(&mut bench, a);
    assert!(bench.world.writes.is_empty());
}

fn audited(bench: &mut Bench, ticket: i64) {
    let reply = bench.send("POST", "/api/Audit", Some(&json!({"ticket_id": ticket})));
    let audit: Value = serde_json::from_slice(&reply.body).unwrap();
    let rows: Vec<(&str, &str)> = audit["audits"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|row| (row["field_name"].as_str().unwrap(), row["to"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("Ticket", ""),
            ("Agent", "Leif Tanaka"),
            ("Status", "Waiting on customer"),
            ("Ticket Type", "Hardware"),
            ("Category", "Scanner"),
            ("Team", "Projects"),
            ("Status", "Closed"),
        ]
    );
    assert_eq!(
        bench.got(&format!("/api/Audit?ticket_id={ticket}&count=500"))["record_count"],
        10,
        "GET knows no parameters"
    );
    bench.halo.settings.audit_by_get = true;
    assert_eq!(bench.got(&format!("/api/Audit?ticket_id={ticket}"))["record_count"], 7);
}
