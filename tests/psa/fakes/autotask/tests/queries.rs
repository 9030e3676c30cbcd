//! Queries, pages, metadata and the shape of records.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{GRACE, HARBOUR, NORA, Talk};
use crate::autotask::fields::TICKET;
use crate::autotask::{API_USER, COMPLETE, MONITORING};
use crate::deed::Deed;
use crate::world::{Author, Id, TimeEntry};

fn ids(items: &[Value]) -> Vec<Id> {
    items.iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_filter_is_needed_and_junk_is_refused() {
    let mut talk = Talk::new();
    for (status, body) in [
        (400, json!({})),
        (400, json!({"filter": "id"})),
        (400, json!({"filter": [7]})),
        (400, json!({"filter": [{"op": "like", "field": "title", "value": "x"}]})),
        (400, json!({"filter": [{"op": "eq", "value": 1}]})),
        (400, json!({"filter": [{"op": "or"}]})),
        (400, json!({"filter": [], "MaxRecords": 0})),
        (400, json!({"filter": [], "MaxRecords": "ten"})),
        (400, json!({"filter": [], "IncludeFields": "id"})),
        (500, json!({"filter": [{"op": "eq", "field": "colour", "value": 1}]})),
        (500, json!({"filter": [], "IncludeFields": ["id", "colour"]})),
        (500, json!({"filter": [{"op": "eq", "field": "status", "value": "open"}]})),
        (500, json!({"filter": [{"op": "gt", "field": "createDate", "value": "yesterday"}]})),
        (500, json!({"filter": [{"op": "in", "field": "status", "value": 1}]})),
        (500, json!({"filter": [{"op": "eq", "field": "creatorType", "value": 1}]})),
        (500, json!({"filter": [{"op": "eq", "field": "lastActivityPersonType", "value": 1}]})),
        (
            500,
            json!({"filter": [{"op": "exist", "field": "Asset tag", "udf": true}, {"op": "exist", "field": "Asset tag", "udf": true}]}),
        ),
    ] {
        let text = talk.refused(status, "POST", "Tickets/query", body);
        assert!(!text.is_empty());
    }
    let many = vec![json!({"op": "eq", "field": "id", "value": 1}); 501];
    talk.refused(500, "POST", "Tickets/query", json!({"filter": [{"op": "or", "items": many}]}));
    let deep = (0..40)
        .fold(json!({"op": "exist", "field": "id"}), |inner, _| json!({"op": "and", "items": [inner]}));
    talk.refused(400, "POST", "Tickets/query", json!({"filter": [deep]}));
    assert_eq!(talk.ask("GET", "Tickets/query?search={", None).0, 400);
    let (status, body) = talk.ask("POST", "Tickets/query/count", Some(json!({})));
    assert_eq!((status, body["queryCount"].is_null()), (400, true));
}

#[test]
fn conditions_hold_as_they_say() {
    let mut talk = Talk::new();
    let (mail, fax) = (talk.ticket("Mail stuck in outbox"), talk.ticket("Fax"));
    let by = (Author::Technician(GRACE), talk.world.now());
    talk.world.set(mail, Deed::Owner, Some(GRACE), by);
    talk.world.set(fax, Deed::Board, Some(MONITORING), by);
    let both = vec![mail, fax];
    let cases: Vec<(Value, Vec<Id>)> = vec![
        (json!([]), both.clone()),
        (json!([{"op": "exist", "field": "id"}]), both.clone()),
        (json!([{"op": "gte", "field": "id", "value": 0}]), both.clone()),
        (json!([{"OP": "EQ", "Field": "QueueId", "Value": MONITORING}]), vec![fax]),
        (json!([{"op": "eq", "field": "status", "value": "1"}]), both.clone()),
        (json!([{"op": "noteq", "field": "queueID", "value": MONITORING}]), vec![mail]),
        (json!([{"op": "contains", "field": "title", "value": "OUTBOX"}]), vec![mail]),
        (json!([{"op": "beginsWith", "field": "title", "value": "fa"}]), vec![fax]),
        (json!([{"op": "endsWith", "field": "title", "value": "fa"}]), vec![]),
        (json!([{"op": "exist", "field": "assignedResourceID"}]), vec![mail]),
        (json!([{"op": "notExist", "field": "assignedResourceID"}]), vec![fax]),
        (json!([{"op": "eq", "field": "assignedResourceID"}]), vec![fax]),
        (json!([{"op": "in", "field": "id", "value": [mail, 7]}]), vec![mail]),
        (json!([{"op": "notIn", "field": "id", "value": [mail]}]), vec![fax]),
        (json!([{"op": "in", "field": "id"}]), vec![]),
        (
            json!([{"op": "gte", "field": "lastActivityDate", "value": "2026-03-02T09:00:00.000Z"}]),
            both.clone(),
        ),
        (json!([{"op": "gt", "field": "lastActivityDate", "value": "2026-03-02T09:00:00.000000Z"}]), vec![]),
        (json!([{"op": "lt", "field": "createDate", "value": "2026-03-03"}]), both.clone()),
        (
            json!([{"op": "or", "items": [{"op": "eq", "field": "id", "value": fax},
            {"op": "and", "items": [{"op": "eq", "field": "id", "value": mail}, {"op": "eq", "field": "priority", "value": 9}]}]}]),
            vec![fax],
        ),
        (
            json!([{"op": "eq", "field": "id", "value": fax}, {"op": "eq", "field": "id", "value": mail}]),
            vec![],
        ),
        (json!([{"op": "eq", "field": "Asset tag", "value": "NB-1", "udf": true}]), vec![]),
        (json!([{"op": "notExist", "field": "asset tag", "udf": true}]), both.clone()),
    ];
    for (filter, wanted) in cases {
        assert_eq!(ids(&talk.items("Tickets", &filter)), wanted, "{filter}");
        let count = talk.well("POST", "Tickets/query/count", Some(json!({"filter": filter})));
        assert_eq!(count["queryCount"], wanted.len(), "{filter}");
        let get = talk.well("GET", &format!("Tickets/query?search={}", json!({"filter": filter})), None);
        assert_eq!(get["items"].as_array().unwrap().len(), wanted.len(), "{filter}");
    }
    let active = talk.items("Contacts", &json!([{"op": "eq", "field": "isActive", "value": "true"}]));
    assert_eq!(active.len(), 6);
    let inactive =
        talk.items("Resources", &json!([{"op": "or", "items": [{"op": "eq", "field": "isActive"}]}]));
    assert_eq!(inactive.len(), 1);
}

/// Follows the pages of a query to the end; `between` happens after each.
fn walk(talk: &mut Talk, get: bool, mut between: impl FnMut(&mut Talk)) -> Vec<Id> {
    let query = json!({"MaxRecords": 2, "filter": [{"op": "exist", "field": "id"}]});
    let first = if get { format!("Tickets/query?search={query}") } else { "Tickets/query".to_owned() };
    let method = if get { "GET" } else { "POST" };
    let mut page = talk.well(method, &first, (!get).then(|| query.clone()));
    let mut seen = ids(page["items"].as_array().unwrap());
    while let Some(next) = page["pageDetails"]["nextPageUrl"].as_str() {
        let next = next.strip_prefix("http://fake/ATServicesRest/V1.0/").unwrap().to_owned();
        between(talk);
        page = talk.well(method, &next, (!get).then(|| query.clone()));
        seen.extend(ids(page["items"].as_array().unwrap()));
    }
    assert!(seen.len() < 3 || page["pageDetails"]["prevPageUrl"].is_string());
    seen
}

#[test]
fn pages_are_followed_to_the_end_while_rows_change() {
    for get in [false, true] {
        let mut talk = Talk::new();
        let opened: Vec<Id> = (0..7).map(|n| talk.ticket(&format!("Ticket {n}"))).collect();
        assert_eq!(walk(&mut talk, get, |_| ()), opened);
        let moved = walk(&mut talk, get, |talk| {
            let by = (Author::System, talk.world.now());
            talk.world.set(opened[0], Deed::Priority, Some(4), by);
            talk.world.set(opened[6], Deed::Priority, Some(1), by);
        });
        assert_eq!(moved, opened, "rows that change while pages are read are read once each");
    }
}

#[test]
fn the_next_page_of_a_post_needs_the_same_body_and_may_grow_old() {
    let mut talk = Talk::new();
    for n in 0..3 {
        talk.ticket(&format!("Ticket {n}"));
    }
    let query = json!({"MaxRecords": 2, "filter": [{"op": "exist", "field": "id"}]});
    let page = talk.well("POST", "Tickets/query", Some(query.clone()));
    let details = json!({"count": 2, "requestCount": 2, "prevPageUrl": null});
    details.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(page["pageDetails"][key], *value));
    let next = page["pageDetails"]["nextPageUrl"].as_str().unwrap();
    let next = next.strip_prefix("http://fake/ATServicesRest/V1.0/").unwrap().to_owned();
    assert_eq!(talk.ask("POST", &next, Some(json!({}))).0, 400);
    assert_eq!(talk.ask("POST", "Tickets/query/next?paging=x", Some(query.clone())).0, 400);
    talk.set(&json!({"page_seconds": 60}));
    let later = talk.world.now() + SignedDuration::from_secs(61);
    talk.world.clock.set(later);
    assert_eq!(talk.ask("POST", &next, Some(query)).0, 500);
}

#[test]
fn more_than_500_rows_are_never_on_a_page() {
    let mut talk = Talk::new();
    for n in 0..501 {
        talk.ticket(&format!("Ticket {n}"));
    }
    let page = talk.well(
        "POST",
        "Tickets/query",
        Some(json!({"MaxRecords": 9000, "filter": [], "IncludeFields": ["title"]})),
    );
    assert_eq!(page["items"].as_array().unwrap().len(), 500);
    assert_eq!(page["pageDetails"]["requestCount"], 500);
    assert_eq!(page["items"][0].as_object().unwrap().len(), 2, "id and title");
    assert!(page["pageDetails"]["nextPageUrl"].is_string());
}

#[test]
fn a_ticket_shows_every_key_with_nulls() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let shown = talk.shown(ticket);
    for field in TICKET {
        assert!(shown.as_object().unwrap().contains_key(field.name), "{}", field.name);
    }
    for (key, value) in [
        ("id", json!(ticket)),
        ("ticketNumber", json!("T20260302.0001")),
        ("title", json!("Outbox full")),
        ("description", json!("Outbox full, since this morning.")),
        ("companyID", json!(HARBOUR)),
        ("contactID", json!(NORA)),
        ("status", json!(1)),
        ("priority", json!(2)),
        ("queueID", json!(29_682_833)),
        ("assignedResourceID", Value::Null),
        ("assignedResourceRoleID", Value::Null),
        ("createDate", json!("2026-03-02T09:00:00Z")),
        ("completedDate", Value::Null),
        ("firstResponseDateTime", Value::Null),
        ("firstResponseDueDateTime", json!("2026-03-02T11:00:00Z")),
        ("creatorResourceID", json!(4)),
        ("externalID", json!("")),
        ("userDefinedFields", json!([{"name": "Asset tag", "value": null}])),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
}

#[test]
fn what_stamps_a_response_is_the_status_and_needs_a_service_level() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let at = talk.world.now() + SignedDuration::from_millis(60_560);
    for (status, response, resolved) in
        [(7, false, false), (12, true, false), (COMPLETE, true, true), (8, true, false)]
    {
        talk.world.set(ticket, Deed::Status, Some(status), (Author::Technician(GRACE), at));
        let shown = talk.shown(ticket);
        assert_eq!(shown["firstResponseDateTime"].is_string(), response, "{status}");
        assert_eq!(shown["resolvedDateTime"].is_string(), resolved, "{status}");
        assert_eq!(shown["completedDate"].is_string(), status == COMPLETE, "{status}");
    }
    assert_eq!(talk.shown(ticket)["firstResponseDateTime"], "2026-03-02T09:01:00.56Z");
    talk.set(&json!({"service_level": null}));
    assert!(talk.shown(ticket)["firstResponseDateTime"].is_null());
}

#[test]
fn metadata_says_what_fields_hold_and_picklists_are_strings() {
    let mut talk = Talk::new();
    let fields = talk.well("GET", "Tickets/entityInformation/fields/", None);
    let field = |name: &str| -> Value {
        fields["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(
        (field("title")["length"].as_i64(), field("title")["isRequired"].as_bool()),
        (Some(255), Some(true))
    );
    assert_eq!(field("id")["dataType"], "long");
    assert_eq!(field("companyID")["referenceEntityType"], "Company");
    assert_eq!(field("creatorType")["isQueryable"], false);
    let status = field("status");
    let complete =
        status["picklistValues"].as_array().unwrap().iter().find(|pick| pick["value"] == "5").unwrap();
    assert_eq!((complete["label"].as_str(), complete["isSystem"].as_bool()), (Some("Complete"), Some(true)));
    assert_eq!(field("subIssueType")["picklistParentValueField"], "issueType");
    assert_eq!(field("subIssueType")["picklistValues"][0]["parentValue"], "10");
    let publish = |talk: &mut Talk| {
        let fields = talk.well("GET", "TicketNotes/entityInformation/fields", None);
        let fields = fields["fields"].as_array().unwrap();
        fields.iter().find(|f| f["name"] == "publish").unwrap()["picklistValues"].as_array().unwrap().len()
    };
    assert_eq!(publish(&mut talk), 2);
    talk.set(&json!({"comanaged": true}));
    assert_eq!(publish(&mut talk), 4);
    let about = talk.well("GET", "Tickets/entityInformation", None);
    assert_eq!(
        (about["info"]["canDelete"].as_bool(), about["info"]["canUpdate"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(
        talk.well("GET", "Tickets/entityInformation/userDefinedFields", None)["fields"][0]["name"],
        "Asset tag"
    );
    assert_eq!(talk.well("GET", "Contracts/entityInformation/fields", None)["fields"][0]["name"], "id");
}

#[test]
fn people_roles_and_what_else_describes_the_desk_can_be_asked_for() {
    let mut talk = Talk::new();
    let all = json!([{"op": "exist", "field": "id"}]);
    for (of, count) in [
        ("Companies", 4),
        ("Contacts", 6),
        ("Resources", 8),
        ("Roles", 2),
        ("ResourceServiceDeskRoles", 6),
        ("TicketCategories", 3),
        ("HolidaySets", 1),
        ("Holidays", 3),
        ("InternalLocationWithBusinessHours", 1),
        ("Departments", 0),
        ("SurveyResults", 0),
        ("NotificationHistory", 0),
    ] {
        assert_eq!(talk.items(of, &all).len(), count, "{of}");
    }
    assert!(talk.items("Contracts", &json!([{"op": "eq", "field": "status", "value": 1}])).is_empty());
    let me = talk.items("Resources", &json!([{"op": "eq", "field": "email", "value": API_USER}]));
    assert_eq!(me[0]["id"], crate::autotask::API_RESOURCE);
    let roles = talk.well("GET", &format!("Resources/{GRACE}/ServiceDeskRoles"), None);
    assert_eq!(roles["items"][0]["roleID"], 8);
    assert_eq!(talk.well("GET", "HolidaySets/1/Holidays", None)["items"].as_array().unwrap().len(), 3);
}

#[test]
fn hidden_queues_and_deleted_tickets_are_left_out_without_an_error() {
    let mut talk = Talk::new();
    let (kept, gone, hidden) = (talk.ticket("Kept"), talk.ticket("Gone"), talk.ticket("Hidden"));
    let by = (Author::System, talk.world.now());
    talk.world.delete(gone, by);
    talk.world.set(hidden, Deed::Board, Some(MONITORING), by);
    talk.world.boards.get_mut(&MONITORING).unwrap().hidden = true;
    assert_eq!(ids(&talk.items("Tickets", &json!([]))), [kept]);
    assert_eq!(talk.well("GET", &format!("Tickets/{hidden}"), None), json!({"item": null}));
    talk.refused(500, "PATCH", "Tickets", json!({"id": hidden, "priority": 1}));
}

#[test]
fn time_that_is_not_billed_is_hidden_without_the_permission() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Outbox full");
    let from = talk.world.now();
    for visible in [true, false] {
        let notes = if visible { "Cleared the outbox" } else { "Asked a colleague" }.to_owned();
        talk.world.time(TimeEntry {
            ticket,
            technician: GRACE,
            from,
            seconds: 600.0,
            notes,
            visible,
            ..TimeEntry::default()
        });
    }
    let filter = json!([{"op": "eq", "field": "ticketID", "value": ticket}]);
    let times = talk.items("TimeEntries", &filter);
    assert_eq!(times.len(), 2);
    assert_eq!(times[0]["hoursWorked"], 0.1667);
    assert_eq!((times[0]["roleID"].as_i64(), times[0]["hoursToBill"].as_f64()), (Some(8), Some(0.25)));
    assert_eq!(times[0]["summaryNotes"], "Cleared the outbox");
    assert_eq!(
        (times[1]["internalNotes"].as_str(), times[1]["isNonBillable"].as_bool()),
        (Some("Asked a colleague"), Some(true))
    );
    talk.set(&json!({"sees_nonbillable_time": false}));
    assert_eq!(talk.items("TimeEntries", &filter).len(), 1);
}
