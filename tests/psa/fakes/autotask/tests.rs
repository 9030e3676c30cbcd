//! The fake against what is known of Autotask: most of it without a network.

mod hooks;
mod http;
mod limits;
mod queries;
mod refusals;
mod script;
mod writes;

use serde_json::{Value, json};

use super::{API_SECRET, API_USER, Autotask, INTEGRATION_CODE, desk};
use crate::clock::Clock;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Author, Id, NewTicket, World};

/// A technician of the desk and her role.
const GRACE: Id = 29_682_885;
const HELP_DESK: Id = 8;
/// A customer of the desk and their contact.
const HARBOUR: Id = 174;
const NORA: Id = 29_683_586;

/// A fake that is talked to without a network.
struct Talk {
    at: Autotask,
    world: World,
    headers: Vec<(String, String)>,
}

impl Talk {
    /// At 2026-03-02T09:00:00Z, which does not go by.
    fn new() -> Self {
        let clock = Clock::new("2026-03-02T09:00:00Z".parse().unwrap(), 0.0);
        let headers =
            [("username", API_USER), ("secret", API_SECRET), ("apiintegrationcode", INTEGRATION_CODE)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { at: Autotask::default(), world: desk(clock), headers }
    }

    /// A ticket of Nora's, opened now.
    fn ticket(&mut self, summary: &str) -> Id {
        let new = NewTicket {
            summary: summary.to_owned(),
            description: format!("{summary}, since this morning."),
            company: HARBOUR,
            contact: Some(NORA),
            board: super::SERVICE_DESK,
            priority: Some(2),
            source: Some(4),
            ..NewTicket::default()
        };
        self.world.open(new, Author::System)
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Request {
        let (path, raw_query) = path.split_once('?').unwrap_or((path, ""));
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_owned(), decoded(value))
        };
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: raw_query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
            raw_query: raw_query.to_owned(),
            headers: self.headers.iter().cloned().collect(),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            origin: "http://fake".to_owned(),
        }
    }

    fn reply(&mut self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = self.request(method, path, body);
        self.at.answer(&mut self.world, &request)
    }

    /// A request below the version, as most are.
    fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let path = format!("/ATServicesRest/v1.0/{path}");
        let reply = match body {
            Some(body) => self.reply(method, &path, Some(&body)),
            None => self.reply(method, &path, None),
        };
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    /// A request that must be answered with 200.
    fn well(&mut self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, body) = self.ask(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {body}");
        body
    }

    /// A request that must be refused so; the first error text.
    fn refused(&mut self, status: u16, method: &str, path: &str, body: Value) -> String {
        let before = (self.world.writes.len(), self.world.notes.len(), self.world.changes.len());
        let said = body.to_string();
        let (answered, reply) = self.ask(method, path, Some(body));
        assert_eq!(answered, status, "{method} {path} {said}: {reply}");
        let after = (self.world.writes.len(), self.world.notes.len(), self.world.changes.len());
        assert_eq!(before, after, "{method} {path} {said} was refused and did something");
        reply["errors"][0].as_str().unwrap_or_default().to_owned()
    }

    fn items(&mut self, of: &str, filter: &Value) -> Vec<Value> {
        let found = self.well("POST", &format!("{of}/query"), Some(json!({"filter": filter})));
        found["items"].as_array().unwrap().clone()
    }

    fn shown(&mut self, ticket: Id) -> Value {
        self.well("GET", &format!("Tickets/{ticket}"), None)["item"].clone()
    }

    fn set(&mut self, settings: &Value) {
        self.at.set(settings).unwrap();
    }

    /// Writes of the API user to a ticket.
    fn writes(&self, ticket: Id) -> usize {
        self.world.write_counts().get(&ticket).copied().unwrap_or_default()
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex: Vec<u8> = if byte == b'%' { rest.by_ref().take(2).collect() } else { Vec::new() };
        match std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(coded) => bytes.push(coded),
            None => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
