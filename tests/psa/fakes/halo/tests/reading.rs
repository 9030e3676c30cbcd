//! Lists, pages, filters, forms of times, reference data.

use serde_json::{Value, json};

use super::{Bench, ids};
use crate::deed::Deed;
use crate::halo::{PRIVATE_NOTE, UNASSIGNED};
use crate::server::Dialect;
use crate::world::{Author, Note};

fn many(count: usize) -> Bench {
    let mut bench = Bench::new();
    for n in 0..count {
        bench.mailed(&format!("Ticket {n}"));
        bench.later(1);
    }
    bench
}

#[test]
fn without_pageinate_page_parameters_are_ignored() {
    let mut bench = many(130);
    for path in [
        "/api/Tickets",
        "/api/tickets?page_no=2&page_size=100",
        "/api/Tickets?paginate=true&page_no=2&page_size=100",
        "/api/Tickets?pageinate=true&page_size=100",
    ] {
        let body = bench.got(path);
        assert_eq!(body["tickets"].as_array().unwrap().len(), 50, "{path}");
        assert_eq!(body["record_count"], 130);
        assert!(body.get("page_no").is_none());
    }
    assert_eq!(bench.got("/api/Tickets?count=120")["tickets"].as_array().unwrap().len(), 120);
}

#[test]
fn pages_are_cut_to_100_without_a_word_and_end_with_an_empty_one() {
    let mut bench = many(230);
    let mut seen = Vec::new();
    for (page, size) in [(1, 100), (2, 100), (3, 30), (4, 0)] {
        let body =
            bench.got(&format!("/api/Tickets?pageinate=True&page_size=500&page_no={page}&count=50&order=id"));
        assert_eq!(
            (&body["page_no"], &body["page_size"], &body["record_count"]),
            (&json!(page), &json!(100), &json!(230))
        );
        assert_eq!(body["tickets"].as_array().unwrap().len(), size);
        seen.extend(ids(&body["tickets"]));
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.len(), 230);
}

#[test]
fn rows_that_move_between_pages_are_missed_by_whoever_does_not_overlap() {
    let mut bench = many(6);
    let path =
        |page: usize| format!("/api/Tickets?pageinate=true&page_size=3&page_no={page}&order=last_update");
    let first = ids(&bench.got(&path(1))["tickets"]);
    let moved = first[0];
    let by = (Author::System, bench.world.now());
    bench.world.set(moved, Deed::Priority, Some(1), by);
    let second = ids(&bench.got(&path(2))["tickets"]);
    assert_eq!(second.last(), Some(&moved));
    assert_eq!(first.iter().chain(&second).collect::<std::collections::BTreeSet<_>>().len(), 5);
}

#[test]
fn an_endpoint_repeats_page_one_and_bare_arrays_have_no_pages() {
    let mut bench = Bench::new();
    let path = |what: &str, page: usize| format!("/api/{what}?pageinate=true&page_size=2&page_no={page}");
    let [one, two] = [1, 2].map(|page| bench.got(&path("Site", page)));
    assert_eq!(one["sites"], two["sites"]);
    let [one, two] = [1, 2].map(|page| bench.got(&path("Users", page)));
    assert_ne!(one["users"], two["users"]);
    assert_eq!(one["record_count"], 6);
    let [one, two] = [1, 2].map(|page| bench.got(&path("Status", page)));
    assert_eq!(one, two);
    assert!(one.as_array().unwrap().len() > 2);
    bench.halo.set(&json!({"repeats_page_one": ["tickets"]})).unwrap();
    (0..3).for_each(|n| {
        bench.mailed(&format!("Ticket {n}"));
    });
    let [one, two] = [1, 2].map(|page| bench.got(&path("Tickets", page)));
    assert_eq!(one["tickets"], two["tickets"]);
}

#[test]
fn a_misspelt_filter_gives_the_whole_tenant_and_a_wrong_value_is_refused() {
    let mut bench = many(4);
    let last = bench.got("/api/Tickets?order=id")["tickets"][3].clone();
    let from = last["last_update"].as_str().unwrap().to_owned();
    for spelled in [from.clone(), format!("{from}Z"), from.replace('T', " "), format!("{from}%2B00:00")] {
        let body = bench.got(&format!("/api/Tickets?lastupdatefromdate={spelled}"));
        assert_eq!(ids(&body["tickets"]), [last["id"].as_i64().unwrap()], "{spelled}");
    }
    assert_eq!(bench.got(&format!("/api/Tickets?lastupdatedfromdate={from}"))["record_count"], 4);
    let (status, body) = bench.get("/api/Tickets?lastupdatefromdate=yesterday");
    assert_eq!((status, body.as_object().unwrap().len()), (400, 1));
    bench.halo.set(&json!({"from_is_inclusive": false})).unwrap();
    assert_eq!(bench.got(&format!("/api/Tickets?lastupdatefromdate={from}"))["record_count"], 0);
}

#[test]
fn filters_hold() {
    let mut bench = many(3);
    let rows = bench.got("/api/Tickets?order=id")["tickets"].clone();
    let (closed, open) = (rows[0]["id"].as_i64().unwrap(), rows[1]["id"].as_i64().unwrap());
    let by = (Author::System, bench.world.now());
    bench.world.set(closed, Deed::Status, Some(9), by);
    let agent = *bench.world.technicians.keys().next().unwrap();
    bench.world.set(open, Deed::Owner, Some(agent), by);
    let counts = [
        ("open_only=True", 2),
        ("closed_only=true", 1),
        ("open_only=False", 3),
        ("search_id=20000000", 0),
        ("status_id=9", 1),
        ("agent_id=1", 2),
        ("client_id=1", 0),
        ("team=1st Line Support", 3),
        ("team=Projects", 0),
        ("priority=3,4", 3),
        ("search=ticket 2", 1),
        ("datesearch=datecleared&startdate=2026-01-01", 1),
        ("datesearch=dateoccured&enddate=2026-01-01", 0),
        ("itil_requesttype_id=1&anything=at-all", 3),
    ];
    for (query, count) in counts {
        assert_eq!(bench.got(&format!("/api/Tickets?{query}"))["record_count"], count, "{query}");
    }
    let by_id = bench
        .got(&format!("/api/Tickets?ticketids={open},{closed}&order=id&orderdesc=true&ticketidonly=true"));
    assert_eq!(by_id["tickets"], json!([{"id": open}, {"id": closed}]));
    assert_eq!(bench.got(&format!("/api/Tickets?agent_id={agent}"))["tickets"][0]["id"], open);
}

#[test]
fn a_thin_row_and_a_full_ticket() {
    let mut bench = Bench::new();
    let id = bench.mailed("Outlook asks for a password");
    let row = bench.got("/api/Tickets")["tickets"][0].clone();
    assert_eq!(row["dateoccurred"], "2026-03-03T08:14:22.56");
    assert_eq!(
        (&row["responsedate"], &row["dateclosed"]),
        (&json!("1900-01-01T00:00:00"), &json!("1900-01-01T00:00:00"))
    );
    assert_eq!(
        (&row["agent_id"], &row["status_id"], &row["tickettype_id"]),
        (&json!(UNASSIGNED), &json!(1), &json!(1))
    );
    assert_eq!(
        (&row["team"], &row["category_1"], &row["categoryid_1"]),
        (&json!("1st Line Support"), &json!(""), &json!(0))
    );
    assert_ne!(row["client_id"], row["site_id"]);
    assert!(row["details"].as_str().unwrap().contains("this morning"));
    for absent in ["status_name", "agent_name", "details_html", "customfields", "guid"] {
        assert!(row.get(absent).is_none(), "{absent}");
    }
    let full = bench.got(&format!("/api/Tickets/{id}?includedetails=true&includelastaction=true"));
    assert_eq!((&full["status_name"], &full["agent_name"]), (&json!("New"), &json!("Unassigned")));
    assert_eq!(full["customfields"][0]["id"], 151);
    assert!(full["details_html"].as_str().unwrap().contains("<br>"));
    assert_eq!(full["lastaction"]["outcome"], "Acknowledgement");
    assert!(bench.got("/api/Tickets?include_custom_fields=151")["tickets"][0]["customfields"].is_array());
    assert_eq!(bench.got(&format!("/api/Tickets?search_id={id}"))["tickets"].as_array().unwrap().len(), 1);
}

#[test]
fn ids_of_actions_begin_anew_in_each_ticket_and_stay() {
    let mut bench = Bench::new();
    let (a, b) = (bench.mailed("One"), bench.mailed("Two"));
    let numbers =
        |actions: &[Value]| actions.iter().map(|action| action["id"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!((numbers(&bench.actions(a)), numbers(&bench.actions(b))), (vec![1, 2], vec![1, 2]));
    let agent = *bench.world.technicians.keys().next().unwrap();
    bench.world.note(a, Note { by: Author::Technician(agent), mailed: true, ..Note::said("Looking.", true) });
    let before = bench.actions(a);
    bench
        .world
        .note(a, Note { by: Author::Technician(agent), at: super::start(), ..Note::said("Late.", false) });
    let after = bench.actions(a);
    assert_eq!(before[..], after[..before.len()]);
    assert_eq!(numbers(&after), [1, 2, 3, 4]);
    let first = bench.got(&format!("/api/Actions/1?ticket_id={b}"));
    assert_eq!(
        (&first["ticket_id"], &first["outcome"], &first["emaildirection"]),
        (&json!(b), &json!("First User Email"), &json!("I"))
    );
    assert_eq!(bench.get("/api/Actions/1").0, 400);
    assert_eq!(bench.get(&format!("/api/Actions/9?ticket_id={b}")).0, 404);
}

#[test]
fn actions_are_filtered_and_all_of_them_at_once_time_out() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let agent = *bench.world.technicians.keys().next().unwrap();
    bench.later(60);
    let by = Author::Technician(agent);
    bench.world.note(ticket, Note { by, ..Note::said("Between us.", false) });
    bench.world.note(ticket, Note { by, mailed: true, ..Note::said("Solved.", true) });
    bench.world.set(ticket, Deed::Status, Some(8), (by, bench.world.now()));
    let mut count = |query: &str| {
        let body = bench.got(&format!("/api/Actions?ticket_id={ticket}&{query}"));
        assert_eq!(body["ticket_id"], ticket);
        body["record_count"].as_i64().unwrap()
    };
    let counts = [
        ("", 5),
        ("excludesys=true", 3),
        ("conversationonly=true", 2),
        ("excludeprivate=true", 3),
        ("agentonly=true", 3),
        ("count=2", 2),
        ("timeentriesonly=true", 0),
        ("startdate=2026-03-03T08:15:00", 3),
        ("excludesys=false", 5),
    ];
    for (query, wanted) in counts {
        assert_eq!(count(query), wanted, "{query}");
    }
    let (status, body) = bench.get("/api/Actions");
    assert_eq!(status, 504);
    assert!(body.as_str().unwrap().starts_with("<html>"));
    assert_eq!(bench.got("/api/Actions?startdate=2026-01-01")["record_count"], 5);
    let plain = bench.got(&format!("/api/Actions?ticket_id={ticket}"))["actions"][0].clone();
    assert!(plain.get("note_html").is_none() && plain["note"].is_string());
}

#[test]
fn a_response_is_a_mail_of_an_agent_not_a_status() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let agent = Author::Technician(*bench.world.technicians.keys().next().unwrap());
    bench.later(60);
    bench.world.set(ticket, Deed::Status, Some(2), (agent, bench.world.now()));
    let path = format!("/api/Tickets/{ticket}");
    assert_eq!(bench.got(&path)["responsedate"], "1900-01-01T00:00:00");
    bench.later(60);
    bench.world.note(ticket, Note { by: agent, ..Note::said("Between us.", false) });
    assert_eq!(bench.got(&path)["responsedate"], "1900-01-01T00:00:00");
    bench.world.note(ticket, Note { by: agent, mailed: true, ..Note::said("Hello.", true) });
    assert_eq!(bench.got(&path)["responsedate"], "2026-03-03T08:16:22.56");
    assert_eq!(bench.got(&path)["slaresponsestate"], "I");
    bench.world.set(ticket, Deed::Status, Some(4), (agent, bench.world.now()));
    bench.later(3600);
    bench.renew();
    let ticket = bench.got(&path);
    assert_eq!((&ticket["onhold"], &ticket["slaholdtime"]), (&json!(true), &json!(1.0)));
}

#[test]
fn reopened_is_a_closing_that_was() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let path = format!("/api/Tickets/{ticket}");
    bench.world.set(ticket, Deed::Status, Some(9), (Author::System, bench.world.now()));
    let closed = bench.got(&path);
    assert_eq!(
        (&closed["hasbeenclosed"], &closed["dateclosed"]),
        (&json!(true), &json!("2026-03-03T08:14:22.56"))
    );
    let contact = bench.world.tickets[&ticket].contact.unwrap();
    bench.world.note(ticket, Note { by: Author::Contact(contact), ..Note::said("It is back.", true) });
    let open = bench.got(&path);
    assert_eq!((&open["hasbeenclosed"], &open["dateclosed"]), (&json!(true), &json!("1900-01-01T00:00:00")));
    assert_ne!(open["status_id"], 9);
}

#[test]
fn reference_data_has_halos_shapes() {
    let mut bench = Bench::new();
    let statuses = bench.got("/api/Status?type=0");
    assert!(
        statuses.as_array().unwrap().iter().any(|status| status["type"] == 3),
        "the parameter does nothing"
    );
    let priority = bench.got("/api/Priority")[0].clone();
    assert_eq!(priority["priorityid"], 1);
    assert_eq!(bench.get("/api/Priority/1").0, 404);
    assert_eq!(bench.got(&format!("/api/Priority/{}", priority["id"].as_str().unwrap()))["name"], "Critical");
    let categories = bench.got("/api/Category?type_id=1&tickettype_id=1");
    assert!(
        categories
            .as_array()
            .unwrap()
            .iter()
            .all(|category| category["value"].as_str().unwrap().contains('>'))
    );
    assert_eq!(bench.got("/api/Category?type_id=2"), json!([]));
    let outcomes = |body: &Value| ids(body);
    assert!(!outcomes(&bench.got("/api/Outcome")).contains(&30));
    assert!(outcomes(&bench.got("/api/Outcome?showhidden=True")).contains(&30));
    assert_eq!(bench.got(&format!("/api/Outcome/{PRIVATE_NOTE}"))["hidefromuser"], true);
    let agents = |body: &Value| body.as_array().map_or(0, Vec::len);
    assert_eq!(agents(&bench.got("/api/Agent")), 5);
    assert_eq!(
        agents(&bench.got("/api/Agent?includedisabled=true&includeunassigned=true&includeapiagents=true")),
        8
    );
    let page = bench.got("/api/Agent?pageinate=True&page_no=1&page_size=50&includeenabled=True&includedisabled=True&includeunassigned=False");
    assert_eq!(page["results"].as_array().unwrap().len(), 6);
    assert_eq!(bench.got("/api/Agent/me")["name"], "Firstline Connector");
    assert_eq!(bench.got("/api/SLA?showpriorities=true")[0]["priorities"].as_array().unwrap().len(), 4);
    assert_eq!(bench.got("/api/Team").as_array().unwrap().len(), 3);
    assert_eq!(bench.got("/api/Client")["clients"].as_array().unwrap().len(), 4);
    assert_eq!(bench.got("/api/Workday?showholidays=true")[0]["holidays"].as_array().unwrap().len(), 2);
    for path in ["/api/Nothing", "/api/Tickets/5/more", "/other", "/api/Status/777"] {
        assert_eq!(bench.get(path).0, 404, "{path}");
    }
    assert_eq!(bench.post("/api/Status", json!([{}])).0, 405);
}

#[test]
fn rules_are_told_with_their_criteria_where_asked() {
    let mut bench = Bench::new();
    let rules = bench.got("/api/TicketRules?includecriteriainfo=true");
    assert_eq!(rules.as_array().unwrap().len(), 3);
    assert_eq!((&rules[0]["new_team"], &rules[0]["precedence"]), (&json!("Monitoring"), &json!(1)));
    assert_eq!(rules[2]["criteria"][0]["value_string"], "urgent");
    assert!(bench.got("/api/TicketRules")[0].get("criteria").is_none());
    let urgent = bench.mailed("URGENT: nothing prints");
    assert_eq!(bench.got(&format!("/api/Tickets/{urgent}"))["priority_id"], 2);
    assert_eq!(bench.got("/api/Feedback"), json!([]));
    bench.halo.set(&json!({"feedback": [{"ticket_id": urgent, "score": 1}]})).unwrap();
    assert_eq!(bench.got("/api/Feedback")[0]["ticket_id"], urgent);
    assert!(bench.got("/api/EmailRule").as_array().unwrap().iter().any(|rule| rule["new_status_id"] == 9));
}

#[test]
fn a_team_that_the_agent_cannot_see_hides_its_tickets() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("One");
    let board = bench.world.tickets[&ticket].board;
    bench.world.boards.get_mut(&board).unwrap().hidden = true;
    assert_eq!(bench.get(&format!("/api/Tickets/{ticket}")).0, 404);
    assert_eq!(bench.got("/api/Tickets")["record_count"], 0);
    assert_eq!(bench.got(&format!("/api/Actions?ticket_id={ticket}"))["record_count"], 0);
    assert_eq!(bench.post("/api/Tickets", json!([{"id": ticket, "priority_id": 1}])).0, 400);
}
