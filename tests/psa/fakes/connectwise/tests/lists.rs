//! Conditions, order, pages.

use std::collections::BTreeSet;

use super::*;

/// A desk with so many tickets, one a minute.
fn many(n: usize) -> (Desk, Vec<Id>) {
    let mut desk = Desk::new();
    let ids = (0..n).map(|at| {
        desk.later(60);
        desk.mail(&format!("Ticket {at}"))
    });
    let ids = ids.collect();
    (desk, ids)
}

/// The address of the next page.
fn next(told: &Told) -> Option<String> {
    let link = told.header("link")?.split(", ").find(|link| link.ends_with("rel=\"next\""))?;
    let url = link.trim_start_matches('<').split('>').next()?;
    url.strip_prefix("https://psa.test").map(str::to_owned)
}

/// Ids of all pages, as far as links lead. Between two pages something happens.
fn walk(desk: &mut Desk, path: &str, forward: bool, mut between: impl FnMut(&mut Desk)) -> Vec<Id> {
    let (mut ids, mut path) = (Vec::new(), path.to_owned());
    for _ in 0..50 {
        let mut asked = request("GET", &path, None);
        if forward {
            asked.headers.insert("pagination-type".to_owned(), "forward-only".to_owned());
        }
        let told = desk.raw(&asked);
        assert_eq!(told.status, 200, "{}", told.body);
        ids.extend(told.body.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
        between(desk);
        match next(&told) {
            Some(more) => path = more,
            None => return ids,
        }
    }
    panic!("the pages never end");
}

#[test]
fn pages_lead_on_to_the_end_and_past_it_are_empty() {
    let (mut desk, ids) = many(60);
    assert_eq!(desk.list("service/tickets").len(), 25);
    assert_eq!(walk(&mut desk, "service/tickets?pageSize=7", false, |_| ()), ids);
    let told = desk.get("service/tickets?pageSize=7&page=99");
    assert_eq!((&told.body, next(&told)), (&json!([]), None));
    assert!(told.header("link").unwrap().contains("page=9>; rel=\"last\""));
    let told = desk.get("service/tickets?pageSize=100");
    assert!(next(&told).is_none() && told.header("link").unwrap().contains("page=1>; rel=\"last\""));
}

#[test]
fn a_page_size_above_the_maximum_is_refused_or_cut() {
    let (mut desk, _) = many(2);
    assert_eq!(desk.get("service/tickets?pageSize=1001").status, 400);
    assert_eq!(desk.get("service/tickets?pageSize=1000").status, 200);
    assert_eq!(desk.get("service/tickets?pageSize=all").status, 400);
    desk.set(&json!({"caps_page_size": true}));
    assert_eq!(desk.get("service/tickets?pageSize=5000").status, 200);
}

#[test]
fn forward_only_pages_miss_nothing_while_rows_move() {
    let (mut desk, ids) = many(40);
    let path = "service/tickets?pageSize=6&orderBy=lastUpdated";
    let edit = |desk: &mut Desk| {
        desk.later(5);
        let oldest = desk.world.tickets.values().min_by_key(|t| t.updated_at).map(|t| t.id).unwrap();
        let (&priority, by) =
            (desk.world.priorities.keys().next().unwrap(), (crate::Author::System, desk.world.now()));
        desk.world.set(oldest, crate::Deed::Priority, Some(priority), by);
    };
    assert_eq!(walk(&mut desk, path, true, edit), ids);
    // By number, the same moves make rows slip to pages that were read already.
    let (mut desk, ids) = many(40);
    let seen: BTreeSet<Id> = walk(&mut desk, path, false, edit).into_iter().collect();
    assert!(seen.len() < ids.len());
}

#[test]
fn changes_since_a_time_are_found_by_whole_seconds() {
    let (mut desk, ids) = many(5);
    let shown = desk.get(&format!("service/tickets/{}", ids[3])).body["_info"]["lastUpdated"].clone();
    assert_eq!(shown, "2026-03-02T08:04:00Z");
    let shown = shown.as_str().unwrap();
    for (condition, found) in [
        (format!("lastUpdated>=[{shown}]"), &ids[3..]),
        (format!("lastUpdated>[{shown}]"), &ids[4..]),
        (format!("(lastUpdated >= [{}] and closedFlag=False)", shown.trim_end_matches('Z')), &ids[3..]),
        (format!("_info/lastUpdated >= [{shown}]"), &ids[3..]),
        (format!("id in ({},{})", ids[0], ids[1]), &ids[..2]),
        ("summary like \"Ticket 4*\" and parentTicketId = null".to_owned(), &ids[4..]),
        ("company/identifier = \"nobody\"".to_owned(), &ids[..0]),
    ] {
        let rows = desk.list(&format!("service/tickets?conditions={condition}"));
        let rows: Vec<Id> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(rows, found, "{condition}");
        let count = desk.get(&format!("service/tickets/count?conditions={condition}"));
        assert_eq!(count.body, json!({"count": found.len()}), "{condition}");
        let search = desk.ask("POST", "service/tickets/search", Some(json!({"conditions": condition})));
        assert_eq!(search.body.as_array().unwrap().len(), found.len(), "{condition}");
    }
}

#[test]
fn junk_in_a_list_is_refused() {
    let (mut desk, _) = many(1);
    for query in [
        "conditions=nonsense",
        "conditions=colour=3",
        "conditions=board/id=",
        "conditions=lastUpdated>[2026-03-01T00:00:00+00:00]",
        "conditions=id in 3",
        "orderBy=colour",
        "orderBy=id sideways",
        "childConditions=(",
    ] {
        let told = desk.get(&format!("service/tickets?{query}"));
        assert_eq!((told.status, told.code()), (400, "ApiFindCondition"), "{query}");
    }
    desk.set(&json!({"offset_times": true}));
    let told = desk.get("service/tickets?conditions=lastUpdated>[2026-03-01 00:00:00.990871+00:00]");
    assert_eq!((told.status, told.body.as_array().unwrap().len()), (200, 1));
    desk.set(&json!({"order_by_last_updated": false}));
    assert_eq!(desk.get("service/tickets?orderBy=lastUpdated asc").code(), "ApiFindCondition");
    assert_eq!(desk.get("service/tickets?orderBy=id desc").status, 200);
}

#[test]
fn order_and_fields_are_followed_and_unknown_parameters_ignored() {
    let (mut desk, ids) = many(3);
    let rows =
        desk.list("service/tickets/?orderBy=lastUpdated desc&fields=id,board/name&recordId=<junk object>");
    assert_eq!(rows[0], json!({"id": ids[2], "board": {"name": "Service Desk"}}));
    assert_eq!(rows.len(), 3);
}

#[test]
fn conditions_on_custom_fields_and_children_hold() {
    let (mut desk, ids) = many(2);
    let fields = json!([{"id": 7, "caption": "Asset tag", "type": "Text", "entryMethod": "EntryField",
        "numberOfDecimals": 0, "value": "NB-7"}]);
    assert_eq!(desk.patch(ids[0], replace("customFields", fields)).status, 200);
    let custom = "caption=\"Asset tag\" and value=\"NB-7\"";
    let rows = desk.list(&format!("service/tickets?customFieldConditions={custom}"));
    assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(ids[0])));
    let email = desk.world.contacts.values().next().unwrap().email.clone();
    let rows = desk.list(&format!("company/contacts?childConditions=communicationItems/value=\"{email}\""));
    assert_eq!(rows.len(), 1);
}

#[test]
fn nothing_shown_is_null() {
    fn nulls(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(nulls),
            Value::Object(members) => members.values().any(nulls),
            _ => false,
        }
    }
    let (mut desk, ids) = many(1);
    for path in [
        format!("service/tickets/{}", ids[0]),
        format!("service/tickets/{}/notes", ids[0]),
        format!("service/tickets/{}/allNotes", ids[0]),
        "service/tickets".to_owned(),
        "service/boards".to_owned(),
        "system/members".to_owned(),
        "system/workflows".to_owned(),
        "service/templates".to_owned(),
    ] {
        let told = desk.get(&path);
        assert!(told.status == 200 && !nulls(&told.body), "{path}: {}", told.body);
    }
}
