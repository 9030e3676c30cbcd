//! Tickets and actions written, each read back; refusals, which change nothing.

use serde_json::{Value, json};

use super::Bench;
use crate::halo::{API_AGENT, CLIENT_ID, EMAIL_AND_WAIT, EMAIL_USER, PRIVATE_NOTE, PUBLIC_NOTE, RESOLVE};
use crate::server::Dialect;
use crate::world::Author;

#[test]
fn each_value_of_a_ticket_is_written_and_read_back() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let agent = *bench.world.technicians.keys().next().unwrap();
    let category = bench.got("/api/Category?type_id=1&tickettype_id=3")[0].clone();
    let other = bench.world.contacts.values().last().unwrap().clone();
    let writes = [
        json!({"summary": "Printer on floor 2"}),
        json!({"status_id": 2}),
        json!({"priority_id": "1"}),
        json!({"agent_id": agent}),
        json!({"team": "Projects"}),
        json!({"tickettype_id": 3, "categoryid_1": category["id"]}),
        json!({"impact": 1, "third_party_id": 77}),
        json!({"user_id": other.id, "site_id": other.company + 6}),
        json!({"status_id": 9}),
    ];
    for write in &writes {
        let mut body = write.clone();
        body["id"] = json!(ticket);
        bench.later(1);
        let reply = bench.posted("/api/Tickets", json!([body]));
        assert_eq!(reply["id"], ticket, "one ticket comes back as an object");
    }
    let now = bench.got(&format!("/api/Tickets/{ticket}?includedetails=true"));
    let wanted = [
        ("summary", json!("Printer on floor 2")),
        ("status_id", json!(9)),
        ("priority_id", json!(1)),
        ("agent_id", json!(agent)),
        ("team", json!("Projects")),
        ("tickettype_id", json!(3)),
        ("category_1", category["value"].clone()),
        ("impact", json!(1)),
        ("third_party_id", json!(77)),
        ("client_id", json!(other.company)),
        ("user_name", json!(other.name)),
        ("hasbeenclosed", json!(true)),
    ];
    for (key, value) in wanted {
        assert_eq!(now[key], value, "{key}");
    }
    assert_eq!(bench.world.write_counts()[&ticket], writes.len());
    let audit = bench.send("POST", "/api/Audit", Some(&json!([{"ticket_id": ticket}])));
    let audit: Value = serde_json::from_slice(&audit.body).unwrap();
    let fields: Vec<&str> =
        audit["audits"].as_array().unwrap().iter().map(|row| row["field_name"].as_str().unwrap()).collect();
    for field in
        ["Summary", "Status", "Priority", "Agent", "Team", "Ticket Type", "Category", "Client", "User"]
    {
        assert!(fields.contains(&field), "{field} of {fields:?}");
    }
    assert!(
        audit["audits"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["agent_id"] == API_AGENT || row["agent_id"] == 0)
    );
}

#[test]
fn a_post_replies_with_other_keys_and_times() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let reply = bench.posted("/api/Tickets", json!([{"id": ticket, "priority_id": 1}]));
    assert_eq!(reply["lastupdate"], "2026-03-03T08:14:22.5600000Z");
    assert!(reply["useremail"].as_str().unwrap().contains('@'));
    for absent in ["last_update", "user_email", "category_1"] {
        assert!(reply.get(absent).is_none(), "{absent}");
    }
    assert_eq!(reply["dateclosed"], "1900-01-01T00:00:00");
    assert_eq!(bench.got(&format!("/api/Tickets/{ticket}"))["last_update"], "2026-03-03T08:14:22.56");
}

#[test]
fn what_is_not_known_is_ignored_and_is_no_write() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let monitoring = bench.world.board("Monitoring");
    bench.posted(
        "/api/Tickets",
        json!([{"id": ticket, "team_id": monitoring, "nonsense": true, "priority_id": 3}]),
    );
    assert_eq!(bench.got(&format!("/api/Tickets/{ticket}"))["team"], "1st Line Support");
    assert!(bench.world.writes.is_empty());
    bench.posted("/api/Tickets", json!([{"id": ticket, "priority_id": 1, "_validate_only": true}]));
    assert!(bench.world.writes.is_empty());
    bench.posted("/api/Tickets", json!([{"id": ticket, "impact": 1}]));
    bench.posted("/api/Tickets", json!([{"id": ticket, "impact": 1}]));
    assert_eq!(bench.world.write_counts()[&ticket], 1);
}

#[test]
fn refusals_change_nothing() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let gone = bench.world.technicians.values().find(|agent| !agent.active).unwrap().id;
    let of_another_type = bench.got("/api/Category?type_id=1&tickettype_id=4")[0].clone();
    let user = bench.world.contacts.keys().next().copied().unwrap();
    let before = bench.got(&format!("/api/Tickets/{ticket}?includedetails=true"));
    let bad = [
        json!({"id": ticket, "status_id": 1}),
        json!([]),
        json!([[{"id": ticket, "status_id": 2}]]),
        json!([{"id": ticket, "status_id": 777}]),
        json!([{"id": ticket, "status_id": "two"}]),
        json!([{"id": ticket, "priority_id": 99}]),
        json!([{"id": ticket, "agent_id": gone}]),
        json!([{"id": ticket, "agent_id": API_AGENT}]),
        json!([{"id": ticket, "team": "No Such Team"}]),
        json!([{"id": ticket, "tickettype_id": 55}]),
        json!([{"id": ticket, "categoryid_1": of_another_type["id"]}]),
        json!([{"id": ticket, "category_1": "Outlook"}]),
        json!([{"id": ticket, "client_id": 5}]),
        json!([{"id": ticket, "user_id": user, "client_id": 1}]),
        json!([{"id": ticket, "summary": "  "}]),
        json!([{"id": 4, "status_id": 2}]),
        json!([{"details": "without a summary"}]),
        json!([{"id": ticket, "status_id": 2}, {"id": 4, "status_id": 2}]),
    ];
    for body in bad {
        assert_eq!(bench.post("/api/Tickets", body.clone()).0, 400, "{body}");
    }
    assert_eq!(bench.got(&format!("/api/Tickets/{ticket}?includedetails=true")), before);
    assert!(bench.world.writes.is_empty());
    assert_eq!(bench.world.tickets.len(), 1);
    assert_eq!(read_status(&mut bench, "PUT", "/api/Tickets"), 405);
    assert_eq!(read_status(&mut bench, "PATCH", &format!("/api/Tickets/{ticket}")), 405);
}

fn read_status(bench: &mut Bench, method: &str, path: &str) -> u16 {
    bench.send(method, path, Some(&json!([{}]))).status
}

#[test]
fn a_ticket_is_opened_with_and_without_rules() {
    let mut bench = Bench::new();
    let user = bench.world.contacts.values().next().unwrap().clone();
    let new = json!([{"summary": "Alert: disk full", "details": "C: 2 % free", "user_id": user.id, "userlookup": {"id": -1}, "tickettype_id": 21}]);
    let one = bench.posted("/api/Tickets", new.clone());
    assert_eq!(
        (&one["team"], &one["client_id"], &one["details"]),
        (&json!("Monitoring"), &json!(user.company), &json!("C: 2 % free"))
    );
    let mut quiet = new;
    quiet[0]["dont_do_rules"] = json!(true);
    let two = bench.posted("/api/Tickets", quiet);
    assert_eq!(two["team"], "1st Line Support");
    assert_ne!(one["id"], two["id"]);
    let actions = bench.actions(two["id"].as_i64().unwrap());
    assert_eq!(actions.len(), 1, "no acknowledgement either");
    let bare = bench.posted("/api/Tickets", json!([{"summary": "Nobody's"}]));
    assert_eq!((&bare["client_id"], &bare["user_id"]), (&json!(1), &json!(0)));
    let both = bench.posted("/api/Tickets", json!([{"summary": "a"}, {"summary": "b"}]));
    assert_eq!(both.as_array().unwrap().len(), 2);
    assert_eq!(bench.world.writes.len(), 5);
    let logged = bench.actions(bare["id"].as_i64().unwrap());
    assert_eq!(
        (&logged[0]["outcome"], &logged[0]["who_agentid"]),
        (&json!("Ticket Logged"), &json!(API_AGENT))
    );
    let past = json!([{"summary": "Imported", "dateoccurred": "2026-01-05T10:00:00Z", "_isimport": true}]);
    assert_eq!(bench.posted("/api/Tickets", past)["dateoccurred"], "2026-01-05T10:00:00.0000000Z");
}

#[test]
fn custom_fields_and_deletion() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    bench.posted(
        "/api/Tickets",
        json!([{"id": ticket, "customfields": [{"id": 151, "value": "NB-7"}, {"id": 9, "value": "x"}]}]),
    );
    let full = bench.got(&format!("/api/Tickets/{ticket}?includedetails=true"));
    assert_eq!(full["customfields"].as_array().unwrap().len(), 1);
    assert_eq!(full["customfields"][0]["value"], "NB-7");
    assert_eq!(bench.send("DELETE", &format!("/api/Tickets/{ticket}"), None).status, 200);
    assert_eq!(bench.get(&format!("/api/Tickets/{ticket}")).0, 404);
    assert_eq!(bench.send("DELETE", &format!("/api/Tickets/{ticket}"), None).status, 404);
    assert_eq!(bench.got("/api/Tickets")["record_count"], 0);
}

#[test]
fn an_internal_note_stays_inside_and_a_reply_is_mailed() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let note = json!([{"ticket_id": ticket, "outcome_id": PRIVATE_NOTE, "note_html": "<p>Draft &amp; mark [fl-1]</p>", "hiddenfromuser": true, "sendemail": false}]);
    let reply = bench.posted("/api/Actions", note);
    assert_eq!(
        (&reply["ticket_id"], &reply["id"], &reply["hiddenfromuser"]),
        (&json!(ticket), &json!(3), &json!(true))
    );
    assert_eq!(
        (&reply["actionby_application_id"], &reply["who_agentid"]),
        (&json!(CLIENT_ID), &json!(API_AGENT))
    );
    assert!(bench.world.mails.is_empty());
    assert_eq!(bench.got(&format!("/api/Tickets/{ticket}"))["responsedate"], "1900-01-01T00:00:00");
    let mail = json!([{"ticket_id": ticket, "outcome_id": EMAIL_USER, "note": "Please restart it.", "hiddenfromuser": false, "sendemail": true, "emailsubject": "Your printer"}]);
    let reply = bench.posted("/api/Actions", mail);
    assert_eq!((&reply["emaildirection"], &reply["emailsubject"]), (&json!("O"), &json!("Your printer")));
    assert!(reply["datetime"].as_str().unwrap().ends_with("00000Z"));
    assert_eq!(bench.world.mails.len(), 1);
    let actions = bench.actions(ticket);
    assert_eq!(actions[2]["note"], "Draft & mark [fl-1]");
    assert_eq!(actions[2]["note_html"], "<p>Draft &amp; mark [fl-1]</p>");
    assert_eq!(actions[3]["datetime"], "2026-03-03T08:14:22.56");
    assert_ne!(bench.got(&format!("/api/Tickets/{ticket}"))["responsedate"], "1900-01-01T00:00:00");
    assert_eq!(bench.world.write_counts()[&ticket], 2);
    let public = json!([{"ticket_id": ticket, "outcome_id": PUBLIC_NOTE, "note": "Seen in the portal."}]);
    bench.posted("/api/Actions", public);
    assert_eq!(bench.world.mails.len(), 1);
}

#[test]
fn an_action_needs_an_outcome_and_what_it_names_must_be_there() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let bad = [
        json!({"ticket_id": ticket, "outcome_id": 7, "note": "no array"}),
        json!([{"ticket_id": ticket, "note": "no outcome"}]),
        json!([{"ticket_id": ticket, "outcome_id": 0, "note": "no outcome"}]),
        json!([{"ticket_id": ticket, "outcome_id": 444, "note": "x"}]),
        json!([{"ticket_id": ticket, "outcome": "No Such", "note": "x"}]),
        json!([{"ticket_id": 5, "outcome_id": 7, "note": "x"}]),
        json!([{"outcome_id": 7, "note": "x"}]),
        json!([{"ticket_id": ticket, "outcome_id": 7, "note": " "}]),
        json!([{"ticket_id": ticket, "outcome_id": 7, "note": "x", "new_status": 777}]),
        json!([{"ticket_id": ticket, "id": 66, "note": "x"}]),
    ];
    let notes = bench.world.notes.len();
    for body in bad {
        assert_eq!(bench.post("/api/Actions", body.clone()).0, 400, "{body}");
    }
    assert_eq!((bench.world.notes.len(), bench.world.writes.len()), (notes, 0));
    let by_name = json!([{"ticket_id": ticket, "outcome": "private note", "note": "x"}]);
    assert_eq!(bench.posted("/api/Actions", by_name)["outcome_id"], PRIVATE_NOTE);
}

#[test]
fn an_outcome_carries_its_status_mail_and_visibility() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Printer");
    let wait = json!([{"ticket_id": ticket, "outcome_id": EMAIL_AND_WAIT, "note": "Which floor?"}]);
    let reply = bench.posted("/api/Actions", wait);
    assert_eq!((&reply["old_status"], &reply["new_status"]), (&json!(1), &json!(4)));
    assert_eq!(
        (bench.world.mails.len(), bench.actions(ticket).len()),
        (1, 3),
        "the change is told by the action itself"
    );
    let over = json!([{"ticket_id": ticket, "outcome_id": RESOLVE, "note": "x", "new_status": 2, "sendemail": false, "hiddenfromuser": true}]);
    bench.posted("/api/Actions", over.clone());
    assert_eq!((bench.world.tickets[&ticket].status, bench.world.mails.len()), (Some(2), 1));
    bench.halo.set(&json!({"outcome_wins": true})).unwrap();
    let unsafe_reply = bench.posted("/api/Actions", over);
    assert_eq!((&unsafe_reply["hiddenfromuser"], bench.world.mails.len()), (&json!(false), 2));
    bench.halo.set(&json!({"outcome_wins": false})).unwrap();
    let both = json!([{"ticket_id": ticket, "outcome_id": PRIVATE_NOTE, "note": "x", "hiddenfromuser": true, "sendemail": true}]);
    bench.posted("/api/Actions", both);
    assert_eq!(bench.world.mails.len(), 3, "a hidden action is mailed where the body says so");
}

#[test]
fn more_actions_reply_with_the_newest_unless_all_are_asked_for() {
    let mut bench = Bench::new();
    let (a, b) = (bench.mailed("One"), bench.mailed("Two"));
    let two = json!([{"ticket_id": a, "outcome_id": 7, "note": "first"}, {"ticket_id": b, "outcome_id": 7, "note": "second"}]);
    assert_eq!(bench.posted("/api/Actions", two.clone())["note"], "second");
    assert_eq!(bench.posted("/api/Actions?returnall=true", two).as_array().unwrap().len(), 2);
    assert_eq!((bench.world.write_counts()[&a], bench.world.write_counts()[&b]), (2, 2));
}

#[test]
fn an_action_is_changed_and_removed_by_its_ticket_and_number() {
    let mut bench = Bench::new();
    let (a, b) = (bench.mailed("One"), bench.mailed("Two"));
    let made = bench.posted("/api/Actions", json!([{"ticket_id": a, "outcome_id": 7, "note": "wrong"}]));
    bench.posted("/api/Actions", json!([{"ticket_id": b, "outcome_id": 7, "note": "other"}]));
    bench.posted("/api/Actions", json!([{"ticket_id": a, "id": made["id"], "note": "right"}]));
    assert_eq!(
        (&bench.actions(a)[2]["note"], &bench.actions(b)[2]["note"]),
        (&json!("right"), &json!("other"))
    );
    assert_eq!(bench.send("DELETE", "/api/Actions/3", None).status, 400);
    assert_eq!(bench.send("DELETE", &format!("/api/Actions/3?ticket_id={a}"), None).status, 200);
    assert_eq!((bench.actions(a).len(), bench.actions(b).len()), (2, 3));
    bench.posted("/api/Actions", json!([{"ticket_id": a, "outcome_id": 7, "note": "new"}]));
    assert_eq!(bench.actions(a)[2]["id"], 4, "a number is never given twice");
}

#[test]
fn written_in_an_agents_name_it_still_tells_the_application() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let agent = bench.world.technicians.values().next().unwrap().clone();
    let reply = bench.posted(
        "/api/Actions",
        json!([{"ticket_id": ticket, "outcome_id": 7, "note": "x", "who": agent.name}]),
    );
    assert_eq!((&reply["who"], &reply["who_agentid"]), (&json!(agent.name), &json!(agent.id)));
    assert_eq!(reply["actionby_application_id"], CLIENT_ID);
    let note = bench.world.notes.values().last().unwrap();
    assert_eq!((note.by, note.as_technician), (Author::Api, Some(agent.id)));
}

#[test]
fn time_is_told_in_hours_or_where_set_in_minutes() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let agent = *bench.world.technicians.keys().next().unwrap();
    let entry = json!([{"ticket_id": ticket, "agent_id": agent.to_string(), "start_date": "2026-03-03T08:10:00.000Z", "end_date": "2026-03-03T08:25:00+00:00", "note": "Reseated the tray", "lognewticket": false}]);
    bench.posted("/api/TimesheetEvent", entry);
    let path = format!("/api/Actions?ticket_id={ticket}&timeentriesonly=true");
    let action = bench.got(&path)["actions"][0].clone();
    assert_eq!(
        (&action["timetaken"], &action["actionarrivaldate"], &action["actioncompletiondate"]),
        (&json!(0.25), &json!("2026-03-03T08:10:00"), &json!("2026-03-03T08:25:00"))
    );
    bench.halo.set(&json!({"time_unit": "minutes"})).unwrap();
    assert_eq!(bench.got(&path)["actions"][0]["timetaken"], 15.0);
    assert_eq!(bench.post("/api/TimesheetEvent", json!([{"ticket_id": ticket}])).0, 400);
    assert_eq!(bench.world.write_counts()[&ticket], 1);
}

#[test]
fn whether_an_action_moves_last_update_can_be_had_both_ways() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    bench.later(60);
    bench.posted("/api/Actions", json!([{"ticket_id": ticket, "outcome_id": 7, "note": "x"}]));
    let path = format!("/api/Tickets/{ticket}");
    assert_eq!(bench.got(&path)["last_update"], "2026-03-03T08:15:22.56");
    bench.halo.set(&json!({"actions_move_last_update": false})).unwrap();
    let now = bench.got(&path);
    assert_eq!(
        (&now["last_update"], &now["lastactiondate"]),
        (&json!("2026-03-03T08:14:22.56"), &json!("2026-03-03T08:15:22.56"))
    );
}

#[test]
fn words_on_a_merged_ticket_reach_the_other() {
    let mut bench = Bench::new();
    let (kept, merged) = (bench.mailed("One"), bench.mailed("One again"));
    bench.world.merge(merged, kept, (Author::System, bench.world.now()));
    assert_eq!(bench.actions(kept).len(), 4);
    bench.later(60);
    bench.posted("/api/Actions", json!([{"ticket_id": merged, "outcome_id": 7, "note": "late"}]));
    let actions = bench.actions(kept);
    let last = actions.last().unwrap();
    assert_eq!(
        (&last["note"], &last["id"], &last["merged_from_ticketid"]),
        (&json!("late"), &json!(5), &json!(merged))
    );
    assert_eq!(bench.got(&format!("/api/Tickets/{merged}"))["merged_into_id"], kept);
}
