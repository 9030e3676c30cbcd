//! Notes, mails and time.

use super::*;
use crate::world::{Author, Note, TimeEntry};

fn reply() -> Value {
    json!({"text": "Try again, please.", "detailDescriptionFlag": true, "internalAnalysisFlag": false,
        "resolutionFlag": false, "processNotifications": true, "customerUpdatedFlag": null})
}

fn internal(notify: bool) -> Value {
    json!({"text": "Draft", "internalAnalysisFlag": true, "processNotifications": notify})
}

#[test]
fn a_note_stands_where_its_flags_say() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let path = format!("service/tickets/{id}/notes");
    for (flags, visible) in [
        (json!({"internalAnalysisFlag": true}), false),
        (json!({"detailDescriptionFlag": true}), true),
        (json!({"detailDescriptionFlag": true, "internalAnalysisFlag": true}), true),
        (json!({"resolutionFlag": true}), false),
    ] {
        let mut body = flags.clone();
        body["text"] = "Said".into();
        let told = desk.ask("POST", &path, Some(body));
        assert_eq!(told.status, 201, "{flags}");
        let note = told.body["id"].as_i64().unwrap();
        for (flag, value) in flags.as_object().unwrap() {
            assert_eq!(&told.body[flag], value, "{flags}");
        }
        assert_eq!(desk.world.notes[&note].visible, visible, "{flags}");
        assert_eq!(desk.get(&format!("{path}/{note}")).body, told.body);
        assert_eq!((&told.body["createdBy"], told.body.get("member")), (&json!(API_MEMBER), None));
    }
    assert_eq!(desk.writes(id), 4);
}

#[test]
fn a_note_without_a_place_or_a_text_is_refused() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let former = desk.world.technicians.values().find(|t| !t.active).unwrap().id;
    for (body, field) in [
        (json!({"text": "x"}), "detailDescriptionFlag"),
        (
            json!({"text": "x", "detailDescriptionFlag": false, "internalAnalysisFlag": false}),
            "detailDescriptionFlag",
        ),
        (json!({"internalAnalysisFlag": true}), "text"),
        (json!({"text": " ", "internalAnalysisFlag": true}), "text"),
        (json!({"text": "x", "internalAnalysisFlag": true, "member": {"id": former}}), "member"),
        (json!({"text": "x", "internalAnalysisFlag": true, "contact": {"id": 1}}), "contact"),
    ] {
        let told = desk.ask("POST", &format!("service/tickets/{id}/notes"), Some(body.clone()));
        assert_eq!((told.status, told.wrong()), (400, vec![field]), "{body}");
        assert_eq!(told.body["errors"][0]["resource"], "serviceNote");
    }
    assert_eq!(desk.writes(id), 0);
}

#[test]
fn mails_go_by_the_notifications_and_the_tickets_flag() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let path = format!("service/tickets/{id}/notes");
    let post = |desk: &mut Desk, body: Value| {
        assert_eq!(desk.ask("POST", &path, Some(body)).status, 201);
        desk.world.mails.len()
    };
    assert_eq!(post(&mut desk, internal(true)), 0);
    assert_eq!(post(&mut desk, reply()), 1);
    let mut quiet = reply();
    quiet["processNotifications"] = false.into();
    assert_eq!(post(&mut desk, quiet), 1);
    desk.set(&json!({"unsafe_mail": true}));
    assert_eq!(post(&mut desk, internal(false)), 1);
    assert_eq!(post(&mut desk, internal(true)), 2);
    desk.patch(id, replace("automaticEmailContactFlag", json!(false)));
    assert_eq!(post(&mut desk, reply()), 2);
}

#[test]
fn who_wrote_a_note_is_told_by_contact_and_member() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let technician = *desk.world.technicians.keys().next().unwrap();
    desk.world.note(id, Note { by: Author::Technician(technician), ..Note::said("On it.", true) });
    desk.ask("POST", &format!("service/tickets/{id}/notes"), Some(internal(false)));
    let notes = desk.list(&format!("service/tickets/{id}/allNotes"));
    let who: Vec<[bool; 2]> =
        notes.iter().map(|note| ["contact", "member"].map(|key| note.get(key).is_some())).collect();
    // What the customer wrote, the acknowledgement, the technician, the API user.
    assert_eq!(who, [[true, false], [false, false], [false, true], [false, false]]);
    desk.set(&json!({"notes_name_member": true}));
    let notes = desk.list(&format!("service/tickets/{id}/notes"));
    assert_eq!(notes[3]["member"]["identifier"], API_MEMBER);
    assert!(notes[1].get("member").is_none());
}

#[test]
fn notes_are_corrected_and_removed() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let path = format!("service/tickets/{id}/notes");
    let note = desk.ask("POST", &path, Some(internal(false))).body["id"].as_i64().unwrap();
    desk.later(60);
    let told = desk.ask("PATCH", &format!("{path}/{note}"), Some(replace("/text", json!("Better"))));
    assert_eq!((told.status, &told.body["text"]), (200, &json!("Better")));
    assert_eq!(
        desk.get(&format!("service/tickets/{id}")).body["_info"]["lastUpdated"],
        "2026-03-02T08:01:00Z"
    );
    let bad =
        desk.ask("PATCH", &format!("{path}/{note}"), Some(replace("internalAnalysisFlag", json!(false))));
    assert_eq!(bad.status, 400);
    assert_eq!(desk.ask("DELETE", &format!("{path}/{note}"), None).status, 204);
    assert_eq!(desk.get(&format!("{path}/{note}")).status, 404);
    assert_eq!(desk.writes(id), 3);
    let other = desk.mail("Scanner");
    let first = desk.world.notes_of(id, false)[0].id;
    assert_eq!(desk.ask("DELETE", &format!("service/tickets/{other}/notes/{first}"), None).status, 404);
}

#[test]
fn time_is_shown_in_quarters_and_its_notes_join_the_conversation() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let technician = *desk.world.technicians.keys().next().unwrap();
    let entry = TimeEntry {
        ticket: id,
        technician,
        from: desk.world.now(),
        seconds: 1_000.0,
        notes: "Reset the spooler.".to_owned(),
        visible: true,
        ..TimeEntry::default()
    };
    let worked = desk.world.time(entry);
    let rows =
        desk.list(&format!("time/entries?conditions=chargeToType='ServiceTicket' and chargeToId in ({id})"));
    assert_eq!((rows.len(), &rows[0]["actualHours"]), (1, &json!(0.5)));
    assert_eq!(rows[0]["timeEnd"], "2026-03-02T08:16:40Z");
    assert_eq!(rows[0]["member"]["id"], json!(technician));
    assert_eq!(desk.list(&format!("service/tickets/{id}/timeentries"))[0]["id"], json!(worked));
    assert_eq!(desk.get(&format!("service/tickets/{id}")).body["actualHours"], json!(0.5));
    let notes = desk.list(&format!("service/tickets/{id}/allNotes"));
    let note = notes.iter().find(|note| note["noteType"] == "TimeEntryNote").unwrap();
    assert_eq!((&note["text"], &note["detailDescriptionFlag"]), (&json!("Reset the spooler."), &json!(true)));
    assert!(
        desk.list(&format!("service/tickets/{id}/notes"))
            .iter()
            .all(|note| note["text"] != "Reset the spooler.")
    );
}

#[test]
fn time_is_recorded_corrected_and_removed() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let technician = *desk.world.technicians.keys().next().unwrap();
    let body = json!({"chargeToId": id, "chargeToType": "ServiceTicket", "timeStart": "2026-03-02T07:00:00Z",
        "timeEnd": "2026-03-02T07:30:00Z", "member": {"id": technician}, "notes": "Looked.",
        "addToInternalAnalysisFlag": true, "workType": {"name": "Remote"}, "hoursDeduct": 0.25});
    let told = desk.ask("POST", "time/entries", Some(body));
    assert_eq!((told.status, &told.body["actualHours"]), (201, &json!(0.5)), "{}", told.body);
    assert_eq!((&told.body["workType"]["name"], &told.body["hoursDeduct"]), (&json!("Remote"), &json!(0.25)));
    assert_eq!(told.body["enteredBy"], API_MEMBER);
    let path = format!("time/entries/{}", told.body["id"]);
    let told = desk.ask("PATCH", &path, Some(replace("actualHours", json!(1.25))));
    assert_eq!((told.status, &told.body["timeEnd"]), (200, &json!("2026-03-02T08:15:00Z")));
    assert_eq!(desk.get(&path).body, told.body);
    assert_eq!((desk.ask("DELETE", &path, None).status, desk.get(&path).status), (204, 404));
    assert_eq!(desk.writes(id), 3);
    for (body, field) in [
        (
            json!({"chargeToId": 1, "chargeToType": "ServiceTicket", "timeStart": "2026-03-02T07:00:00Z", "actualHours": 1}),
            "chargeToId",
        ),
        (json!({"chargeToId": id, "timeStart": "2026-03-02T07:00:00Z", "actualHours": 1}), "chargeToType"),
        (json!({"chargeToId": id, "chargeToType": "ServiceTicket", "actualHours": 1}), "timeStart"),
        (
            json!({"chargeToId": id, "chargeToType": "ServiceTicket", "timeStart": "2026-03-02T07:00:00Z"}),
            "actualHours",
        ),
        (
            json!({"chargeToId": id, "chargeToType": "ServiceTicket", "timeStart": "yesterday", "actualHours": 1}),
            "timeStart",
        ),
        (
            json!({"chargeToId": id, "chargeToType": "ServiceTicket", "timeStart": "2026-03-02T07:00:00Z", "actualHours": -1}),
            "timeEnd",
        ),
    ] {
        let told = desk.ask("POST", "time/entries", Some(body.clone()));
        assert_eq!((told.status, told.wrong()), (400, vec![field]), "{body}");
    }
    assert_eq!(desk.writes(id), 3);
}
