//! Webhooks: set up as one client does it, and the signature computed by other means.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::Bench;
use crate::deed::Deed;
use crate::hooks::Delivery;
use crate::server::Dialect;
use crate::world::Author;

/// HMAC-SHA256 by its definition, with nothing but the hash.
fn hmac(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..secret.len()].copy_from_slice(secret);
    let hash = |pad: u8, rest: &[u8]| {
        let mut context = Context::new(&SHA256);
        context.update(&block.map(|byte| byte ^ pad));
        context.update(rest);
        context.finish().as_ref().to_vec()
    };
    hash(0x5c, &hash(0x36, body))
}

fn subscribe(bench: &mut Bench, more: &Value) -> String {
    let mut hook = json!({
        "name": "Desk Ticket Callback", "note": "faults", "url": "http://127.0.0.1:9/ticket/", "active": true,
        "algorithm": 0, "content_type": "application/json", "method": 0, "type": 0,
        "authentication_header": "Token", "basic_password": "shared secret", "authentication_type": "3",
    });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = bench.posted("/api/webhook", json!([hook]));
    assert!(made.get("basic_password").is_none());
    let id = made["id"].as_str().unwrap().to_owned();
    let event = |number: &str| json!({"webhook_id": id, "type": "-2", "delivery_method": "6", "eventno": number, "conditions": []});
    let events = bench.posted("/api/notification", json!([event("61"), event("3")]));
    assert_eq!(events.as_array().unwrap().len(), 2);
    id
}

fn due(bench: &mut Bench) -> Vec<Delivery> {
    let happened = std::mem::take(&mut bench.world.happened);
    bench.halo.deliveries(&bench.world, &happened)
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a str> {
    delivery.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_delivery_is_signed_over_its_bytes() {
    let mut bench = Bench::new();
    let ticket = bench.mailed("Grüße: der Drucker");
    assert!(due(&mut bench).is_empty(), "nobody listens yet");
    let id = subscribe(&mut bench, &json!({}));
    let two = bench.mailed("Scanner");
    bench.posted("/api/Actions", json!([{"ticket_id": ticket, "outcome_id": 7, "note": "ours"}]));
    let sent = due(&mut bench);
    assert_eq!(sent.len(), 2, "once for each ticket of a moment");
    for delivery in &sent {
        assert_eq!(
            header(delivery, "Token").unwrap(),
            STANDARD.encode(hmac(b"shared secret", &delivery.body))
        );
    }
    let bodies: Vec<Value> = sent.iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect();
    assert_eq!(
        (&bodies[0]["object_id"], &bodies[0]["event"], &bodies[0]["webhook_id"]),
        (&json!(two), &json!("New Ticket Logged"), &json!(id))
    );
    assert_eq!((&bodies[1]["ticket"]["id"], &bodies[1]["action"]["note"]), (&json!(ticket), &json!("ours")));
    let log = bench.got(&format!("/api/WebhookEvent?webhook_id={id}"));
    assert_eq!(log.as_array().unwrap().len(), 2);
    assert_eq!(log[0]["requestbody"].as_str().unwrap().as_bytes(), sent[1].body);
}

#[test]
fn other_modes_and_sizes() {
    let cases = [
        (json!({"authentication_type": 0}), None, "full"),
        (
            json!({"authentication_type": 1, "basic_username": "u"}),
            Some(("authorization", "Basic dTpzaGFyZWQgc2VjcmV0")),
            "full",
        ),
        (json!({"authentication_type": 2}), Some(("authorization", "Bearer shared secret")), "full"),
        (json!({"authentication_type": 0, "payload_type": 1}), None, "small"),
        (json!({"authentication_type": 0, "payload_type": 2}), None, "event"),
    ];
    for (more, wanted, size) in cases {
        let mut bench = Bench::new();
        subscribe(&mut bench, &more);
        let ticket = bench.mailed("Printer");
        let sent = due(&mut bench);
        let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
        assert_eq!(body["object_id"], ticket);
        assert_eq!(
            body["ticket"].as_object().map_or(0, serde_json::Map::len),
            match size {
                "full" => body["ticket"].as_object().unwrap().len().max(30),
                "small" => 2,
                _ => 0,
            }
        );
        match wanted {
            Some((name, value)) => assert_eq!(header(&sent[0], name), Some(value)),
            None => assert_eq!(sent[0].headers.len(), 1),
        }
    }
    let mut bench = Bench::new();
    bench.halo.set(&json!({"type_three": "api_key"})).unwrap();
    subscribe(&mut bench, &json!({"signature_prefix": "sha256="}));
    bench.mailed("Printer");
    assert_eq!(header(&due(&mut bench)[0], "Token"), Some("shared secret"));
    bench.halo.set(&json!({"type_three": "hmac"})).unwrap();
    bench.mailed("Printer");
    assert!(header(&due(&mut bench)[0], "Token").unwrap().starts_with("sha256="));
}

#[test]
fn events_that_nobody_asked_for_and_webhooks_that_are_off_send_nothing() {
    let mut bench = Bench::new();
    let made = bench.posted("/api/Webhook", json!([{"name": "x", "url": "http://127.0.0.1:9/"}]));
    let id = made["id"].clone();
    let new = bench.posted("/api/Notification", json!([{"webhook_id": id, "eventno": 3}]));
    assert!(new["id"].is_number());
    let ticket = bench.mailed("Printer");
    assert_eq!(due(&mut bench).len(), 1);
    bench.world.set(ticket, Deed::Priority, Some(1), (Author::System, bench.world.now()));
    assert!(due(&mut bench).is_empty());
    bench.posted("/api/Webhook", json!([{"id": id, "active": false}]));
    bench.mailed("Printer");
    assert!(due(&mut bench).is_empty());
    assert_eq!(bench.got("/api/Webhook")[0]["active"], false);
    bench.posted("/api/Webhook", json!([{"id": id, "active": true}]));
    let path = format!("/api/Webhook/{}", id.as_str().unwrap());
    assert_eq!(bench.send("DELETE", &path, None).status, 200);
    bench.mailed("Printer");
    assert!(due(&mut bench).is_empty());
    assert_eq!(bench.get(&path).0, 404);
    assert_eq!(bench.post("/api/Notification", json!([{"webhook_id": "none", "eventno": 3}])).0, 400);
    assert_eq!(bench.post("/api/Webhook", json!([{"name": "no address"}])).0, 400);
}

#[test]
fn a_deleted_ticket_is_not_told() {
    let mut bench = Bench::new();
    subscribe(&mut bench, &json!({}));
    let ticket = bench.mailed("Printer");
    due(&mut bench);
    bench.world.delete(ticket, (Author::System, bench.world.now()));
    assert!(due(&mut bench).is_empty());
}
