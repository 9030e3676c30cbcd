//! Triggers in a running service: they fire by themselves, once, with what they do to the outbox, whoever is killed meanwhile.
//!
//! `FIRSTLINE_KILLS=200 cargo test --test integration -- triggers --nocapture` kills it 200 times, each time around a trigger that fires,
//! and prints a line for each.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firstline_store::{Author, GrantScope, Location, NewGrant, Store, open};
use firstline_ticket::Phase;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::programme::{key_of, start_with};
use crate::served::{Service, call, drafted, tickets};

/// Kills where nobody asks for more.
const KILLS: usize = 3;
/// Tickets of a round, and actions of them that are wrong: too many for the letter and for the test.
const TICKETS: usize = 24;
const WRONG: usize = 5;

/// A service whose programme runs since weeks, its customers in assist.
struct Desk {
    service: Service,
    /// A machine's, for what machines do.
    machine: String,
    /// A person's, who may decide about incidents.
    person: String,
}

impl Desk {
    fn new() -> Self {
        let service = Service::start(&["phase=assist", "log=error", "limits.requests_per_second=1000000"]);
        let machine = service.key("admin", &[]);
        let customers: BTreeSet<String> =
            tickets(TICKETS).iter().map(|ticket| ticket["customer"].as_str().unwrap().to_owned()).collect();
        let pilots: Vec<&str> = customers.iter().map(String::as_str).collect();
        // A programme of today has no week yet.
        let on = (Timestamp::now() - (24 * 20).hours()).strftime("%F").to_string();
        start_with(&service.dir, &pilots, &["--on", &on]);
        let desk = Self { person: key_of(&service, "rae", "review,manage"), machine, service };
        let store = desk.store();
        let of_pilots = customers.iter().map(|name| Some(firstline_ticket::customer_key(name)));
        for customer in of_pilots.chain([None]) {
            let grant = NewGrant {
                scope: GrantScope { customer, ..GrantScope::default() },
                phase: Phase::Assist,
                thresholds: [].into(),
                bundle: None,
                evidence_sha: None,
                by: Author { person: "ada".to_owned(), actor: "test".to_owned() },
                reason: "The gate has passed".to_owned(),
            };
            store.grant(&grant, Timestamp::now()).unwrap();
        }
        desk
    }

    /// The store, beside the service.
    fn store(&self) -> Box<dyn Store> {
        open(&Location::Sqlite(self.service.dir.path("firstline.db"))).unwrap()
    }

    /// Tickets that are decided, and approved; gives their decisions.
    fn approved(&self) -> Vec<String> {
        let decided = drafted(&self.service, &self.machine, TICKETS);
        let approve = |result: &Value| {
            let id = result["decision_id"].as_str().unwrap().to_owned();
            let version = result["version"].to_string();
            let path = format!("/v1/review/{id}");
            let body = json!({"action": "approve", "identity_verified": true}).to_string();
            let done =
                self.service.send("POST", &path, &self.machine, &[("if-match", &version)], Some(&body));
            done.ok();
            id
        };
        decided.iter().map(approve).collect()
    }

    /// A confirmed error of each of these decisions.
    fn errors(&self, decisions: &[String], more: &Value) -> Value {
        let incident = |id: &String| {
            let mut one = json!({"decision_id": id, "key": "e", "at": Timestamp::now(), "kind": "correction",
                "severity": "medium", "confirmed": true, "note": "It named the wrong printer"});
            more.as_object().unwrap().iter().for_each(|(key, value)| one[key] = value.clone());
            one
        };
        json!({"incidents": decisions.iter().map(incident).collect::<Vec<_>>()})
    }

    fn holds(&self) -> Vec<Value> {
        self.service.get("/v1/rollout", &self.machine).ok()["holds"].as_array().unwrap().clone()
    }

    /// The holds on the whole desk: a customer's own trigger may fire beside them, by which tickets' drafts came in time.
    fn holds_on_all(&self) -> Vec<Value> {
        self.holds().into_iter().filter(|hold| hold["scope"] == json!({})).collect()
    }

    fn states(&self) -> Vec<(i64, String)> {
        let page = self.service.get("/v1/outbox?limit=100", &self.machine).ok();
        let actions = page["actions"].as_array().unwrap().iter();
        actions.map(|a| (a["id"].as_i64().unwrap(), a["state"].as_str().unwrap().to_owned())).collect()
    }

    fn claim(&self, owner: &str, limit: usize) -> Vec<i64> {
        let claim = json!({"owner": owner, "limit": limit, "lease_seconds": 60});
        let claimed = self.service.post("/v1/outbox/claim", &self.machine, &claim).ok();
        claimed["actions"].as_array().unwrap().iter().map(|a| a["id"].as_i64().unwrap()).collect()
    }

    fn settle(&self, owner: &str, id: i64) -> u16 {
        self.service.post(&format!("/v1/outbox/{id}"), &self.machine, &json!({"owner": owner})).status
    }
}

fn trigger(hold: &Value) -> (&str, &str) {
    (hold["figures"]["trigger"].as_str().unwrap(), hold["level"].as_str().unwrap())
}

#[test]
fn r70_errors_fire_in_a_service_by_themselves_and_get_nothing_past_the_fence() {
    let desk = Desk::new();
    let decisions = desk.approved();
    let all = desk.states().len();
    assert!(all >= 2 * 12, "{all}");
    let done = desk.claim("glue", 8);
    assert!(done.iter().all(|id| desk.settle("glue", *id) == 200));
    // A worker that is at two when it fires.
    let in_flight = desk.claim("glue", 2);
    let errors = desk.errors(&decisions[..WRONG], &json!({}));
    desk.service.post("/v1/incidents", &desk.person, &errors).ok();
    desk.service.wait_for(|| desk.holds_on_all().len() >= 2);
    let holds = desk.holds_on_all();
    let fired: BTreeSet<(&str, &str)> = holds.iter().map(trigger).collect();
    assert_eq!(fired, [("errors", "pause"), ("errors_risen", "back_out")].into(), "{holds:?}");
    assert!(
        holds
            .iter()
            .all(|hold| hold["by"] == "firstline" && !hold["to_check"].as_array().unwrap().is_empty())
    );
    // All but what was done, and what is in flight, is held back; a hostile operator gets nothing of it.
    let held = |state: &str| desk.states().iter().filter(|(_, of)| of == state).count();
    assert_eq!(
        (held("done"), held("claimed"), held("held")),
        (8, in_flight.len(), all - 8 - in_flight.len())
    );
    assert_eq!((desk.claim("glue", 50), desk.claim("another", 50)), (vec![], vec![]));
    for (id, _) in desk.states().iter().filter(|(_, state)| state == "held") {
        assert_eq!(desk.settle("glue", *id), 409, "what nobody holds is done by nobody");
        let retry = desk.service.post(&format!("/v1/outbox/{id}/retry"), &desk.machine, &json!({})).status;
        assert!(retry >= 400, "{retry}");
    }
    // What was in flight settles, once by its own owner.
    assert_eq!(desk.settle("another", in_flight[0]), 409);
    assert!(in_flight.iter().all(|id| desk.settle("glue", *id) == 200));
    // A credit beside it is a trigger of its own; the same news again is none.
    let credit = desk.errors(&decisions[9..10], &json!({"sla_credit": true, "kind": "late", "key": "c"}));
    for _ in 0..2 {
        desk.service.post("/v1/incidents", &desk.person, &credit).ok();
    }
    desk.service.wait_for(|| desk.holds_on_all().len() >= 3);
    std::thread::sleep(Duration::from_secs(3));
    let holds = desk.holds_on_all();
    assert_eq!(holds.len(), 3, "{holds:?}");
    assert!(holds.iter().any(|hold| trigger(hold) == ("sla_credit", "pause")));
    assert!(desk.service.dir.ok(&["rollout", "status"]).stdout.contains("R70"));
    desk.service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn whoever_is_killed_around_a_trigger_nothing_is_claimed_after_it_and_nothing_is_lost() {
    let kills = std::env::var("FIRSTLINE_KILLS").ok().map_or(KILLS, |n| n.parse().unwrap());
    for n in 0..kills {
        killed(n as u64);
    }
}

/// One round: actions wait, a worker claims and settles, errors make triggers fire, and the service is killed at some moment of it.
fn killed(n: u64) {
    let mut desk = Desk::new();
    let decisions = desk.approved();
    let before: BTreeSet<i64> = desk.states().into_iter().map(|(id, _)| id).collect();
    for id in desk.claim("glue", 6) {
        assert_eq!(desk.settle("glue", id), 200);
    }
    let errors = desk.errors(&decisions[..WRONG], &json!({}));
    let (claimed, over) = (Mutex::new(BTreeSet::<i64>::new()), AtomicBool::new(false));
    let wait = Duration::from_micros(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_200_000);
    let (agent, base, key) = (desk.service.agent.clone(), desk.service.base(), desk.machine.clone());
    let send = |path: &str, key: &str, body: &Value| {
        let url = format!("{base}{path}");
        call(&agent, "POST", &url, key, &[], Some(&body.to_string())).ok().filter(|a| a.status == 200)
    };
    let work = || {
        while !over.load(Ordering::Relaxed) {
            let claim = json!({"owner": "worker", "limit": 1, "lease_seconds": 60});
            let Some(answer) = send("/v1/outbox/claim", &key, &claim) else { continue };
            for action in answer.json()["actions"].as_array().unwrap() {
                claimed.lock().unwrap().insert(action["id"].as_i64().unwrap());
                std::thread::sleep(Duration::from_millis(20));
                send(&format!("/v1/outbox/{}", action["id"]), &key, &json!({"owner": "worker"}));
            }
        }
    };
    let reported = std::thread::scope(|scope| {
        scope.spawn(work);
        let report = scope.spawn(|| send("/v1/incidents", &desk.person, &errors).is_some());
        std::thread::sleep(wait);
        let pid = desk.service.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        over.store(true, Ordering::Relaxed);
        report.join().unwrap()
    });
    desk.service.kill_and_restart();
    // The report itself may have been cut off: it is sent again, and is the same.
    desk.service.post("/v1/incidents", &desk.person, &errors).ok();
    desk.service.wait_for(|| desk.holds().iter().any(|hold| trigger(hold).0 == "errors_risen"));
    let store = desk.store();
    let holds = store.holds(false).unwrap();
    let keys: BTreeSet<&String> = holds.iter().filter_map(|hold| hold.trigger_key.as_ref()).collect();
    assert_eq!(keys.len(), holds.len(), "each trigger once: {holds:?}");
    // Nothing is lost, nothing is given out any more.
    let states = desk.states();
    assert_eq!(states.iter().map(|(id, _)| *id).collect::<BTreeSet<i64>>(), before);
    assert!(
        states.iter().all(|(_, state)| ["done", "held", "claimed"].contains(&state.as_str())),
        "{states:?}"
    );
    assert_eq!(desk.claim("glue", 50), Vec::<i64>::new());
    // What was done after the back-out was in flight when it fired.
    let entries = store.audit_entries(0, 100_000).unwrap();
    let fired = holds.iter().find(|hold| hold.level == firstline_store::Hold::BackOut).unwrap();
    let of_hold =
        entries.iter().find(|entry| entry.action == "hold" && entry.subject == fired.id.to_string()).unwrap();
    let detail: Value = serde_json::from_str(&of_hold.detail).unwrap();
    let in_flight: BTreeSet<i64> =
        detail["in_flight"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    let late: Vec<String> = entries
        .iter()
        .filter(|entry| entry.seq > of_hold.seq && entry.action == "act")
        .map(|entry| serde_json::from_str::<Value>(&entry.detail).unwrap())
        .filter(|act| act["state"] == "done")
        .map(|act| act["action"].as_str().unwrap().to_owned())
        .collect();
    for key in &late {
        let actions = store.actions(None, &firstline_store::CustomerSet::All, None, 100).unwrap().items;
        let action = actions.iter().find(|action| action.idempotency_key == *key).unwrap();
        assert!(in_flight.contains(&action.id), "{key} was claimed after the hold");
    }
    let claimed = claimed.into_inner().unwrap();
    let open: Vec<i64> = states.iter().filter(|(_, state)| state == "claimed").map(|(id, _)| *id).collect();
    assert!(open.iter().all(|id| in_flight.contains(id)), "{open:?} {in_flight:?}");
    desk.service.dir.ok(&["store", "audit", "verify"]);
    println!(
        "kill {:3} after {:4} ms: report {}, {} claimed by then, {} in flight when it fired, {} holds, {} done later; none lost",
        n + 1,
        wait.as_millis(),
        if reported { "answered" } else { "cut off" },
        claimed.len(),
        in_flight.len(),
        holds.len(),
        late.len()
    );
}
