//! Webhooks: how they are set up, and what is posted when a ticket or a note changes.
//!
//! Only fields that were subscribed or are always displayed are told; an update that changes none of the subscribed ones is not sent,
//! nor one by a resource that is excluded. UNCONFIRMED: the spelling of field names in a body (here as in records, the company is
//! `accountID`), and that an address without TLS is taken, which tests on one machine need.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value, json};

use super::fields::{Entity, entity};
use super::meta::hookable;
use super::query::{Record, look, number};
use super::records::{Row, View, resource};
use super::refusals::{NO_RECORD, broken, no_method, no_path, refused};
use super::settings::Signature;
use super::times::shown;
use super::writes::values;
use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, World};

/// Webhooks that were set up.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    hooks: BTreeMap<Id, Hook>,
    next: Id,
}

#[derive(Debug, Default)]
struct Hook {
    /// Of notes, not of tickets.
    notes: bool,
    record: Map<String, Value>,
    /// `Fields`, `UdfFields` and `ExcludedResources`, by their ids.
    children: BTreeMap<Id, (&'static str, Map<String, Value>)>,
    sequence: u64,
    /// What it last told, or would have: the subscribed fields of each record.
    told: BTreeMap<Id, Value>,
}

impl Hook {
    fn flag(&self, name: &str) -> bool {
        self.record.get(name) == Some(&json!(true))
    }

    fn text(&self, name: &str) -> &str {
        self.record.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.children.values().filter(move |(of, _)| *of == kind).map(|(_, record)| record)
    }

    fn excludes(&self, by: Author) -> bool {
        let by = json!(resource(by));
        self.of("ExcludedResources").any(|record| record.get("resourceID") == Some(&by))
    }

    /// The fields that it tells, and of these the subscribed ones.
    fn fields(&self, row: &Row<'_>) -> (Value, Value) {
        let known = hookable(if self.notes { "TicketNotes" } else { "Tickets" });
        let (mut shown, mut subscribed) = (Map::new(), Map::new());
        for child in self.of("Fields") {
            let id = child.get("fieldID").and_then(Value::as_i64);
            let Some((_, field)) = known.iter().find(|(known, _)| Some(*known) == id) else { continue };
            let name = if field.name == "companyID" { "accountID" } else { field.name };
            shown.insert(name.to_owned(), row.value(field));
            if child.get("isSubscribedField") == Some(&json!(true)) {
                subscribed.insert(name.to_owned(), row.value(field));
            }
        }
        (Value::Object(shown), Value::Object(subscribed))
    }
}

/// The kinds of children, as they stand in paths.
const CHILDREN: [&str; 3] = ["Fields", "UdfFields", "ExcludedResources"];

impl Webhooks {
    /// A request below `/TicketWebhooks` or `/TicketNoteWebhooks`.
    pub(super) fn answer(
        &mut self,
        view: View<'_>,
        request: &Request,
        parts: &[&str],
    ) -> Result<Reply, Reply> {
        let of = parts.first().and_then(|name| entity(name)).ok_or_else(|| no_path(request))?;
        let notes = of.name.starts_with("TicketNote");
        let id = |text: &str| text.parse::<Id>().map_err(|_| no_path(request));
        match (request.method.as_str(), parts) {
            ("POST", [_]) => self.create(view, &of, request),
            ("PATCH" | "PUT", [_]) => self.change(view, &of, request),
            ("GET", [_, hook]) => {
                let record =
                    self.hooks.get(&id(hook)?).filter(|hook| hook.notes == notes).map(|hook| &hook.record);
                Ok(Reply::json(200, &json!({"item": record})))
            }
            ("DELETE", [_, hook]) => {
                let hook = id(hook)?;
                self.hooks.remove(&hook).ok_or_else(|| broken(NO_RECORD))?;
                Ok(Reply::json(200, &json!({"itemId": hook})))
            }
            (_, [_, hook, child, rest @ ..]) => {
                let child = CHILDREN.iter().find(|known| known.eq_ignore_ascii_case(child));
                let child = child.ok_or_else(|| no_path(request))?;
                let rest = rest.first().map(|text| id(text)).transpose()?;
                self.child(view, request, (id(hook)?, child, rest))
            }
            _ => Err(no_method(request)),
        }
    }

    /// The records, for queries.
    pub(super) fn records(&self, notes: bool) -> impl Iterator<Item = &Map<String, Value>> {
        self.hooks.values().filter(move |hook| hook.notes == notes).map(|hook| &hook.record)
    }

    fn id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    fn create(&mut self, view: View<'_>, of: &Entity, request: &Request) -> Result<Reply, Reply> {
        let sent = object(request)?;
        let given = values(view, of, &sent, true)?;
        if let Some(field) =
            of.fields.iter().find(|f| f.required && given.get(f.name).is_none_or(Value::is_null))
        {
            return Err(broken(&format!("{} is required.", field.name)));
        }
        for address in ["webhookUrl", "deactivationUrl"] {
            let text = given.get(address).and_then(Value::as_str).unwrap_or_default();
            if !text.starts_with("https://") && !text.starts_with("http://") {
                return Err(broken(&format!("{address} is no address.")));
            }
        }
        let id = self.id();
        let mut record: Map<String, Value> =
            given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        record.insert("id".to_owned(), json!(id));
        record.insert("isReady".to_owned(), json!(false));
        let notes = of.name.starts_with("TicketNote");
        self.hooks.insert(id, Hook { notes, record, ..Hook::default() });
        Ok(Reply::json(200, &json!({"itemId": id})))
    }

    fn change(&mut self, view: View<'_>, of: &Entity, request: &Request) -> Result<Reply, Reply> {
        let sent = object(request)?;
        let given = values(view, of, &sent, false)?;
        let id = look(&sent, "id").and_then(number).map(|n| n as Id).unwrap_or_default();
        let hook = self.hooks.get_mut(&id).ok_or_else(|| broken("No matching records found."))?;
        hook.record.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(Reply::json(200, &json!({"itemId": id})))
    }

    fn child(
        &mut self,
        view: View<'_>,
        request: &Request,
        (hook, kind, child): (Id, &'static str, Option<Id>),
    ) -> Result<Reply, Reply> {
        let next = self.id();
        let hook = self.hooks.get_mut(&hook).ok_or_else(|| broken("No matching records found."))?;
        match (request.method.as_str(), child) {
            ("GET", None) => Ok(Reply::json(200, &json!({"items": hook.of(kind).collect::<Vec<_>>()}))),
            ("DELETE", Some(child)) => {
                hook.children.remove(&child).ok_or_else(|| broken(NO_RECORD))?;
                Ok(Reply::json(200, &json!({"itemId": child})))
            }
            ("POST", None) => {
                let mut record = object(request)?;
                if kind == "Fields" {
                    let id = look(&record, "fieldID").and_then(number).map(|n| n as Id);
                    let known = hookable(if hook.notes { "TicketNotes" } else { "Tickets" });
                    if !known.iter().any(|(known, _)| Some(*known) == id) {
                        return Err(broken("The picklist of fieldID has no such value."));
                    }
                }
                record.insert("id".to_owned(), json!(next));
                hook.children.insert(next, (kind, record));
                let ready = hook.of("Fields").next().is_some();
                hook.record.insert("isReady".to_owned(), json!(ready));
                // What stands there now is no news.
                hook.told = view.hook_rows(hook.notes).map(|row| (row.id(), hook.fields(&row).1)).collect();
                Ok(Reply::json(200, &json!({"itemId": next})))
            }
            _ => Err(no_method(request)),
        }
    }

    /// What is posted about what happened.
    pub(super) fn deliveries(&mut self, view: View<'_>, happened: &[Happened]) -> Vec<Delivery> {
        let mut due = Vec::new();
        for (id, hook) in &mut self.hooks {
            if view.settings.deactivate.contains(id) && hook.flag("isActive") {
                hook.record.insert("isActive".to_owned(), json!(false));
                due.push(unsigned(view.world, hook));
            }
            if !hook.flag("isActive") || !hook.flag("isReady") {
                continue;
            }
            for happening in happened {
                hook.tell(view, happening, &mut due);
            }
        }
        due
    }
}

fn object(request: &Request) -> Result<Map<String, Value>, Reply> {
    let body = request.json().and_then(|body| body.as_object().cloned());
    body.ok_or_else(|| refused(400, "The body is no JSON object."))
}

impl<'a> View<'a> {
    /// The rows that a webhook tells of.
    fn hook_rows(&self, notes: bool) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let of = entity(if notes { "TicketNotes" } else { "Tickets" });
        of.map(|of| self.rows(&of, None)).unwrap_or_default().into_iter()
    }
}

impl Hook {
    fn tell(&mut self, view: View<'_>, happening: &Happened, due: &mut Vec<Delivery>) {
        let rows: Vec<Row<'_>> = if self.notes {
            view.notes(happening.ticket)
                .filter(|note| !note.first)
                .map(|note| Row::Note(view, note))
                .collect()
        } else if happening.deleted {
            let excluded = self.excludes(happening.by);
            if self.flag("isSubscribedToDeleteEvents") && !excluded {
                due.push(self.signed(view, "Delete", happening.ticket, &json!({}), happening.by));
            }
            return;
        } else {
            view.ticket(happening.ticket).map(|ticket| Row::Ticket(view, ticket)).into_iter().collect()
        };
        for row in rows {
            let (shown, subscribed) = self.fields(&row);
            let before = self.told.insert(row.id(), subscribed.clone());
            let (action, wanted) = match &before {
                None if self.notes || happening.created => {
                    ("Create", self.flag("isSubscribedToCreateEvents"))
                }
                Some(before) if *before == subscribed => continue,
                _ => ("Update", self.flag("isSubscribedToUpdateEvents")),
            };
            if wanted && !self.excludes(happening.by) {
                due.push(self.signed(view, action, row.id(), &shown, happening.by));
            }
        }
    }

    /// A delivery with its signature.
    fn signed(&mut self, view: View<'_>, action: &str, id: Id, fields: &Value, by: Author) -> Delivery {
        self.sequence += 1;
        let of = if self.notes { "TicketNote" } else { "Ticket" };
        let body = message(view.world, action, (of, id), fields, (self.sequence, by)).to_string();
        let over = match view.settings.signature {
            Signature::Raw => body.clone(),
            Signature::Escaped => escaped(&body),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.text("secretKey").as_bytes());
        let digest = STANDARD.encode(hmac::sign(&key, over.as_bytes()));
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("X-Hook-Signature".to_owned(), format!("sha1={digest}")),
        ];
        Delivery { url: self.text("webhookUrl").to_owned(), headers, body: body.into_bytes() }
    }
}

fn message(
    world: &World,
    action: &str,
    (of, id): (&str, Id),
    fields: &Value,
    (sequence, by): (u64, Author),
) -> Value {
    json!({
        "Action": action, "Guid": format!("{:08x}-0000-4000-8000-{sequence:012x}", id & 0xffff_ffff),
        "EntityType": of, "Id": id, "Fields": fields, "EventTime": shown(world.now()),
        "SequenceNumber": sequence, "PersonID": resource(by),
    })
}

/// The message that a webhook is switched off: it has no signature, whoever sends it.
fn unsigned(world: &World, hook: &mut Hook) -> Delivery {
    hook.sequence += 1;
    let id = hook.record.get("id").and_then(Value::as_i64).unwrap_or_default();
    let of = if hook.notes { "TicketNote" } else { "Ticket" };
    let body = message(world, "Deactivated", (of, id), &json!({}), (hook.sequence, Author::System));
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Delivery { url: hook.text("deactivationUrl").to_owned(), headers, body: body.to_string().into_bytes() }
}

/// A JSON text with what .NET escapes in its strings escaped; what is outside of strings stays.
fn escaped(json: &str) -> String {
    let (mut out, mut inside, mut after_slash) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        let unit = |out: &mut String, c: char| {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
        };
        match c {
            '"' if after_slash => {
                out.pop();
                unit(&mut out, c);
            }
            '"' => {
                inside = !inside;
                out.push(c);
            }
            '&' | '<' | '>' | '\'' | '`' | '+' if inside && !after_slash => unit(&mut out, c),
            c if inside && !c.is_ascii() => unit(&mut out, c),
            c => out.push(c),
        }
        after_slash = c == '\\' && !after_slash;
    }
    out
}
