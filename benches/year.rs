//! How long do the key figures of a year take?
//!
//! 240,000 tickets, 20,000 a month over a year, of 120 customers, recorded with their outcomes as the service records them; then the
//! figures of the year and of each of its weeks, as `GET /v1/kpis` computes them: when every day has to be made first, when all are
//! ready, and when one ticket of yesterday has just been told about. The product's aim is 200 ms for the last two. Run with
//! `cargo bench -p firstline-benches --bench year`; it takes minutes. `FIRSTLINE_BENCH_STORE=postgres://...` measures an empty database
//! of yours; without it a SQLite file is made and thrown away.

use std::collections::BTreeMap;
use std::time::Instant;

use firstline_rollout::{kpis, weeks};
use firstline_store::{CustomerSet, Decided, Feedback, Location, Route, Store, open};
use firstline_ticket::{Candidate, Confidence, Decision, Field, FieldDecision, Outcome, Phase, Ticket};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const TICKETS: usize = 240_000;
const CUSTOMERS: usize = 120;
/// Tickets recorded at a time.
const BATCH: usize = 256;
/// Measured runs, of which the median counts.
const RUNS: usize = 9;

fn main() {
    // `cargo test --benches` has no use for minutes.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let location = match std::env::var("FIRSTLINE_BENCH_STORE") {
        Ok(url) => url.parse().expect("the address of a store"),
        Err(_) => Location::Sqlite(dir.path().join("year.db")),
    };
    let store = open(&location).expect("a store");
    let from = begin();
    let start = Instant::now();
    fill(&*store);
    println!("{TICKETS} tickets recorded in {:.0} s", start.elapsed().as_secs_f64());
    let all = CustomerSet::All;
    let one = CustomerSet::Only(["customer 7".to_owned()].into());
    println!("every day made first   {:8.1} ms", figures(&*store, from, &all));
    println!("all days ready         {:8.1} ms", median(|| figures(&*store, from, &all)));
    println!("one customer of them   {:8.1} ms", median(|| figures(&*store, from, &one)));
    let stale = || {
        told(&*store, &[TICKETS - 1_000]);
        figures(&*store, from, &all)
    };
    println!("one day made again     {:8.1} ms", median(stale));
}

/// The figures of a year and of its weeks; milliseconds.
fn figures(store: &dyn Store, from: Timestamp, customers: &CustomerSet) -> f64 {
    let start = Instant::now();
    let to = from + SignedDuration::from_hours(24 * 364);
    let tickets = store.judged_tickets(from, to, customers).expect("the tickets of a year");
    let known = |_: Field, label: &str| label != "odd";
    let total = kpis(&tickets, &known);
    let mut counted = 0;
    for week in weeks(from, to, &TimeZone::UTC).expect("weeks") {
        let first = tickets.partition_point(|ticket| ticket.received_at < week.start);
        let after = tickets.partition_point(|ticket| ticket.received_at < week.end);
        counted += kpis(&tickets[first..after], &known).tickets;
    }
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(total.tickets, counted);
    assert!(*customers != CustomerSet::All || total.tickets > TICKETS as u64 * 9 / 10);
    took
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// A Monday.
fn begin() -> Timestamp {
    "2025-01-06T00:00:00Z".parse().expect("a time")
}

/// When ticket `n` came in.
fn received(n: usize) -> Timestamp {
    begin() + SignedDuration::from_secs((n * 24 * 364 * 3_600 / TICKETS) as i64)
}

fn fill(store: &dyn Store) {
    for first in (0..TICKETS).step_by(BATCH) {
        let numbers: Vec<usize> = (first..(first + BATCH).min(TICKETS)).collect();
        let decided: Vec<Decided> = numbers.iter().map(|n| decided(*n, received(*n))).collect();
        store.record(&decided, received(first)).expect("decisions on record");
        told(store, &numbers);
    }
}

fn decided(n: usize, received_at: Timestamp) -> Decided {
    let field = |label: String| FieldDecision {
        alternatives: (0..3)
            .map(|k| Candidate { label: format!("{label} or {k}"), confidence: Confidence::new(0.05) })
            .collect(),
        label,
        confidence: Confidence::new(0.85),
    };
    let fields = Field::ALL.map(|of| (of, field(format!("{of} {}", n % 9))));
    Decided {
        id: format!("d{n}"),
        ticket: Ticket {
            id: format!("t{n}"),
            opened_at: Some(received_at - SignedDuration::from_secs(5)),
            ..Ticket::default()
        },
        customer: format!("customer {}", n % CUSTOMERS),
        sees: CustomerSet::All,
        expected: 0,
        input_hash: n.to_string(),
        bundle: "b".to_owned(),
        drafting: None,
        decision: Decision { id: format!("t{n}"), fields: fields.into(), ..Decision::default() },
        route: if n.is_multiple_of(5) { Route::Person } else { Route::Review },
        storm: None,
        collapsed_into: None,
        draft: false,
        phase: Some(Phase::Shadow),
        blind: false,
        received_at,
        actor: "bench".to_owned(),
        work: None,
    }
}

/// Tells how tickets ended: one label in ten is another.
fn told(store: &dyn Store, numbers: &[usize]) {
    let label = |of: Field, n: usize| match (n / 7 + of.name().len()) % 10 {
        0 => format!("{of} {}", (n + 1) % 9),
        _ => format!("{of} {}", n % 9),
    };
    let at = begin() + SignedDuration::from_hours(24 * 365);
    let news = |n: &usize| Feedback {
        decision_id: Some(format!("d{n}")),
        outcome: Outcome {
            labels: Field::ALL.map(|of| (of, label(of, *n))).into_iter().collect::<BTreeMap<_, _>>(),
            first_response_at: Some(received(*n) + SignedDuration::from_secs(60 + (*n as i64 * 37) % 9_000)),
            resolved_at: Some(at),
            reopened: Some(n.is_multiple_of(20)),
            handle_seconds: Some((n * 13 % 3_600) as f64),
            ..Outcome::default()
        },
        source: "feedback".to_owned(),
        actor: "bench".to_owned(),
        ..Feedback::default()
    };
    let news: Vec<Feedback> = numbers.iter().map(news).collect();
    store.feedback(&news, &CustomerSet::All, at).expect("outcomes on record");
}
