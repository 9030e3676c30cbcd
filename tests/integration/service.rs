//! The service as its callers meet it: the real program, a real socket, a real store.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::tool::{Dir, TRAINED};

/// How long anything is waited for before the test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of a success.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        self.json()
    }

    /// Expects a problem with this status and code.
    fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(
            !problem["detail"].as_str().unwrap().is_empty()
                && problem["type"].as_str().unwrap().ends_with(code)
        );
        problem
    }
}

/// A running service in a folder of its own.
pub(crate) struct Service {
    pub(crate) dir: Dir,
    child: Child,
    base: String,
    agent: Agent,
    log: Arc<Mutex<String>>,
    args: Vec<String>,
}

impl Service {
    /// Starts one with more settings.
    pub(crate) fn start(set: &[&str]) -> Self {
        Self::start_in(Dir::new(), set)
    }

    pub(crate) fn start_in(dir: Dir, set: &[&str]) -> Self {
        let bundle = TRAINED.path("bundle").display().to_string();
        let mut args: Vec<String> =
            ["serve", "--bundle", &bundle, "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        args.extend(set.iter().flat_map(|set| ["--set".to_owned(), (*set).to_owned()]));
        let agent =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        let log = Arc::default();
        let (child, base) = spawn(&dir, &args, &log);
        Self { dir, child, base, agent: agent.into(), log, args }
    }

    /// Kills it, as a power cut would, and starts it again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.base) = spawn(&self.dir, &self.args, &self.log);
    }

    /// Asks it to end, and waits until it has.
    fn terminate(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// A key with these scopes, for these customers or all.
    pub(crate) fn key(&self, scopes: &str, customers: &[&str]) -> String {
        let mut args = vec!["keys", "create", "--name", "test", "--scope", scopes];
        customers.iter().for_each(|customer| args.extend(["--customer", customer]));
        let key = self.dir.ok(&args).stdout.trim().to_owned();
        // The service reads its keys every two seconds.
        self.wait_for(|| self.get("/v1/models", &key).status != 401);
        key
    }

    /// Waits until `holds`.
    pub(crate) fn wait_for(&self, mut holds: impl FnMut() -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !holds() {
            assert!(std::time::Instant::now() < end, "it never came:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn base(&self) -> String {
        self.base.clone()
    }

    pub(crate) fn get(&self, path: &str, key: &str) -> Answer {
        call(&self.agent, "GET", &format!("{}{path}", self.base), key, &[], None).unwrap()
    }

    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send("POST", path, key, &[], Some(&body.to_string()))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        call(&self.agent, method, &format!("{}{path}", self.base), key, headers, body).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spawn(dir: &Dir, args: &[String], log: &Arc<Mutex<String>>) -> (Child, String) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = dir.command(&args).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut base = None;
    for line in lines.by_ref() {
        let line = line.unwrap();
        log.lock().unwrap().push_str(&format!("{line}\n"));
        if let Some((_, rest)) = line.split_once(" listens on ") {
            base = Some(format!("http://{}", rest.split(';').next().unwrap()));
            break;
        }
    }
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            log.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    (child, base.expect("it listens"))
}

/// A request by any client; an error where the connection breaks.
pub(crate) fn call(
    agent: &Agent,
    method: &str,
    url: &str,
    key: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Result<Answer, ureq::Error> {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json").body(body.to_owned()).unwrap();
            agent.run(request)?
        }
        None => agent.run(request.body(()).unwrap())?,
    };
    let text = response.body_mut().read_to_string()?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
}

/// People's tickets of the history that the bundle has learnt from, under ids of their own.
pub(crate) fn tickets(n: usize) -> Vec<Value> {
    let text = std::fs::read_to_string(TRAINED.path("history.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let people = all.filter(|ticket| ticket["source"] == "email");
    let asked = people.take(n).enumerate().map(|(i, ticket)| {
        let mut new = json!({"id": format!("N{i}")});
        for key in ["subject", "body", "customer", "contact", "source", "opened_at"] {
            new[key] = ticket[key].clone();
        }
        new
    });
    asked.collect()
}

fn triage(service: &Service, key: &str, tickets: &[Value]) -> Vec<Value> {
    let answer = service.post("/v1/triage", key, &json!({"tickets": tickets})).ok();
    answer["results"].as_array().unwrap().clone()
}

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
    assert!(service.get("/docs/", "").text.contains("swagger"));

    let (triager, reviewer) = (service.key("triage", &[]), service.key("review", &[]));
    service.get("/v1/review", &triager).problem(403, "E_SCOPE");
    service.post("/v1/outbox/claim", &reviewer, &json!({"owner": "me"})).problem(403, "E_SCOPE");
    service.post("/v1/triage", &reviewer, &json!({"tickets": tickets(1)})).problem(403, "E_SCOPE");
    service.post("/v1/bundle", &triager, &json!({})).problem(403, "E_SCOPE");
    // A key that is taken back is of no use any more.
    let id = triager.split('_').nth(1).unwrap();
    service.dir.ok(&["keys", "revoke", id]);
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
    // Not by naming their ticket as one's own either.
    let mut stolen = other.clone();
    stolen["customer"] = json!(mine);
    assert_eq!(triage(&service, &held, &[stolen])[0]["error"]["code"], "E_SCOPE");
    let news = json!({"items": [{"decision_id": theirs, "final": {"board": "Mine"}}]});
    assert_eq!(service.post("/v1/feedback", &held, &news).ok()["results"][0]["error"]["code"], "E_NOT_FOUND");
    let found = service.post("/v1/similar", &held, &json!({"ticket": sent[0], "limit": 20})).ok();
    let found = found["similar"].as_array().unwrap();
    assert!(!found.is_empty() && found.iter().all(|case| case["customer"] == mine));
    service.get(&format!("/v1/kpis?customer={}", "somebody"), &held).problem(403, "E_SCOPE");
    assert_eq!(service.get("/v1/kpis", &held).ok()["total"]["tickets"], 1);
    assert_eq!(service.get("/v1/kpis", &all).ok()["total"]["tickets"], 2);
}

/// Sends tickets and gives the decisions whose drafts are there.
fn drafted(service: &Service, key: &str, n: usize) -> Vec<Value> {
    let answer = service.post("/v1/triage", key, &json!({"tickets": tickets(n), "drafts": true})).ok();
    let ready = |r: &&Value| r["draft_state"] == "pending";
    answer["results"].as_array().unwrap().iter().filter(ready).cloned().collect()
}

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
                let body = json!({"action": "edit", "text": format!("Reviewer {i} wrote this."), "reviewer": format!("r{i}")});
                scope.spawn(move || review(draft, version, &body, &format!("race-{i}")).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|s| **s == 409).count(), 5, "{statuses:?}");

    // The same review again is the same; another by then is too late.
    let approve = json!({"action": "approve"});
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
    assert_eq!(reply["payload"]["text"], drafts[1]["draft"]["text"]);
    // What people did teaches how likely drafts are sent unchanged.
    let bundle = TRAINED.path("bundle").display().to_string();
    let learnt =
        service.dir.ok(&["learn-reviews", "--bundle", &bundle, "--store", "firstline.db", "--json"]).json();
    assert_eq!((&learnt["reviews"], &learnt["accepted"]), (&json!(3), &json!(1)));
    std::fs::remove_file(TRAINED.path("bundle.reviews.json")).unwrap();
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
    let key = service.key("triage,review", &[]);
    let mut sent = tickets(4);
    let results = triage(&service, &key, &sent);
    let decided = |i: usize, field: &str| results[i]["fields"][field]["label"].clone();
    let news = json!({"items": [
        {"decision_id": results[0]["decision_id"], "final": {"board": decided(0, "board")},
         "first_response_at": "2026-11-01T00:00:00Z", "reply": "Please restart it."},
        {"ticket_id": "N1", "final": {"board": "Another Board"}, "reopened": true, "handle_seconds": 600},
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
    let closed = json!({"id": "N2", "subject": "x", "board": decided(2, "board"), "type": "Never Decided"});
    service.dir.file("closed.jsonl", format!("{closed}\n{{\"id\":\"Z\",\"subject\":\"y\"}}\n"));
    let imported = service.dir.ok(&["outcomes", "--tickets", "closed.jsonl", "--json"]).json();
    assert_eq!((&imported["joined"], &imported["unknown"]), (&json!(1), &json!(1)));
    let total = service.get("/v1/kpis", &key).ok()["total"].clone();
    assert_eq!((&total["tickets"], &total["agreement"]["fields"]["board"]["of"]), (&json!(4), &json!(3)));
    assert_eq!(total["agreement"]["fields"]["board"]["count"], 2);
    assert_eq!((&total["reopened"]["count"], &total["handle"]["p50"]), (&json!(1), &json!(600.0)));

    // A person has set the board: the ticket changes, the board does not.
    sent[1]["body"] = json!("Please order three laptops for new colleagues, with docks and screens.");
    let again = &triage(&service, &key, &sent[1..2])[0];
    assert_eq!(again["fields"]["board"]["label"], "Another Board");
    assert_eq!(again["fields"]["board"]["kept"], "person");
    assert_ne!(again["decision_id"], results[1]["decision_id"]);
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
fn jobs_are_done_and_can_be_called_off() {
    let service = Service::start(&[]);
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
    let log = service.dir.ok(&["audit", "export"]).lines();
    let decided = log.iter().filter(|e| e["action"] == "decide").count();
    assert!(decided >= all.iter().filter(|s| **s == 200).count());
    service.dir.ok(&["audit", "verify"]);
}

#[test]
fn the_record_is_kept_checked_copied_and_forgotten() {
    let service = Service::start(&["log=debug"]);
    let key = service.key("triage,review", &[]);
    let mut sent = tickets(12);
    sent[0]["body"] = json!("My zanzibarword is broken, my name is Quirinius Zapp.");
    let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 12);
    let head = service.dir.ok(&["audit", "verify"]).stdout.lines().last().unwrap().to_owned();
    service.dir.ok(&["backup", "--to", "copy.db"]);
    service.dir.fails(&["backup", "--to", "copy.db"], "E_");
    service.dir.ok(&["audit", "verify", "--store", "copy.db", "--head", &head]);
    service.dir.ok(&["audit", "export", "--out", "log.jsonl"]);
    service.dir.ok(&["audit", "verify", "--file", "log.jsonl", "--head", &head]);
    let log = std::fs::read_to_string(service.dir.path("log.jsonl")).unwrap();
    assert!(log.lines().count() >= 13);
    let line = log.lines().nth(5).unwrap();
    service.dir.file("cut.jsonl", log.replace(&format!("{line}\n"), ""));
    service.dir.fails(&["audit", "verify", "--file", "cut.jsonl"], "E_AUDIT");
    service.dir.file("changed.jsonl", log.replacen("\"decide\"", "\"decided\"", 1));
    service.dir.fails(&["audit", "verify", "--file", "changed.jsonl"], "E_AUDIT");
    // No word of a ticket stands in the logs, whatever their level.
    for secret in ["zanzibarword", "Quirinius"] {
        assert!(!log.contains(secret) && !service.log().contains(secret), "{secret}");
    }
    let customer = sent[0]["customer"].as_str().unwrap();
    service.dir.fails(&["forget", "--customer", customer], "E_CONFIG");
    let gone = service.dir.ok(&["forget", "--customer", customer, "--yes", "--json"]).json();
    let theirs = sent.iter().filter(|t| t["customer"] == customer).count();
    assert_eq!(gone["tickets"], theirs);
    let id = answer["results"][0]["decision_id"].as_str().unwrap();
    service.get(&format!("/v1/decisions/{id}"), &key).problem(404, "E_NOT_FOUND");
    service.dir.ok(&["audit", "verify", "--head", &head]);
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
    dir.fails(&["keys", "list", "--store", &not_a_store], "E_STORE");
    dir.fails(&["keys", "list", "--store", "missing.db"], "E_STORE");
    let printed = dir.ok(&["serve", "--print-config", "--store", "postgres://u:hunter2@h/d"]).stdout;
    assert!(printed.contains("queue_ms") && !printed.contains("hunter2"));
}
