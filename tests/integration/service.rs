//! The service as its callers meet it: decisions, jobs, keys, bounds, and what it keeps.

use serde_json::{Value, json};

use crate::served::{Answer, Service, call, tickets, triage};
use crate::tool::{Dir, TRAINED};

#[test]
fn tickets_are_decided_in_order_and_a_bad_one_harms_no_other() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let mut sent = tickets(5);
    sent[1] = json!({"id": "bad"});
    sent[2] = json!("no object");
    sent[4]["id"] = json!("N0");
    let results = triage(&service, &key, &sent);
    assert_eq!(results.len(), 5);
    let codes: Vec<&str> = results.iter().map(|r| r["error"]["code"].as_str().unwrap_or("")).collect();
    assert_eq!(codes, ["", "E_TICKET_TEXT", "E_TICKET_JSON", "", "E_TICKET_ID"]);
    assert_eq!((&results[0]["ticket_id"], &results[1]["index"]), (&json!("N0"), &json!(1)));
    let fields = results[0]["fields"].as_object().unwrap();
    assert!(fields.contains_key("board") && fields["board"]["confidence"].as_f64().unwrap() <= 1.0);
    // As classify decides it.
    service.dir.file("one.jsonl", sent[0].to_string());
    let bundle = TRAINED.path("bundle").display().to_string();
    let alone = service.dir.ok(&["classify", "--bundle", &bundle, "one.jsonl"]).lines();
    assert_eq!(alone[0]["fields"]["board"]["label"], fields["board"]["label"]);
    // The same ticket again has the same decision; a changed one another.
    let again = &triage(&service, &key, &sent[..1])[0];
    assert_eq!((&again["decision_id"], &again["repeated"]), (&results[0]["decision_id"], &json!(true)));
    sent[0]["body"] = json!("The whole office has no internet since ten, the firewall is dark.");
    let changed = &triage(&service, &key, &sent[..1])[0];
    assert_ne!(changed["decision_id"], results[0]["decision_id"]);
    let id = results[0]["decision_id"].as_str().unwrap();
    let record = service.get(&format!("/v1/decisions/{id}"), &key).ok();
    assert_eq!(record["fields"]["board"]["label"], fields["board"]["label"]);
    service.get("/v1/decisions/nothing", &key).problem(404, "E_NOT_FOUND");
}

#[test]
fn mail_of_machines_is_named_and_gets_no_draft() {
    let service = Service::start(&[]);
    let key = service.key("admin", &[]);
    let mail = |id: &str, subject: &str, body: &str| json!({"id": id, "subject": subject, "body": body, "customer": "Acme", "contact": "Jo Doe", "source": "email"});
    let mut headed = mail("M3", "Ticket 88", "Hier ist niemand.");
    headed["headers"] = json!({"Auto-Submitted": "auto-replied"});
    let sent = [
        mail("M1", "Out of Office: Ticket 88", "I am out of the office until 4 May."),
        mail("M2", "Undeliverable: Ticket 88", "Delivery has failed to these recipients: jo@acme.example"),
        headed,
        mail(
            "M4",
            "Out of office does not start",
            "I set my out of office, but nobody gets it. Can you look?",
        ),
    ];
    for drafts in [false, true] {
        let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": drafts})).ok();
        let told = |key: &str| {
            answer["results"].as_array().unwrap().iter().map(|r| r[key].clone()).collect::<Vec<_>>()
        };
        assert_eq!(told("kind"), ["auto_reply", "bounce", "auto_reply", "person"]);
        assert_eq!(told("draft_state")[..3], ["none", "none", "none"], "{answer}");
        assert_eq!(told("draft_state")[3] == "none", !drafts, "{answer}");
    }
    // A machine's acknowledgement answers nobody: the draft still waits, once it is written.
    let reply = "Your request has been received and ticket 88 has been created. We will get back to you.";
    let told =
        json!({"items": [{"ticket_id": "M4", "reply": reply, "first_response_at": "2026-05-04T10:00:00Z"}]});
    assert!(service.post("/v1/feedback", &key, &told).ok()["results"][0]["decision_id"].is_string());
    let waiting = service.get("/v1/review", &key).ok();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1, "{waiting}");
}

#[test]
fn small_changes_are_no_news_and_what_was_sent_is_not_the_customers() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let sent = tickets(2);
    let first = triage(&service, &key, &sent[..1])[0].clone();
    for (name, value) in [
        ("status", json!("In Progress")),
        ("last_updated", json!("2026-05-04T10:00:00Z")),
        ("technician", json!("Dana")),
    ] {
        let mut changed = sent[0].clone();
        changed[name] = value;
        let again = triage(&service, &key, &[changed])[0].clone();
        assert_eq!(
            (&again["decision_id"], &again["repeated"]),
            (&first["decision_id"], &json!(true)),
            "{name}"
        );
    }
    let mut answered = sent[0].clone();
    let note = firstline_ticket::mark_own_note("Hi Jo, please switch it off and on.", 3);
    answered["messages"] = json!([{"from": "customer", "text": answered["body"]}]);
    answered["body"] = json!(note);
    let again = triage(&service, &key, &[answered])[0].clone();
    assert_eq!((&again["decision_id"], &again["repeated"]), (&first["decision_id"], &json!(true)));
}

#[test]
fn every_path_but_health_and_documentation_wants_a_key_that_may() {
    let service = Service::start(&[]);
    let document = service.get("/openapi.json", "").ok();
    let open = ["/healthz", "/readyz", "/metrics", "/errors"];
    let mut guarded = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let at = path.replace("{id}", "x").replace("{decision_id}", "x");
            let body = (method == "POST").then_some("{}");
            let answer = service.send(&method, &at, "", &[], body);
            if open.contains(&path.as_str()) {
                assert_eq!(answer.status, 200, "{path}");
                continue;
            }
            let wrong = format!("fl_000000000000_{}", "0".repeat(64));
            for answer in [answer, service.send(&method, &at, &wrong, &[], body)] {
                assert_eq!(answer.status, 401, "{path}: {}", answer.text);
                // Others' paths have others' form of an error.
                if !["/embed", "/predict", "/info", "/v1/embeddings", "/v1/models"].contains(&path.as_str()) {
                    answer.problem(401, "E_AUTH");
                }
            }
            guarded += 1;
        }
    }
    assert!(guarded >= 15, "{guarded}");
    // The page of the documentation has every call, and loads nothing.
    let page = service.get("/docs", "");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(document["paths"].as_object().unwrap().keys().all(|path| page.text.contains(path.as_str())));
    assert!(!page.text.contains("<script") && service.get("/docs/", "").text == page.text);

    let (triager, reviewer) = (service.key("triage", &[]), service.key("review", &[]));
    service.get("/v1/review", &triager).problem(403, "E_SCOPE");
    service.post("/v1/outbox/claim", &reviewer, &json!({"owner": "me"})).problem(403, "E_SCOPE");
    service.post("/v1/triage", &reviewer, &json!({"tickets": tickets(1)})).problem(403, "E_SCOPE");
    service.post("/v1/bundle", &triager, &json!({})).problem(403, "E_SCOPE");
    // A key that is taken back is of no use any more.
    let id = triager.split('_').nth(1).unwrap();
    service.dir.ok(&["store", "keys", "revoke", id]);
    service.wait_for(|| service.get("/v1/models", &triager).status == 401);
    assert!(!service.log().contains(triager.rsplit('_').next().unwrap()), "a secret is in the log");
}

#[test]
fn a_key_for_one_customer_sees_nothing_of_another() {
    let service = Service::start(&[]);
    let all = service.key("triage,review", &[]);
    let sent = tickets(30);
    let (mine, other) =
        (sent[0]["customer"].as_str().unwrap(), sent.iter().find(|t| t["customer"] != sent[0]["customer"]));
    let other = other.unwrap();
    let held = service.key("triage,review", &[mine]);
    let results = triage(&service, &held, &[sent[0].clone(), other.clone()]);
    assert!(results[0]["decision_id"].is_string());
    assert_eq!(results[1]["error"]["code"], "E_SCOPE");
    let theirs = triage(&service, &all, std::slice::from_ref(other))[0]["decision_id"].clone();
    let path = format!("/v1/decisions/{}", theirs.as_str().unwrap());
    service.get(&path, &held).problem(404, "E_NOT_FOUND");
    assert_eq!(service.get(&path, &all).status, 200);
    // Naming their ticket as one's own makes a ticket of one's own: theirs is neither taken, nor blocked, nor found out.
    let mut stolen = other.clone();
    stolen["customer"] = json!(mine);
    let own = &triage(&service, &held, &[stolen])[0];
    assert!(own["decision_id"].is_string() && own["decision_id"] != theirs && own["repeated"] == false);
    let again = triage(&service, &all, std::slice::from_ref(other));
    assert_eq!((&again[0]["decision_id"], &again[0]["repeated"]), (&theirs, &json!(true)));
    let news = json!({"items": [{"decision_id": theirs, "final": {"board": "Mine"}}]});
    // A key that asks for decisions does not tell what is true of them.
    service.post("/v1/feedback", &held, &news).problem(403, "E_SCOPE");
    service.post("/v1/feedback", &all, &news).problem(403, "E_SCOPE");
    let teller = service.key("feedback", &[mine]);
    assert_eq!(
        service.post("/v1/feedback", &teller, &news).ok()["results"][0]["error"]["code"],
        "E_NOT_FOUND"
    );
    let found = service.post("/v1/similar", &held, &json!({"ticket": sent[0], "limit": 20})).ok();
    let found = found["similar"].as_array().unwrap();
    assert!(!found.is_empty() && found.iter().all(|case| case["customer"] == mine));
    service.get(&format!("/v1/kpis?customer={}", "somebody"), &held).problem(403, "E_SCOPE");
    assert_eq!(service.get("/v1/kpis", &held).ok()["total"]["tickets"], 2);
    assert_eq!(service.get("/v1/kpis", &all).ok()["total"]["tickets"], 3);
    // An administrator of one customer does nothing that is for all.
    let admin = service.key("admin", &[mine]);
    service.post("/v1/bundle", &admin, &json!({})).problem(403, "E_SCOPE");
    service.get(&path, &admin).problem(404, "E_NOT_FOUND");
}

#[test]
fn one_ticket_sent_many_times_at_once_is_decided_once() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (service, key) = (&service, &key);
                scope.spawn(move || {
                    triage(service, key, &tickets(1))[0]["decision_id"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_storm_of_alerts_is_one_decision() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let alert = |i: usize, host: &str| {
        json!({"id": format!("A{host}{i}"), "source": "monitoring", "customer": "Contoso",
            "subject": format!("[ALERT] Disk C: on {host} is {}% full", 80 + i % 19),
            "body": format!("Alert raised at 03:{:02}", i % 60)})
    };
    let storm: Vec<Value> = (0..40).map(|i| alert(i, if i % 2 == 0 { "SRV-01" } else { "SRV-02" })).collect();
    let routes = |results: &[Value]| results.iter().filter(|r| r["route"] == "storm").count();
    let results = triage(&service, &key, &storm);
    assert_eq!(routes(&results), 38);
    assert_eq!(results[2]["collapsed_into"], results[0]["decision_id"]);
    assert_eq!(results[3]["collapsed_into"], results[1]["decision_id"]);
    // What says something else is another storm, and so is what a rule fires on.
    let says = |id: &str, body: &str| json!({"id": id, "source": "monitoring", "customer": "Contoso", "subject": "Monitoring alert", "body": body});
    let others = triage(
        &service,
        &key,
        &[
            says("B1", "Disk space low on SRV-01"),
            says("B2", "Ransomware detected on SRV-02, files are being encrypted"),
            says("B3", "Host 10.0.0.1 is down"),
            says("B4", "Host 10.0.0.2 is down"),
            says("B5", "Disk space low on SRV-01 since 08:12, event a83f99c0"),
        ],
    );
    let into: Vec<bool> = others.iter().map(|r| r["collapsed_into"].is_string()).collect();
    assert_eq!(into, [false, false, false, false, false], "{others:?}");
    assert_eq!(others[1]["route"], "person");
    let later = triage(&service, &key, &[alert(77, "SRV-01"), alert(1, "SRV-03")]);
    assert_eq!(
        (&later[0]["collapsed_into"], &later[1]["collapsed_into"]),
        (&results[0]["decision_id"], &Value::Null)
    );
}

#[test]
fn a_storm_that_several_send_at_once_is_one_decision() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    // Batches that are decided apart and recorded together: each storm has one head all the same.
    for storm in 0..4 {
        let alert = |i: usize| {
            json!({"id": format!("S{storm}-{i}"), "source": "monitoring", "customer": format!("Contoso {storm}"),
                "subject": format!("[ALERT] Disk C: on SRV-01 is {}% full", 80 + i % 19), "body": "Alert raised"})
        };
        let results: Vec<Value> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..12)
                .map(|n| {
                    let alerts: Vec<Value> = (0..4).map(|i| alert(4 * n + i)).collect();
                    let (service, key) = (&service, &key);
                    scope.spawn(move || triage(service, key, &alerts))
                })
                .collect();
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
        });
        let heads: Vec<&Value> = results.iter().filter(|r| r["collapsed_into"].is_null()).collect();
        assert_eq!(heads.len(), 1, "{heads:?}");
        let follow = results.iter().filter(|r| r["collapsed_into"] == heads[0]["decision_id"]).count();
        assert_eq!(follow, 47);
    }
}

#[test]
fn jobs_are_done_and_can_be_called_off() {
    let service = Service::start(&["limits.waiting_tickets=3100"]);
    let key = service.key("triage", &[]);
    let mut sent = tickets(100);
    sent[7] = json!({"id": "bad"});
    let body = json!({"tickets": sent}).to_string();
    let once = [("idempotency-key", "job-1")];
    let made = service.send("POST", "/v1/jobs", &key, &once, Some(&body));
    assert_eq!(made.status, 202, "{}", made.text);
    let path = made.header("location").to_owned();
    assert_eq!(service.send("POST", "/v1/jobs", &key, &once, Some(&body)).ok()["id"], made.json()["id"]);
    let other = json!({"tickets": sent[..2]}).to_string();
    service.send("POST", "/v1/jobs", &key, &once, Some(&other)).problem(409, "E_CONFLICT");
    service.wait_for(|| service.get(&path, &key).ok()["state"] == "done");
    let job = service.get(&path, &key).ok();
    assert_eq!((&job["done"], &job["failed"], &job["progress"]), (&json!(99), &json!(1), &json!(1.0)));
    let page = service.get(&format!("{path}/results?from=5&limit=10"), &key).ok();
    assert_eq!(page["next"], 15);
    let items = page["items"].as_array().unwrap();
    assert_eq!((&items[0]["index"], &items[0]["decision"]["ticket_id"]), (&json!(5), &json!("N5")));
    assert_eq!(items[2]["error"]["code"], "E_TICKET_TEXT");
    // As a call would: with mode async.
    let asked = service.post("/v1/triage", &key, &json!({"tickets": sent[..3], "mode": "async"}));
    assert_eq!(asked.status, 202);
    let cut = json!({"tickets": sent[..3], "mode": "async", "truncate": false});
    service.post("/v1/triage", &key, &cut).problem(400, "E_REQUEST");
    // Somebody else's job is nobody's business, not even an administrator's of one customer.
    service.get(&path, &service.key("admin", &["Contoso"])).problem(404, "E_NOT_FOUND");
    let other = service.key("triage", &[]);
    service.get(&path, &other).problem(404, "E_NOT_FOUND");
    let many: Vec<Value> = (0..3_000)
        .map(|i| json!({"id": format!("M{i}"), "subject": format!("{} number {i}", sent[i % 7]["subject"])}))
        .collect();
    let made = service.post("/v1/jobs", &key, &json!({"tickets": many})).ok();
    let path = format!("/v1/jobs/{}", made["id"].as_str().unwrap());
    service.post("/v1/jobs", &key, &json!({"tickets": many})).problem(429, "E_OVERLOAD");
    let off = service.send("DELETE", &path, &key, &[], None).ok();
    assert_eq!(off["state"], "cancelled");
    service.get("/v1/jobs/none", &key).problem(404, "E_NOT_FOUND");
}

#[test]
fn what_can_not_be_read_is_told_and_what_is_too_much_is_refused() {
    let service = Service::start(&["limits.body_bytes=20000", "limits.batch_tickets=10"]);
    let key = service.key("triage,review", &[]);
    let post = |body: &str| service.send("POST", "/v1/triage", &key, &[], Some(body));
    post("{").problem(400, "E_REQUEST");
    post("[]").problem(400, "E_REQUEST");
    post("{\"tickets\":[]}").problem(400, "E_REQUEST");
    post("{\"tickets\":[{\"id\":\"1\",\"subject\":\"x\"}],\"top\":0}").problem(400, "E_REQUEST");
    post("{\"tickets\":[{\"id\":\"1\",\"subject\":\"x\"}],\"draft\":true}").problem(400, "E_REQUEST");
    post(&json!({"tickets": vec![json!({"id": "1"}); 11]}).to_string()).problem(413, "E_LIMIT");
    post(&json!({"tickets": [{"id": "1", "body": "x".repeat(30_000)}]}).to_string()).problem(413, "E_LIMIT");
    post(&format!("{}{}", "[".repeat(9_000), "]".repeat(9_000))).problem(400, "E_REQUEST");
    service.get("/v1/nothing", &key).problem(404, "E_NOT_FOUND");
    service.get("/v1/triage", &key).problem(405, "E_REQUEST");
    service.get("/v1/kpis?from=yesterday", &key).problem(400, "E_REQUEST");
    service.get("/v1/decisions/%FF", &key).problem(404, "E_NOT_FOUND");
    service.get("/v1/review?state=odd", &key).problem(400, "E_REQUEST");
    let answer = service.get("/healthz", "");
    assert_eq!(
        (answer.header("x-content-type-options"), answer.header("cache-control")),
        ("nosniff", "no-store")
    );
    let named = service.send("GET", "/healthz", "", &[("x-request-id", "abc-1")], None);
    assert_eq!(named.header("x-request-id"), "abc-1");
    let odd = service.send("GET", "/healthz", "", &[("x-request-id", "a b{}")], None);
    assert_ne!(odd.header("x-request-id"), "a b{}");
    // Every code has a line in the table of errors.
    let table = service.get("/errors", "").ok();
    assert!(table.as_array().unwrap().iter().any(|e| e["code"] == "E_OVERLOAD" && e["status"] == 429));
    // Text that does not fit is cut where the caller allows it, and told.
    let long = json!({"id": "L", "subject": "slow", "body": "The printer is slow and the tray is stuck. ".repeat(200)});
    let cut = service.post("/v1/triage", &key, &json!({"tickets": [long]})).ok();
    assert!(cut["results"][0]["tokens_cut"].as_u64().unwrap() > 0, "{cut}");
    let refused = service.post("/v1/triage", &key, &json!({"tickets": [long], "truncate": false})).ok();
    assert_eq!(refused["results"][0]["error"]["code"], "E_INPUT");
}

#[test]
fn clients_of_other_services_find_what_they_call() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    let float = service
        .post("/v1/embeddings", &key, &json!({"input": ["printer offline", "vpn"], "model": "x"}))
        .ok();
    assert_eq!((float["data"].as_array().unwrap().len(), &float["data"][1]["index"]), (2, &json!(1)));
    let row: Vec<f64> =
        float["data"][0]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert!((row.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-3);
    assert!(float["usage"]["prompt_tokens"].as_u64().unwrap() >= 4);
    // With and without /v1; floats and base64 are the same numbers.
    let packed = json!({"input": "printer offline", "encoding_format": "base64"});
    let packed =
        service.post("/embeddings", &key, &packed).ok()["data"][0]["embedding"].as_str().unwrap().to_owned();
    assert_eq!(packed.len(), (row.len() * 4).div_ceil(3) * 4);
    let tei = service.post("/embed", &key, &json!({"inputs": "printer offline"})).ok();
    assert_eq!(tei[0], float["data"][0]["embedding"]);
    assert_eq!(service.post("/", &key, &json!({"inputs": "printer offline"})).ok(), tei);
    let odd = service.post("/v1/embeddings", &key, &json!({"input": [[1, 2]]}));
    assert_eq!((odd.status, &odd.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    assert!(service.post("/embed", "", &json!({"inputs": "x"})).json()["error"].is_string());
    let long = "slow printer ".repeat(2_000);
    let refused = service.post("/v1/embeddings", &key, &json!({"input": long}));
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["code"], "E_LIMIT");
    let refused = service.post("/embed", &key, &json!({"inputs": [long]}));
    assert_eq!((refused.status, &refused.json()["error_type"]), (413, &json!("validation")));
    assert_eq!(service.post("/embed", &key, &json!({"inputs": [long], "truncate": true})).status, 200);
    let one = service.post("/predict", &key, &json!({"inputs": "printer offline", "field": "board"})).ok();
    let score = |i: usize| one[i]["score"].as_f64().unwrap();
    assert!(score(0) >= score(1) && one[0]["label"].is_string());
    let several = service.post("/predict", &key, &json!({"inputs": [["a b c"], ["vpn down"]]})).ok();
    assert_eq!(several.as_array().unwrap().len(), 2);
    let info = service.get("/info", &key).ok();
    assert!(info["max_input_length"].as_u64().unwrap() > 0 && info["model_id"].is_string());
    assert_eq!(service.get("/v1/models", &key).ok()["data"][0]["object"], "model");
}

#[test]
fn an_overloaded_service_says_so_and_keeps_its_word_to_those_it_let_in() {
    let service = Service::start(&["limits.queue_tokens=4096", "limits.queue_ms=50", "limits.requests=64"]);
    let key = service.key("triage", &[]);
    let body = |n: usize| {
        let tickets: Vec<Value> = (0..64)
            .map(|i| json!({"id": format!("O{n}-{i}"), "subject": format!("request {n} {i}"), "body": "slow ".repeat(100)}))
            .collect();
        json!({"tickets": tickets})
    };
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..24)
            .map(|n| {
                let (service, key, body) = (&service, &key, &body);
                scope.spawn(move || {
                    (0..3).map(|k| service.post("/v1/triage", key, &body(n * 3 + k))).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (mut let_in, mut refused) = (0, 0);
    for answer in &answers {
        match answer.status {
            200 => {
                let results = answer.json()["results"].as_array().unwrap().clone();
                assert!(results.len() == 64 && results.iter().all(|r| r["decision_id"].is_string()));
                let_in += 1;
            }
            _ => {
                answer.problem(429, "E_OVERLOAD");
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
                refused += 1;
            }
        }
    }
    assert!(let_in > 0 && refused > 0, "{let_in} let in, {refused} refused");
    service.wait_for(|| service.get("/metrics", "").text.contains("firstline_queue_tokens 0"));
}

#[test]
fn a_bundle_is_replaced_and_the_service_ends_without_a_request_lost() {
    let mut service = Service::start(&[]);
    let key = service.key("admin", &[]);
    let agent = service.agent.clone();
    let (url, ended) = (format!("{}/v1/triage", service.base()), std::sync::atomic::AtomicBool::new(false));
    let (answers, code) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|t| {
                let (agent, url, key, ended) = (&agent, &url, &key, &ended);
                scope.spawn(move || {
                    let mut statuses = Vec::new();
                    for n in 0.. {
                        let body = json!({"tickets": [{"id": format!("{t}-{n}"), "subject": format!("printer {n}")}]});
                        match call(agent, "POST", url, key, &[], Some(&body.to_string())) {
                            Ok(answer) => statuses.push(answer.status),
                            // It no longer listens.
                            Err(_) if ended.load(std::sync::atomic::Ordering::Relaxed) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    statuses
                })
            })
            .collect();
        let before = service.get("/metrics", "").text;
        for _ in 0..5 {
            service.post("/v1/bundle", &key, &json!({})).ok();
        }
        assert!(before.contains("firstline_bundle_swaps_total 0"));
        assert!(service.get("/metrics", "").text.contains("firstline_bundle_swaps_total 5"));
        service.post("/v1/bundle", &key, &json!({"bundle": "../etc"})).problem(400, "E_REQUEST");
        service.post("/v1/bundle", &key, &json!({"bundle": "none-here"})).problem(404, "E_NOT_FOUND");
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        let code = service.terminate();
        (threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>(), code)
    });
    assert_eq!(code, 0, "{}", service.log());
    let all: Vec<u16> = answers.concat();
    assert!(all.len() > 20, "{}", all.len());
    // While it ends it may refuse, never break off.
    assert!(all.iter().all(|s| *s == 200 || *s == 429), "{all:?}");
    // What was answered is on record, each once.
    let log = service.dir.ok(&["store", "audit", "export"]).lines();
    let decided = log.iter().filter(|e| e["action"] == "decide").count();
    assert!(decided >= all.iter().filter(|s| **s == 200).count());
    service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn the_record_is_kept_checked_copied_and_forgotten() {
    let service = Service::start(&["log=debug"]);
    let key = service.key("triage,review", &[]);
    let mut sent = tickets(12);
    sent[0]["body"] = json!("My zanzibarword is broken, my name is Quirinius Zapp.");
    let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 12);
    let head = service.dir.ok(&["store", "audit", "verify"]).stdout.lines().last().unwrap().to_owned();
    service.dir.ok(&["store", "backup", "--to", "copy.db"]);
    service.dir.fails(&["store", "backup", "--to", "copy.db"], "E_");
    service.dir.ok(&["store", "audit", "verify", "--store", "copy.db", "--head", &head]);
    service.dir.ok(&["store", "audit", "export", "--out", "log.jsonl"]);
    service.dir.ok(&["store", "audit", "verify", "--file", "log.jsonl", "--head", &head]);
    let log = std::fs::read_to_string(service.dir.path("log.jsonl")).unwrap();
    assert!(log.lines().count() >= 13);
    let line = log.lines().nth(5).unwrap();
    service.dir.file("cut.jsonl", log.replace(&format!("{line}\n"), ""));
    service.dir.fails(&["store", "audit", "verify", "--file", "cut.jsonl"], "E_AUDIT");
    service.dir.file("changed.jsonl", log.replacen("\"decide\"", "\"decided\"", 1));
    service.dir.fails(&["store", "audit", "verify", "--file", "changed.jsonl"], "E_AUDIT");
    // No word of a ticket stands in the logs, whatever their level.
    for secret in ["zanzibarword", "Quirinius"] {
        assert!(!log.contains(secret) && !service.log().contains(secret), "{secret}");
    }
    let customer = sent[0]["customer"].as_str().unwrap();
    // An item of a job that can't be read, and says so in its own words; a key of that customer's; another spelling.
    let odd = json!({"id": "Z", "customer": customer, "subject": "x", "opened_at": "zanzibarword"});
    let nobodys = json!({"id": "Y", "subject": "x", "opened_at": "zanzibarword"});
    let limited = format!("{customer}, Ltd.");
    let alike = json!({"id": "X", "customer": limited, "subject": "Printer", "body": "It jams."});
    let items = json!({"tickets": [odd, nobodys, alike]});
    let job = service.post("/v1/jobs", &key, &items).ok()["id"].as_str().unwrap().to_owned();
    service.wait_for(|| service.get(&format!("/v1/jobs/{job}"), &key).ok()["state"] == "done");
    let held = service.key("triage", &[customer]);
    let refused = service.dir.fails(&["store", "forget", "--customer", customer], "E_CONFIG");
    assert!(refused.stderr.contains(&limited.to_lowercase()), "{}", refused.stderr);
    let bundle = format!("bundle={}", TRAINED.path("bundle").display());
    let forget = ["store", "forget", "--customer", customer, "--yes", "--json", "--set", &bundle];
    let gone = service.dir.ok(&forget).json();
    let theirs = sent.iter().filter(|t| t["customer"] == customer).count();
    assert_eq!((&gone["tickets"], &gone["keys"], &gone["job_items"]), (&json!(theirs), &json!(1), &json!(1)));
    assert_eq!(gone["similar"], json!([limited.to_lowercase()]));
    assert!(
        gone["bundle"]["index_cases"].as_u64().unwrap() > 0 && gone["bundle"]["weights"] == true,
        "{gone}"
    );
    service.wait_for(|| service.get("/v1/models", &held).status == 401);
    let also = ["store", "forget", "--customer", customer, "--also", &limited, "--yes", "--json"];
    let rest = service.dir.ok(&also).json();
    assert_eq!((&rest["tickets"], &rest["similar"]), (&json!(1), &json!([])));
    let id = answer["results"][0]["decision_id"].as_str().unwrap();
    service.get(&format!("/v1/decisions/{id}"), &key).problem(404, "E_NOT_FOUND");
    service.dir.ok(&["store", "audit", "verify", "--head", &head]);
    let raw =
        ["firstline.db", "firstline.db-wal"].map(|f| std::fs::read(service.dir.path(f)).unwrap_or_default());
    let has = |bytes: &[u8]| bytes.windows(12).any(|w| w == b"zanzibarword");
    assert!(!raw.iter().any(|bytes| has(bytes)), "a word of a forgotten customer is still in the file");
}

#[test]
fn settings_that_can_not_be_are_told_before_anything_starts() {
    let dir = Dir::new();
    dir.fails(&["serve", "--set", "limits.queue_ms=soon"], "E_CONFIG");
    dir.fails(&["serve", "--set", "nonsense=1"], "E_CONFIG");
    dir.fails(&["serve", "--listen", "0.0.0.0:0"], "E_CONFIG");
    dir.fails(&["serve", "--bundle", "nowhere", "--listen", "127.0.0.1:0"], "E_BUNDLE");
    let not_a_store = dir.file("not.db", "this is no database, it is a text that somebody has put there");
    dir.fails(&["store", "keys", "list", "--store", &not_a_store], "E_STORE");
    dir.fails(&["store", "keys", "list", "--store", "missing.db"], "E_STORE");
    let printed = dir.ok(&["serve", "--print-config", "--store", "postgres://u:hunter2@h/d"]).stdout;
    assert!(printed.contains("queue_ms") && !printed.contains("hunter2"));
}
