//! One suite that holds both engines to the contract, each on a real one: a file, and a server that is started for the tests.
//!
//! Where no PostgreSQL is installed its half is skipped, and a line on standard error says so; `FIRSTLINE_REQUIRE_POSTGRES=1`
//! makes that a failure.

mod acting;
mod answers;
mod audit;
mod connections;
mod days;
mod decisions;
mod edges;
mod engines;
mod evidence;
mod facts;
mod files;
mod jobs;
mod keys;
mod moves;
mod outbox;
mod outcomes;
mod plans;
mod programme;
mod reviews;
mod server;
mod statements;
mod upkeep;
mod users;

use std::collections::BTreeMap;
use std::ops::Deref;

use firstline_ticket::{
    Basis, CheckResult, Confidence, Decision, Draft, Field, FieldDecision, Origin, Phase, Review, Source,
    Ticket,
};
use jiff::Timestamp;

use crate::{
    ActionReport, Author, CustomerSet, Decided, DraftResult, Location, NewJob, Recorded, ReviewRequest,
    Route, Standing, Store, TicketRef, Work, WorkKind, open,
};

/// A store of its own for a test.
struct Home {
    store: Box<dyn Store>,
    location: Location,
    _dir: Option<tempfile::TempDir>,
}

impl Deref for Home {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl Home {
    fn new(location: Location, dir: Option<tempfile::TempDir>) -> Self {
        Self { store: open(&location).unwrap(), location, _dir: dir }
    }

    /// The same store, opened by another process as it were.
    fn again(&self) -> Box<dyn Store> {
        open(&self.location).unwrap()
    }

    /// Runs a statement behind the store's back.
    fn meddle(&self, sql: &str) {
        match &self.location {
            Location::Sqlite(path) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            Location::Postgres(url) => {
                ::postgres::Client::connect(url, ::postgres::NoTls).unwrap().batch_execute(sql).unwrap();
            }
        }
    }
}

fn on_sqlite(test: impl Fn(&Home)) {
    let dir = tempfile::tempdir().unwrap();
    test(&Home::new(Location::Sqlite(dir.path().join("firstline.db")), Some(dir)));
}

fn on_postgres(test: impl Fn(&Home)) {
    if let Some(url) = server::database() {
        test(&Home::new(Location::Postgres(url), None));
    }
}

/// Makes a test of each function on each engine.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::tests::on_sqlite(super::$name); })+
        }
        mod postgres {
            $(#[test] fn $name() { crate::tests::on_postgres(super::$name); })+
        }
    };
}
use on_both;

/// `n` seconds after the tests' beginning of time.
fn at(n: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + n).unwrap()
}

fn ticket(id: &str) -> Ticket {
    Ticket {
        id: id.to_owned(),
        subject: Some("VPN down".to_owned()),
        body: Some("It says 'no', \"never\"; \\ and % and $1".to_owned()),
        customer: Some("Acme".to_owned()),
        opened_at: Some(at(-60)),
        ..Ticket::default()
    }
}

fn labels(pairs: &[(Field, &str)]) -> BTreeMap<Field, String> {
    pairs.iter().map(|(field, label)| (*field, (*label).to_owned())).collect()
}

/// The decision `id` about `of`, with a draft to be written.
fn decided(id: &str, of: &str, expected: i64) -> Decided {
    let field = |label: &str| FieldDecision {
        label: label.to_owned(),
        confidence: Confidence::new(0.75),
        alternatives: Vec::new(),
    };
    let fields = [(Field::Board, field("Network")), (Field::Priority, field("P2"))].into();
    Decided {
        id: id.to_owned(),
        ticket: ticket(of),
        customer: "acme".to_owned(),
        sees: CustomerSet::All,
        expected,
        input_hash: format!("hash of {id}"),
        bundle: "bundle-1".to_owned(),
        drafting: Some("drafting-1".to_owned()),
        decision: Decision { id: of.to_owned(), fields, ..Decision::default() },
        route: Route::Review,
        storm: None,
        collapsed_into: None,
        draft: true,
        phase: Some(Phase::Shadow),
        blind: false,
        received_at: at(0),
        actor: "key-1".to_owned(),
        work: None,
    }
}

/// How the ticket of this number stands at acme.
fn standing(store: &dyn Store, number: &str) -> Option<Standing> {
    standing_at(store, number, "acme")
}

fn standing_at(store: &dyn Store, number: &str, customer: &str) -> Option<Standing> {
    store.standing(&[TicketRef { number, customer }]).unwrap().remove(0)
}

fn only(names: &[&str]) -> CustomerSet {
    CustomerSet::Only(names.iter().map(|name| (*name).to_owned()).collect())
}

fn record(store: &dyn Store, one: Decided) {
    assert_eq!(store.record(&[one], at(0)).unwrap(), [Recorded::Stored]);
}

fn draft(text: &str) -> Draft {
    Draft {
        text: text.to_owned(),
        language: "en".to_owned(),
        origin: Origin::Template,
        sources: vec![Source { id: "t-9".to_owned(), sentences: vec![text.to_owned()] }],
        confidence: Confidence::new(0.5),
        basis: Basis::Prior,
        prior: Confidence::new(0.25),
        verify_identity: false,
        verdicts: vec![CheckResult { check: "length".to_owned(), passed: true, found: String::new() }],
        rejected: Vec::new(),
        timings_ms: BTreeMap::new(),
    }
}

fn claim(store: &dyn Store, kind: WorkKind, owner: &str, limit: usize) -> Vec<Work> {
    store.claim(kind, owner, limit, at(1), at(61)).unwrap()
}

/// What came of a draft's work, with the ids that were in force by then.
fn result<'a>(work: i64, owner: &'a str, draft: Option<&'a Draft>) -> DraftResult<'a> {
    DraftResult { work, owner, draft, bundle: "bundle-2", drafting: Some("drafting-2") }
}

/// The decision `id` about `of`, its draft ready for review.
fn drafted(store: &dyn Store, id: &str, of: &str, expected: i64) {
    record(store, decided(id, of, expected));
    let work = claim(store, WorkKind::Draft, "drafter", 1).remove(0);
    assert_eq!(work.decision.as_ref().unwrap().0, id);
    assert!(store.drafted(&result(work.id, "drafter", Some(&draft("We look into it."))), at(2)).unwrap());
}

/// A review of a draft as [`drafted`] leaves it.
fn review(id: &str, verdict: Review, key: &str) -> ReviewRequest {
    ReviewRequest {
        decision_id: id.to_owned(),
        version: 2,
        verdict,
        reviewer: "kim".to_owned(),
        claimed: None,
        findings: Vec::new(),
        wide: true,
        fields: BTreeMap::new(),
        idempotency_key: key.to_owned(),
        act: true,
        undo_seconds: 0,
        run: None,
        distance: 0.0,
        opened_at: Some(at(2)),
        active_seconds: Some(4.5),
        actor: "key-1".to_owned(),
    }
}

/// What a holder says of an action: that it was done, or why not and until when it waits.
fn report<'a>(failed: Option<(&'a str, Timestamp)>) -> ActionReport<'a> {
    match failed {
        None => ActionReport::Done { psa_ref: None, result: None },
        Some((why, retry_at)) => ActionReport::Failed { why, retry_at },
    }
}

fn author(person: &str) -> Author {
    Author { person: person.to_owned(), actor: format!("key of {}", person.len()) }
}

fn job(id: &str, tickets: impl IntoIterator<Item = Ticket>) -> NewJob {
    NewJob {
        id: id.to_owned(),
        items: tickets.into_iter().map(Ok).collect(),
        drafts: false,
        actor: "key-1".to_owned(),
        idempotency_key: None,
        most_waiting: 1_000,
    }
}

/// Checks the whole audit log and gives its length and the actions in it.
fn audited(store: &dyn Store) -> Vec<String> {
    let entries = store.audit_entries(0, 1_000_000).unwrap();
    let end = crate::verify(&entries, None).unwrap();
    assert_eq!(end.map_or(0, |(seq, _)| seq), entries.len() as i64);
    entries.into_iter().map(|entry| entry.action).collect()
}
