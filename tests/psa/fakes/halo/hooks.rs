//! Webhooks: set up in two calls, a webhook and the notifications that feed it; posted with an HMAC of the body.
//!
//! UNCONFIRMED: the keys of the envelope (a client may rely on `ticket` and `object_id` only), the numbers of payload types, whether
//! conditions of a notification hold (they are kept and not looked at), and that changes of the application itself are posted too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Map, Value, json};

use super::input::{self, Item};
use super::refusals::{Outcome, Refusal};
use super::settings::TypeThree;
use super::show::{self, Look};
use super::times::{Spelling, naive};
use super::{Halo, actions};
use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::world::{Id, World};

/// A new ticket.
const NEW: i64 = 3;
/// A ticket that was updated.
const UPDATED: i64 = 61;

/// What was set up, and what was posted.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    webhooks: Vec<Item>,
    notifications: Vec<Item>,
    posted: Vec<Value>,
    next: Id,
}

impl Hooks {
    /// Requests that set up webhooks, or ask what was posted.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        now: Timestamp,
        (method, resource, rest): (&str, &str, &[&str]),
    ) -> Outcome<Reply> {
        let list = match resource {
            "webhook" => &mut self.webhooks,
            "notification" => &mut self.notifications,
            _ => return self.events(request, (method, rest)),
        };
        match (method, rest) {
            ("GET", []) => Ok(Reply::json(200, &json!(list.iter().map(told).collect::<Vec<_>>()))),
            ("GET", [id]) => {
                let found = list.iter().find(|item| is(item, id)).map(told);
                found.map(|item| Reply::json(200, &item)).ok_or_else(gone)
            }
            ("DELETE", [id]) => {
                let place = list.iter().position(|item| is(item, id)).ok_or_else(gone)?;
                list.remove(place);
                Ok(Reply::json(200, &json!({"id": id})))
            }
            ("POST", []) if resource == "webhook" => self.subscribe(request, now),
            ("POST", []) => self.notify(request),
            _ => Err(Refusal::method(resource)),
        }
    }

    /// `POST /Webhook`, with an id to change one.
    fn subscribe(&mut self, request: &Request, now: Timestamp) -> Outcome<Reply> {
        let mut written = Vec::new();
        for mut item in input::items(request)? {
            if let Some(id) = input::text(&item, "id").filter(|id| !id.is_empty()).map(str::to_owned) {
                let known = self.webhooks.iter_mut().find(|hook| is(hook, &id)).ok_or_else(gone)?;
                known.extend(item);
                written.push(told(known));
                continue;
            }
            let url = input::text(&item, "url").unwrap_or_default();
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(Refusal::invalid("A URL is required"));
            }
            self.next += 1;
            item.insert("id".to_owned(), json!(show::guid(self.next, 1)));
            item.insert("lastcreated".to_owned(), json!(naive(now)));
            for (key, value) in [("name", json!("")), ("note", json!("")), ("active", json!(true))] {
                item.entry(key.to_owned()).or_insert(value);
            }
            written.push(told(&item));
            self.webhooks.push(item);
        }
        Ok(Reply::json(201, &single(written)))
    }

    /// `POST /Notification`: the events of a webhook.
    fn notify(&mut self, request: &Request) -> Outcome<Reply> {
        let mut items = input::items(request)?;
        for item in &items {
            let id = input::text(item, "webhook_id").unwrap_or_default();
            if !self.webhooks.iter().any(|hook| is(hook, id)) {
                return Err(Refusal::unknown("Webhook", id));
            }
            if input::number(item, "eventno")?.is_none() {
                return Err(Refusal::invalid("eventno is required"));
            }
        }
        for item in &mut items {
            self.next += 1;
            item.insert("id".to_owned(), json!(self.next));
        }
        self.notifications.extend(items.clone());
        Ok(Reply::json(201, &single(items.into_iter().map(Value::Object).collect())))
    }

    /// What was posted, the newest first. Whether it arrived is not known here.
    fn events(&self, request: &Request, (method, rest): (&str, &[&str])) -> Outcome<Reply> {
        let of = request.asked("webhook_id");
        let wanted = |event: &&Value| of.is_none_or(|id| event["webhook_id"] == id);
        match (method, rest) {
            ("GET", []) => {
                let events: Vec<&Value> = self.posted.iter().rev().filter(wanted).collect();
                Ok(Reply::json(200, &json!(events)))
            }
            ("GET", [id]) => {
                let found = self.posted.iter().find(|event| event["id"] == **id);
                found.map(|event| Reply::json(200, event)).ok_or_else(gone)
            }
            _ => Err(Refusal::method("webhookevent")),
        }
    }
}

fn gone() -> Refusal {
    Refusal::missing("The record was not found")
}

fn is(item: &Item, id: &str) -> bool {
    match item.get("id") {
        Some(Value::String(own)) => own.eq_ignore_ascii_case(id),
        Some(own) => own.as_i64().is_some_and(|own| id.parse() == Ok(own)),
        None => false,
    }
}

/// A webhook as it is shown: without its secret.
fn told(item: &Item) -> Value {
    let shown: Map<String, Value> = item
        .iter()
        .filter(|(key, _)| *key != "basic_password")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    Value::Object(shown)
}

fn single(mut items: Vec<Value>) -> Value {
    if items.len() == 1 { items.remove(0) } else { json!(items) }
}

/// What is posted: once for each ticket of a moment, a new one as new.
pub(super) fn deliveries(halo: &mut Halo, world: &World, happened: &[Happened]) -> Vec<Delivery> {
    let mut moments: Vec<(Id, i64)> = Vec::new();
    for event in happened.iter().filter(|event| !event.deleted) {
        let number = if event.created { NEW } else { UPDATED };
        match moments.iter_mut().find(|(ticket, _)| *ticket == event.ticket) {
            Some(known) if event.created => known.1 = number,
            Some(_) => {}
            None => moments.push((event.ticket, number)),
        }
    }
    let mut due = Vec::new();
    for (ticket, event) in moments {
        for (hook, notification) in listeners(&halo.hooks, event) {
            let n = halo.hooks.posted.len() as i64 + 1;
            let Some(body) = body(halo, world, (ticket, event), (&hook, n)) else { continue };
            let sent = body.to_string();
            halo.hooks.posted.push(json!({
                "id": show::guid(10, n), "webhook_id": hook.get("id"), "notification_id": notification,
                "timestamp": naive(world.now()), "entity_id": ticket, "requestbody": sent,
            }));
            due.push(delivery(halo.settings.type_three, &hook, sent.into_bytes()));
        }
    }
    due
}

/// Active webhooks with a notification for that event.
fn listeners(hooks: &Hooks, event: i64) -> Vec<(Item, Value)> {
    let wants = |item: &&Item| matches!(input::number(item, "eventno"), Ok(Some(number)) if number == event);
    let found = hooks.notifications.iter().filter(wants).filter_map(|notification| {
        let id = input::text(notification, "webhook_id")?;
        let hook = hooks.webhooks.iter().find(|hook| is(hook, id))?;
        let active = input::flag(hook, "active") != Some(false);
        active.then(|| (hook.clone(), notification.get("id").cloned().unwrap_or_default()))
    });
    found.collect()
}

/// The body: full, small (`payload_type` 1) or the event alone (2).
fn body(halo: &Halo, world: &World, (id, event): (Id, i64), (hook, n): (&Item, i64)) -> Option<Value> {
    let ticket = world.tickets.get(&id).filter(|ticket| show::visible(world, ticket))?;
    let size = input::number(hook, "payload_type").ok().flatten().unwrap_or(0);
    let mut body = json!({
        "id": show::guid(11, n), "webhook_id": hook.get("id"), "object_id": id, "timestamp": naive(world.now()),
        "event": if event == NEW { "New Ticket Logged" } else { "Ticket Updated" },
    });
    if size == 1 {
        body["ticket"] = json!({"id": id, "summary": ticket.summary});
    } else if size != 2 {
        let look = Look { spelling: Spelling::Read, detail: true, custom: true };
        body["ticket"] = show::ticket(halo, world, ticket, look);
        if let Some(last) = halo.numbers.of(id).last().filter(|_| event == UPDATED) {
            body["action"] = json!(actions::shown(halo, world, (id, last), Spelling::Read));
        }
    }
    Some(body)
}

/// A delivery with what proves where it comes from. Numbers of `authentication_type` as most clients have them: 0 none, 1 basic, 2 bearer,
/// 3 as a setting says. UNCONFIRMED: `digest` 1 as hexadecimal.
fn delivery(three: TypeThree, hook: &Item, body: Vec<u8>) -> Delivery {
    let said = |key: &str| input::text(hook, key).unwrap_or_default();
    let number = |key: &str| input::number(hook, key).ok().flatten().unwrap_or(0);
    let secret = said("basic_password");
    let named = |default: &str| match said("authentication_header") {
        "" => default.to_owned(),
        name => name.to_owned(),
    };
    let kind = match said("content_type") {
        "" => "application/json",
        kind => kind,
    };
    let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
    match (number("authentication_type"), three) {
        (1, _) => {
            let pair = STANDARD.encode(format!("{}:{secret}", said("basic_username")));
            headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        }
        (2, _) => headers.push(("authorization".to_owned(), format!("Bearer {secret}"))),
        (3, TypeThree::ApiKey) => headers.push((named("x-api-key"), secret.to_owned())),
        (3, TypeThree::Hmac) => {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &body);
            let digest = match number("digest") {
                1 => tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => STANDARD.encode(tag.as_ref()),
            };
            headers.push((named("Token"), format!("{}{digest}", said("signature_prefix"))));
        }
        _ => {}
    }
    Delivery { url: said("url").to_owned(), headers, body }
}
