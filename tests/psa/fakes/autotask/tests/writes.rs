//! Writes and what is read back of them, the counts of them, and the history that they leave.

use serde_json::{Value, json};

use super::{GRACE, HARBOUR, HELP_DESK, NORA, Talk};
use crate::autotask::{API_RESOURCE, COMPLETE, MONITORING, SERVICE_DESK};
use crate::deed::Deed;
use crate::world::{Author, Id};

fn history(talk: &mut Talk, ticket: Id) -> Vec<Value> {
    talk.items("TicketHistory", &json!([{"op": "eq", "field": "ticketID", "value": ticket}]))
}

#[test]
fn a_patch_sets_what_it_names_answers_with_the_id_alone_and_is_counted_once() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let before = talk.shown(ticket);
    let patch = json!({"id": ticket, "Status": "8", "queueID": MONITORING, "issueType": 10, "subIssueType": 136,
        "assignedResourceID": GRACE, "assignedResourceRoleID": HELP_DESK, "resolution": "Cleared", "source": 2,
        "userDefinedFields": [{"name": "Asset tag", "value": "NB-7"}], "dueDateTime": "2026-03-05T10:00:00Z"});
    assert_eq!(talk.well("PATCH", "Tickets/", Some(patch.clone())), json!({"itemId": ticket}));
    let after = talk.shown(ticket);
    for (key, value) in patch.as_object().unwrap() {
        let key = if key == "Status" { "status" } else { key };
        let value = if key == "status" { &json!(8) } else { value };
        assert_eq!(&after[key], value, "{key}");
    }
    for key in ["title", "description", "priority", "companyID", "contactID", "createDate", "ticketNumber"] {
        assert_eq!(after[key], before[key], "{key} was not named");
    }
    assert_eq!(after["lastActivityResourceID"], API_RESOURCE);
    assert_eq!(talk.writes(ticket), 1);
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "status": 8})));
    assert_eq!(talk.writes(ticket), 1, "a write that changes nothing is none");
    let details: Vec<String> =
        history(&mut talk, ticket).iter().map(|row| row["detail"].as_str().unwrap().to_owned()).collect();
    for part in [
        "Status changed from \"New\" to \"In Progress\"",
        "Queue changed",
        "Primary Resource",
        "Issue Type",
        "resolution",
        "Asset tag",
    ] {
        assert!(details.iter().any(|detail| detail.contains(part)), "{part}: {details:?}");
    }
}

#[test]
fn a_put_resets_what_it_leaves_out() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "resolution": "Cleared", "issueType": 11})));
    talk.refused(500, "PUT", "Tickets", json!({"id": ticket, "status": 8}));
    let put = json!({"id": ticket, "title": "Outbox", "companyID": HARBOUR, "status": 8, "priority": 3, "queueID": SERVICE_DESK});
    talk.well("PUT", "Tickets", Some(put));
    let after = talk.shown(ticket);
    assert_eq!((after["title"].as_str(), after["status"].as_i64()), (Some("Outbox"), Some(8)));
    assert!(after["contactID"].is_null() && after["issueType"].is_null() && after["resolution"].is_null());
}

#[test]
fn a_ticket_is_created_with_what_it_must_have() {
    let mut talk = Talk::new();
    let new = json!({"title": "New starter", "description": "Starts on Monday.", "companyID": HARBOUR, "contactID": NORA,
        "status": 1, "priority": 3, "queueID": SERVICE_DESK, "ticketType": 1, "externalID": "x-1"});
    let id = talk.well("POST", "Tickets", Some(new.clone()))["itemId"].as_i64().unwrap();
    let shown = talk.shown(id);
    for (key, value) in new.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    assert_eq!((shown["creatorResourceID"].as_i64(), talk.writes(id)), (Some(API_RESOURCE), 1));
    for missing in ["title", "companyID", "status", "priority", "queueID"] {
        let mut less = new.clone();
        less.as_object_mut().unwrap().remove(missing);
        talk.refused(500, "POST", "Tickets", less);
    }
    let mut done = new;
    done["status"] = json!(COMPLETE);
    let id = talk.well("POST", "Tickets", Some(done))["itemId"].as_i64().unwrap();
    assert!(talk.shown(id)["completedDate"].is_string());
    let found = talk.items("Tickets", &json!([{"op": "eq", "field": "externalID", "value": "X-1"}]));
    assert_eq!(found.len(), 2);
}

#[test]
fn values_that_do_not_fit_are_500_and_nothing_is_done() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    for body in [
        json!({"status": 8}),
        json!({"id": 7, "status": 8}),
        json!({"id": ticket, "status": 99}),
        json!({"id": ticket, "status": "open"}),
        json!({"id": ticket, "status": 1.5}),
        json!({"id": ticket, "status": null}),
        json!({"id": ticket, "title": ""}),
        json!({"id": ticket, "title": "x".repeat(256)}),
        json!({"id": ticket, "title": 7}),
        json!({"id": ticket, "queueID": 3}),
        json!({"id": ticket, "queueID": null}),
        json!({"id": ticket, "companyID": 9}),
        json!({"id": ticket, "companyID": 175}),
        json!({"id": ticket, "contactID": 29_683_590}),
        json!({"id": ticket, "subIssueType": 136}),
        json!({"id": ticket, "issueType": 10, "subIssueType": 140}),
        json!({"id": ticket, "dueDateTime": "soon"}),
        json!({"id": ticket, "assignedResourceID": GRACE}),
        json!({"id": ticket, "assignedResourceRoleID": HELP_DESK}),
        json!({"id": ticket, "assignedResourceID": GRACE, "assignedResourceRoleID": null}),
        json!({"id": ticket, "assignedResourceID": GRACE, "assignedResourceRoleID": 29_682_834}),
        json!({"id": ticket, "assignedResourceID": 29_682_890, "assignedResourceRoleID": HELP_DESK}),
        json!({"id": ticket, "assignedResourceID": 7, "assignedResourceRoleID": HELP_DESK}),
        json!({"id": ticket, "userDefinedFields": [{"name": "Colour", "value": "red"}]}),
    ] {
        assert!(!talk.refused(500, "PATCH", "Tickets", body).is_empty());
    }
    talk.refused(400, "PATCH", "Tickets", json!("x"));
    talk.set(&json!({"may_write_tickets": false}));
    let text = talk.refused(500, "PATCH", "Tickets", json!({"id": ticket, "status": 8}));
    assert!(text.contains("The logged in Resource does not have the adequate permissions"));
    assert_eq!(talk.writes(ticket), 0);
}

#[test]
fn an_owner_can_be_taken_away_and_what_is_read_only_is_passed_over() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let by = (Author::System, talk.world.now());
    talk.world.set(ticket, Deed::Owner, Some(GRACE), by);
    talk.well(
        "PATCH",
        "Tickets",
        Some(json!({"id": ticket, "assignedResourceID": "", "assignedResourceRoleID": ""})),
    );
    assert!(talk.shown(ticket)["assignedResourceID"].is_null());
    let mut whole = talk.shown(ticket);
    whole["priority"] = json!(4);
    whole["createDate"] = json!("2020-01-01T00:00:00Z");
    talk.well("PATCH", "Tickets", Some(whole));
    let shown = talk.shown(ticket);
    assert_eq!(
        (shown["priority"].as_i64(), shown["createDate"].as_str()),
        (Some(4), Some("2026-03-02T09:00:00Z"))
    );
    assert_eq!(talk.writes(ticket), 2);
}

#[test]
fn a_ticket_without_a_queue_needs_an_owner() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let owned = json!({"id": ticket, "queueID": null, "assignedResourceID": GRACE, "assignedResourceRoleID": HELP_DESK});
    talk.well("PATCH", "Tickets", Some(owned));
    assert!(talk.shown(ticket)["queueID"].is_null());
    talk.refused(
        500,
        "PATCH",
        "Tickets",
        json!({"id": ticket, "assignedResourceID": null, "assignedResourceRoleID": null}),
    );
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "queueID": SERVICE_DESK})));
    assert_eq!(talk.shown(ticket)["queueID"], SERVICE_DESK);
}

#[test]
fn notes_are_written_below_their_ticket_and_read_back_both_ways() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let path = format!("Tickets/{ticket}/Notes");
    let note =
        json!({"Title": "Draft", "description": "Try <b>again</b> & report", "NoteType": 3, "Publish": 2});
    let id = talk.well("POST", &path, Some(note))["itemId"].as_i64().unwrap();
    let shown = talk.well("GET", &format!("TicketNotes/{id}"), None)["item"].clone();
    for (key, value) in [
        ("ticketID", json!(ticket)),
        ("title", json!("Draft")),
        ("description", json!("Try <b>again</b> & report")),
        ("noteType", json!(3)),
        ("publish", json!(2)),
        ("creatorResourceID", json!(API_RESOURCE)),
        ("createdByContactID", Value::Null),
        ("impersonatorCreatorResourceID", Value::Null),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    assert_eq!(talk.well("GET", &path, None)["items"], json!([shown]));
    assert_eq!(talk.well("GET", &format!("{path}/{id}"), None)["item"], shown);
    assert_eq!(
        talk.items("TicketNotes", &json!([{"op": "eq", "field": "ticketID", "value": ticket}])),
        [shown]
    );
    assert!(talk.world.mails.is_empty(), "an internal note is mailed to nobody");
    talk.well("PATCH", &path, Some(json!({"id": id, "description": "Shorter"})));
    let shown = talk.well("GET", &format!("TicketNotes/{id}"), None)["item"].clone();
    assert_eq!((shown["description"].as_str(), shown["publish"].as_i64()), (Some("Shorter"), Some(2)));
    assert_eq!(talk.writes(ticket), 2);
    let marked = json!([{"op": "eq", "field": "title", "value": "draft"}, {"op": "eq", "field": "ticketID", "value": ticket}]);
    assert_eq!(talk.items("TicketNotes", &marked).len(), 1);
}

#[test]
fn notes_that_do_not_fit_are_refused() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let path = format!("Tickets/{ticket}/Notes");
    let good = json!({"title": "T", "description": "D", "noteType": 3, "publish": 1});
    for (key, value) in [
        ("title", Value::Null),
        ("title", json!("x".repeat(251))),
        ("description", json!("")),
        ("description", json!("x".repeat(3201))),
        ("noteType", json!(99)),
        ("noteType", Value::Null),
        ("publish", json!(3)),
        ("publish", Value::Null),
        ("createdByContactID", json!(29_683_590)),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        talk.refused(500, "POST", &path, bad);
    }
    let mut hidden = good.clone();
    (hidden["publish"], hidden["createdByContactID"]) = (json!(2), json!(NORA));
    talk.refused(500, "POST", &path, hidden);
    talk.refused(500, "POST", "Tickets/7/Notes", good.clone());
    talk.refused(500, "PATCH", &path, json!({"id": 7, "title": "x"}));
    talk.set(&json!({"may_write_notes": false}));
    talk.refused(500, "POST", &path, good.clone());
    talk.set(&json!({"may_write_notes": true, "note_title_required": false, "note_length": 9000, "comanaged": true}));
    talk.well("POST", &path, Some(json!({"description": "x".repeat(9000), "noteType": 3, "publish": 4})));
    let mut theirs = good;
    theirs["createdByContactID"] = json!(NORA);
    let id = talk.well("POST", &path, Some(theirs))["itemId"].as_i64().unwrap();
    let shown = talk.well("GET", &format!("TicketNotes/{id}"), None)["item"].clone();
    assert_eq!(
        (shown["createdByContactID"].as_i64(), shown["creatorResourceID"].is_null()),
        (Some(NORA), true)
    );
}

#[test]
fn a_technician_can_be_impersonated_where_that_is_allowed() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let path = format!("Tickets/{ticket}/Notes");
    let note = json!({"title": "T", "description": "D", "noteType": 3, "publish": 1});
    for bad in ["29682890", "7", "x"] {
        talk.header("impersonationresourceid", bad);
        talk.refused(500, "POST", &path, note.clone());
        talk.refused(500, "PATCH", "Tickets", json!({"id": ticket, "status": 8}));
    }
    talk.header("impersonationresourceid", &GRACE.to_string());
    let id = talk.well("POST", &path, Some(note.clone()))["itemId"].as_i64().unwrap();
    let shown = talk.well("GET", &format!("TicketNotes/{id}"), None)["item"].clone();
    assert_eq!(
        (shown["creatorResourceID"].as_i64(), shown["impersonatorCreatorResourceID"].as_i64()),
        (Some(GRACE), Some(API_RESOURCE))
    );
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "status": 8})));
    let last = history(&mut talk, ticket).pop().unwrap();
    assert_eq!(last["resourceID"], GRACE);
    assert_eq!(talk.writes(ticket), 2, "who is shown is the technician, who wrote is the API user");
    talk.set(&json!({"may_impersonate": false}));
    talk.refused(500, "POST", &path, note);
}

#[test]
fn public_notes_are_mailed_where_a_rule_says_so_and_internal_ones_only_in_the_unsafe_variant() {
    for (settings, publish, mails) in [
        (json!({}), 1, 1),
        (json!({}), 2, 0),
        (json!({"mails_public_notes": false}), 1, 0),
        (json!({"mails_internal_notes": true}), 2, 1),
    ] {
        let mut talk = Talk::new();
        talk.set(&settings);
        let ticket = talk.ticket("Outbox full");
        let note = json!({"title": "T", "description": "D", "noteType": 3, "publish": publish});
        talk.well("POST", &format!("Tickets/{ticket}/Notes"), Some(note));
        assert_eq!(talk.world.mails.len(), mails, "{settings} {publish}");
        let told =
            talk.items("NotificationHistory", &json!([{"op": "eq", "field": "ticketID", "value": ticket}]));
        assert_eq!(told.len(), mails);
        assert_eq!(talk.shown(ticket)["lastCustomerNotificationDateTime"].is_string(), mails == 1);
    }
}

#[test]
fn time_is_written_corrected_and_deleted() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let entry = json!({"ticketID": ticket, "resourceID": GRACE, "roleID": HELP_DESK, "dateWorked": "2026-03-02",
        "startDateTime": "2026-03-02T09:00:00Z", "endDateTime": "2026-03-02T09:30:00Z", "hoursWorked": 0.5,
        "summaryNotes": "Cleared it", "internalNotes": "Third time"});
    let id = talk.well("POST", "TimeEntries", Some(entry.clone()))["itemId"].as_i64().unwrap();
    let shown = talk.well("GET", &format!("TimeEntries/{id}"), None)["item"].clone();
    for key in [
        "ticketID",
        "resourceID",
        "roleID",
        "startDateTime",
        "endDateTime",
        "hoursWorked",
        "summaryNotes",
        "internalNotes",
    ] {
        assert_eq!(shown[key], entry[key], "{key}");
    }
    assert_eq!(shown["isNonBillable"], false);
    talk.well("PATCH", "TimeEntries", Some(json!({"id": id, "hoursWorked": 1})));
    let shown = talk.well("GET", &format!("TimeEntries/{id}"), None)["item"].clone();
    assert_eq!(
        (shown["hoursWorked"].as_f64(), shown["summaryNotes"].as_str()),
        (Some(1.0), Some("Cleared it"))
    );
    for (key, value) in [
        ("ticketID", json!(7)),
        ("resourceID", json!(29_682_890)),
        ("roleID", json!(29_682_834)),
        ("hoursWorked", json!(0)),
        ("hoursWorked", json!(25)),
    ] {
        let mut bad = entry.clone();
        bad[key] = value;
        talk.refused(500, "POST", "TimeEntries", bad);
    }
    let mut undated = entry;
    (undated["dateWorked"], undated["startDateTime"]) = (Value::Null, Value::Null);
    talk.refused(500, "POST", "TimeEntries", undated);
    assert_eq!(talk.well("DELETE", &format!("TimeEntries/{id}"), None), json!({"itemId": id}));
    let text = talk.refused(500, "DELETE", &format!("TimeEntries/{id}"), json!({}));
    assert!(text.starts_with("No message. No matching records found."));
    assert_eq!(talk.writes(ticket), 3);
}

#[test]
fn the_history_takes_one_filter_and_has_each_change() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let at = talk.world.now();
    for (of, to) in [
        (Deed::Status, Some(COMPLETE)),
        (Deed::Status, Some(8)),
        (Deed::Board, Some(MONITORING)),
        (Deed::Kind, Some(10)),
        (Deed::Subkind, Some(136)),
        (Deed::Priority, Some(4)),
        (Deed::Owner, Some(GRACE)),
        (Deed::Contact, None),
        (Deed::Company, Some(175)),
    ] {
        talk.world.set(ticket, of, to, (Author::Technician(GRACE), at));
    }
    talk.world.rename(ticket, "Outbox", (Author::System, at));
    let rows = history(&mut talk, ticket);
    assert_eq!(rows.len(), 11);
    assert_eq!((rows[0]["action"].as_str(), rows[0]["resourceID"].as_i64()), (Some("Created"), Some(4)));
    assert_eq!(rows[1]["detail"], "Status changed from \"New\" to \"Complete\"");
    assert_eq!(rows[2]["detail"], "Status changed from \"Complete\" to \"In Progress\"");
    assert_eq!(
        (rows[3]["resourceID"].as_i64(), rows[3]["date"].as_str()),
        (Some(GRACE), Some("2026-03-02T09:00:00Z"))
    );
    let one = talk.well("GET", &format!("TicketHistory/{}", rows[3]["id"]), None);
    assert_eq!(one["item"], rows[3]);
    let of_it = json!({"op": "eq", "field": "ticketID", "value": ticket});
    for filter in [
        json!([]),
        json!([{"op": "exist", "field": "id"}]),
        json!([{"op": "in", "field": "ticketID", "value": [ticket]}]),
        json!([of_it, {"op": "gt", "field": "date", "value": "2026-01-01T00:00:00Z"}]),
        json!([{"op": "and", "items": [of_it]}]),
    ] {
        talk.refused(500, "POST", "TicketHistory/query", json!({"filter": filter}));
    }
    let count = talk.well("POST", "TicketHistory/query/count", Some(json!({"filter": [of_it]})));
    assert_eq!(count["queryCount"], 11);
}
