//! Callbacks: registered once, told of what others did, signed.

use super::*;
use crate::world::Author;

fn callback(url: &str) -> Value {
    json!({"id": 0, "url": url, "type": "ticket", "level": "owner", "objectId": 0, "description": "Tickets",
        "payloadVersion": "3.0.0", "inactiveFlag": false, "isSelfSuppressedFlag": false})
}

impl Desk {
    fn register(&mut self, body: Value) -> Told {
        self.ask("POST", "system/callbacks/", Some(body))
    }

    fn sent(&mut self) -> Vec<Delivery> {
        let happened = std::mem::take(&mut self.world.happened);
        self.cw.deliveries(&self.world, &happened)
    }
}

/// HMAC-SHA256 as RFC 2104 writes it, apart from the library's own.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = |parts: [&[u8]; 2]| ring::digest::digest(&ring::digest::SHA256, &parts.concat());
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ byte).collect() };
    let inner = hash([&pad(0x36), message]);
    hash([&pad(0x5c), inner.as_ref()]).as_ref().to_vec()
}

/// Whether a delivery is signed with a key.
fn signed_with(delivery: &Delivery, key: &str) -> bool {
    let hashed = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let wanted = STANDARD.encode(hmac(hashed.as_ref(), &delivery.body));
    delivery.headers.contains(&("x-content-signature".to_owned(), wanted))
}

fn body(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

#[test]
fn a_callback_is_registered_once() {
    let mut desk = Desk::new();
    let told = desk.register(callback("https://hooks.test/cw?id="));
    assert_eq!((told.status, &told.body["objectId"]), (201, &json!(1)));
    assert_eq!(told.body["memberId"], json!(API_MEMBER_ID));
    let again = desk.register(callback("https://hooks.test/cw?id="));
    assert_eq!((again.status, again.wrong()), (400, vec!["objectId"]));
    assert_eq!(again.body["errors"][0]["code"], "ObjectExists");
    let rows = desk.list("system/callbacks/?conditions=(url contains \"hooks.test\")");
    assert_eq!((rows.len(), &rows[0]), (1, &told.body));
    assert_eq!(desk.ask("DELETE", &format!("system/callbacks/{}", told.body["id"]), None).status, 204);
    assert!(desk.list("system/callbacks").is_empty());
    assert_eq!(desk.register(callback("https://hooks.test/cw?id=")).status, 201);
}

#[test]
fn a_bad_callback_is_refused_field_by_field() {
    let mut desk = Desk::new();
    let mut bad = callback("nowhere");
    bad["level"] = "planet".into();
    assert_eq!(desk.register(bad).wrong(), ["url", "level"]);
    let mut bad = callback("https://hooks.test/");
    bad["description"] = "x".repeat(101).into();
    assert_eq!(desk.register(bad).wrong(), ["description"]);
    let mut bad = callback("https://hooks.test/");
    bad["level"] = "board".into();
    assert_eq!(desk.register(bad).wrong(), ["objectId"]);
    desk.set(&json!({"denied": ["setup.add"]}));
    assert_eq!(desk.register(callback("https://hooks.test/")).status, 403);
}

#[test]
fn deliveries_carry_the_record_as_text_and_are_signed() {
    let mut desk = Desk::new();
    desk.register(callback("https://hooks.test/cw?id="));
    let id = desk.mail("Printer");
    let sent = desk.sent();
    let first = body(&sent[0]);
    assert_eq!(
        (sent[0].url.as_str(), &first["Action"]),
        (format!("https://hooks.test/cw?id={id}").as_str(), &json!("added"))
    );
    let entity: Value = serde_json::from_str(first["Entity"].as_str().unwrap()).unwrap();
    assert_eq!((&entity["id"], &first["ID"]), (&json!(id), &json!(id)));
    let key = desk.cw.settings.signing_key.clone();
    assert!(sent.iter().all(|delivery| signed_with(delivery, &key) && !signed_with(delivery, "other")));
    let by = (Author::System, desk.world.now());
    desk.world.delete(id, by);
    let last = body(desk.sent().last().unwrap());
    assert_eq!((&last["Action"], &last["Entity"]), (&json!("deleted"), &Value::Null));
}

#[test]
fn the_key_is_read_where_the_delivery_says() {
    let mut desk = Desk::new();
    desk.register(callback("https://hooks.test/cw?id="));
    desk.mail("Printer");
    let url = body(&desk.sent()[0])["Metadata"]["key_url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://psa.test").unwrap();
    let mut bare = request("GET", path, None);
    bare.headers.clear();
    assert_eq!(desk.raw(&bare).body, json!({"signing_key": Settings::default().signing_key}));
    desk.set(&json!({"key_needs_auth": true}));
    assert_eq!((desk.raw(&bare).status, desk.get(path).status), (401, 200));
    // After a rotation the old address is gone.
    desk.set(&json!({"signing_key": "another"}));
    assert_eq!(desk.get(path).status, 404);
    desk.mail("Scanner");
    let sent = desk.sent();
    assert!(signed_with(&sent[0], "another"));
    assert_ne!(body(&sent[0])["Metadata"]["key_url"], json!(url));
}

#[test]
fn own_changes_are_not_told_where_the_callback_says_so() {
    let mut desk = Desk::new();
    let id = desk.mail("Printer");
    let mut quiet = callback("https://hooks.test/quiet?id=");
    quiet["isSelfSuppressedFlag"] = true.into();
    desk.register(quiet);
    desk.register(callback("https://hooks.test/all?id="));
    desk.sent();
    let urls = |sent: Vec<Delivery>| {
        sent.into_iter().map(|d| d.url.split('?').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    desk.patch(
        id,
        json!([{"op": "replace", "path": "severity", "value": "High"},
        {"op": "replace", "path": "summary", "value": "Printer 2"}]),
    );
    assert_eq!(urls(desk.sent()), ["https://hooks.test/all"]);
    let technician = *desk.world.technicians.keys().next().unwrap();
    let by = (Author::Technician(technician), desk.world.now());
    desk.world.set(id, crate::Deed::Owner, Some(technician), by);
    assert_eq!(urls(desk.sent()), ["https://hooks.test/quiet", "https://hooks.test/all"]);
}

#[test]
fn levels_and_inactive_callbacks_are_minded() {
    let mut desk = Desk::new();
    let board = *desk.world.boards.keys().nth(1).unwrap();
    let mut of_board = callback("https://hooks.test/board?id=");
    of_board["level"] = "board".into();
    of_board["objectId"] = board.into();
    let id = desk.register(of_board).body["id"].clone();
    desk.sent();
    desk.mail("Printer");
    assert!(desk.sent().is_empty());
    desk.mail("VPN is slow");
    assert!(!desk.sent().is_empty());
    let told =
        desk.ask("PATCH", &format!("system/callbacks/{id}"), Some(replace("inactiveFlag", json!(true))));
    assert_eq!(told.status, 200);
    desk.mail("VPN is down");
    assert!(desk.sent().is_empty());
}

#[test]
fn forged_deliveries_are_well_signed_with_a_key_of_their_own() {
    let mut desk = Desk::new();
    desk.register(callback("https://hooks.test/cw?id="));
    desk.set(&json!({"forged": {"key_url": "https://evil.test/key", "key": "theirs"}}));
    desk.mail("Printer");
    let sent = desk.sent();
    assert_eq!(sent.len() % 2, 0);
    let key = desk.cw.settings.signing_key.clone();
    for pair in sent.chunks(2) {
        assert!(signed_with(&pair[0], &key) && signed_with(&pair[1], "theirs"));
        assert_eq!(body(&pair[1])["Metadata"]["key_url"], "https://evil.test/key");
    }
}
