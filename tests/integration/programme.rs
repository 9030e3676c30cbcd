//! The programme as people and connectors meet it: signing, starting, shadow that does nothing, events, holds, the gate.

use firstline_serve::rollout::trained_on;
use firstline_serve::served_id;
use firstline_triage::{Bundle, Policy, sha256_hex};
use serde_json::{Value, json};

use crate::served::{Service, drafted, tickets, triage};
use crate::tool::{Dir, TRAINED};

/// Adds a person and gives the file that holds their key.
fn person(dir: &Dir, name: &str, rights: &str) -> String {
    let key = dir.ok(&["users", "add", name, "--right", rights]).stdout;
    dir.file(&format!("{name}.key"), key)
}

/// A person's key that the service knows.
pub(crate) fn key_of(service: &Service, name: &str, rights: &str) -> String {
    let file = person(&service.dir, name, rights);
    let key = std::fs::read_to_string(file).unwrap().trim().to_owned();
    service.wait_for(|| service.get("/v1/models", &key).status != 401);
    key
}

/// Writes the example criteria and a baseline into the folder; gives their names.
pub(crate) fn papers(dir: &Dir) -> (String, String) {
    let criteria = dir.ok(&["rollout", "criteria", "--example"]).stdout;
    let history = TRAINED.path("history.jsonl").display().to_string();
    let baseline = dir.ok(&["rollout", "baseline", "--tickets", &history, "--json"]).stdout;
    (dir.file("criteria.toml", criteria), dir.file("baseline.json", baseline))
}

/// Two persons sign, and the programme starts with the customers as pilots.
fn start(dir: &Dir, pilots: &[&str]) {
    start_with(dir, pilots, &[]);
}

/// The same with more arguments.
pub(crate) fn start_with(dir: &Dir, pilots: &[&str], more: &[&str]) {
    let (criteria, baseline) = papers(dir);
    let files = [person(dir, "ada", "manage,approve_rollout"), person(dir, "ben", "approve_rollout")];
    for file in &files {
        dir.ok(&[
            "rollout",
            "sign",
            "--criteria",
            &criteria,
            "--name",
            "N",
            "--role",
            "manager",
            "--key-file",
            file,
        ]);
    }
    let mut args = vec!["rollout", "start", "--baseline", &baseline, "--reason", "Agreed on Monday"];
    pilots.iter().for_each(|pilot| args.extend(["--pilot", pilot]));
    args.extend(["--key-file", &files[0]]);
    args.extend(more);
    dir.ok(&args);
}

/// An evidence file of the trained bundle, on these criteria.
pub(crate) fn evidence(criteria: &str) -> Value {
    let info = std::fs::read(TRAINED.path("bundle/bundle.json")).unwrap();
    let sha = sha256_hex(&info);
    let (id, policy) = served_id(&sha, &Policy::built_in().unwrap()).unwrap();
    let trained_on = trained_on(&Bundle::load(&TRAINED.path("bundle")).unwrap().info);
    // Tickets of the day on which training ends may stand on either side.
    let day = trained_on.to.unwrap();
    json!({
        "format": "firstline-evidence/1", "id": "e1", "made_at": jiff::Timestamp::now(), "seed": 0,
        "program": {"version": "0.1.0"}, "machine": {"isa": "avx2", "cores": 2},
        "bundle": {"id": id, "sha256": sha, "seed": 1,
            "trained_on": trained_on},
        "policy_sha": policy, "criteria_sha": sha256_hex(criteria.as_bytes()),
        "data": {"sha256": "d".repeat(64), "from": day, "to": day, "tickets": 300, "customers": 12, "left_out": {}},
        "safety": {"attacks": {"n": 192, "passed": 192}},
    })
}

#[test]
fn r11_r12_two_people_sign_before_it_starts_and_each_step_names_who_took_it() {
    let dir = Dir::new();
    let (criteria, baseline) = papers(&dir);
    let ada = person(&dir, "ada", "manage,approve_rollout");
    let ben = person(&dir, "ben", "review");
    dir.fails(&["users", "add", "ada", "--right", "review"], "E_CONFLICT");
    for same in ["Ada", " ada ", "\u{430}da", "ADA"] {
        let refused = dir.fails(&["users", "add", same, "--right", "review"], "E_CONFLICT");
        assert!(refused.stderr.contains("ada"), "{same:?}: {}", refused.stderr);
    }
    for odd in ["Firstline", "F\u{456}rstline", "a\u{200b}da", "ada\u{202e}", ""] {
        dir.fails(&["users", "add", odd, "--right", "review"], "E_CONFIG");
    }
    let people = dir.ok(&["users", "list", "--json"]).lines();
    assert_eq!(people.len(), 2);
    assert_eq!(
        (&people[0]["name"], &people[0]["rights"]),
        (&json!("ada"), &json!(["manage", "approve_rollout"]))
    );
    assert!(people.iter().all(|one| one.get("key").is_none()));

    let begin =
        ["rollout", "start", "--baseline", &baseline, "--pilot", "Acme", "--reason", "r", "--key-file", &ada];
    dir.fails(&begin, "no criteria are on record");
    let sign = |file: &str| {
        ["rollout", "sign", "--criteria", &criteria, "--name", "A Name", "--role", "boss", "--key-file", file]
            .map(str::to_owned)
    };
    let signs = |file: &str| dir.run(&sign(file).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(signs(&ben).stderr.contains("E_SCOPE"), "to put criteria on record takes a right");
    assert!(signs(&ada).stdout.contains("It needs 1 more signature, of another person."));
    assert!(signs(&ada).stderr.contains("ada has signed it already"));
    dir.fails(&begin, "1 of the 2 signatures");
    assert!(signs(&ben).stderr.contains("E_SCOPE"), "to sign takes a right");
    let lea = person(&dir, "lea", "approve_rollout");
    assert!(signs(&lea).stdout.contains("It is in force."));
    // A machine's key is nobody's, and no key is nobody.
    let machine = dir.ok(&["store", "keys", "create", "--name", "glue", "--scope", "admin"]).stdout;
    let machine = dir.file("machine.key", machine);
    let mut other = begin;
    other[9] = &machine;
    dir.fails(&other, "E_SCOPE");
    dir.fails(&begin[..8], "E_AUTH");
    assert!(dir.ok(&begin).stdout.contains("in shadow: day 1"));

    let status = dir.ok(&["rollout", "status", "--json", "--html", "status.html"]).json();
    assert_eq!(
        (&status["phase"], &status["criteria_in_force"], &status["grants"][0]["by"]),
        (&json!("shadow"), &json!(1), &json!("ada"))
    );
    let page = std::fs::read_to_string(dir.path("status.html")).unwrap();
    assert!(page.contains("How the rollout stands") && !page.contains("<script"));
    assert!(
        dir.ok(&["rollout", "report", "--html", "report.html"]).stdout.contains("The rollout week by week")
    );
    dir.fails(&["rollout", "report", "--day90"], "E_NOT_FOUND");
    let next = dir.ok(&["rollout", "next", "--json"]).json();
    assert!(next["now"].is_null() && next["waits_for"].to_string().contains("has not been passed"), "{next}");

    // Holds: a right for each, and a reason.
    let hold = |level: &str, reason: &str, file: &str| {
        dir.run(&["rollout", "hold", "--level", level, "--reason", reason, "--key-file", file, "--json"])
    };
    assert!(hold("pause_expansion", "x", &ben).stderr.contains("E_SCOPE"));
    assert!(hold("stop", "x", &ada).stderr.contains("E_SCOPE"));
    assert!(hold("pause_expansion", " ", &ada).stderr.contains("E_REQUEST"));
    let number = hold("pause_expansion", "Agreement fell twice", &ada).json()["hold"].to_string();
    let resume = |file: &str| {
        dir.run(&["rollout", "resume", "--hold", &number, "--reason", "Only chance", "--key-file", file])
    };
    assert!(resume(&ben).stderr.contains("E_SCOPE"));
    assert!(resume(&ada).stdout.contains("has ended"));
    assert!(resume(&ada).stderr.contains("E_NOT_FOUND"));

    // A device or a folder may have no end: it is refused unread.
    let trained = TRAINED.path("bundle").display().to_string();
    for odd in ["/dev/zero", "/dev/null", "."] {
        dir.fails(
            &["rollout", "sign", "--criteria", odd, "--name", "N", "--role", "r", "--key-file", &ada],
            "no regular file",
        );
        dir.fails(
            &[
                "rollout",
                "gate",
                "--bundle",
                &trained,
                "--evidence",
                odd,
                "--reason",
                "r",
                "--key-file",
                &ada,
            ],
            "no regular file",
        );
        dir.fails(
            &["rollout", "resume", "--hold", "1", "--reason", "r", "--key-file", odd],
            "no regular file",
        );
    }

    // The gate names what is missing, with the status of a failure.
    let text = std::fs::read_to_string(&criteria).unwrap();
    let file = dir.file("evidence.json", evidence(&text).to_string());
    let bundle = TRAINED.path("bundle").display().to_string();
    let ask =
        ["rollout", "gate", "--evidence", &file, "--bundle", &bundle, "--reason", "r", "--key-file", &ada];
    let gate = dir.run(&ask);
    assert_eq!(gate.code, 1, "{}", gate.stderr);
    assert!(gate.stdout.contains("NOT PASSED") && gate.stdout.contains("not measured"), "{}", gate.stdout);
    let told = dir.run(&[&ask[..], &["--json"]].concat()).json();
    let checks = told["checks"].as_array().unwrap();
    let days = checks.iter().find(|check| check["name"] == "days of shadow").unwrap();
    assert_eq!(
        (&days["needed"], &days["found"], &days["short_by"]),
        (&json!(14.0), &json!(0.0), &json!(14.0))
    );
    assert!(told["verdict"].is_string() && told["granted"] == json!([]) && told["refused"] == json!([]));
    // Evidence of another bundle is no evidence.
    let mut foreign = evidence(&text);
    foreign["bundle"]["sha256"] = json!("f".repeat(64));
    let foreign = dir.file("foreign.json", foreign.to_string());
    let mut other = ask;
    other[3] = &foreign;
    let refused = dir.run(&other);
    assert!(
        refused.code == 1 && refused.stdout.contains("The evidence does not count"),
        "{}",
        refused.stdout
    );

    // A hold of after the backup stands when that is put in place.
    dir.ok(&["store", "backup", "--to", "backup.db"]);
    hold("pause_expansion", "Since the backup", &ada);
    let told = dir.ok(&["store", "restore", "backup.db"]);
    assert!(told.stderr.contains("(pause_expansion) is in force again: Since the backup"), "{}", told.stderr);
    let status = dir.ok(&["rollout", "status", "--json"]).json();
    assert_eq!(status["holds"].as_array().unwrap().len(), 1);

    dir.ok(&["users", "disable", "ada"]);
    assert!(resume(&ada).stderr.contains("E_AUTH"));
    dir.ok(&["users", "add", "ada", "--right", "review"]);
    dir.ok(&["store", "audit", "anchor"]);
    dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn r80_the_report_of_day_90_comes_from_the_store_as_text_json_and_a_page() {
    let dir = Dir::new();
    let (criteria, baseline) = papers(&dir);
    let before: Value = serde_json::from_str(&std::fs::read_to_string(&baseline).unwrap()).unwrap();
    assert!(before["baseline"]["before"]["tickets"].as_u64().unwrap() > 0);
    let files = [person(&dir, "ada", "manage,approve_rollout"), person(&dir, "ben", "approve_rollout")];
    for file in &files {
        let sign = [
            "rollout",
            "sign",
            "--criteria",
            &criteria,
            "--name",
            "N",
            "--role",
            "owner",
            "--key-file",
            file,
        ];
        dir.ok(&sign);
    }
    let on = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 30);
    let on = on.to_string()[..10].to_owned();
    let begin = [
        "rollout",
        "start",
        "--baseline",
        &baseline,
        "--reason",
        "r",
        "--pilot",
        "Acme",
        "--on",
        &on,
        "--key-file",
        &files[0],
    ];
    dir.ok(&begin);
    let text = dir.ok(&["rollout", "report", "--day90", "--out", "day90.html"]).stdout;
    for part in ["Report of day 90", "Hours redirected", "Net new capacity", "not known", "Verdict"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = std::fs::read_to_string(dir.path("day90.html")).unwrap();
    assert!(page.contains("class=\"numbers\"") && !page.contains("<script"));
    let told = dir.ok(&["rollout", "report", "--day90", "--json"]).json();
    assert_eq!(
        (&told["format"], &told["verdict"]["outcome"]),
        (&json!("firstline-day90/1"), &json!("running"))
    );
    assert!(
        told["hours_redirected"]["hours"].is_null() && told["evidence"].as_array().unwrap().len() >= 3,
        "{told}"
    );
    let both = dir.run(&["rollout", "report", "--day90", "--weeks", "3"]);
    assert!(both.code == 2 && both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

/// Claims as the process that is connected to a PSA does, and counts what it would write.
fn writes(service: &Service, key: &str) -> usize {
    let claimed = service.post("/v1/outbox/claim", key, &json!({"owner": "psa", "limit": 100})).ok();
    claimed["actions"].as_array().unwrap().len()
}

fn approve(service: &Service, key: &str, decision: &Value) {
    let path = format!("/v1/review/{}", decision["decision_id"].as_str().unwrap());
    let version = decision["version"].to_string();
    let body =
        json!({"action": "approve", "identity_verified": true, "active_seconds": 12.5, "opened_at": "2026-11-02T08:00:00Z"}).to_string();
    service.send("POST", &path, key, &[("If-Match", &version)], Some(&body)).ok();
}

#[test]
fn r23_shadow_writes_nothing_whatever_is_approved_and_whatever_lies_in_the_outbox() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("triage,review,act,feedback", &[]);
    let waiting = drafted(&service, &key, 12);
    assert!(waiting.len() >= 6, "{waiting:?}");
    // Before the programme the settings alone decide.
    approve(&service, &key, &waiting[0]);
    assert_eq!(writes(&service, &key), 1);
    approve(&service, &key, &waiting[1]);
    start(&service.dir, &["Acme"]);
    // Replies and fields of two tickets lie there, and are not to be had.
    assert_eq!(writes(&service, &key), 0);
    waiting[2..].iter().for_each(|decision| approve(&service, &key, decision));
    assert_eq!(writes(&service, &key), 0);
    let listed = service.get("/v1/outbox?limit=100", &key).ok();
    assert_eq!(listed["actions"].as_array().unwrap().len(), 4, "{listed}");
    // What comes in is recorded as decided in shadow.
    let mut new = tickets(1);
    new[0]["id"] = json!("later");
    let decision = &triage(&service, &key, &new)[0];
    assert_eq!((&decision["phase"], &decision["blind"]), (&json!("shadow"), &json!(false)));
    let status = service.get("/v1/rollout", &key).ok();
    assert_eq!((&status["phase"], &status["settings_phase"]), (&json!("shadow"), &json!("assist")));
}

#[test]
fn r21_shadow_predicts_the_fields_of_every_ticket_whoever_sent_it_and_in_whatever_form() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("triage,review", &[]);
    start(&service.dir, &["Acme"]);
    let mut sent = tickets(8);
    sent.push(json!({"id": "subject", "subject": "Imprimante en panne"}));
    sent.push(json!({"id": "body", "body": "Der Drucker im zweiten Stock druckt nicht mehr."}));
    sent.push(json!({"id": "alert", "subject": "[ALERT] disk space low on SRV-04", "source": "monitoring"}));
    sent.push(json!({"id": "html", "body": "<p>La <b>VPN</b> se corta cada hora</p>", "customer": "Nobody knows it"}));
    let decided = triage(&service, &key, &sent);
    assert_eq!(decided.len(), sent.len());
    for (decision, ticket) in decided.iter().zip(&sent) {
        assert_eq!((&decision["ticket_id"], &decision["phase"]), (&ticket["id"], &json!("shadow")));
        for field in ["board", "type", "priority"] {
            let found = &decision["fields"][field];
            assert!(found["label"].as_str().is_some_and(|label| !label.is_empty()), "{field}: {decision}");
            assert!(
                found["confidence"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)),
                "{field}: {decision}"
            );
        }
    }
    // Each is on record, and counts as decided.
    for decision in &decided {
        let path = format!("/v1/decisions/{}", decision["decision_id"].as_str().unwrap());
        let kept = service.get(&path, &key).ok();
        for field in ["board", "type", "priority"] {
            let [kept, told] = [&kept, decision].map(|of| &of["fields"][field]);
            assert_eq!(
                (&kept["label"], &kept["confidence"]),
                (&told["label"], &told["confidence"]),
                "{field}"
            );
        }
    }
}

#[test]
fn r22_shadow_drafts_first_responses_and_logs_them_silently() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("triage,review,act,feedback", &[]);
    start(&service.dir, &["Acme"]);
    let drafts = drafted(&service, &key, 12);
    assert!(drafts.len() >= 6, "{drafts:?}");
    for decision in &drafts {
        let path = format!("/v1/decisions/{}", decision["decision_id"].as_str().unwrap());
        let kept = service.get(&path, &key).ok();
        let text = kept["draft"]["text"].as_str().unwrap_or_default();
        assert!(!text.trim().is_empty() && decision["phase"] == json!("shadow"), "{kept}");
    }
    // Nothing is to be had for the PSA, and the log has a word of each and no word of their texts.
    assert_eq!(writes(&service, &key), 0);
    assert_eq!(service.get("/v1/outbox?limit=100", &key).ok()["actions"], json!([]));
    let log = service.dir.ok(&["store", "audit", "export"]).stdout;
    let entries = log.lines().filter(|line| line.contains("draft")).count();
    assert!(entries >= drafts.len(), "{entries} entries of {} drafts", drafts.len());
    for decision in &drafts {
        let text = decision["draft"]["text"].as_str().unwrap_or("no text");
        assert!(!log.contains(text.lines().last().unwrap()), "{text}");
    }
    service.dir.ok(&["store", "audit", "verify"]);
}

fn event(ticket: &str, psa_key: &str, more: &Value) -> Value {
    let mut event = json!({"ticket_id": ticket, "psa_key": psa_key, "at": "2026-05-04T10:00:00Z", "actor": "mira", "actor_kind": "technician"});
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

#[test]
fn events_are_known_by_their_key_in_any_order_and_a_bad_one_harms_no_other() {
    let service = Service::start(&[]);
    let (sender, teller) = (service.key("triage", &[]), service.key("feedback", &[]));
    triage(&service, &sender, &tickets(3));
    let send = |events: &[Value]| {
        let answer = service.post("/v1/events", &teller, &json!({"events": events})).ok();
        let results = answer["results"].as_array().unwrap().iter();
        let words = results.map(|r| r["result"].as_str().or(r["error"]["code"].as_str()).unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    let events = [
        event("N0", "m1", &json!({"event": "message", "visible": true, "text_key": u64::MAX})),
        event("N0", "t1", &json!({"event": "time_entry", "seconds": 900})),
        event("N1", "m1", &json!({"event": "change", "of": "board", "from": "Service Desk", "to": "Réseau"})),
        event("N2", "g1", &json!({"event": "merge", "into": "N0"})),
    ];
    assert_eq!(send(&events), ["stored"; 4]);
    let mut turned = events.to_vec();
    turned.reverse();
    assert_eq!(send(&turned), ["known"; 4]);
    turned[2]["seconds"] = json!(1800);
    assert_eq!(send(&turned), ["known", "known", "changed", "known"]);
    let long = "x".repeat(257);
    let message = json!({"event": "message", "visible": true});
    let mut bad = vec![
        json!("no object"),
        json!({}),
        event("N0", "", &message),
        event("N0", &long, &message),
        event(" ", "a", &message),
        event("N0", "a", &json!({"event": "message"})),
        event("N0", "a", &json!({"event": "message", "visible": true, "seconds": 1})),
        event("N0", "a", &json!({"event": "message", "visible": true, "text": "Dear Ann"})),
        event("N0", "a", &json!({"event": "time_entry", "seconds": -1})),
        event("N0", "a", &json!({"event": "time_entry", "seconds": 1e300})),
        event("N0", "a", &json!({"event": "change", "from": "a"})),
        event("N0", "a", &json!({"event": "change", "of": "colour"})),
        event("N0", "a", &json!({"event": "change", "of": "board", "to": long})),
        event("N0", "a", &json!({"event": "merge"})),
        event("N0", "a", &json!({"event": "message", "visible": true, "actor_kind": "robot"})),
        event("N0", "a", &json!({"event": "message", "visible": true, "text_key": -1})),
    ];
    let n = bad.len();
    bad.push(event("N0", "a", &json!({"event": "message", "visible": true, "at": "1960-01-01T00:00:00Z"})));
    bad.push(event("nobody's", "a", &message));
    bad.push(event("N0", "last", &message));
    let told = send(&bad);
    assert!(told[..n].iter().all(|code| code == "E_REQUEST"), "{told:?}");
    assert_eq!(told[n..], ["E_DATE", "E_NOT_FOUND", "stored"]);
    service.post("/v1/events", &teller, &json!({"events": []})).problem(413, "E_LIMIT");
    let many: Vec<Value> = (0..1_001).map(|i| event("N0", &i.to_string(), &message)).collect();
    assert!(service.post("/v1/events", &teller, &json!({"events": many})).status >= 400);
    let most = service.post("/v1/events", &teller, &json!({"events": many[..1_000]})).ok();
    assert_eq!(most["recorded"], json!(1_000));
    service.post("/v1/events", &sender, &json!({"events": events})).problem(403, "E_SCOPE");
    assert!(service.dir.ok(&["store", "audit", "verify"]).code == 0);
}

#[test]
fn feedback_takes_the_facts_that_the_rollout_counts() {
    let service = Service::start(&[]);
    let (sender, teller) = (service.key("triage,review", &[]), service.key("feedback", &[]));
    triage(&service, &sender, &tickets(2));
    let item = |more: &Value| {
        let mut item = json!({"ticket_id": "N0", "final": {"board": "Service Desk", "type": "Mail"}, "resolved_at": "2026-05-05T10:00:00Z"});
        for (key, value) in more.as_object().unwrap() {
            item[key] = value.clone();
        }
        service.post("/v1/feedback", &teller, &json!({"items": [item]})).ok()["results"][0].clone()
    };
    let facts = json!({"first_response_at": "2026-05-04T10:00:00Z", "first_response_basis": "message",
        "acknowledged_at": "2026-05-04T09:00:00Z", "tier": 2, "initial": {"board": "Inbox"}, "initial_basis": "intake",
        "opened_by_technician": false, "project": false, "deleted": false, "merged_into": "N1", "history_known": true});
    assert!(item(&facts)["decision_id"].is_string());
    for (bad, code) in [
        (json!({"tier": 4}), "E_REQUEST"),
        (json!({"tier": 0}), "E_REQUEST"),
        (json!({"merged_into": " "}), "E_REQUEST"),
        (json!({"initial": {"bord": "x"}}), "E_FIELD"),
        (json!({"acknowledged_at": "1960-01-01T00:00:00Z"}), "E_DATE"),
    ] {
        assert_eq!(item(&bad)["error"]["code"], code, "{bad}");
    }
    // A ticket that was merged counts in no figure.
    let shadow =
        service.get("/v1/rollout/shadow?from=2024-01-01T00:00:00Z&to=2024-03-01T00:00:00Z", &sender).ok();
    assert_eq!(shadow["tickets"], json!(0));
}

#[test]
fn the_programme_over_http_is_for_people_and_answers_what_is_missing() {
    let service = Service::start(&[]);
    let machine = service.key("admin", &[]);
    let ada = key_of(&service, "ada", "manage,approve_rollout,review");
    let ben = key_of(&service, "ben", "stop");
    let text = service.dir.ok(&["rollout", "criteria", "--example"]).stdout;
    let body = json!({ "text": text });
    service.post("/v1/rollout/criteria", &machine, &body).problem(403, "E_SCOPE");
    service.post("/v1/rollout/criteria", &ben, &body).problem(403, "E_SCOPE");
    service.post("/v1/rollout/criteria", &ada, &json!({"text": "kpi = 1"})).problem(400, "E_CONFIG");
    let version = service.post("/v1/rollout/criteria", &ada, &body).ok();
    let sign = |key: &str, sha: &Value| {
        let body = json!({"version": 1, "sha256": sha, "typed_name": "A. Name", "role": "manager"});
        service.post("/v1/rollout/sign", key, &body)
    };
    sign(&machine, &version["sha256"]).problem(403, "E_SCOPE");
    sign(&ada, &json!("00")).problem(409, "E_CONFLICT");
    assert_eq!(sign(&ada, &version["sha256"]).ok()["missing"], json!(1));
    sign(&ada, &version["sha256"]).problem(409, "E_CONFLICT");
    let (_, baseline) = papers(&service.dir);
    let start = json!({"pilots": ["Acme"], "reason": "Agreed", "baseline": std::fs::read_to_string(baseline).unwrap()});
    service.post("/v1/rollout/start", &ada, &start).problem(409, "E_CONFLICT");
    sign(&ben, &version["sha256"]).problem(403, "E_SCOPE");
    let lea = key_of(&service, "lea", "approve_rollout");
    assert_eq!(sign(&lea, &version["sha256"]).ok()["in_force"], json!(true));
    service.post("/v1/rollout/start", &machine, &start).problem(403, "E_SCOPE");
    service.post("/v1/rollout/start", &ben, &start).problem(403, "E_SCOPE");
    assert_eq!(service.post("/v1/rollout/start", &ada, &start).ok()["programme"]["pilots"], json!(["acme"]));

    let gate = json!({"evidence": evidence(&text).to_string(), "reason": "r"});
    service.post("/v1/rollout/gate", &machine, &gate).problem(403, "E_SCOPE");
    let answer = service.post("/v1/rollout/gate", &ada, &gate);
    assert_eq!(answer.status, 409, "{}", answer.text);
    let told = answer.json();
    assert!(told["passed"] == json!(false) && told["refused"] == json!([]), "{told}");
    assert!(told["checks"].as_array().unwrap().iter().any(|c| c["missing"] == "not measured"), "{told}");
    service
        .post("/v1/rollout/gate", &ada, &json!({"evidence": "{}", "reason": "r"}))
        .problem(400, "E_CONFIG");

    let hold = |key: &str, level: &str| {
        service.post(
            "/v1/rollout/hold",
            key,
            &json!({"level": level, "reason": "It went wrong", "scope": {"customer": "Acme"}}),
        )
    };
    hold(&machine, "pause").problem(403, "E_SCOPE");
    hold(&ada, "stop").problem(403, "E_SCOPE");
    hold(&ada, "sleep").problem(400, "E_REQUEST");
    let number = hold(&ben, "stop").ok()["hold"].clone();
    let resume = |key: &str, reason: &str| {
        service.post("/v1/rollout/resume", key, &json!({"hold": number, "reason": reason}))
    };
    resume(&ben, "Mended").problem(403, "E_SCOPE");
    resume(&ada, " ").problem(400, "E_REQUEST");
    // A stop ends on evidence of later, as a back-out does.
    resume(&ada, "Mended").problem(409, "E_CONFLICT");
    let number = hold(&ada, "pause").ok()["hold"].clone();
    let end = json!({"hold": number, "reason": "Mended"});
    service.post("/v1/rollout/resume", &ben, &end).problem(403, "E_SCOPE");
    assert_eq!(service.post("/v1/rollout/resume", &ada, &end).ok()["level"], json!("pause"));

    let sent = tickets(3);
    triage(&service, &machine, &sent);
    let ids = [json!({"ticket_id": "N0"}), json!({"ticket_id": "N1"}), json!({"ticket_id": "gone"})];
    let from: jiff::Timestamp = sent[0]["opened_at"].as_str().unwrap().parse().unwrap();
    let to = (from + jiff::SignedDuration::from_hours(60 * 24)).min(jiff::Timestamp::now());
    let counted =
        service.post("/v1/rollout/coverage", &machine, &json!({"from": from, "to": to, "tickets": ids})).ok();
    assert_eq!((&counted["found"], &counted["missing"]), (&json!(2), &json!(["gone"])));
    assert_eq!(service.get("/v1/rollout", &ada).ok()["coverage"]["listed"], json!(3));
    assert_eq!(service.get("/v1/rollout/weeks", &ada).ok()["weeks"], json!([]));
    // Its first week has not begun; and whoever may not review may not read it.
    service.get("/v1/rollout/day90", &ada).problem(404, "E_NOT_FOUND");
    service.get("/v1/rollout/day90", &ben).problem(403, "E_SCOPE");
    assert_eq!(service.get("/v1/rollout/criteria", &ada).ok()["in_force"], json!(1));
    service.get("/v1/rollout", &ben).problem(403, "E_SCOPE");
}

#[test]
fn outcomes_of_an_export_bring_its_facts_and_events_once() {
    let service = Service::start(&[]);
    let key = service.key("triage,review", &[]);
    let mut closed = tickets(2);
    triage(&service, &key, &closed);
    for ticket in &mut closed {
        ticket["board"] = json!("Service Desk");
        ticket["type"] = json!("Mail");
        ticket["resolved_at"] = json!("2026-11-01T10:00:00Z");
        ticket["project"] = json!(true);
        ticket["events"] = json!([
            {"psa_key": "t1", "at": "2026-10-30T10:00:00Z", "actor_kind": "technician", "event": "time_entry", "seconds": 900},
            {"psa_key": "c1", "at": "2026-10-30T11:00:00Z", "actor_kind": "system", "event": "change", "of": "board", "from": "Inbox", "to": "Service Desk"},
        ]);
    }
    closed[1]["events"] = json!("none");
    let lines: String = closed.iter().map(|ticket| format!("{ticket}\n")).collect();
    service.dir.file("closed.jsonl", lines);
    let run = service.dir.run(&["store", "outcomes", "--tickets", "closed.jsonl", "--json"]);
    // A key of another form is named, and the rest of its ticket counts.
    assert!(run.code == 3 && run.stderr.contains("line 2"), "{}", run.stderr);
    assert_eq!(
        (&run.json()["joined"], &run.json()["events"], &run.json()["bad"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let again = service.dir.run(&["store", "outcomes", "--tickets", "closed.jsonl", "--json"]).json();
    assert_eq!((&again["joined"], &again["events"]), (&json!(2), &json!(0)));
}
