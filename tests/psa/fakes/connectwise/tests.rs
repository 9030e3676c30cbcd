//! The fake against what the notes on ConnectWise say, without a network where none is needed.

mod hooks;
mod lists;
mod notes;
mod refused;
mod routing;
mod scripts;
mod wire;
mod writes;

use serde_json::{Value, json};

use super::*;
use crate::Clock;
use crate::world::{NewTicket, Ticket};

/// A desk, its dialect, and requests to it.
struct Desk {
    world: World,
    cw: Connectwise,
}

/// A reply, with its body as JSON.
struct Told {
    status: u16,
    body: Value,
    headers: Vec<(String, String)>,
}

impl Told {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The fields that were wrong.
    fn wrong(&self) -> Vec<&str> {
        self.body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect()
    }
}

const START: &str = "2026-03-02T08:00:00.250Z";

impl Desk {
    fn new() -> Self {
        let clock = Clock::new(START.parse().unwrap(), 0.0);
        Self { world: desk(clock), cw: Connectwise::default() }
    }

    fn set(&mut self, settings: &Value) {
        self.cw.set(settings).unwrap();
    }

    /// A time later on the same day.
    fn later(&mut self, seconds: i64) {
        let now = self.world.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.world.clock.set(now);
    }

    /// A ticket by mail.
    fn mail(&mut self, summary: &str) -> Id {
        let (&company, &board) =
            (self.world.companies.keys().next().unwrap(), self.world.boards.keys().next().unwrap());
        let contact = self.world.contacts.values().find(|c| c.company == company).map(|c| c.id);
        let new = NewTicket {
            summary: summary.to_owned(),
            description: "It does not work.".to_owned(),
            company,
            contact,
            board,
            routed: true,
            ..NewTicket::default()
        };
        self.world.open(new, crate::Author::System)
    }

    fn ticket(&self, id: Id) -> &Ticket {
        &self.world.tickets[&id]
    }

    fn raw(&mut self, request: &Request) -> Told {
        let reply = self.cw.answer(&mut self.world, request);
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        Told { status: reply.status, body, headers: reply.headers }
    }

    fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Told {
        self.raw(&request(method, path, body))
    }

    fn get(&mut self, path: &str) -> Told {
        self.ask("GET", path, None)
    }

    /// A list that must be answered.
    fn list(&mut self, path: &str) -> Vec<Value> {
        let told = self.get(path);
        assert_eq!(told.status, 200, "{path}: {}", told.body);
        told.body.as_array().unwrap().clone()
    }

    fn patch(&mut self, id: Id, steps: Value) -> Told {
        self.ask("PATCH", &format!("service/tickets/{id}"), Some(steps))
    }

    fn writes(&self, id: Id) -> usize {
        self.world.write_counts().get(&id).copied().unwrap_or_default()
    }
}

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(user))
}

/// A request as a well client sends it; its path is below `apis/3.0`, or whole where it begins with a slash.
fn request(method: &str, path: &str, body: Option<Value>) -> Request {
    let (path, raw_query) = path.split_once('?').unwrap_or((path, ""));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/v2025_1/apis/3.0/{path}") };
    let pairs = raw_query.split('&').filter(|part| !part.is_empty());
    let headers = [
        ("authorization", basic(&format!("{COMPANY_ID}+{PUBLIC_KEY}:{PRIVATE_KEY}"))),
        ("clientid", CLIENT_ID.to_owned()),
    ];
    Request {
        method: method.to_owned(),
        path,
        query: pairs
            .map(|part| part.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap_or_default())
            .collect(),
        raw_query: raw_query.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        origin: "https://psa.test".to_owned(),
    }
}

fn replace(path: &str, value: Value) -> Value {
    let mut step = json!({"op": "replace", "path": path});
    step["value"] = value;
    Value::Array(vec![step])
}
