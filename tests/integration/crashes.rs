//! Killed at random moments, under load: nothing that was accepted is lost, nothing that is done outside is done twice.
//!
//! `FIRSTLINE_KILLS=200 cargo test --test integration -- crashes --nocapture` kills it 200 times and prints a line for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::served::{Answer, Service, call, tickets};

/// Kills where nobody asks for more.
const KILLS: usize = 8;
/// Longest time between a start and the kill, in milliseconds.
const LONGEST: u64 = 900;

/// What the callers were told, and what was done outside.
#[derive(Debug, Default)]
struct Told {
    /// Jobs that were accepted, and how many tickets each has.
    jobs: Vec<(String, usize)>,
    /// Decisions that were given.
    decisions: Vec<String>,
    /// Reviews that were accepted.
    approved: BTreeSet<String>,
    /// What the PSA was asked to do: the key of an action, and how often it was really done.
    psa: BTreeMap<String, usize>,
    /// How often a second attempt found that the first had got through.
    found: usize,
}

/// A number like a random one, the same each time.
fn scatter(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A caller that knows where the service is now, and does not mind when it is gone.
struct Caller<'a> {
    agent: &'a Agent,
    base: &'a Mutex<String>,
    key: &'a str,
}

impl Caller<'_> {
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Answer> {
        let url = format!("{}{path}", self.base.lock().unwrap());
        let body = body.map(Value::to_string);
        call(self.agent, method, &url, self.key, headers, body.as_deref())
            .ok()
            .filter(|answer| answer.status < 300)
    }
}

/// Sends jobs and calls.
fn send(caller: &Caller<'_>, n: usize, told: &Mutex<Told>) {
    let sent: Vec<Value> = tickets(4)
        .into_iter()
        .enumerate()
        .map(|(i, mut ticket)| {
            ticket["id"] = json!(format!("C{n}-{i}"));
            ticket
        })
        .collect();
    if n.is_multiple_of(3) {
        let key = format!("job-{n}");
        let body = json!({"tickets": sent, "drafts": true});
        if let Some(job) = caller.send("POST", "/v1/jobs", &[("idempotency-key", &key)], Some(&body)) {
            told.lock().unwrap().jobs.push((job.json()["id"].as_str().unwrap().to_owned(), sent.len()));
        }
        return;
    }
    let Some(answer) = caller.send("POST", "/v1/triage", &[], Some(&json!({"tickets": sent}))) else {
        return;
    };
    let answer = answer.json();
    let ids = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["decision_id"].as_str().map(str::to_owned));
    told.lock().unwrap().decisions.extend(ids);
}

/// Approves what waits.
fn approve(caller: &Caller<'_>, told: &Mutex<Told>) {
    let Some(list) = caller.send("GET", "/v1/review?limit=5", &[], None) else { return };
    for item in list.json()["items"].as_array().unwrap() {
        let id = item["decision_id"].as_str().unwrap();
        let version = item["version"].to_string();
        let path = format!("/v1/review/{id}");
        if caller
            .send(
                "POST",
                &path,
                &[("if-match", &version)],
                Some(&json!({"action": "approve", "identity_verified": true})),
            )
            .is_some()
        {
            told.lock().unwrap().approved.insert(id.to_owned());
        }
    }
}

/// Does what was approved, as glue does: what was claimed before is asked for first.
fn act(caller: &Caller<'_>, told: &Mutex<Told>) {
    let claim = json!({"owner": "glue", "limit": 5, "lease_seconds": 1});
    let Some(claimed) = caller.send("POST", "/v1/outbox/claim", &[], Some(&claim)) else { return };
    for action in claimed.json()["actions"].as_array().unwrap() {
        let key = action["idempotency_key"].as_str().unwrap().to_owned();
        {
            let mut told = told.lock().unwrap();
            let told = &mut *told;
            let done = told.psa.entry(key).or_default();
            if action["attempts"].as_i64().unwrap() > 1 && *done > 0 {
                told.found += 1;
            } else {
                *done += 1;
            }
        }
        let path = format!("/v1/outbox/{}", action["id"]);
        caller.send("POST", &path, &[], Some(&json!({"owner": "glue"})));
    }
}

#[test]
fn a_service_that_is_killed_loses_nothing_and_does_nothing_twice() {
    let kills = std::env::var("FIRSTLINE_KILLS").ok().map_or(KILLS, |n| n.parse().unwrap());
    let mut service = Service::start(&["phase=assist", "log=error", "limits.requests_per_second=1000000"]);
    let key = service.key("admin", &[]);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .max_idle_connections(0)
        .build()
        .into();
    let (base, told, ended, next) =
        (Mutex::new(service.base()), Mutex::<Told>::default(), AtomicBool::new(false), AtomicUsize::new(0));
    let caller = Caller { agent: &agent, base: &base, key: &key };
    let run = |work: &(dyn Fn() + Sync)| {
        while !ended.load(Ordering::Relaxed) {
            work();
        }
    };
    std::thread::scope(|scope| {
        let (caller, told, next, run) = (&caller, &told, &next, &run);
        for _ in 0..2 {
            scope.spawn(move || run(&|| send(caller, next.fetch_add(1, Ordering::Relaxed), told)));
        }
        scope.spawn(move || run(&|| approve(caller, told)));
        scope.spawn(move || run(&|| act(caller, told)));
        for n in 0..kills {
            let wait = scatter(n as u64) % LONGEST;
            std::thread::sleep(Duration::from_millis(wait));
            service.kill_and_restart();
            *base.lock().unwrap() = service.base();
            let log = service.dir.ok(&["store", "audit", "verify", "--json"]).json();
            let told = told.lock().unwrap();
            println!(
                "kill {:3} after {wait:3} ms: {} jobs, {} decisions, {} approvals accepted, {} actions done; {} audit entries, whole",
                n + 1,
                told.jobs.len(),
                told.decisions.len(),
                told.approved.len(),
                told.psa.len(),
                log["entries"]
            );
        }
        ended.store(true, Ordering::Relaxed);
    });
    let told = told.into_inner().unwrap();
    assert!(
        told.jobs.len() > 2 && told.decisions.len() > 20,
        "{} jobs, {} decisions",
        told.jobs.len(),
        told.decisions.len()
    );
    // Every job that was accepted is done, each ticket of it decided.
    for (id, tickets) in &told.jobs {
        let path = format!("/v1/jobs/{id}");
        service.wait_for(|| service.get(&path, &key).ok()["state"] == "done");
        assert_eq!(service.get(&path, &key).ok()["done"], *tickets, "job {id}");
    }
    for id in &told.decisions {
        assert_eq!(service.get(&format!("/v1/decisions/{id}"), &key).status, 200, "decision {id}");
    }
    for id in &told.approved {
        let state = service.get(&format!("/v1/decisions/{id}"), &key).ok()["draft_state"].clone();
        assert_eq!(state, "approved", "decision {id}");
    }
    // What was approved is done, once.
    let rest = Mutex::new(Told { psa: told.psa, ..Told::default() });
    service.wait_for(|| {
        *base.lock().unwrap() = service.base();
        act(&caller, &rest);
        let open = service.get("/v1/outbox?limit=100", &key).ok();
        open["actions"].as_array().unwrap().iter().all(|action| action["state"] == "done")
    });
    let (psa, found) = {
        let rest = rest.into_inner().unwrap();
        (rest.psa, rest.found + told.found)
    };
    for id in &told.approved {
        assert_eq!(psa.get(&format!("{id}:reply")), Some(&1), "decision {id}");
    }
    assert!(psa.values().all(|done| *done == 1), "done twice: {psa:?}");
    let log = service.dir.ok(&["store", "audit", "verify", "--json"]).json();
    println!(
        "{kills} kills: {} jobs, {} decisions, {} approvals accepted and none lost; {} actions, none done twice ({found} claimed again \
         after they had got through); {} audit entries, the chain whole",
        told.jobs.len(),
        told.decisions.len(),
        told.approved.len(),
        psa.len(),
        log["entries"]
    );
}
