//! Over HTTP: a lost reply, requests at once, and a webhook that arrives.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::autotask::{API_SECRET, API_USER, INTEGRATION_CODE};
use crate::clock::Clock;
use crate::faults::{Fault, Trouble};
use crate::server::{Fake, FakeOptions, Which};
use crate::world::{Author, Id, NewTicket};

fn fake() -> Fake {
    Fake::start(FakeOptions { which: Which::Autotask, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

fn ticket(fake: &Fake) -> Id {
    let new = NewTicket {
        summary: "Outbox full".to_owned(),
        company: 174,
        board: 29_682_833,
        ..NewTicket::default()
    };
    fake.world(|world| world.open(new, Author::System))
}

/// A request with a body to a path below the version: status and body, or that no reply came.
fn send(fake: &Fake, patch: bool, path: &str, body: &Value) -> Option<(u16, Value)> {
    let url = format!("{}/ATServicesRest/v1.0/{path}", fake.url());
    let request = if patch { ureq::patch(&url) } else { ureq::post(&url) };
    let request = request.config().http_status_as_error(false).build();
    let request = request
        .header("ApiIntegrationcode", INTEGRATION_CODE)
        .header("UserName", API_USER)
        .header("Secret", API_SECRET);
    let mut reply = request.header("content-type", "application/json").send(body.to_string()).ok()?;
    let text = reply.body_mut().read_to_string().ok()?;
    Some((reply.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}

#[test]
fn a_reply_that_is_lost_was_done_once() {
    let fake = fake();
    let ticket = ticket(&fake);
    let path = format!("Tickets/{ticket}/Notes");
    let fault = Fault {
        method: Some("POST".to_owned()),
        path: "/Notes".to_owned(),
        skip: 0,
        times: 1,
        what: Trouble::LostReply,
    };
    fake.faults(|faults| faults.list.push(fault));
    let note = json!({"title": "marker 7", "description": "D", "noteType": 3, "publish": 2});
    assert_eq!(send(&fake, false, &path, &note), None);
    let marked = json!({"filter": [{"op": "eq", "field": "title", "value": "marker 7"}]});
    let (status, found) = send(&fake, false, "TicketNotes/query", &marked).unwrap();
    assert_eq!((status, found["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(fake.world(|world| world.write_counts()[&ticket]), 1);
    let (status, _) = send(&fake, true, "Tickets", &json!({"id": ticket, "status": 8})).unwrap();
    assert_eq!((status, fake.world(|world| world.write_counts()[&ticket])), (200, 2));
}

#[test]
fn a_fourth_request_at_once_is_refused_with_the_text_of_the_threads() {
    let fake = fake();
    fake.set(&json!({"latency_ms": 400})).unwrap();
    let all = json!({"filter": [{"op": "exist", "field": "id"}]});
    let replies: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let ask = || send(&fake, false, "Tickets/query", &all).unwrap();
        let threads: Vec<_> = (0..5).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let well = replies.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(well, 3, "{replies:?}");
    let refused = replies.iter().find(|(status, _)| *status == 500).unwrap();
    assert!(refused.1["errors"][0].as_str().unwrap().contains("thread"));
    assert_eq!(send(&fake, false, "Tickets/query", &all).unwrap().0, 200);
}

#[test]
fn a_webhook_arrives_at_its_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut text, mut part) = (String::new(), [0; 4096]);
        while !text.contains("SequenceNumber") {
            let n = stream.read(&mut part).unwrap();
            text.push_str(&String::from_utf8_lossy(&part[..n]));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        text
    });
    let fake = fake();
    let hook = json!({"name": "x", "webhookUrl": url, "deactivationUrl": url, "secretKey": "s", "isActive": true,
        "isSubscribedToCreateEvents": true, "isSubscribedToUpdateEvents": false, "isSubscribedToDeleteEvents": false,
        "sendThresholdExceededNotification": false});
    let id = send(&fake, false, "TicketWebhooks", &hook).unwrap().1["itemId"].as_i64().unwrap();
    let field = json!({"fieldID": 111, "isSubscribedField": true, "isDisplayAlwaysField": false});
    assert_eq!(send(&fake, false, &format!("TicketWebhooks/{id}/Fields"), &field).unwrap().0, 200);
    let ticket = ticket(&fake);
    let text = heard.join().unwrap();
    assert!(text.to_lowercase().contains("x-hook-signature: sha1="), "{text}");
    assert!(text.contains(&format!("\"Id\":{ticket}")), "{text}");
}
