//! Webhooks: set-up, what is told of what, and signatures computed here by the definition of HMAC, not by the fake's own code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::{Value, json};

use super::{GRACE, Talk};
use crate::autotask::API_RESOURCE;
use crate::deed::Deed;
use crate::hooks::Delivery;
use crate::server::Dialect;
use crate::world::{Author, Id, Note};

const SECRET: &str = "a secret of the hook";

fn hook(talk: &mut Talk, of: &str) -> Id {
    let body = json!({"name": "Firstline", "webhookUrl": "http://127.0.0.1:9/hook", "deactivationUrl": "http://127.0.0.1:9/off",
        "secretKey": SECRET, "isActive": true, "isSubscribedToCreateEvents": true, "isSubscribedToUpdateEvents": true,
        "isSubscribedToDeleteEvents": true, "sendThresholdExceededNotification": false});
    talk.well("POST", of, Some(body))["itemId"].as_i64().unwrap()
}

/// The id by which a field is subscribed to.
fn field_id(talk: &mut Talk, of: &str, name: &str) -> Id {
    let fields =
        talk.well("GET", &format!("{}Fields/entityInformation/fields", of.trim_end_matches('s')), None);
    let fields = fields["fields"].as_array().unwrap();
    let picks = &fields.iter().find(|field| field["name"] == "fieldID").unwrap()["picklistValues"];
    let pick = picks.as_array().unwrap().iter().find(|pick| pick["label"] == name).unwrap();
    pick["value"].as_str().unwrap().parse().unwrap()
}

fn subscribe(talk: &mut Talk, of: &str, hook: Id, fields: &[(&str, bool)]) {
    for (name, subscribed) in fields {
        let id = field_id(talk, of, name);
        let body =
            json!({"fieldID": id, "isSubscribedField": subscribed, "isDisplayAlwaysField": !subscribed});
        talk.well("POST", &format!("{of}/{hook}/Fields"), Some(body));
    }
}

/// What is due now.
fn due(talk: &mut Talk) -> Vec<Delivery> {
    let happened = std::mem::take(&mut talk.world.happened);
    talk.at.deliveries(&talk.world, &happened)
}

fn body(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

/// HMAC-SHA1 by its definition: the key padded to a block, twice hashed.
fn hmac(key: &str, message: &[u8]) -> String {
    let pad = |byte: u8| -> Vec<u8> {
        let mut block: Vec<u8> = key.bytes().map(|k| k ^ byte).collect();
        block.resize(64, byte);
        block
    };
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec();
    let inner = hash(&[pad(0x36), message.to_vec()].concat());
    format!("sha1={}", STANDARD.encode(hash(&[pad(0x5c), inner].concat())))
}

fn signature(delivery: &Delivery) -> Option<&str> {
    delivery.headers.iter().find(|(name, _)| name == "X-Hook-Signature").map(|(_, value)| value.as_str())
}

#[test]
fn the_definition_of_hmac_used_here_is_right() {
    // RFC 2202, test case 2.
    assert_eq!(
        hmac("Jefe", b"what do ya want for nothing?"),
        "sha1=7/zfauuq0u/S3BY4eaJ0Gii6fHk=".replace(
            "7/zfauuq0u/S3BY4eaJ0Gii6fHk=",
            &STANDARD.encode([
                0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74, 0x16, 0xd5, 0xf1, 0x84, 0xdf,
                0x9c, 0x25, 0x9a, 0x7c, 0x79,
            ])
        )
    );
}

#[test]
fn a_webhook_is_set_up_and_tells_what_it_was_asked_to() {
    let mut talk = Talk::new();
    let of = "TicketWebhooks";
    let id = hook(&mut talk, of);
    assert_eq!(talk.well("GET", &format!("{of}/{id}"), None)["item"]["isReady"], false);
    let old = talk.ticket("Old one");
    due(&mut talk);
    subscribe(&mut talk, of, id, &[("status", true), ("companyID", true), ("title", false)]);
    let ready = talk.items(of, &json!([{"op": "eq", "field": "isReady", "value": true}]));
    assert_eq!(ready.len(), 1);
    assert_eq!(talk.well("GET", &format!("{of}/{id}/Fields"), None)["items"].as_array().unwrap().len(), 3);
    let by = (Author::Technician(GRACE), talk.world.now());
    talk.world.set(old, Deed::Status, Some(8), by);
    let new = talk.ticket("New one");
    let told: Vec<Value> = due(&mut talk).iter().map(body).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0]["Action"].as_str(), told[0]["Id"].as_i64()), (Some("Update"), Some(old)));
    assert_eq!(told[0]["Fields"], json!({"status": 8, "accountID": 174, "title": "Old one"}));
    assert_eq!((told[0]["EntityType"].as_str(), told[0]["PersonID"].as_i64()), (Some("Ticket"), Some(GRACE)));
    assert_eq!((told[1]["Action"].as_str(), told[1]["Id"].as_i64()), (Some("Create"), Some(new)));
    assert_eq!((told[0]["SequenceNumber"].as_i64(), told[1]["SequenceNumber"].as_i64()), (Some(1), Some(2)));
    talk.world.set(old, Deed::Priority, Some(4), by);
    assert!(due(&mut talk).is_empty(), "no subscribed field has changed");
    talk.world.delete(new, by);
    assert_eq!(body(&due(&mut talk)[0])["Action"], "Delete");
}

#[test]
fn changes_of_an_excluded_resource_are_not_told() {
    let mut talk = Talk::new();
    let of = "TicketWebhooks";
    let id = hook(&mut talk, of);
    subscribe(&mut talk, of, id, &[("status", true)]);
    let ticket = talk.ticket("Outbox full");
    due(&mut talk);
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "status": 8})));
    assert_eq!(due(&mut talk).len(), 1);
    let excluded = json!({"resourceID": API_RESOURCE});
    talk.well("POST", &format!("{of}/{id}/ExcludedResources"), Some(excluded));
    talk.well("PATCH", "Tickets", Some(json!({"id": ticket, "status": 10})));
    assert!(due(&mut talk).is_empty());
    let by = (Author::Technician(GRACE), talk.world.now());
    talk.world.set(ticket, Deed::Status, Some(11), by);
    assert_eq!(due(&mut talk).len(), 1);
}

#[test]
fn signatures_are_over_the_bytes_or_over_their_escaped_form() {
    let mut talk = Talk::new();
    let of = "TicketWebhooks";
    let id = hook(&mut talk, of);
    subscribe(&mut talk, of, id, &[("title", true)]);
    talk.ticket("Plain");
    let plain = due(&mut talk);
    assert_eq!(signature(&plain[0]).unwrap(), hmac(SECRET, &plain[0].body));
    talk.ticket("\"Ä\" & <b>'s\\` + 😀");
    let raw = due(&mut talk);
    assert_eq!(signature(&raw[0]).unwrap(), hmac(SECRET, &raw[0].body));
    talk.set(&json!({"signature": "escaped"}));
    talk.ticket("\"Ä\" & <b>'s\\` + 😀");
    let other = due(&mut talk);
    let sent = String::from_utf8(other[0].body.clone()).unwrap();
    let title = r#"\"Ä\" & <b>'s\\` + 😀"#;
    assert!(sent.contains(title), "{sent}");
    let escaped = r"\u0022\u00C4\u0022 \u0026 \u003Cb\u003E\u0027s\\\u0060 \u002B \uD83D\uDE00";
    let signed = hmac(SECRET, sent.replace(title, escaped).as_bytes());
    assert_eq!(signature(&other[0]).unwrap(), signed);
    assert_ne!(signed, hmac(SECRET, sent.as_bytes()));
}

#[test]
fn a_webhook_that_is_switched_off_says_so_unsigned_and_then_nothing() {
    let mut talk = Talk::new();
    let of = "TicketWebhooks";
    let id = hook(&mut talk, of);
    subscribe(&mut talk, of, id, &[("title", true)]);
    talk.set(&json!({"deactivate": [id]}));
    let off = due(&mut talk);
    assert_eq!((off.len(), off[0].url.as_str(), signature(&off[0])), (1, "http://127.0.0.1:9/off", None));
    assert_eq!(body(&off[0])["Action"], "Deactivated");
    talk.ticket("Outbox full");
    assert!(due(&mut talk).is_empty());
    assert_eq!(talk.well("GET", &format!("{of}/{id}"), None)["item"]["isActive"], false);
    talk.set(&json!({"deactivate": []}));
    talk.well("PATCH", of, Some(json!({"id": id, "isActive": true})));
    talk.ticket("Printer jam");
    assert_eq!(due(&mut talk).len(), 1, "what happened while it was off is lost");
}

#[test]
fn webhooks_of_notes_tell_of_new_and_changed_notes() {
    let mut talk = Talk::new();
    let of = "TicketNoteWebhooks";
    let id = hook(&mut talk, of);
    let ticket = talk.ticket("Outbox full");
    subscribe(&mut talk, of, id, &[("description", true), ("publish", false)]);
    due(&mut talk);
    let note = talk.world.note(ticket, Note { by: Author::Technician(GRACE), ..Note::said("Looking", true) });
    let told = due(&mut talk);
    assert_eq!(
        (body(&told[0])["Action"].as_str(), body(&told[0])["Id"].as_i64()),
        (Some("Create"), Some(note))
    );
    assert_eq!(body(&told[0])["EntityType"], "TicketNote");
    talk.well(
        "PATCH",
        &format!("Tickets/{ticket}/Notes"),
        Some(json!({"id": note, "description": "Looking at it"})),
    );
    let told = due(&mut talk);
    assert_eq!((told.len(), body(&told[0])["Action"].as_str()), (1, Some("Update")));
}

#[test]
fn webhooks_that_do_not_fit_are_refused() {
    let mut talk = Talk::new();
    let of = "TicketWebhooks";
    talk.refused(500, "POST", of, json!({"name": "x"}));
    let id = hook(&mut talk, of);
    let long = json!({"id": id, "name": "x".repeat(51)});
    talk.refused(500, "PATCH", of, long);
    talk.refused(500, "POST", &format!("{of}/{id}/Fields"), json!({"fieldID": 7}));
    talk.refused(500, "POST", &format!("{of}/77/Fields"), json!({"fieldID": 101}));
    assert_eq!(talk.ask("GET", &format!("{of}/{id}/Nothing"), None).0, 404);
    talk.well("DELETE", &format!("{of}/{id}"), None);
    talk.refused(500, "DELETE", &format!("{of}/{id}"), json!({}));
    assert_eq!(talk.well("GET", &format!("{of}/{id}"), None), json!({"item": null}));
}
