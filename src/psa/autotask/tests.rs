//! The connector against an Autotask that is not one, over HTTP.

mod pitfalls;
mod setups;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firstline_fakes::{
    Author, Clock, Deed, Fake, FakeOptions, Fault, Id, NewTicket, Note, TimeEntry, Trouble, TroubleBody,
    Which, autotask as fake,
};
use firstline_ticket::{ActorKind, Changed, Field, Happening};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Autotask, AutotaskSettings};
use crate::connector::Connector;
use crate::http::{Wait, agent};
use crate::secret::Secret;

/// A customer of the desk, their contact, and a technician.
const HARBOUR: Id = 174;
const NORA: Id = 29_683_586;
const GRACE: Id = 29_682_885;

fn start() -> Fake {
    let fake = Fake::start(FakeOptions { which: Which::Autotask, clock: Clock::real(), port: 0, tls: None });
    let fake = fake.unwrap();
    fake.set(&json!({"throttled": false})).unwrap();
    fake
}

fn settings(fake: &Fake) -> AutotaskSettings {
    AutotaskSettings {
        url: fake.url(),
        user: fake::API_USER.to_owned(),
        secret: Secret::new(fake::API_SECRET),
        integration_code: Secret::new(fake::INTEGRATION_CODE),
        note_type: None,
        act_as: None,
        requests_per_minute: 10_000,
    }
}

/// A connector that never waits long.
fn connector(settings: AutotaskSettings) -> Autotask {
    waiting(
        settings,
        Arc::new(|pause| {
            std::thread::sleep(pause.min(Duration::from_millis(5)));
            true
        }),
    )
}

fn waiting(settings: AutotaskSettings, wait: Wait) -> Autotask {
    Autotask::new(settings, agent(), wait)
}

/// Opens `n` tickets and gives their ids.
fn open(fake: &Fake, n: usize) -> Vec<Id> {
    let new = |i| NewTicket {
        summary: format!("Scanner {i} jams"),
        description: "Since this morning.".to_owned(),
        company: HARBOUR,
        contact: Some(NORA),
        board: fake::SERVICE_DESK,
        kind: Some(10),
        subkind: Some(136),
        ..NewTicket::default()
    };
    fake.world(|world| (0..n).map(|i| world.open(new(i), Author::Contact(NORA))).collect())
}

/// Opens one ticket and gives its id.
fn one(fake: &Fake) -> String {
    open(fake, 1)[0].to_string()
}

fn changed(psa: &mut Autotask) -> Vec<String> {
    let since = Timestamp::now() - SignedDuration::from_hours(1);
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

fn labels(psa: &mut Autotask, id: &str) -> BTreeMap<Field, Option<String>> {
    let record = psa.ticket(id).unwrap().unwrap();
    Field::ALL.into_iter().map(|field| (field, record.ticket.label(field).map(str::to_owned))).collect()
}

fn fault(method: &str, path: &str, times: u32, what: Trouble) -> Fault {
    Fault { method: Some(method.to_owned()), path: path.to_owned(), skip: 0, times, what }
}

fn status(status: u16, retry_after: Option<u64>, body: TroubleBody) -> Trouble {
    Trouble::Status { status, retry_after, body }
}

#[test]
fn every_change_is_listed_though_rows_move_and_requests_fail() {
    let fake = start();
    let opened = open(&fake, 1_203);
    fake.faults(|faults| {
        for what in [
            Trouble::MoveRows,
            status(503, None, TroubleBody::Html),
            status(429, Some(1), TroubleBody::Html),
            status(429, None, TroubleBody::Text),
            Trouble::LostReply,
            Trouble::MoveRows,
            Trouble::Refused,
        ] {
            faults.list.push(fault("POST", "/Tickets/query", 1, what));
        }
    });
    let listed = changed(&mut connector(settings(&fake)));
    let mut wanted: Vec<String> = opened.iter().map(ToString::to_string).collect();
    wanted.sort();
    assert_eq!(listed, wanted);
    assert_eq!(fake.faults(|faults| faults.hits), 7);
}

#[test]
fn a_ticket_is_read_with_its_words_and_its_people() {
    let fake = start();
    let id = open(&fake, 1)[0];
    fake.world(|world| {
        let by = Author::Technician(GRACE);
        world.note(id, Note { by, ..Note::said("Which floor is it on?", true) });
        world.note(id, Note { by, ..Note::said("Toner was ordered.", false) });
        world.note(id, Note { by: Author::Contact(NORA), ..Note::said("The second.", true) });
        world.note(id, Note { by: Author::System, automatic: true, ..Note::said("We have it.", true) });
        let mut unsaid = Note { by, ..Note::said("For whom?", false) };
        unsaid.kept.insert("publish".to_owned(), json!(null));
        world.note(id, unsaid);
        let from = world.now();
        let notes = "Rollers cleaned.".to_owned();
        world.time(TimeEntry {
            ticket: id,
            technician: GRACE,
            from,
            seconds: 900.0,
            notes,
            visible: true,
            ..TimeEntry::default()
        });
        world.set(id, Deed::Owner, Some(GRACE), (by, from));
        world.set(id, Deed::Status, Some(fake::IN_PROGRESS), (by, from));
    });
    let record = connector(settings(&fake)).ticket(&id.to_string()).unwrap().unwrap();
    let ticket = &record.ticket;
    assert_eq!(
        (ticket.subject.as_deref(), ticket.body.as_deref()),
        (Some("Scanner 0 jams"), Some("Since this morning."))
    );
    assert_eq!(
        (ticket.customer.as_deref(), ticket.contact.as_deref()),
        (Some("Harbour Veterinary Group"), Some("Nora Fields"))
    );
    let said: Vec<(&str, &str, Option<bool>, bool)> = ticket
        .messages
        .iter()
        .map(|m| (m.from.as_str(), m.text.as_str(), m.visible, m.extra.contains_key("automatic")))
        .collect();
    let wanted = [
        ("technician", "Which floor is it on?", Some(true), false),
        ("technician", "Toner was ordered.", Some(false), false),
        ("customer", "The second.", Some(true), false),
        ("system", "We have it.", Some(true), true),
        ("technician", "For whom?", None, false),
        ("technician", "Rollers cleaned.", Some(true), false),
    ];
    for one in wanted {
        assert!(said.contains(&one), "{one:?}: {said:?}");
    }
    let names = Field::ALL.map(|field| ticket.label(field).unwrap_or_default());
    assert_eq!(names[..3], ["Service Desk", "Email", "Password prompt"]);
    assert_eq!(names[4], "Grace Okafor");
    assert_eq!((record.status.as_deref(), record.closed), (Some("In Progress"), false));
    assert!(record.response_stamp.is_some() && record.resolved_at.is_none());
    assert_eq!(record.opened_by_technician, Some(false));
    assert_eq!(connector(settings(&fake)).ticket("999999999").unwrap(), None);
}

#[test]
fn a_listed_version_is_the_read_one_until_something_changes() {
    let fake = start();
    let id = open(&fake, 1)[0];
    let mut psa = connector(settings(&fake));
    let mut seen = Vec::new();
    psa.changed_since(Timestamp::now() - SignedDuration::from_hours(1), &mut |one| {
        seen.push(one);
        Ok(())
    })
    .unwrap();
    let read = psa.ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!((seen.len(), &seen[0].version), (1, &read.version));
    assert_eq!(seen[0].opened_at, read.ticket.opened_at);
    fake.world(|world| {
        let at = world.now() + SignedDuration::from_secs(3);
        world.set(id, Deed::Status, Some(fake::COMPLETE), (Author::Technician(GRACE), at));
    });
    let closed = psa.ticket(&id.to_string()).unwrap().unwrap();
    assert_ne!(closed.version, read.version);
    assert!(closed.closed && closed.resolved_at.is_some());
}

#[test]
fn a_history_tells_changes_notes_time_and_the_ticket_that_goes_on() {
    let fake = start();
    let (id, parent) = (open(&fake, 1)[0], open(&fake, 1)[0]);
    fake.world(|world| {
        let (at, by) = (world.now(), Author::Technician(GRACE));
        world.note(id, Note { by, ..Note::said("Which one?", true) });
        world.change(id, Changed::Board, Some("Monitoring"), (by, at));
        world.change(id, Changed::Owner, Some("Grace Okafor"), (by, at));
        world.change(id, Changed::Status, Some("Complete"), (by, at));
        world.change(id, Changed::Status, Some("In Progress"), (Author::System, at));
        world.rename(id, "Scanner jams again", (by, at));
        let from = at;
        world.time(TimeEntry {
            ticket: id,
            technician: GRACE,
            from,
            seconds: 5_400.0,
            ..TimeEntry::default()
        });
        world.merge(id, parent, (by, at));
    });
    let mut psa = connector(settings(&fake));
    let history = psa.history(&id.to_string()).unwrap();
    assert_eq!((history.unread.len(), history.complete), (0, true), "{:?}", history.unread);
    let changes: Vec<(Changed, &str, &str, ActorKind)> = history
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Happening::Change { of, from, to } => {
                Some((*of, from.as_deref().unwrap_or(""), to.as_deref().unwrap_or(""), event.actor_kind))
            }
            _ => None,
        })
        .collect();
    for wanted in [
        (Changed::Board, "Service Desk", "Monitoring", ActorKind::Technician),
        (Changed::Owner, "", "Grace Okafor", ActorKind::Technician),
        (Changed::Status, "New", "Complete", ActorKind::Technician),
        (Changed::Status, "Complete", "In Progress", ActorKind::System),
    ] {
        assert!(changes.contains(&wanted), "{wanted:?}: {changes:?}");
    }
    let has = |what: Happening| history.events.iter().any(|event| event.what == what);
    assert!(has(Happening::TimeEntry { seconds: 5_400.0, visible: false }));
    assert!(has(Happening::Message { visible: true, automatic: false, text_key: None }));
    assert!(has(Happening::Merge { into: parent.to_string() }));
    let keys: std::collections::BTreeSet<&str> = history.events.iter().map(|e| e.psa_key.as_str()).collect();
    assert_eq!(keys.len(), history.events.len());
    let record = psa.ticket(&id.to_string()).unwrap().unwrap();
    assert_eq!((record.closed, record.merged_into), (true, Some(parent.to_string())));
}
