//! Over HTTP: a reply that is lost after the write, settings by a request, a delivery that arrives.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::faults::{Fault, Trouble};
use crate::halo::{CLIENT_ID, CLIENT_SECRET, PRIVATE_NOTE};
use crate::server::{Fake, FakeOptions, Which};
use crate::world::{Author, Id, NewTicket};

fn started() -> (Fake, String) {
    let clock = Clock::new(super::start(), 1.0);
    let fake = Fake::start(FakeOptions { which: Which::Halo, clock, port: 0, tls: None }).unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("scope", "all"),
    ];
    let body = form.map(|(name, value)| format!("{name}={value}")).join("&");
    let mut reply = ureq::post(format!("{}/auth/token", fake.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .send(body)
        .unwrap();
    let token: Value = serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    (fake, bearer)
}

fn opened(fake: &Fake) -> Id {
    fake.world(|world| {
        let board = *world.boards.keys().next().unwrap();
        let company = *world.companies.keys().last().unwrap();
        world.open(
            NewTicket { summary: "Printer".to_owned(), company, board, ..NewTicket::default() },
            Author::System,
        )
    })
}

fn got(fake: &Fake, bearer: &str, path: &str) -> Value {
    let mut reply =
        ureq::get(format!("{}{path}", fake.url())).header("authorization", bearer).call().unwrap();
    serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap()
}

fn post(fake: &Fake, bearer: &str, path: &str, body: &Value) -> Result<u16, ureq::Error> {
    let request = ureq::post(format!("{}{path}", fake.url())).header("authorization", bearer);
    let request =
        request.header("content-type", "application/json").config().http_status_as_error(false).build();
    request.send(body.to_string()).map(|reply| reply.status().as_u16())
}

#[test]
fn a_reply_that_is_lost_leaves_one_note_to_be_found() {
    let (fake, bearer) = started();
    let ticket = opened(&fake);
    fake.faults(|faults| {
        faults.list.push(Fault {
            method: Some("POST".into()),
            path: "/api/Actions".into(),
            skip: 0,
            times: 1,
            what: Trouble::LostReply,
        });
    });
    let note = json!([{"ticket_id": ticket, "outcome_id": PRIVATE_NOTE, "note": "mark [fl-9]"}]);
    assert!(post(&fake, &bearer, "/api/Actions", &note).is_err());
    let actions = got(&fake, &bearer, &format!("/api/Actions?ticket_id={ticket}"));
    let marked = actions["actions"].as_array().unwrap().iter().filter(|a| a["note"] == "mark [fl-9]").count();
    assert_eq!(marked, 1);
    assert_eq!(fake.world(|world| world.write_counts()[&ticket]), 1);
}

#[test]
fn settings_come_by_a_request_and_an_edit_comes_between_read_and_write() {
    let (fake, bearer) = started();
    let ticket = opened(&fake);
    assert_eq!(post(&fake, "", "/_fake/set", &json!({"denied": ["edit:tickets"]})).unwrap(), 204);
    assert_eq!(post(&fake, "", "/_fake/set", &json!({"no_such": 1})).unwrap(), 400);
    let change = json!([{"id": ticket, "status_id": 2}]);
    assert_eq!(post(&fake, &bearer, "/api/Tickets", &change).unwrap(), 403);
    fake.set(&json!({"denied": []})).unwrap();
    let path = format!("/api/Tickets/{ticket}");
    fake.faults(|faults| {
        faults.list.push(Fault {
            method: None,
            path: path.clone(),
            skip: 0,
            times: 1,
            what: Trouble::EditAfter,
        });
    });
    let read = got(&fake, &bearer, &path);
    let again = got(&fake, &bearer, &path);
    assert_ne!((&read["last_update"], &read["priority_id"]), (&again["last_update"], &again["priority_id"]));
    assert_eq!(post(&fake, &bearer, "/api/Tickets", &change).unwrap(), 201);
}

#[test]
fn a_delivery_arrives_with_its_token() {
    let (fake, bearer) = started();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ticket", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut text, mut buffer) = (Vec::new(), [0u8; 4096]);
        while !String::from_utf8_lossy(&text).contains("\"webhook_id\"") {
            let n = stream.read(&mut buffer).unwrap();
            text.extend_from_slice(&buffer[..n]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&text).to_lowercase()
    });
    let hook = json!([{"name": "x", "url": url, "authentication_type": 3, "authentication_header": "Token", "basic_password": "s"}]);
    assert_eq!(post(&fake, &bearer, "/api/Webhook", &hook).unwrap(), 201);
    let id = got(&fake, &bearer, "/api/Webhook")[0]["id"].clone();
    assert_eq!(
        post(&fake, &bearer, "/api/Notification", &json!([{"webhook_id": id, "eventno": 3}])).unwrap(),
        201
    );
    opened(&fake);
    assert!(heard.join().unwrap().contains("token: "));
}
