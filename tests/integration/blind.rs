//! The blind sample as callers meet it: nothing is pre-set, drafted, shown or reviewed until the ticket is closed.

use firstline_store::{Author, GrantScope, Location, NewGrant, open};
use firstline_ticket::Phase;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::served::{Service, tickets, triage};

/// Grants assist to all and to a customer, behind the gate's back.
fn granted(service: &Service, customer: &str) {
    let store = open(&Location::Sqlite(service.dir.path("firstline.db"))).unwrap();
    for customer in [None, Some(customer.to_owned())] {
        let grant = NewGrant {
            scope: GrantScope { customer, ..GrantScope::default() },
            phase: Phase::Assist,
            thresholds: BTreeMap::new(),
            bundle: None,
            evidence_sha: None,
            by: Author { person: "kim".to_owned(), actor: "test".to_owned() },
            reason: "a test".to_owned(),
        };
        store.grant(&grant, jiff::Timestamp::now()).unwrap();
    }
}

/// That a decision tells nothing but that it is hidden.
fn tells_nothing(decision: &Value) {
    assert_eq!((&decision["fields"], &decision["rules"]), (&json!({}), &json!([])), "{decision}");
    assert!(decision.get("draft").is_none() && decision["draft_state"] == "none", "{decision}");
}

#[test]
fn r31_a_blind_ticket_is_neither_preset_drafted_shown_nor_reviewed_before_it_is_closed() {
    let service = Service::start(&["phase=assist", "rollout.blind_share=0.5"]);
    let key = service.key("triage,review,act,feedback", &[]);
    granted(&service, "acme");
    let mut sent = tickets(40);
    sent.iter_mut().for_each(|ticket| ticket["customer"] = json!("Acme"));
    let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    let results = answer["results"].as_array().unwrap();
    let (blind, seen): (Vec<&Value>, Vec<&Value>) = results.iter().partition(|one| one["blind"] == true);
    assert!(blind.len() > 5 && seen.len() > 5, "{} of {}", blind.len(), results.len());
    assert!(seen.iter().all(|one| one["fields"].as_object().unwrap().contains_key("board")));
    blind.iter().for_each(|one| tells_nothing(one));
    let id = |one: &Value| one["decision_id"].as_str().unwrap().to_owned();

    // Sent again, asked for by itself, as an item of a job, in the queue: nothing is told.
    let again = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    for one in again["results"].as_array().unwrap().iter().filter(|one| one["blind"] == true) {
        assert_eq!(one["repeated"], json!(true));
        tells_nothing(one);
    }
    for one in &blind {
        let told = service.get(&format!("/v1/decisions/{}", id(one)), &key).problem(409, "E_BLIND");
        assert!(told["detail"].as_str().unwrap().contains("resolved_at"), "{told}");
    }
    for one in &seen {
        service.get(&format!("/v1/decisions/{}", id(one)), &key).ok();
    }
    let job = service.post("/v1/jobs", &key, &json!({"tickets": sent}));
    let job: Value = serde_json::from_str(&job.text).unwrap();
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    service.wait_for(|| service.get(&path, &key).ok()["state"] == "done");
    let items = service.get(&format!("{path}/results?limit=100"), &key).ok();
    let decisions = items["items"].as_array().unwrap().iter().map(|item| &item["decision"]);
    let hidden: Vec<&Value> = decisions.filter(|decision| decision["blind"] == true).collect();
    assert_eq!(hidden.len(), blind.len());
    hidden.iter().for_each(|one| tells_nothing(one));
    for state in ["none", "pending", "writing", "approved", "superseded"] {
        let queue = service.get(&format!("/v1/review?state={state}&limit=200"), &key).ok();
        assert!(queue["items"].as_array().unwrap().iter().all(|item| item["blind"] == false), "{queue}");
    }
    let review = |one: &Value, body: Value| {
        let path = format!("/v1/review/{}", id(one));
        service.send("POST", &path, &key, &[("If-Match", "1")], Some(&body.to_string()))
    };
    for body in [
        json!({"action": "approve"}),
        json!({"action": "approve", "fields": {"board": "Helpdesk"}}),
        json!({"action": "edit", "text": "We look into it."}),
        json!({"action": "reject", "reason": "no"}),
    ] {
        review(blind[0], body).problem(409, "E_BLIND");
    }
    assert_eq!(service.get("/v1/outbox?limit=100", &key).ok()["actions"], json!([]));

    // That it was answered closes nothing; its resolution does.
    let number = blind[0]["ticket_id"].clone();
    let tell = |news: Value| service.post("/v1/feedback", &key, &json!({"items": [news]})).ok();
    tell(json!({"ticket_id": number, "first_response_at": "2026-11-02T10:00:00Z"}));
    service.get(&format!("/v1/decisions/{}", id(blind[0])), &key).problem(409, "E_BLIND");
    tell(json!({"ticket_id": number, "resolved_at": "2026-11-02T12:00:00Z", "final": {"board": "Helpdesk"}}));
    let shown = service.get(&format!("/v1/decisions/{}", id(blind[0])), &key).ok();
    assert!(shown["blind"] == true && shown["fields"].as_object().unwrap().contains_key("board"), "{shown}");
    service.get(&format!("/v1/decisions/{}", id(blind[1])), &key).problem(409, "E_BLIND");
    assert_eq!(triage(&service, &key, &sent[..1])[0]["ticket_id"], sent[0]["id"]);
}
