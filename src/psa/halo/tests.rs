//! The connector against a Halo that is not one, over HTTP.

mod pitfalls;
mod reading;
mod setup;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firstline_fakes::{
    Author, Clock, Fake, FakeOptions, Fault, NewTicket, Trouble, TroubleBody, Which, halo as fake,
};
use firstline_ticket::Field;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Halo, HaloSettings};
use crate::connector::Connector;
use crate::http::agent;
use crate::secret::Secret;

fn start() -> Fake {
    let clock = Clock::real();
    let fake = Fake::start(FakeOptions { which: Which::Halo, clock, port: 0, tls: None }).unwrap();
    fake.set(&json!({"quota": 0})).unwrap();
    fake
}

fn settings(fake: &Fake) -> HaloSettings {
    HaloSettings {
        url: fake.url(),
        auth_url: None,
        tenant: None,
        client_id: fake::CLIENT_ID.to_owned(),
        client_secret: Secret::new(fake::CLIENT_SECRET),
        scope: "all".to_owned(),
        note_outcome: fake::PRIVATE_NOTE,
        reply_outcome: Some(fake::EMAIL_USER),
        requests_per_five_minutes: 300,
    }
}

/// A connector that never waits long.
fn connector(settings: HaloSettings) -> Halo {
    Halo::new(
        settings,
        agent(),
        Arc::new(|pause| {
            std::thread::sleep(pause.min(Duration::from_millis(2)));
            true
        }),
    )
}

/// Opens `n` tickets and gives their ids.
fn open(fake: &Fake, n: usize) -> Vec<i64> {
    fake.world(|world| {
        let (board, company) = (world.board("1st Line Support"), world.company("Larkspur Dental"));
        let contact = world.contact(company, "Dana Whitlock");
        let new = |i: usize| NewTicket {
            summary: format!("Scanner {i} is dark"),
            description: "Since this morning.".to_owned(),
            company,
            contact: Some(contact),
            board,
            ..NewTicket::default()
        };
        (0..n).map(|i| world.open(new(i), Author::Contact(contact))).collect()
    })
}

fn one(fake: &Fake) -> String {
    open(fake, 1)[0].to_string()
}

fn changed_since(psa: &mut Halo, since: Timestamp) -> Vec<String> {
    let mut ids = Vec::new();
    psa.changed_since(since, &mut |seen| {
        ids.push(seen.id);
        Ok(())
    })
    .unwrap();
    ids.sort();
    ids.dedup();
    ids
}

fn changed(psa: &mut Halo) -> Vec<String> {
    changed_since(psa, Timestamp::now() - SignedDuration::from_hours(1))
}

fn words(ids: &[i64]) -> Vec<String> {
    let mut words: Vec<String> = ids.iter().map(ToString::to_string).collect();
    words.sort();
    words
}

fn fault(method: &str, path: &str, what: Trouble) -> Fault {
    Fault { method: Some(method.to_owned()), path: path.to_owned(), skip: 0, times: 1, what }
}

fn status(status: u16, retry_after: Option<u64>, body: TroubleBody) -> Trouble {
    Trouble::Status { status, retry_after, body }
}

/// The labels that a ticket has now.
fn labels(psa: &mut Halo, id: &str) -> BTreeMap<Field, Option<String>> {
    let record = psa.ticket(id).unwrap().unwrap();
    Field::ALL.into_iter().map(|field| (field, record.ticket.label(field).map(str::to_owned))).collect()
}

fn writes(fake: &Fake) -> usize {
    fake.world(|world| world.writes.len())
}
