//! What does HTTP cost, and what happens when too much is asked for?
//!
//! The program itself serves, a load generator on the same machine asks, both on the same cores:
//!
//! - one ticket at a time, nothing else to do;
//! - as fast as it goes, beside the engine by itself on the same tickets, in turns: the overhead of HTTP, checks and record;
//! - 200 tickets a second in calls of 16, each sent when it is due, whatever became of those before; times count from then;
//!   the same at 70 % of what the engine can by itself, since machines differ;
//! - five times as much as that.
//!
//! Timed by hand, not by criterion: load comes when it is due, whether or not the service keeps up, and what is refused counts;
//! criterion times one call after the other. Run with `cargo bench -p firstline-benches --bench service`; `FIRSTLINE_BENCH_BUNDLE=DIR` decides with a bundle of yours, `FIRSTLINE_STORE` keeps
//! the record elsewhere. `FIRSTLINE_BENCH_AGAINST=PROGRAM` asks another version of the program in turns with this one, idle and as
//! fast as it goes, and leaves the rest out. Everything that is answered with 200 is on record, in a file that is synced to the disk.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use firstline_benches as common;
use firstline_ticket::Ticket;
use firstline_triage::Engine;
use serde_json::json;
use ureq::Agent;

const BATCH: usize = 16;
const SINGLE: usize = 300;
const SUSTAINED: (f64, Duration) = (200.0, Duration::from_secs(30));
const ROUNDS: usize = 5;
const ROUND: usize = 2_048;
/// Tickets of a call, and connections, for as fast as it goes.
const CALLS: [(usize, usize); 3] = [(BATCH, 4), (64, 4), (256, 2)];
/// Of what the engine can by itself, a load that leaves it time to breathe.
const SHARE: f64 = 0.7;
const OVERLOAD: (f64, Duration) = (5.0, Duration::from_secs(15));
/// Connections of the generator.
const SENDERS: usize = 64;

struct Service {
    serving: common::Serving,
    url: String,
    key: String,
    agent: Agent,
    next: AtomicUsize,
    bodies: Vec<Ticket>,
}

/// What became of some calls: the times of those that were answered, counts by status.
#[derive(Default)]
struct Outcome {
    times: Vec<Duration>,
    refused: usize,
    other: usize,
}

impl Service {
    /// Starts `new_command`'s program, with a store in the folder `dir`.
    fn start(dir: &Path, bundle: &Path, new_command: impl Fn() -> Command) -> Self {
        let program = || {
            let mut command = new_command();
            command.current_dir(dir);
            command
        };
        let made =
            program().args(["store", "keys", "create", "--name", "bench", "--scope", "triage"]).output();
        let key =
            String::from_utf8(made.expect("the program starts").stdout).expect("a key").trim().to_owned();
        let mut serve = program();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=error", "--set", "writer=none"]);
        serve.args(["--set", "limits.requests_per_second=100000", "--bundle"]).arg(bundle);
        let serving = common::Serving::start(serve);
        let url = format!("{}/v1/triage", serving.url);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(SENDERS)
            .max_idle_connections_per_host(SENDERS)
            .build()
            .into();
        let bodies = common::tickets(ROUND).collect();
        Self { serving, url, key, agent, next: AtomicUsize::new(0), bodies }
    }

    /// The body of a call with `n` tickets that nobody has sent before.
    fn body(&self, n: usize) -> String {
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        let tickets: Vec<Ticket> = (first..first + n)
            .map(|i| Ticket { id: format!("bench-{i}"), ..self.bodies[i % self.bodies.len()].clone() })
            .collect();
        json!({"tickets": tickets}).to_string()
    }

    fn send(&self, body: &str) -> u16 {
        let request = self.agent.post(&self.url).header("authorization", format!("Bearer {}", self.key));
        match request.header("content-type", "application/json").send(body) {
            Ok(mut answer) => {
                let status = answer.status().as_u16();
                let text = answer.body_mut().read_to_string().expect("a whole answer");
                assert!(status != 200 || !text.contains("\"error\""), "{text}");
                status
            }
            Err(error) => panic!("the service is gone: {error}"),
        }
    }

    /// How long `n` single tickets took, one after the other.
    fn idle(&self, n: usize) -> Vec<Duration> {
        let one = |_| {
            let body = self.body(1);
            std::thread::sleep(Duration::from_millis(20));
            let start = Instant::now();
            assert_eq!(self.send(&body), 200);
            start.elapsed()
        };
        (0..n).map(one).collect()
    }

    /// Sends `bodies`, one every `pause`, each when it is due.
    fn open_loop(&self, bodies: &[String], pause: Duration) -> Outcome {
        let outcome = Mutex::new(Outcome::default());
        let (due, wait) = mpsc::sync_channel::<(Instant, &String)>(bodies.len());
        let wait = Mutex::new(wait);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    loop {
                        let next = wait.lock().expect("no sender failed").recv();
                        let Ok((due, body)) = next else { return };
                        let status = self.send(body);
                        let mut outcome = outcome.lock().expect("no sender failed");
                        match status {
                            200 => outcome.times.push(due.elapsed()),
                            429 => outcome.refused += 1,
                            _ => outcome.other += 1,
                        }
                    }
                });
            }
            let start = Instant::now();
            for (i, body) in bodies.iter().enumerate() {
                let at = start + pause * i as u32;
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                due.send((at, body)).expect("senders live");
            }
            drop(due);
        });
        outcome.into_inner().expect("no sender failed")
    }

    /// Tickets a second where each of `connections` sends the next call when the last is answered.
    fn closed_loop(&self, connections: usize, batch: usize) -> f64 {
        let bodies: Vec<String> = (0..ROUND / batch).map(|_| self.body(batch)).collect();
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| {
                    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // As a well-behaved client does, only sooner.
                        while self.send(body) == 429 {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                });
            }
        });
        ROUND as f64 / start.elapsed().as_secs_f64()
    }

    fn resident_mib(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
    }
}

fn told(name: &str, outcome: &mut Outcome) {
    let Outcome { times, refused, other } = outcome;
    let answered = times.len();
    match common::p50_p95(times) {
        Some((p50, p95)) => {
            let most = times.last().map_or(0.0, Duration::as_secs_f64) * 1e3;
            println!(
                "{name}: {answered} answered, p50 {p50:.1} ms, p95 {p95:.1} ms, longest {most:.1} ms; {refused} refused, {other} failed"
            );
        }
        None => println!("{name}: none answered; {refused} refused, {other} failed"),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo test --benches` has no use for minutes.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = common::engine(dir.path()) else { return };
    let named = std::env::var_os("FIRSTLINE_BENCH_BUNDLE").map(std::path::PathBuf::from);
    let bundle = named.unwrap_or_else(|| dir.path().join("bundle"));
    let bundle = bundle.canonicalize().expect("a bundle");
    let service = Service::start(dir.path(), &bundle, common::program);
    if let Some(other) = std::env::var_os("FIRSTLINE_BENCH_AGAINST") {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let other = Service::start(dir.path(), &bundle, || Command::new(&other));
        return against(&service, &other);
    }

    let mut outcome = Outcome::default();
    // The first ones warm up.
    service.idle(20);
    outcome.times = service.idle(SINGLE);
    told("one ticket, idle", &mut outcome);

    let (mut alone, mut served): (Vec<f64>, Vec<(usize, f64)>) = Default::default();
    for _ in 0..ROUNDS {
        alone.push(by_itself(&engine, &service.bodies));
        served.extend(CALLS.map(|(batch, connections)| (batch, service.closed_loop(connections, batch))));
    }
    let alone = median(alone);
    println!("the engine by itself, batches of 256: {alone:.0} tickets a second");
    for (batch, connections) in CALLS {
        let speed = median(served.iter().filter(|(b, _)| *b == batch).map(|(_, speed)| *speed).collect());
        let overhead = (1.0 - speed / alone) * 100.0;
        println!(
            "over HTTP, calls of {batch} on {connections} connections: {speed:.0} a second, {overhead:.1} % less"
        );
    }
    let capacity = median(served.iter().filter(|(b, _)| *b == BATCH).map(|(_, speed)| *speed).collect());

    let (rate, time) = SUSTAINED;
    for rate in [rate, SHARE * alone] {
        let pause = Duration::from_secs_f64(BATCH as f64 / rate);
        let calls = (time.as_secs_f64() / pause.as_secs_f64()) as usize;
        let bodies: Vec<String> = (0..calls).map(|_| service.body(BATCH)).collect();
        told(
            &format!("{rate:.0} tickets a second, calls of {BATCH}"),
            &mut service.open_loop(&bodies, pause),
        );
    }

    let (times, time) = OVERLOAD;
    let pause = Duration::from_secs_f64(BATCH as f64 / (capacity * times));
    let calls = (time.as_secs_f64() / pause.as_secs_f64()) as usize;
    let bodies: Vec<String> = (0..calls).map(|_| service.body(BATCH)).collect();
    let before = service.resident_mib();
    let mut outcome = service.open_loop(&bodies, pause);
    told(&format!("{times} times what it can, {:.0} tickets a second", capacity * times), &mut outcome);
    println!(
        "memory: {:.0} MiB before, {:.0} MiB after",
        before.unwrap_or(f64::NAN),
        service.resident_mib().unwrap_or(f64::NAN)
    );
    assert_eq!(outcome.other, 0, "some calls failed");
}

/// The service beside another version of it, in turns: medians of rounds, and of the ratios within a round.
fn against(new: &Service, old: &Service) {
    let services = [new, old];
    services.iter().for_each(|service| drop(service.idle(20)));
    let mut times: [Vec<Duration>; 2] = Default::default();
    let mut ratios = Vec::new();
    for _ in 0..2 * ROUNDS {
        let mut p95 = [0.0; 2];
        for (i, service) in services.iter().enumerate() {
            let mut round = service.idle(SINGLE / ROUNDS);
            p95[i] = common::p50_p95(&mut round).map_or(f64::NAN, |(_, p95)| p95);
            times[i].extend(round);
        }
        ratios.push(p95[0] / p95[1]);
    }
    let [new_times, old_times] = times.each_mut().map(|times| common::p50_p95(times).unwrap_or_default());
    println!(
        "one ticket, idle: p50 {:.1} ms, p95 {:.1}; the other version {:.1}, {:.1}; p95 of a round, ratio {:.3}",
        new_times.0,
        new_times.1,
        old_times.0,
        old_times.1,
        median(ratios)
    );
    for (batch, connections) in CALLS {
        let (mut speeds, mut ratios): ([Vec<f64>; 2], Vec<f64>) = Default::default();
        for _ in 0..ROUNDS {
            let speed = services.map(|service| service.closed_loop(connections, batch));
            speeds.iter_mut().zip(speed).for_each(|(all, speed)| all.push(speed));
            ratios.push(speed[0] / speed[1]);
        }
        let [new_speed, old_speed] = speeds.map(median);
        println!(
            "calls of {batch} on {connections} connections: {new_speed:.0} a second; the other version {old_speed:.0}; ratio {:.3}",
            median(ratios)
        );
    }
}

/// Tickets a second that the engine decides in this process.
fn by_itself(engine: &Engine, tickets: &[Ticket]) -> f64 {
    let start = Instant::now();
    for batch in tickets.chunks(256) {
        std::hint::black_box(engine.decide(batch, 5).expect("these tickets can be decided"));
    }
    tickets.len() as f64 / start.elapsed().as_secs_f64()
}
