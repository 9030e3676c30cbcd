//! Acting without a person, as callers meet it: what is granted goes out after its time, anybody can stop it, and a hold takes it back.

use std::collections::{BTreeMap, BTreeSet};

use firstline_store::{Author, GrantScope, Location, NewGrant, Store, open};
use firstline_ticket::{Assertion, Phase};
use serde_json::{Value, json};

use crate::served::{Service, tickets};

pub(crate) const SETTINGS: [&str; 3] =
    ["phase=autonomous", "rollout.blind_share=0", "autonomous.origins=template,retrieved,generated"];

fn store(service: &Service) -> Box<dyn Store> {
    open(&Location::Sqlite(service.dir.path("firstline.db"))).unwrap()
}

/// Grants acting alone to a customer in these categories from `threshold` on, behind the gate's back.
pub(crate) fn granted(
    service: &Service,
    categories: &BTreeSet<(String, String)>,
    (bundle, threshold): (&str, f64),
) {
    let store = store(service);
    let grant = |scope: GrantScope, thresholds: BTreeMap<Assertion, f64>| {
        let new = NewGrant {
            scope,
            phase: Phase::Autonomous,
            thresholds,
            bundle: Some(bundle.to_owned()),
            evidence_sha: None,
            by: Author { person: "kim".to_owned(), actor: "test".to_owned() },
            reason: "a test".to_owned(),
        };
        store.grant(&new, jiff::Timestamp::now()).unwrap();
    };
    for (board, kind) in categories {
        let thresholds =
            [Assertion::Reply, Assertion::SubtypeReply, Assertion::Board].map(|of| (of, threshold));
        grant(
            GrantScope { customer: None, board: Some(board.clone()), ticket_type: Some(kind.clone()) },
            thresholds.into(),
        );
    }
    for customer in [Some("acme".to_owned()), None] {
        grant(GrantScope { customer, ..GrantScope::default() }, BTreeMap::new());
    }
}

/// Tickets of acme's, with somebody who wrote them.
pub(crate) fn of_acme(n: usize, prefix: &str) -> Vec<Value> {
    let mut sent = tickets(n);
    for ticket in &mut sent {
        ticket["customer"] = json!("Acme");
        ticket["contact"] = json!("Ada Byron");
        ticket["id"] = json!(format!("{prefix}{}", ticket["id"].as_str().unwrap()));
    }
    sent
}

/// What a bundle decides of these tickets: its name, and the categories.
pub(crate) fn decided(service: &Service, key: &str, sent: &[Value]) -> (String, BTreeSet<(String, String)>) {
    let answer = service.post("/v1/triage", key, &json!({"tickets": sent})).ok();
    let results = answer["results"].as_array().unwrap();
    let label = |one: &Value, field: &str| one["fields"][field]["label"].as_str().unwrap().to_owned();
    let categories = results.iter().map(|one| (label(one, "board"), label(one, "type"))).collect();
    (results[0]["bundle"].as_str().unwrap().to_owned(), categories)
}

pub(crate) fn actions(service: &Service, key: &str, state: &str) -> Vec<Value> {
    let page = service.get(&format!("/v1/outbox?state={state}&limit=100"), key).ok();
    page["actions"].as_array().unwrap().clone()
}

fn claim(service: &Service, key: &str) -> Vec<Value> {
    let claimed = service.post("/v1/outbox/claim", key, &json!({"owner": "worker", "limit": 100})).ok();
    claimed["actions"].as_array().unwrap().clone()
}

#[test]
fn r50_what_is_granted_goes_out_alone_and_the_rest_says_why_a_person_is_asked() {
    let service = Service::start(&[&SETTINGS[..], &["autonomous.hold_seconds=0"]].concat());
    let key = service.key("triage,review,act,feedback", &[]);
    let (bundle, categories) = decided(&service, &key, &of_acme(30, "before-"));
    granted(&service, &categories, (&bundle, 0.5));
    let sent = of_acme(30, "");
    let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    let results = answer["results"].as_array().unwrap();
    let auto: Vec<&Value> = results.iter().filter(|one| one["route"] == "auto").collect();
    assert!(!auto.is_empty() && auto.len() < results.len(), "{} of {}", auto.len(), results.len());
    let decision = |one: &Value| {
        service.get(&format!("/v1/decisions/{}", one["decision_id"].as_str().unwrap()), &key).ok()
    };
    service.wait_for(|| auto.iter().all(|one| decision(one)["acting"].is_object()));
    let mut alone = 0;
    for one in &auto {
        let found = decision(one);
        let acting = &found["acting"];
        let sends = acting["reply"] == true;
        alone += usize::from(sends);
        assert_eq!(found["draft_state"] == "auto", sends, "{found}");
        assert!(sends || !acting["reasons"].as_array().unwrap().is_empty(), "{found}");
        // What a rule keeps with a person never goes out alone.
        let kept = found["rules"].as_array().unwrap().iter().any(|rule| rule["person"] == true);
        assert!(!sends || !kept, "{found}");
    }
    assert!(alone > 0);
    let person = results.iter().find(|one| one["route"] == "review").unwrap();
    assert!(decision(person)["acting"].is_null(), "nobody was to look at it");
    // A ticket's actions come one after another: its reply, then its labels.
    let mut done = Vec::new();
    while let Some(next) = Some(claim(&service, &key)).filter(|all| !all.is_empty()) {
        for action in next {
            assert_eq!(action["origin"], "auto");
            let path = format!("/v1/outbox/{}", action["id"]);
            service.post(&path, &key, &json!({"owner": "worker"})).ok();
            done.push(action);
        }
    }
    let replies = done.iter().filter(|action| action["kind"] == "reply").count();
    assert_eq!(replies, alone);
}

#[test]
fn r51_anybody_can_stop_what_waits_and_a_hold_takes_it_back() {
    let service = Service::start(&[&SETTINGS[..], &["autonomous.hold_seconds=3600"]].concat());
    let key = service.key("triage,review,act,feedback", &[]);
    let (bundle, categories) = decided(&service, &key, &of_acme(30, "before-"));
    granted(&service, &categories, (&bundle, 0.5));
    let sent = of_acme(30, "");
    service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    let replies = || {
        actions(&service, &key, "waiting")
            .into_iter()
            .filter(|one| one["kind"] == "reply")
            .collect::<Vec<_>>()
    };
    service.wait_for(|| replies().len() >= 2);
    assert!(claim(&service, &key).is_empty(), "not before its time");
    let (first, second) = (replies()[0].clone(), replies()[1].clone());
    let stop = format!("/v1/outbox/{}/stop", first["id"]);
    let reader = service.key("triage", &[]);
    service.post(&stop, &reader, &json!({})).problem(403, "E_SCOPE");
    service.post(&stop, &service.key("review", &["Other"]), &json!({})).problem(404, "E_NOT_FOUND");
    service.post(&stop, &key, &json!({})).ok();
    service.post(&stop, &key, &json!({})).problem(409, "E_CONFLICT");
    let state = |action: &Value| {
        let path = format!("/v1/decisions/{}", action["decision_id"].as_str().unwrap());
        service.get(&path, &key).ok()
    };
    assert_eq!(state(&first)["draft_state"], "pending");
    // A reviewer turns one down that was about to go out.
    let found = state(&second);
    let path = format!("/v1/review/{}", second["decision_id"].as_str().unwrap());
    let version = format!("\"{}\"", found["version"]);
    let body = json!({"action": "reject", "reason": "not like this"}).to_string();
    service.send("POST", &path, &key, &[("if-match", &version)], Some(&body)).ok();
    let gone =
        |action: &Value| service.get(&format!("/v1/outbox/{}", action["id"]), &key).ok()["state"].clone();
    assert_eq!([gone(&first), gone(&second)], [json!("void"), json!("void")]);
    // A stop holds all of it back, and drafts go to review.
    let boss = service.dir.ok(&["users", "add", "boss", "--right", "admin"]).stdout.trim().to_owned();
    service.wait_for(|| service.get("/v1/models", &boss).status != 401);
    let hold = json!({"level": "stop", "reason": "a look first"});
    service.post("/v1/rollout/hold", &boss, &hold).ok();
    assert!(actions(&service, &key, "waiting").is_empty());
    assert!(service.get("/v1/review?state=auto", &key).ok()["items"].as_array().unwrap().is_empty());
}
