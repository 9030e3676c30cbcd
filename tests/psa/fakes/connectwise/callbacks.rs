//! Callbacks: registered by URL, type and level; deliveries with the record as a string in the body, signed with a key that is read elsewhere.
//!
//! Each delivery is sent once: whether the real one tries again is UNCONFIRMED.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::refusals::{self, Wrong};
use super::settings::Forged;
use super::shapes::{UI_HOST, login};
use super::{API_MEMBER, API_MEMBER_ID, Answer, COMPANY_ID, Connectwise, patch, tickets};
use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::world::{Author, Id, World};

/// Types of records that callbacks exist for. Only tickets are told of here.
const TYPES: [&str; 11] = [
    "ticket",
    "project",
    "company",
    "contact",
    "opportunity",
    "activity",
    "schedule",
    "time",
    "agreement",
    "configuration",
    "member",
];
/// Levels of tickets.
const LEVELS: [&str; 6] = ["owner", "board", "status", "company", "ticket", "integratortag"];

/// Fields that callbacks may have.
pub(super) const FIELDS: &[&str] =
    &["url", "type", "level", "objectId", "description", "memberId", "inactiveFlag"];

/// A callback.
#[derive(Debug, Clone, Default)]
pub(super) struct Callback {
    id: Id,
    url: String,
    kind: String,
    level: String,
    object: Id,
    inactive: bool,
    self_suppressed: bool,
    description: Option<String>,
    updated: String,
}

impl Callback {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id, "description": self.description, "url": self.url, "objectId": self.object,
            "type": self.kind, "level": self.level, "memberId": API_MEMBER_ID, "payloadVersion": "3.0.0",
            "inactiveFlag": self.inactive, "isSoapCallbackFlag": false,
            "isSelfSuppressedFlag": self.self_suppressed,
            "connectWiseID": format!("00000000-0000-4000-9000-{:012x}", self.id),
            "_info": {"lastUpdated": self.updated, "updatedBy": API_MEMBER},
        });
        super::shapes::without_nulls(&mut shown);
        shown
    }

    fn read(body: &Value, at: String) -> Result<Self, Vec<Wrong>> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let flag = |key: &str| body.get(key) == Some(&json!(true));
        let id = |key: &str| body.get(key).and_then(Value::as_i64);
        let mut wrong = Vec::new();
        let url = text("url");
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            wrong.push(Wrong::field("url", "Invalid URL"));
        }
        let (kind, level) = (text("type").to_lowercase(), text("level").to_lowercase());
        if !TYPES.contains(&kind.as_str()) {
            wrong.push(Wrong::object("type", "Unrecognized type, see documentation for supported types"));
        }
        if !LEVELS.contains(&level.as_str()) {
            let message = "Unrecognized level for type, see documentation for supported levels for each type";
            wrong.push(Wrong::object("level", message));
        }
        let description = text("description");
        if description.chars().count() > 100 {
            wrong.push(Wrong::long("description", 100));
        }
        let object = if level == "owner" { Some(1) } else { id("objectId").filter(|id| *id > 0) };
        let Some(object) = object.filter(|_| wrong.is_empty()) else {
            if wrong.is_empty() {
                wrong.push(Wrong::missing("objectId"));
            }
            return Err(wrong);
        };
        Ok(Self {
            id: 0,
            url: url.to_owned(),
            kind,
            level,
            object,
            inactive: flag("inactiveFlag"),
            self_suppressed: flag("isSelfSuppressedFlag"),
            description: Some(description.to_owned()).filter(|text| !text.is_empty()),
            updated: at,
        })
    }

    fn same(&self, other: &Self) -> bool {
        (&self.url, &self.kind, &self.level, self.object)
            == (&other.url, &other.kind, &other.level, other.object)
    }

    fn hears(&self, world: &World, happened: &Happened) -> bool {
        let ticket = world.tickets.get(&happened.ticket);
        let of = |id: Option<Id>| id == Some(self.object);
        let level = match self.level.as_str() {
            "owner" => true,
            "board" => of(ticket.map(|t| t.board)),
            "status" => of(ticket.and_then(|t| t.status)),
            "company" => of(ticket.map(|t| t.company)),
            "ticket" => of(Some(happened.ticket)),
            _ => false,
        };
        let own = self.self_suppressed && happened.by == Author::Api;
        level && !own && !self.inactive && self.kind == "ticket"
    }
}

/// A delivery before it is signed.
struct Message<'a> {
    body: Value,
    url: String,
    key: &'a str,
}

impl Message<'_> {
    /// Signed with HMAC-SHA256, whose key is the SHA-256 of the signing key's text.
    fn signed(&self) -> Delivery {
        let body = self.body.to_string().into_bytes();
        let key = digest::digest(&digest::SHA256, self.key.as_bytes());
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), &body);
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-content-signature".to_owned(), STANDARD.encode(signature)),
        ];
        Delivery { url: self.url.clone(), headers, body }
    }
}

impl Connectwise {
    /// The callbacks that are registered.
    pub(super) fn callback_rows(&self) -> Vec<Value> {
        self.callbacks.iter().map(Callback::shown).collect()
    }

    /// Registers a callback; a second one for the same is refused.
    pub(super) fn post_callback(&mut self, world: &mut World, request: &Request) -> Answer {
        self.may("setup.add")?;
        let body = request.json().ok_or_else(|| refusals::unreadable("The body is not JSON."))?;
        let read = Callback::read(&body, super::shapes::time(world.now()));
        let mut callback = read.map_err(|wrong| refusals::invalid("callbackEntry", &wrong))?;
        self.check_new(&callback)?;
        callback.id = world.id();
        let shown = callback.shown();
        self.callbacks.push(callback);
        Ok(Reply::json(201, &shown))
    }

    fn check_new(&self, callback: &Callback) -> Result<(), Reply> {
        if !self.callbacks.iter().any(|other| other.id != callback.id && other.same(callback)) {
            return Ok(());
        }
        let wrong = Wrong::exists("objectId", "A matching callback entry already exists");
        Err(refusals::invalid("callbackEntry", &[wrong]))
    }

    fn callback(&self, id: &str) -> Result<usize, Reply> {
        let at = id.parse().ok().and_then(|id: Id| self.callbacks.iter().position(|c| c.id == id));
        at.ok_or_else(|| refusals::not_found("CallbackEntry", id))
    }

    /// Changes a callback.
    pub(super) fn change_callback(&mut self, world: &World, request: &Request, id: &str) -> Answer {
        self.may("setup.add")?;
        let at = self.callback(id)?;
        let after = patch::after(request, &self.callbacks[at].shown())?;
        let read = Callback::read(&after, super::shapes::time(world.now()));
        let mut callback = read.map_err(|wrong| refusals::invalid("callbackEntry", &wrong))?;
        callback.id = self.callbacks[at].id;
        self.check_new(&callback)?;
        let shown = callback.shown();
        self.callbacks[at] = callback;
        Ok(Reply::json(200, &shown))
    }

    /// Removes a callback.
    pub(super) fn delete_callback(&mut self, id: &str) -> Answer {
        self.may("setup.add")?;
        let at = self.callback(id)?;
        self.callbacks.remove(at);
        Ok(Reply::empty(204))
    }

    /// The key that deliveries are signed with.
    pub(super) fn signing_key(&self, request: &Request) -> Answer {
        let known = request.asked("companyName").is_some_and(|name| name.eq_ignore_ascii_case(COMPANY_ID));
        if !known || request.asked("id") != Some(&self.key_id()) {
            return Err(refusals::not_found("CallbackKey", request.asked("id").unwrap_or_default()));
        }
        // Whether the real one asks for credentials here is UNCONFIRMED: it does by a setting.
        if self.settings.key_needs_auth {
            self.authorized(request)?;
        }
        Ok(Reply::json(200, &json!({"signing_key": self.settings.signing_key})))
    }

    /// The name of the key, which differs from key to key.
    fn key_id(&self) -> String {
        let hash = digest::digest(&digest::SHA256, self.settings.signing_key.as_bytes());
        let hex: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("e0000000-0000-4000-8000-{hex}")
    }

    /// Where the key is.
    fn key_url(&self) -> String {
        let (codebase, id) = (&self.settings.codebase, self.key_id());
        format!("{}/{codebase}//system/callbackkey/index.rails?companyName={COMPANY_ID}&id={id}", self.origin)
    }

    /// What is posted about what happened.
    pub(super) fn told(&mut self, world: &World, happened: &[Happened]) -> Vec<Delivery> {
        let mut told: Vec<Happened> = Vec::new();
        for one in happened {
            let created =
                told.iter().any(|other| other.created && other.ticket == one.ticket && !one.deleted);
            let part_of_it = created && one.by == Author::System;
            if !part_of_it && !told.contains(one) {
                told.push(*one);
            }
        }
        let mut sent = Vec::new();
        for one in &told {
            for callback in self.callbacks.iter().filter(|callback| callback.hears(world, one)) {
                self.messages += 1;
                let body = self.body(world, one, callback.id);
                let url = format!("{}{}", callback.url, one.ticket);
                let message = Message { body, url, key: &self.settings.signing_key };
                sent.push(message.signed());
                sent.extend(self.settings.forged.as_ref().map(|forged| forge(message, forged).signed()));
            }
        }
        sent
    }

    fn body(&self, world: &World, happened: &Happened, callback: Id) -> Value {
        let action = match (happened.created, happened.deleted) {
            (_, true) => "deleted",
            (true, _) => "added",
            _ => "updated",
        };
        let facts = tickets::Facts::of(world, &[happened.ticket]);
        let seen = tickets::visible(world, happened.ticket);
        let record = seen.map(|ticket| self.ticket(world, &facts, ticket).to_string());
        json!({
            "Action": action,
            "CallbackObjectRecId": callback,
            "CompanyId": COMPANY_ID,
            "Entity": record,
            "FromUrl": UI_HOST,
            "ID": happened.ticket,
            "MemberId": login(world, happened.by),
            "MessageId": format!("10000000-0000-4000-8000-{:012x}", self.messages),
            "Metadata": {"key_url": self.key_url()},
            "PartnerId": "00000000000000000000000a",
            "ProductInstanceId": "00000000000000000000000b",
            "Type": "ticket",
        })
    }
}

/// A delivery by somebody else about the same ticket.
fn forge<'a>(message: Message<'_>, forged: &'a Forged) -> Message<'a> {
    let mut body = message.body;
    body["Metadata"]["key_url"] = forged.key_url.as_str().into();
    body["MessageId"] = "f0000000-0000-4000-8000-000000000000".into();
    Message { body, url: message.url, key: &forged.key }
}
