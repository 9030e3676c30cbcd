//! Webhooks of tickets: made with a secret, the fields whose changes are told, and without what this user itself does.
//!
//! UNCONFIRMED: that a change of `lastActivityDate` can be subscribed, which tells of notes; without it the next poll finds them.

use firstline_fault::Result;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::client::{Client, is, read};
use super::refusal::fault;
use super::wire::{Fields, Page, whole};
use crate::hook::{NAME, Proof, Standing, Subscription};

const ENTITY: &str = "TicketWebhooks";
/// Fields whose changes matter, as far as the tenant's webhooks know them.
const TOLD: [&str; 12] = [
    "title",
    "description",
    "status",
    "priority",
    "queueID",
    "issueType",
    "subIssueType",
    "assignedResourceID",
    "companyID",
    "contactID",
    "completedDate",
    "lastActivityDate",
];

pub(super) fn webhook(client: &mut Client, wanted: &Subscription) -> Result<Standing> {
    let found = find(client, wanted)?;
    let Some(url) = &wanted.url else { return Ok(standing(found.as_ref())) };
    let Proof::Secret(secret) = &wanted.proof else {
        return Err(fault("a webhook needs a secret", "Set \"secret_file\" in [webhook]"));
    };
    let known = found.as_ref().and_then(|found| whole(found.get("id")?));
    let mut body = json!({"isActive": true, "secretKey": secret.shown()});
    let id = match known {
        Some(id) => {
            body["id"] = json!(id);
            change(client, &Method::PATCH, ENTITY, &body)?;
            id
        }
        None => {
            let new = json!({"name": NAME, "webhookUrl": url, "deactivationUrl": url, "isSubscribedToCreateEvents": true,
                "isSubscribedToUpdateEvents": true, "isSubscribedToDeleteEvents": false,
                "sendThresholdExceededNotification": false});
            let (Value::Object(body), Value::Object(new)) = (&mut body, new) else {
                return Err(fault("no webhook", "Please report it"));
            };
            body.extend(new);
            let body = Value::Object(std::mem::take(body));
            let made = change(client, &Method::POST, ENTITY, &body)?;
            made.ok_or_else(|| fault("it does not say which webhook it has made", "Ask again: --register"))?
        }
    };
    subscribe(client, id)?;
    leave_out_own(client, id)?;
    Ok(standing(find(client, wanted)?.as_ref()))
}

fn find(client: &mut Client, wanted: &Subscription) -> Result<Option<Map<String, Value>>> {
    let mut found: Option<Map<String, Value>> = None;
    let any = json!({"op": "gte", "field": "id", "value": 0});
    client.each(ENTITY, &[any], &[], &mut |one: Map<String, Value>| {
        let own = one.get("webhookUrl").and_then(Value::as_str).is_some_and(|url| wanted.is(url));
        // Of two the one that tells.
        if own && standing(found.as_ref()) != Standing::Active {
            found = Some(one);
        }
        Ok(())
    })?;
    Ok(found)
}

fn standing(found: Option<&Map<String, Value>>) -> Standing {
    let Some(found) = found else { return Standing::Missing };
    let off = |name: &&str| found.get(*name).and_then(Value::as_bool) == Some(false);
    match ["isActive", "isReady"].iter().find(|name| off(name)) {
        Some(name) => Standing::Off { why: format!("{name} is false") },
        None => Standing::Active,
    }
}

/// Changes something and gives the id that the reply names.
fn change(client: &mut Client, method: &Method, path: &str, body: &Value) -> Result<Option<i64>> {
    let answer = client.send(method, path, body)?;
    let told: Value = read(&client.judged(answer)?)?;
    Ok(told.get("itemId").and_then(whole))
}

/// The numbers that children of a webhook have under `key`.
fn children(client: &mut Client, path: &str, key: &str) -> Result<Vec<i64>> {
    let page: Page = client.get(path)?;
    Ok(page.items.unwrap_or_default().iter().filter_map(|item| whole(item.get(key)?)).collect())
}

/// Subscribes what is missing of the fields that matter.
fn subscribe(client: &mut Client, id: i64) -> Result<()> {
    let fields: Fields = client.get("TicketWebhookFields/entityInformation/fields")?;
    let of_ids =
        fields.fields.unwrap_or_default().into_iter().find(|field| field.name.as_deref() == Some("fieldID"));
    let picks = of_ids.and_then(|field| field.picklist_values).unwrap_or_default();
    let path = format!("{ENTITY}/{id}/Fields");
    let there = children(client, &path, "fieldID")?;
    let matters = |label: &Option<String>| {
        label.as_deref().is_some_and(|label| TOLD.iter().any(|name| name.eq_ignore_ascii_case(label.trim())))
    };
    let numbers: Vec<i64> =
        picks.iter().filter(|pick| matters(&pick.label)).filter_map(|pick| pick.value).collect();
    if numbers.is_empty() {
        let next =
            "Check the API user's security level: webhooks, and see in Autotask whether webhooks are allowed";
        return Err(fault("it names no field that a webhook can tell of", next));
    }
    for number in numbers.into_iter().filter(|number| !there.contains(number)) {
        let body = json!({"webhookID": id, "fieldID": number, "isSubscribedField": true, "isDisplayAlwaysField": false});
        change(client, &Method::POST, &path, &body)?;
    }
    Ok(())
}

/// What the API user itself does is not told. Where it can't be found, its own writes come back as hints and are read once more.
fn leave_out_own(client: &mut Client, id: i64) -> Result<()> {
    let user = client.settings.user.clone();
    let mut own: Option<i64> = None;
    for field in ["userName", "email"] {
        client.each("Resources", &[is(field, user.as_str())], &["id"], &mut |row: Value| {
            own = own.or_else(|| whole(row.get("id")?));
            Ok(())
        })?;
        if own.is_some() {
            break;
        }
    }
    let path = format!("{ENTITY}/{id}/ExcludedResources");
    match own {
        Some(own) if !children(client, &path, "resourceID")?.contains(&own) => {
            change(client, &Method::POST, &path, &json!({"webhookID": id, "resourceID": own})).map(drop)
        }
        _ => Ok(()),
    }
}
