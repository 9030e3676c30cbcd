//! What is refused: who may talk, where, and paths and methods that are not.

use serde_json::{Value, json};

use super::Talk;
use crate::autotask::{API_SECRET, API_USER};
use crate::http::Request;
use crate::server::Dialect;

#[test]
fn a_zone_is_told_without_credentials_and_only_of_known_users() {
    let mut talk = Talk::new();
    talk.headers.clear();
    for path in ["ATServicesRest/v1.0", "ATServicesRest/V1.0", "atservicesrest/v1.0"] {
        let reply = talk.reply("GET", &format!("/{path}/zoneInformation?user={API_USER}"), None);
        let zone: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(
            (reply.status, zone["url"].as_str()),
            (200, Some("http://fake/ATServicesRest/")),
            "{path}"
        );
        assert!(zone["zoneName"].is_string() && zone["webUrl"].is_string() && zone["ci"].is_number());
    }
    let escaped = talk.well("GET", &format!("zoneInformation?user={}", API_USER.replace('@', "%40")), None);
    assert!(escaped["url"].is_string());
    for unknown in ["zoneInformation", "zoneInformation?user=", "zoneInformation?user=no@body"] {
        let (status, body) = talk.ask("GET", unknown, None);
        assert_eq!(status, 500, "{unknown}");
        assert!(body["errors"][0].is_string());
    }
    let versions = talk.reply("GET", "/ATServicesRest/versionInformation", None);
    assert_eq!(versions.body, json!({"apiVersions": ["1.0"]}).to_string().into_bytes());
}

#[test]
fn each_of_the_three_headers_is_needed() {
    for name in ["username", "secret", "apiintegrationcode"] {
        for value in [None, Some("wrong")] {
            let mut talk = Talk::new();
            talk.headers.retain(|(known, _)| known != name);
            if let Some(value) = value {
                talk.header(name, value);
            }
            let (status, body) = talk.ask("GET", "Tickets/1", None);
            assert_eq!(status, 401, "{name} {value:?}");
            assert!(body["errors"][0].is_string());
        }
    }
}

#[test]
fn five_wrong_secrets_lock_the_user_out() {
    let mut talk = Talk::new();
    talk.header("secret", "wrong");
    for _ in 0..4 {
        assert_eq!(talk.ask("GET", "Tickets/1", None).0, 401);
    }
    talk.header("secret", API_SECRET);
    assert_eq!(talk.ask("GET", "Tickets/1", None).0, 200);
    talk.header("secret", "wrong");
    for _ in 0..5 {
        assert_eq!(talk.ask("GET", "Tickets/1", None).0, 401);
    }
    talk.header("secret", API_SECRET);
    assert_eq!(talk.ask("GET", "Tickets/1", None).0, 401);
    talk.set(&json!({"locked": false}));
    assert_eq!(talk.ask("GET", "Tickets/1", None).0, 200);
}

#[test]
fn another_zone_than_the_tenants_is_401_until_it_is_looked_up_again() {
    let mut talk = Talk::new();
    talk.set(&json!({"zone": "z5"}));
    assert_eq!(talk.ask("GET", "Tickets/1", None).0, 401);
    let zone = talk.well("GET", &format!("zoneInformation?user={API_USER}"), None);
    assert_eq!(zone["url"], "http://fake/z5/ATServicesRest/");
    assert_eq!(talk.reply("GET", "/z5/ATServicesRest/V1.0/Tickets/1", None).status, 200);
}

#[test]
fn paths_that_are_not_are_404_and_methods_that_are_not_405() {
    let mut talk = Talk::new();
    let ticket = talk.ticket("Scanner offline");
    for (method, path, status) in [
        ("GET", "Nothing/1".to_owned(), 404),
        ("POST", "Nothing/query".to_owned(), 404),
        ("GET", "Tickets/query/other".to_owned(), 404),
        ("GET", "Tickets/many".to_owned(), 404),
        ("POST", "TicketNotes".to_owned(), 404),
        ("POST", format!("Tickets/{ticket}/TicketNotes"), 404),
        ("PATCH", format!("Tickets/{ticket}"), 405),
        ("DELETE", format!("Tickets/{ticket}"), 405),
        ("DELETE", format!("Tickets/{ticket}/Notes/5"), 405),
        ("GET", "Tickets".to_owned(), 405),
        ("POST", "Companies".to_owned(), 405),
        ("POST", "TicketHistory".to_owned(), 405),
    ] {
        let body = json!({"filter": [{"op": "exist", "field": "id"}], "id": ticket, "title": "x"});
        let (answered, body) = talk.ask(method, &path, Some(body));
        assert_eq!(answered, status, "{method} {path}");
        assert!(body["Message"].is_string(), "{method} {path}: {body}");
    }
    talk.set(&json!({"child_only_status": 405}));
    assert_eq!(talk.ask("POST", "TicketNotes", Some(json!({}))).0, 405);
    assert_eq!(talk.writes(ticket), 0);
    let outside = talk.reply("GET", "/v1.0/Tickets/1", None);
    assert_eq!(outside.status, 404);
}

#[test]
fn a_record_that_is_not_there_is_null_with_200() {
    let mut talk = Talk::new();
    for path in
        ["Tickets/1", "TicketNotes/1", "Companies/1", "TimeEntries/1", "Tickets/1/Notes/2", "Departments/3"]
    {
        assert_eq!(talk.well("GET", path, None), json!({"item": null}), "{path}");
    }
    assert_eq!(talk.well("GET", "Companies/0", None)["item"]["id"], 0);
}

#[test]
fn settings_are_known_by_name() {
    let mut talk = Talk::new();
    assert!(talk.at.set(&json!({"no_such": 1})).is_err());
    assert!(talk.at.set(&json!({"quota": "many"})).is_err());
    assert!(talk.at.set(&json!([])).is_err());
    talk.set(&json!({"quota": 7}));
    talk.set(&json!({"threads": 1}));
    assert_eq!((talk.at.settings.quota, talk.at.settings.threads), (7, 1));
}

#[test]
fn an_address_that_is_too_long_is_a_page_and_no_json() {
    let mut talk = Talk::new();
    let reply =
        talk.reply("GET", &format!("/ATServicesRest/v1.0/Tickets/query?search={}", "x".repeat(3000)), None);
    assert_eq!(reply.status, 404);
    assert!(reply.body.starts_with(b"<html>"));
    let empty = talk.at.answer(&mut talk.world, &Request::default());
    assert_eq!(empty.status, 404);
}
