//! Writes of tickets, and what is read back.

use super::*;
use crate::world::Author;

/// Ids of a board's status by name.
fn status(desk: &mut Desk, id: Id, name: &str) -> Id {
    let board = desk.ticket(id).board;
    desk.world.status(board, name)
}

#[test]
fn a_patch_takes_paths_with_and_without_a_slash() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let [open, waiting, done] =
        ["In Progress", "Waiting on customer", "Resolved"].map(|name| status(&mut desk, id, name));
    let (owner, priority) =
        (*desk.world.technicians.keys().next().unwrap(), *desk.world.priorities.keys().next().unwrap());
    for (n, (path, value, field, shown)) in [
        ("status", json!({"id": open}), "status", json!(open)),
        ("/status", json!({"id": waiting}), "status", json!(waiting)),
        ("status/id", json!(done), "status", json!(done)),
        ("/status/name", json!("In Progress"), "status", json!(open)),
        ("status", json!({"name": "Waiting on customer"}), "status", json!(waiting)),
        ("owner", json!({"identifier": "maralindqvist"}), "owner", json!(owner)),
        ("priority", json!({"id": priority.to_string()}), "priority", json!(priority)),
    ]
    .into_iter()
    .enumerate()
    {
        let told = desk.patch(id, replace(path, value));
        assert_eq!((told.status, &told.body[field]["id"]), (200, &shown), "{path}: {}", told.body);
        assert_eq!(desk.get(&format!("service/tickets/{id}")).body, told.body, "{path}");
        assert_eq!(desk.writes(id), n + 1, "{path}");
    }
    assert_eq!(desk.world.writes[0].what, format!("PATCH /v2025_1/apis/3.0/service/tickets/{id}"));
}

#[test]
fn a_patch_of_many_fields_is_one_write_and_one_that_changes_nothing_is_none() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    desk.later(90);
    let kind = desk.world.kinds_of(desk.ticket(id).board).next().unwrap().id;
    let subkind = desk.world.subkinds.values().find(|s| s.kind == kind).unwrap().id;
    let steps = json!([
        {"op": "replace", "path": "type", "value": {"id": kind}},
        {"op": "add", "path": "subType", "value": {"id": subkind}},
        {"op": "replace", "path": "severity", "value": "High"},
        {"op": "replace", "path": "externalXRef", "value": "FL-1"},
    ]);
    let told = desk.patch(id, steps.clone());
    assert_eq!((told.status, desk.writes(id)), (200, 1));
    for (field, shown) in [("severity", json!("High")), ("externalXRef", json!("FL-1"))] {
        assert_eq!(told.body[field], shown);
    }
    assert_eq!(told.body["_info"]["lastUpdated"], "2026-03-02T08:01:30Z");
    assert_eq!(told.body["_info"]["updatedBy"], API_MEMBER);
    assert_eq!((desk.patch(id, steps).status, desk.writes(id)), (200, 1));
    let removed = desk.patch(id, json!([{"op": "remove", "path": "/subType"}]));
    assert_eq!((removed.status, removed.body.get("subType"), desk.writes(id)), (200, None, 2));
}

#[test]
fn values_of_another_board_are_refused_and_nothing_of_the_patch_is_done() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let other = *desk.world.boards.keys().nth(1).unwrap();
    let foreign = desk.world.status(other, "In Progress");
    let kind = desk.world.kinds_of(other).next().unwrap().id;
    let former = desk.world.technicians.values().find(|t| !t.active).unwrap().id;
    let stranger = desk.world.contacts.values().last().unwrap().id;
    for (steps, field) in [
        (replace("status", json!({"id": foreign})), "status"),
        (replace("status", json!({"id": 1})), "status"),
        (replace("type", json!({"id": kind})), "type"),
        (replace("board", json!({"id": other})), "status"),
        (replace("owner", json!({"id": former})), "owner"),
        (replace("contact", json!({"id": stranger})), "contact"),
        (replace("team", json!({"id": shapes::TEAMS + other})), "team"),
        (replace("summary", json!("x".repeat(101))), "summary"),
        (replace("summary", json!("")), "summary"),
        (replace("impact", json!("Huge")), "impact"),
        (replace("closedFlag", json!(true)), "closedFlag"),
        (replace("resources", json!("jo")), "resources"),
        (replace("initialDescription", json!("again")), "initialDescription"),
        (replace("colour", json!("red")), "colour"),
    ] {
        let mut both = steps.as_array().unwrap().clone();
        both.push(json!({"op": "replace", "path": "severity", "value": "High"}));
        let told = desk.patch(id, Value::Array(both));
        assert_eq!((told.status, told.code()), (400, "InvalidObject"), "{steps}");
        assert_eq!(told.wrong(), [field], "{steps}");
        assert!(desk.ticket(id).kept.is_empty() && desk.writes(id) == 0, "{steps}");
    }
    for body in [
        json!({"status": {"id": foreign}}),
        json!([{"op": "replace", "value": 1}]),
        json!([{"op": "swap", "path": "summary", "value": "x"}]),
        json!([{"op": "replace", "path": "customFields/9/value", "value": "x"}]),
        json!([{"op": "replace", "path": "summary"}]),
    ] {
        assert_eq!(desk.patch(id, body.clone()).status, 400, "{body}");
    }
}

#[test]
fn a_move_brings_a_status_and_a_type_of_the_new_board() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let other = *desk.world.boards.keys().nth(1).unwrap();
    let (status, kind) = (desk.world.status(other, "New"), desk.world.kinds_of(other).next().unwrap().id);
    let told = desk.patch(
        id,
        json!([
            {"op": "replace", "path": "board", "value": {"id": other}},
            {"op": "replace", "path": "status", "value": {"id": status}},
            {"op": "replace", "path": "type", "value": {"id": kind}},
        ]),
    );
    assert_eq!((told.status, &told.body["board"]["id"]), (200, &json!(other)));
    let team = desk.patch(id, replace("team", json!({"id": shapes::TEAMS + other})));
    assert_eq!(team.body["team"]["name"], "Network Team");
    assert_eq!((&told.body["status"]["id"], &told.body["type"]["id"]), (&json!(status), &json!(kind)));
    assert_eq!(desk.writes(id), 2);
}

#[test]
fn closing_and_opening_again_follow_the_status() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let [open, done] = ["In Progress", "Closed"].map(|name| status(&mut desk, id, name));
    desk.later(600);
    desk.patch(id, replace("status", json!({"id": open})));
    desk.later(600);
    let told = desk.patch(id, replace("status", json!({"id": done})));
    assert_eq!((&told.body["closedFlag"], &told.body["closedBy"]), (&json!(true), &json!(API_MEMBER)));
    assert_eq!(told.body["dateResponded"], "2026-03-02T08:10:00Z");
    assert_eq!(told.body["dateResolved"], "2026-03-02T08:20:00Z");
    assert_eq!((&told.body["respondMinutes"], &told.body["resolveMinutes"]), (&json!(10), &json!(20)));
    let told = desk.patch(id, replace("status", json!({"id": open})));
    assert_eq!((&told.body["closedFlag"], told.body.get("closedDate")), (&json!(false), None));
    assert_eq!(told.body["dateResponded"], "2026-03-02T08:10:00Z");
}

#[test]
fn a_ticket_is_created_and_what_misses_is_named() {
    let mut desk = Desk::new();
    let board = *desk.world.boards.keys().next().unwrap();
    let company = desk.world.companies.values().next().unwrap().identifier.clone();
    let told = desk.ask("POST", "service/tickets", Some(json!({"severity": "Low"})));
    assert_eq!((told.status, told.wrong()), (400, vec!["summary", "board", "company"]));
    assert!(told.body["errors"].as_array().unwrap().iter().all(|e| e["code"] == "MissingRequiredField"));
    let body = json!({"summary": "New laptop", "board": {"id": board}, "company": {"identifier": company},
        "initialDescription": "Please order one.", "initialInternalAnalysis": "Budget is free.", "id": 0,
        "contactEmailAddress": "someone@else.example"});
    let told = desk.ask("POST", "service/tickets", Some(body));
    assert_eq!((told.status, &told.body["status"]["name"]), (201, &json!("New")), "{}", told.body);
    assert_eq!(told.body["_info"]["enteredBy"], API_MEMBER);
    assert_eq!(told.body["contactEmailAddress"], "someone@else.example");
    assert!(told.body.get("initialDescription").is_none());
    let id = told.body["id"].as_i64().unwrap();
    let notes = desk.list(&format!("service/tickets/{id}/notes"));
    assert_eq!(
        (&notes[0]["text"], &notes[0]["detailDescriptionFlag"]),
        (&json!("Please order one."), &json!(true))
    );
    assert_eq!(
        (&notes[1]["text"], &notes[1]["internalAnalysisFlag"]),
        (&json!("Budget is free."), &json!(true))
    );
    assert_eq!(desk.writes(id), 1);
}

#[test]
fn a_put_replaces_the_whole_record() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    desk.patch(id, replace("externalXRef", json!("FL-1")));
    let path = format!("service/tickets/{id}");
    let mut record = desk.get(&path).body;
    assert_eq!((desk.ask("PUT", &path, Some(record.clone())).status, desk.writes(id)), (200, 1));
    record["summary"] = "Printer on floor 2".into();
    record.as_object_mut().unwrap().remove("externalXRef");
    let told = desk.ask("PUT", &path, Some(record));
    assert_eq!((told.status, desk.writes(id)), (200, 2));
    assert_eq!((&told.body["summary"], told.body.get("externalXRef")), (&json!("Printer on floor 2"), None));
    assert_eq!(desk.ask("PUT", &path, Some(json!({"severity": "Low"}))).status, 400);
}

#[test]
fn a_merge_closes_the_child_whose_notes_show_in_the_parent() {
    let mut desk = Desk::new();
    let [parent, child] = ["Printer", "Printer again"].map(|summary| desk.mail(summary));
    let path = format!("service/tickets/{parent}/merge");
    assert_eq!(desk.ask("POST", &path, Some(json!({"mergeTicketIds": [parent]}))).status, 400);
    assert_eq!(desk.ask("POST", &path, Some(json!({"mergeTicketIds": []}))).status, 400);
    let told = desk.ask("POST", &path, Some(json!({"mergeTicketIds": [child]})));
    assert_eq!((told.status, &told.body["hasMergedChildTicketFlag"]), (200, &json!(true)));
    let shown = desk.get(&format!("service/tickets/{child}")).body;
    assert_eq!((&shown["closedFlag"], &shown["mergedParentTicket"]["id"]), (&json!(true), &json!(parent)));
    let all = desk.list(&format!("service/tickets/{parent}/allNotes"));
    assert_eq!(all.iter().filter(|note| note["mergedFlag"] == true).count(), 2);
    assert_eq!(desk.list(&format!("service/tickets/{parent}/notes")).len(), 2);
    assert_eq!(desk.ask("POST", &path, Some(json!({"mergeTicketIds": [child]}))).status, 400);
}

#[test]
fn a_deleted_ticket_is_gone() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    assert_eq!(desk.ask("DELETE", &format!("service/tickets/{id}"), None).status, 204);
    assert_eq!(desk.get(&format!("service/tickets/{id}")).code(), "NotFound");
    assert!(desk.list("service/tickets").is_empty());
}

#[test]
fn each_change_has_its_line_in_the_audit_trail() {
    let mut desk = Desk::new();
    let id = desk.mail("VPN is down");
    let board = desk.ticket(id).board;
    let technician = *desk.world.technicians.keys().next().unwrap();
    let by = (Author::Technician(technician), desk.world.now());
    desk.world.set(id, crate::Deed::Owner, Some(technician), by);
    let done = desk.world.status(board, "Resolved");
    desk.patch(id, replace("status", json!({"id": done})));
    desk.patch(id, replace("summary", json!("VPN was down")));
    let trail = desk.list(&format!("system/audittrail?type=Ticket&id={id}"));
    let lines: Vec<[&str; 3]> = trail
        .iter()
        .rev()
        .map(|line| ["text", "enteredBy", "auditSource"].map(|key| line[key].as_str().unwrap()))
        .collect();
    for line in [
        ["Service Board has been updated from \"Service Desk\" to \"Network\".", "Workflow", "Workflow"],
        ["Ticket Owner has been set to \"Mara Lindqvist\".", "maralindqvist", "PSA"],
        ["Status has been updated from \"New\" to \"Resolved\".", API_MEMBER, "API"],
        ["Summary has been updated from \"VPN is down\" to \"VPN was down\".", API_MEMBER, "API"],
    ] {
        assert!(lines.contains(&line), "{line:?} in {lines:?}");
    }
    assert!(lines[0][0].ends_with("has been created."));
    assert_eq!(desk.list(&format!("system/audittrail?type=Ticket&id={id}&pageSize=2&page=2")).len(), 2);
    assert_eq!(desk.get("system/audittrail?type=Ticket").status, 400);
    assert_eq!(desk.get(&format!("system/audittrail?type=Tree&id={id}")).status, 400);
}
