//! How long do the key figures of a year take?
//!
//! 240,000 tickets, 20,000 a month over the last year, of 120 customers, recorded with their outcomes as the service records them; then
//! the figures of the year and of each of its weeks: when every day has to be made first, when all are ready, of one customer, and when
//! tickets of one day, or of two weeks, have just been told about. The product's aim is 200 ms where all are ready or one day is not.
//! Then the program serves the same store, with a bundle of the tiny model, and `GET /v1/kpis` of the year and `GET /v1/rollout` are
//! timed from outside, once the weeks of the programme are on record.
//!
//! Run with `cargo bench -p firstline-benches --bench year`; it takes minutes. `FIRSTLINE_BENCH_STORE=postgres://...` measures an empty
//! database of yours; without it a SQLite file is made and thrown away. `FIRSTLINE_BENCH_SERVED=0` leaves the program out.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use firstline_benches as common;
use firstline_rollout::{WeekTallies, weeks};
use firstline_store::{Author, CustomerSet, Decided, Feedback, Location, NewProgramme, Route, Store, open};
use firstline_ticket::{
    Candidate, Confidence, Counted, Decision, Field, FieldDecision, Outcome, Phase, Ticket,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

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
    let file = dir.path().join("year.db").display().to_string();
    let address = std::env::var("FIRSTLINE_BENCH_STORE").unwrap_or(file);
    let location: Location = address.parse().expect("the address of a store");
    let store = open(&location).expect("a store");
    let start = Instant::now();
    fill(&*store);
    println!("{TICKETS} tickets recorded in {:.0} s", start.elapsed().as_secs_f64());
    let all = CustomerSet::All;
    let one = CustomerSet::Only(["customer 7".to_owned()].into());
    let line = |what: &str, ms: f64| println!("{what:<28} {ms:8.1} ms");
    line("every day made first", figures(&*store, &all));
    line("all days ready", median(|| figures(&*store, &all)));
    line("  of it reading the days", median(|| reading(&*store)));
    line("one customer of them", median(|| figures(&*store, &one)));
    let stale = |days: usize| {
        // A ticket of each of the last days.
        let numbers: Vec<usize> = (1..=days).map(|day| TICKETS - day * TICKETS / 364).collect();
        told(&*store, &numbers);
        figures(&*store, &all)
    };
    line("one day made again", median(|| stale(1)));
    line("two weeks made again", median(|| stale(14)));
    if std::env::var("FIRSTLINE_BENCH_SERVED").is_ok_and(|served| served == "0") {
        return;
    }
    served(dir.path(), &address, &*store, line);
}

/// The last moment of the year.
fn end() -> Timestamp {
    begin() + SignedDuration::from_hours(24 * 364)
}

/// The figures of a year and of its weeks, as `GET /v1/kpis` computes them; milliseconds.
fn figures(store: &dyn Store, customers: &CustomerSet) -> f64 {
    let start = Instant::now();
    let known = |_: Field, label: &str| label != "odd";
    let mut by_week = WeekTallies::new(weeks(begin(), end(), &TimeZone::UTC).expect("weeks"));
    let mut each = |counted: &Counted<'_>| by_week.add(counted, &known);
    store.judged_tickets(begin(), end(), customers, &mut each).expect("the tickets of a year");
    let total = by_week.total().kpis();
    let counted: u64 = by_week.weeks().into_iter().map(|(_, tally)| tally.kpis().tickets).sum();
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(total.tickets, counted);
    assert!(*customers != CustomerSet::All || total.tickets > TICKETS as u64 * 9 / 10);
    took
}

/// Reading them without counting; milliseconds.
fn reading(store: &dyn Store) -> f64 {
    let (start, mut n) = (Instant::now(), 0);
    store.judged_tickets(begin(), end(), &CustomerSet::All, &mut |_| n += 1).expect("the tickets of a year");
    assert!(n > TICKETS * 9 / 10);
    start.elapsed().as_secs_f64() * 1_000.0
}

/// The program, serving.
struct Service {
    serving: common::Serving,
    key: String,
}

impl Service {
    /// Starts the program on the store, with a bundle that it learns first.
    fn start(dir: &Path, address: &str) -> Self {
        let program = || -> Command {
            let mut command = common::program();
            command
                .current_dir(dir)
                .env("FIRSTLINE_STORE", address)
                .env("FIRSTLINE_CACHE", dir)
                .arg("--quiet");
            command
        };
        let run = |args: &[&str]| {
            let done = program().args(args).output().expect("the program starts");
            assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).expect("text").trim().to_owned()
        };
        run(&["dev", "generate", "--tickets", "700", "--seed", "3", "--out", "history.jsonl"]);
        let train = ["train", "--tickets", "history.jsonl", "--bundle", "bundle", "--fine-tune", "never"];
        run(&[&train[..], &["--model", "tiny-random"]].concat());
        let key = run(&["store", "keys", "create", "--name", "bench", "--scope", "review"]);
        let mut serve = program();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=error", "--set", "writer=none"]);
        serve.args(["--bundle", "bundle"]);
        Self { serving: common::Serving::start(serve), key }
    }

    /// What a call answers, and the milliseconds that it took.
    fn get(&self, path: &str) -> (Value, f64) {
        let start = Instant::now();
        let request = ureq::get(format!("{}{path}", self.serving.url));
        let answer = request.header("authorization", format!("Bearer {}", self.key)).call();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).expect("an answer");
        let took = start.elapsed().as_secs_f64() * 1_000.0;
        (serde_json::from_str(&text).expect("JSON"), took)
    }
}

/// The same over HTTP.
fn served(dir: &Path, address: &str, store: &dyn Store, line: impl Fn(&str, f64)) {
    let programme = NewProgramme {
        started_on: begin().to_zoned(TimeZone::UTC).date(),
        pilots: vec!["customer 7".to_owned()],
        by: Author { person: "bench".to_owned(), actor: "bench".to_owned() },
    };
    store.start_programme(&programme, begin()).expect("a programme");
    let (start, service) = (Instant::now(), Service::start(dir, address));
    while service.get("/v1/rollout").0["weeks_closed"].as_u64().is_none_or(|closed| closed < 50) {
        assert!(start.elapsed() < Duration::from_secs(1_200), "the weeks are not on record");
        sleep(Duration::from_secs(2));
    }
    println!("weeks on record {:.0} s after the program was started", start.elapsed().as_secs_f64());
    let kpis = format!("/v1/kpis?from={}&to={}", begin(), end());
    let tickets = |answer: &Value| answer["total"]["tickets"].as_u64().unwrap_or(0);
    let timed = |path: &str| median(|| service.get(path).1);
    assert!(tickets(&service.get(&kpis).0) > TICKETS as u64 * 9 / 10);
    line("over HTTP, /v1/kpis", timed(&kpis));
    line("  of one customer", timed(&format!("{kpis}&customer=customer%207")));
    line("over HTTP, /v1/rollout", timed("/v1/rollout"));
    let stale = || {
        told(store, &[TICKETS - TICKETS / 364]);
        service.get(&kpis).1
    };
    line("/v1/kpis, one day made again", median(stale));
}

fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// The Monday of 52 weeks ago.
fn begin() -> Timestamp {
    static BEGIN: LazyLock<Timestamp> = LazyLock::new(|| {
        let week = SignedDuration::from_hours(24 * 7);
        let now = Timestamp::now();
        weeks(now - week * 52, now, &TimeZone::UTC).expect("weeks")[0].start
    });
    *BEGIN
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
