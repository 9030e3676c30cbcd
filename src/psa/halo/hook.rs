//! Webhooks: one with its proof, and two notifications that feed it, of new tickets and of changed ones.
//!
//! UNCONFIRMED: the numbers of `authentication_type`, about which sources contradict each other; that conditions may be empty.

use firstline_fault::Result;
use serde_json::{Value, json};

use super::client::{Client, body, fault};
use crate::hook::{NAME, Proof, Standing, Subscription, TOKEN};

/// `authentication_type`: a user and a password; an HMAC.
const BASIC: i64 = 1;
const HMAC: i64 = 3;
/// Events: a new ticket, a ticket that was updated.
const EVENTS: [i64; 2] = [3, 61];

pub(super) fn webhook(client: &mut Client, wanted: &Subscription) -> Result<Standing> {
    let found = find(client, wanted)?;
    let Some(url) = &wanted.url else { return standing(client, found.as_ref()) };
    let mut item = json!({"name": NAME, "url": url, "type": 0, "method": 0, "content_type": "application/json", "active": true});
    let proof = match &wanted.proof {
        Proof::Secret(secret) => {
            json!({"authentication_type": HMAC, "authentication_header": TOKEN, "algorithm": 0,
            "basic_password": secret.shown()})
        }
        Proof::Basic { user, password } => json!({"authentication_type": BASIC, "basic_username": user,
            "basic_password": password.shown()}),
        Proof::Keys => return Err(fault("a webhook needs a secret", "Set \"secret_file\" in [webhook]")),
    };
    if let (Value::Object(item), Value::Object(proof)) = (&mut item, proof) {
        item.extend(proof);
    }
    if let Some(id) = found.as_ref().and_then(id_of) {
        item["id"] = id;
    }
    let answer = client.post("Webhook", item)?;
    let made = body(&client.judged(answer)?)?;
    let made = made.get(0).cloned().unwrap_or(made);
    let id = id_of(&made).or_else(|| found.as_ref().and_then(id_of));
    let id = id.ok_or_else(|| fault("it does not say which webhook it has made", "Ask again: --register"))?;
    let there = events(client, &id)?;
    for event in EVENTS.into_iter().filter(|event| !there.contains(event)) {
        let item =
            json!({"webhook_id": id, "type": -2, "delivery_method": 6, "eventno": event, "conditions": []});
        let answer = client.post("Notification", item)?;
        client.judged(answer)?;
    }
    let found = find(client, wanted)?;
    standing(client, found.as_ref())
}

fn find(client: &mut Client, wanted: &Subscription) -> Result<Option<Value>> {
    let rows = client.page("Webhook", &[])?.rows;
    let own = |row: &&Value| row.get("url").and_then(Value::as_str).is_some_and(|url| wanted.is(url));
    let active = |row: &&Value| row.get("active").and_then(Value::as_bool) != Some(false);
    // Of two the one that tells.
    Ok(rows.iter().filter(own).find(active).or_else(|| rows.iter().find(own)).cloned())
}

fn id_of(row: &Value) -> Option<Value> {
    row.get("id").filter(|id| id.is_string() || id.is_i64()).cloned()
}

/// The events that feed a webhook.
fn events(client: &mut Client, id: &Value) -> Result<Vec<i64>> {
    let rows = client.page("Notification", &[])?.rows;
    let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_lowercase);
    let own = rows.iter().filter(|row| row.get("webhook_id").is_some_and(|of| text(of) == text(id)));
    Ok(own.filter_map(|row| row.get("eventno").and_then(Value::as_i64)).collect())
}

fn standing(client: &mut Client, found: Option<&Value>) -> Result<Standing> {
    let Some((found, id)) = found.and_then(|found| Some((found, id_of(found)?))) else {
        return Ok(Standing::Missing);
    };
    if found.get("active").and_then(Value::as_bool) == Some(false) {
        return Ok(Standing::Off { why: "\"active\" is false".to_owned() });
    }
    let there = events(client, &id)?;
    let missing: Vec<String> =
        EVENTS.into_iter().filter(|event| !there.contains(event)).map(|event| event.to_string()).collect();
    if missing.is_empty() {
        return Ok(Standing::Active);
    }
    Ok(Standing::Off { why: format!("no notification of event {}", missing.join(" and ")) })
}
