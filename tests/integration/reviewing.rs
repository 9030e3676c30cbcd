//! The service as reviewers and the glue meet it: drafts, reviews, the outbox, outcomes.

use serde_json::{Value, json};

use crate::served::{Service, drafted, tickets, triage};
use crate::tool::TRAINED;

#[test]
fn of_two_reviewers_one_wins_and_what_is_approved_is_done_once() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let drafts = drafted(&service, &key, 8);
    assert!(drafts.len() >= 4, "{drafts:?}");
    let review = |draft: &Value, version: &Value, body: &Value, once: &str| {
        let path = format!("/v1/review/{}", draft["decision_id"].as_str().unwrap());
        let headers = [("if-match", &*format!("\"{version}\"")), ("idempotency-key", once)];
        service.send("POST", &path, &key, &headers, Some(&body.to_string()))
    };
    let listed = service.get("/v1/review", &key).ok();
    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["decision_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&listed["items"]), ids(&json!(drafts)));
    assert_eq!(listed["items"][0]["ticket"]["subject"], tickets(1)[0]["subject"]);

    // Many at once, one draft: one of them wins.
    let version = &drafts[0]["version"];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|i| {
                let (review, draft) = (&review, &drafts[0]);
                let body = json!({"action": "edit", "identity_verified": true, "text": format!("Reviewer {i} wrote this."), "reviewer": format!("r{i}")});
                scope.spawn(move || review(draft, version, &body, &format!("race-{i}")).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|s| **s == 409).count(), 5, "{statuses:?}");

    // The same review again is the same; another by then is too late.
    let approve = json!({"action": "approve", "identity_verified": true});
    let first = review(&drafts[1], &drafts[1]["version"], &approve, "k1");
    assert_eq!(first.ok()["draft_state"], "approved");
    assert_eq!(review(&drafts[1], &drafts[1]["version"], &approve, "k1").ok(), first.ok());
    review(&drafts[1], &drafts[1]["version"], &json!({"action": "reject"}), "k2").problem(409, "E_CONFLICT");
    review(&drafts[2], &json!(99), &approve, "k3").problem(409, "E_CONFLICT");
    review(&drafts[2], &drafts[2]["version"], &json!({"action": "edit"}), "k4").problem(400, "E_REQUEST");
    let path = format!("/v1/review/{}", drafts[2]["decision_id"].as_str().unwrap());
    service.post(&path, &key, &approve).problem(400, "E_REQUEST");
    let reason = json!({"action": "reject", "reason": "wrong product", "fields": {"board": "Elsewhere"}});
    assert_eq!(review(&drafts[2], &drafts[2]["version"], &reason, "k5").ok()["draft_state"], "rejected");

    // Two approved: a reply each; three with labels to be set.
    let claim =
        |owner: &str| service.post("/v1/outbox/claim", &key, &json!({"owner": owner, "limit": 100})).ok();
    let mut done = Vec::new();
    loop {
        let claimed = claim("glue-1")["actions"].as_array().unwrap().clone();
        if claimed.is_empty() {
            break;
        }
        assert!(claim("glue-2")["actions"].as_array().unwrap().iter().all(|a| !claimed.contains(a)));
        for action in claimed {
            let path = format!("/v1/outbox/{}", action["id"]);
            service.post(&path, &key, &json!({"owner": "glue-2"})).problem(409, "E_CONFLICT");
            assert_eq!(service.post(&path, &key, &json!({"owner": "glue-1"})).ok()["settled"], true);
            assert_eq!(service.post(&path, &key, &json!({"owner": "glue-1"})).ok()["settled"], true);
            done.push(action);
        }
    }
    let of = |kind: &str| done.iter().filter(|action| action["kind"] == kind).count();
    assert_eq!((of("reply"), of("set_fields")), (2, 3), "{done:?}");
    let keys: std::collections::BTreeSet<&str> =
        done.iter().map(|a| a["idempotency_key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), done.len());
    let reply =
        done.iter().find(|a| a["kind"] == "reply" && a["decision_id"] == drafts[1]["decision_id"]).unwrap();
    // What leaves carries a mark, by which it is known when it comes back.
    let (sent, draft) =
        (reply["payload"]["text"].as_str().unwrap(), drafts[1]["draft"]["text"].as_str().unwrap());
    assert!(sent.starts_with(draft) && sent[draft.len()..].starts_with("\n\n[ref FL-"), "{sent}");
    // What people did teaches how likely drafts are sent unchanged.
    let bundle = TRAINED.path("bundle").display().to_string();
    let learnt = service
        .dir
        .ok(&["drafts", "learn-reviews", "--bundle", &bundle, "--store", "firstline.db", "--json"])
        .json();
    assert_eq!((&learnt["reviews"], &learnt["accepted"]), (&json!(3), &json!(1)));
    std::fs::remove_file(TRAINED.path("bundle.reviews.json")).unwrap();
}

#[test]
fn a_ticket_that_moves_takes_nothing_of_its_customer_along() {
    let service = Service::start(&["phase=assist"]);
    let all = service.key("admin", &[]);
    let drafts = drafted(&service, &all, 12);
    let sent = tickets(12);
    let of = |draft: &Value| sent.iter().find(|t| t["id"] == draft["ticket_id"]).unwrap().clone();
    let (ticket, draft) = (of(&drafts[0]), &drafts[0]);
    let id = draft["decision_id"].as_str().unwrap();
    let from = ticket["customer"].as_str().unwrap();
    let (old, new) = (service.key("admin", &[from]), service.key("admin", &["Moved To"]));
    let words =
        "Words for one customer: please restart the terminal and tell us whether the list opens again.";
    let edit = json!({"action": "edit", "identity_verified": true, "text": words}).to_string();
    let path = format!("/v1/review/{id}");
    let version = draft["version"].to_string();
    assert_eq!(
        service.send("POST", &path, &all, &[("if-match", &version)], Some(&edit)).ok()["draft_state"],
        "edited"
    );
    let claim = json!({"owner": "glue", "limit": 100});
    let claimed = service.post("/v1/outbox/claim", &old, &claim).ok()["actions"][0].clone();
    assert!(claimed["payload"]["text"].as_str().unwrap().starts_with(words), "{claimed}");
    assert_eq!(claimed["customer"], from.to_lowercase());

    let mut moved = ticket.clone();
    moved["customer"] = json!("Moved To");
    let there = triage(&service, &all, &[moved])[0].clone();
    assert_ne!(there["decision_id"], id);
    // The holder hears of it before it sends, and when it reports.
    let action = format!("/v1/outbox/{}", claimed["id"]);
    let now = service.get(&action, &old).ok();
    assert_eq!((&now["state"], &now["payload"]), (&json!("void"), &Value::Null));
    service.post(&action, &old, &json!({"owner": "glue"})).problem(409, "E_CONFLICT");
    service.get(&action, &new).problem(404, "E_NOT_FOUND");
    // Neither customer's key sees what was; who may see all does, with the customer of that time.
    let decision = format!("/v1/decisions/{id}");
    for key in [&old, &new] {
        service.get(&decision, key).problem(404, "E_NOT_FOUND");
        service.send("POST", &path, key, &[("if-match", "3")], Some(&edit)).problem(404, "E_NOT_FOUND");
        for state in ["pending", "edited", "superseded"] {
            let queue = service.get(&format!("/v1/review?state={state}"), key).ok().to_string();
            assert!(!queue.contains(id) && !queue.contains("Words for one customer"), "{queue}");
        }
        let outbox = service.get("/v1/outbox?limit=100", key).ok().to_string();
        assert!(!outbox.contains(id), "{outbox}");
        assert_eq!(service.post("/v1/outbox/claim", key, &claim).ok()["actions"], json!([]));
    }
    assert_eq!(service.get(&decision, &all).ok()["draft_state"], "superseded");
    let now = format!("/v1/decisions/{}", there["decision_id"].as_str().unwrap());
    assert_eq!((service.get(&now, &new).status, service.get(&now, &old).status), (200, 404));
    // What is told of the ticket now is told of it now.
    let news = json!({"items": [{"ticket_id": ticket["id"], "reopened": true}]});
    let joined = |key: &str| service.post("/v1/feedback", key, &news).ok()["results"][0].clone();
    assert_eq!(joined(&old)["error"]["code"], "E_NOT_FOUND");
    assert_eq!(
        (joined(&new)["decision_id"].clone(), joined(&all)["decision_id"].clone()),
        (there["decision_id"].clone(), there["decision_id"].clone())
    );
    service.dir.ok(&["store", "audit", "verify"]);
    let log = service.dir.ok(&["store", "audit", "export"]).stdout;
    let moves: Vec<&str> = log.lines().filter(|line| line.contains("\"action\":\"move\"")).collect();
    assert!(moves.len() == 1 && !moves[0].contains(from) && !moves[0].contains("Moved"), "{moves:?}");
    assert!(!log.contains("Words for"), "words in the log");
}

#[test]
fn what_a_reviewer_writes_passes_the_guard_and_is_theirs() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("review", &[]);
    let drafts = drafted(&service, &service.key("admin", &[]), 8);
    let edit = |n: usize, text: &str, more: Value| {
        let mut body =
            json!({"action": "edit", "identity_verified": true, "text": text, "reviewer": "Somebody Else"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = format!("/v1/review/{}", drafts[n]["decision_id"].as_str().unwrap());
        service.send(
            "POST",
            &path,
            &key,
            &[("if-match", &*drafts[n]["version"].to_string())],
            Some(&body.to_string()),
        )
    };
    // The draft's own words have nothing to be found in them.
    let own = drafts[0]["draft"]["text"].as_str().unwrap().to_owned();
    assert_eq!(edit(0, &own, json!({})).ok()["findings"], json!([]));
    let hard = [
        "Please reply with your password so that we can test it for you.",
        "Your new password is Summer-Rain now.",
        "Please write to accounts@another-customer.example about this.",
        "Please restart\u{200b} the machine and try again.",
    ];
    for text in hard {
        let problem = edit(1, text, json!({})).problem(422, "E_GUARD");
        assert!(problem["detail"].as_str().unwrap().contains("override"), "{problem}");
    }
    assert_eq!(
        service.get("/v1/outbox?limit=100", &service.key("act", &[])).ok()["actions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let found = edit(1, hard[0], json!({"override": true})).ok();
    assert_eq!((&found["draft_state"], &found["findings"][0]["passed"]), (&json!("edited"), &json!(false)));
    // What a person may say and past replies don't is shown, and stops nothing.
    let soft =
        edit(2, "We replace it by Friday at no cost, and a technician comes by on the 14th.", json!({})).ok();
    assert!(!soft["findings"].as_array().unwrap().is_empty(), "{soft}");
    // The record names the key; who the caller says to be is a claim, and no word in the log.
    let log = service.dir.ok(&["store", "audit", "export"]).stdout;
    assert!(log.contains(key.split('_').nth(1).unwrap()) && !log.contains("Somebody"), "{log}");
}

#[test]
fn who_was_answered_is_not_answered_again() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 3).remove(0);
    let id = draft["decision_id"].as_str().unwrap();
    let ticket = tickets(3).into_iter().find(|t| t["id"] == draft["ticket_id"]).unwrap();
    let review = |id: &str, version: &Value| {
        let headers = [("if-match", &*version.to_string())];
        service.send("POST", &format!("/v1/review/{id}"), &key, &headers, Some("{\"action\":\"approve\"}"))
    };
    assert_eq!(review(id, &draft["version"]).ok()["draft_state"], "approved");
    // The same ticket as a job, as glue sends it again and again: the same decision, no other draft.
    for n in 0..2 {
        let body = json!({"tickets": [ticket], "drafts": true, "mode": "async"});
        let job =
            format!("/v1/jobs/{}", service.post("/v1/triage", &key, &body).ok()["id"].as_str().unwrap());
        service.wait_for(|| service.get(&job, &key).ok()["state"] == "done");
        let item = service.get(&format!("{job}/results"), &key).ok()["items"][0].clone();
        assert_eq!(item["decision"]["decision_id"], id, "round {n}");
    }
    // Changed, it is decided anew, and still has been answered.
    let mut changed = ticket.clone();
    changed["body"] = json!("Thank you, and could somebody order a second screen for my desk?");
    let body = json!({"tickets": [changed], "drafts": true});
    let again = service.post("/v1/triage", &key, &body).ok()["results"][0].clone();
    assert_ne!(again["decision_id"], id);
    assert_eq!(again["draft_state"], "none");
    let replies = || {
        let actions = service.get("/v1/outbox?limit=100", &key).ok()["actions"].clone();
        actions.as_array().unwrap().iter().filter(|a| a["kind"] == "reply").count()
    };
    assert_eq!(replies(), 1);
    // A decision that another stands in the place of is not approved.
    let fresh = json!({"id": "F1", "customer": "Contoso", "contact": "Eva Stone", "subject": "Scanner", "body": "It jams."});
    let old = triage(&service, &key, std::slice::from_ref(&fresh))[0].clone();
    let mut newer = fresh.clone();
    newer["body"] = json!("It jams, and the server is down too.");
    triage(&service, &key, &[newer]);
    review(old["decision_id"].as_str().unwrap(), &json!(1)).problem(409, "E_CONFLICT");
    assert_eq!(replies(), 1);
}

#[test]
fn in_shadow_nothing_comes_out_of_the_outbox() {
    let service = Service::start(&[]);
    let key = service.key("admin", &[]);
    let draft = &drafted(&service, &key, 4)[0];
    let path = format!("/v1/review/{}", draft["decision_id"].as_str().unwrap());
    let version = draft["version"].to_string();
    let approved =
        service.send("POST", &path, &key, &[("if-match", &version)], Some("{\"action\":\"approve\"}"));
    assert_eq!(approved.ok()["draft_state"], "approved");
    assert_eq!(service.post("/v1/outbox/claim", &key, &json!({"owner": "me"})).ok()["actions"], json!([]));
}

#[test]
fn outcomes_are_joined_and_what_people_set_stands() {
    let service = Service::start(&[]);
    let key = service.key("triage,feedback,review", &[]);
    let mut sent = tickets(4);
    let results = triage(&service, &key, &sent);
    let decided = |i: usize, field: &str| results[i]["fields"][field]["label"].clone();
    let news = json!({"items": [
        {"decision_id": results[0]["decision_id"], "final": {"board": decided(0, "board")},
         "first_response_at": "2026-11-01T00:00:00Z", "reply": "Please restart it."},
        {"ticket_id": "N1", "final": {"board": "Another Board"}, "reopened": true, "handle_seconds": 600,
         "escalated": true},
        {"ticket_id": "never seen", "final": {"board": "x"}},
        {"final": {"board": "x"}},
        {"ticket_id": "N2", "final": {"colour": "red"}},
    ]});
    let joined = service.post("/v1/feedback", &key, &news).ok()["results"].clone();
    assert_eq!(joined[0]["decision_id"], results[0]["decision_id"]);
    assert_eq!(joined[1]["decision_id"], results[1]["decision_id"]);
    let codes = [2, 3, 4].map(|i: usize| joined[i]["error"]["code"].as_str().unwrap().to_owned());
    assert_eq!(codes, ["E_NOT_FOUND", "E_REQUEST", "E_FIELD"]);
    // An export tells of more.
    let closed = json!({"id": "N2", "subject": "x", "board": decided(2, "board"), "type": "Never Decided",
        "escalated": false});
    service.dir.file("closed.jsonl", format!("{closed}\n{{\"id\":\"Z\",\"subject\":\"y\"}}\n"));
    let imported = service.dir.ok(&["store", "outcomes", "--tickets", "closed.jsonl", "--json"]).json();
    assert_eq!((&imported["joined"], &imported["unknown"]), (&json!(1), &json!(1)));
    let total = service.get("/v1/kpis", &key).ok()["total"].clone();
    // A board that the bundle does not know is told, and no part of the shares.
    assert_eq!((&total["tickets"], &total["agreement"]["fields"]["board"]["of"]), (&json!(4), &json!(2)));
    assert_eq!(total["agreement"]["fields"]["board"]["count"], 2);
    assert_eq!(total["agreement"]["unknown"], json!({"board": 1, "type": 1}));
    assert_eq!((&total["reopened"]["count"], &total["handle"]["p50"]), (&json!(1), &json!(600.0)));
    assert_eq!((&total["escalated"]["count"], &total["escalated"]["of"]), (&json!(1), &json!(2)));
    // Nobody said a word of errors: that is none, of all four tickets, three of which are known to have ended.
    let errors = &total["customer_visible_errors"];
    assert_eq!((&errors["count"], &errors["of"], &total["reported"]), (&json!(0), &json!(4), &json!(3)));
    assert_eq!(total["customer_visible_errors_explicit"], 0);
    // Four calendar weeks and the one that is going on.
    let weeks = service.get("/v1/kpis", &key).ok()["weeks"].clone();
    let named = |week: &Value| week["week"].as_str().is_some_and(|name| name.contains("-W"));
    assert!(weeks.as_array().unwrap().iter().all(named), "{weeks}");
    assert_eq!((weeks.as_array().unwrap().len(), &weeks[4]["tickets"]), (5, &json!(4)));

    // A person has set the board: the ticket changes, the board does not.
    sent[1]["body"] = json!("Please order three laptops for new colleagues, with docks and screens.");
    let again = &triage(&service, &key, &sent[1..2])[0];
    assert_eq!(again["fields"]["board"]["label"], "Another Board");
    assert_eq!(again["fields"]["board"]["kept"], "person");
    assert_ne!(again["decision_id"], results[1]["decision_id"]);
}
