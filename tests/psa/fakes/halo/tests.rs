//! What the fake must do, asked without a network where one is not the point.

mod gate;
mod hooks;
mod http;
mod reading;
mod scripts;
mod writing;

use std::borrow::Borrow;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{CLIENT_ID, CLIENT_SECRET, Halo, desk};
use crate::clock::Clock;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Author, Id, NewTicket, World};

/// A desk and its dialect, with a token.
pub(super) struct Bench {
    pub(super) halo: Halo,
    pub(super) world: World,
    pub(super) token: String,
}

/// The time at which the desk of a test opens.
pub(super) fn start() -> Timestamp {
    "2026-03-03T08:14:22.56Z".parse().unwrap()
}

impl Bench {
    pub(super) fn new() -> Self {
        let world = desk(Clock::new(start(), 0.0));
        let mut bench = Self { halo: Halo::default(), world, token: String::new() };
        bench.renew();
        bench
    }

    pub(super) fn renew(&mut self) {
        let (status, body) = self.sign_in("all", CLIENT_SECRET);
        assert_eq!(status, 200, "{body}");
        self.token = body["access_token"].as_str().unwrap().to_owned();
    }

    pub(super) fn sign_in(&mut self, scope: &str, secret: &str) -> (u16, Value) {
        let body = format!(
            "grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={secret}&scope={scope}"
        );
        let mut request = asked("POST", "/auth/token", body.into_bytes());
        request.headers.insert("content-type".into(), "application/x-www-form-urlencoded".into());
        read(&self.halo.answer(&mut self.world, &request))
    }

    pub(super) fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let mut request = asked(method, path, body.map_or(Vec::new(), |body| body.to_string().into_bytes()));
        request.headers.insert("authorization".into(), format!("Bearer {}", self.token));
        self.halo.answer(&mut self.world, &request)
    }

    pub(super) fn get(&mut self, path: &str) -> (u16, Value) {
        read(&self.send("GET", path, None))
    }

    /// A GET that must be answered.
    pub(super) fn got(&mut self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(super) fn post(&mut self, path: &str, body: impl Borrow<Value>) -> (u16, Value) {
        read(&self.send("POST", path, Some(body.borrow())))
    }

    /// A POST that must be taken.
    pub(super) fn posted(&mut self, path: &str, body: impl Borrow<Value>) -> Value {
        let (status, reply) = self.post(path, body);
        assert_eq!(status, 201, "{path}: {reply}");
        reply
    }

    pub(super) fn later(&mut self, seconds: i64) {
        let now = self.world.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        self.world.clock.set(now);
    }

    /// A ticket that a customer mailed.
    pub(super) fn mailed(&mut self, summary: &str) -> Id {
        let (contact, company) = self.world.contacts.values().map(|c| (c.id, c.company)).next().unwrap();
        let board = *self.world.boards.keys().next().unwrap();
        let new = NewTicket {
            summary: summary.to_owned(),
            description: "It has not worked since this morning.\nPlease help.".to_owned(),
            company,
            contact: Some(contact),
            board,
            routed: true,
            ..NewTicket::default()
        };
        self.world.open(new, Author::System)
    }

    pub(super) fn actions(&mut self, ticket: Id) -> Vec<Value> {
        let body = self.got(&format!("/api/Actions?ticket_id={ticket}&includehtmlnote=true"));
        let mut actions = body["actions"].as_array().unwrap().clone();
        actions.sort_by_key(|action| action["id"].as_i64());
        actions
    }
}

fn asked(method: &str, path: &str, body: Vec<u8>) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.split('&').filter(|part| !part.is_empty()).map(crate::server::pair).collect(),
        raw_query: query.to_owned(),
        body,
        origin: "http://fake".to_owned(),
        ..Request::default()
    }
}

pub(super) fn read(reply: &Reply) -> (u16, Value) {
    let text = || json!(String::from_utf8_lossy(&reply.body));
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_else(|_| text()))
}

/// The ids of rows.
pub(super) fn ids(rows: &Value) -> Vec<Id> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
