//! The manager's pages as a browser without a script meets them: who sees what, who may do what, and what a form does.

use firstline_triage::sha256_hex;
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::alone::{SETTINGS, actions, decided, granted, of_acme};
use crate::browser::Browser;
use crate::programme::{evidence, key_of, papers};
use crate::served::{Service, drafted, tickets, triage};

const PAGES: [&str; 5] = ["/week", "/rollout", "/baseline", "/incidents", "/outbox"];

/// A person's browser.
fn browser(service: &Service, name: &str, rights: &str) -> Browser {
    Browser::with(service, name, rights, &[])
}

/// What is between two words of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before}: {page}"));
    rest.split_once(after).unwrap().0
}

/// A programme with one pilot, started so many days ago, signed by two.
fn started(service: &Service, days: i64) {
    let ada = key_of(service, "ada", "manage,approve_rollout,review");
    let lea = key_of(service, "lea", "approve_rollout,review");
    let text = service.dir.ok(&["rollout", "criteria", "--example"]).stdout;
    let version = service.post("/v1/rollout/criteria", &ada, &json!({ "text": text })).ok();
    for key in [&ada, &lea] {
        let body =
            json!({"version": 1, "sha256": version["sha256"], "typed_name": "A. Name", "role": "manager"});
        service.post("/v1/rollout/sign", key, &body).ok();
    }
    let (_, baseline) = papers(&service.dir);
    let on = jiff::Zoned::now().date() - days.days();
    let start = json!({"pilots": ["Acme"], "reason": "Agreed", "on": on,
        "baseline": std::fs::read_to_string(baseline).unwrap()});
    service.post("/v1/rollout/start", &ada, &start).ok();
}

#[test]
fn who_may_look_sees_and_who_may_not_act_changes_nothing() {
    let service = Service::start(&["phase=assist"]);
    let machine = service.key("admin", &[]);
    let (jo, sam) = (browser(&service, "jo", "review"), browser(&service, "sam", "stop"));
    let nobody = Browser::of_nobody(&service);
    for path in PAGES {
        let found = jo.get(path);
        assert_eq!(found.status, 200, "{path}: {}", found.text);
        assert!(found.header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert_eq!(found.header("cache-control"), "no-store");
        assert!(found.text.contains("aria-current=\"page\"") && found.text.contains("<h1"), "{path}");
        assert_eq!((nobody.get(path).status, sam.get(path).status), (303, 403), "{path}");
        assert_eq!(service.get(path, &machine).status, 401, "pages are for people");
    }
    // Nothing has begun: there is no report, and the page says what to do.
    let none = jo.get("/report/day-90");
    assert!(none.status == 404 && none.text.contains("firstline rollout start"), "{}", none.text);
    assert!(jo.get("/week").text.contains("No programme has started."));
    // Who is held to some customers sees theirs, and not the desk's.
    let kim = Browser::of(&service, "kim", &["Acme"]);
    for (path, status) in [
        ("/week", 403),
        ("/rollout", 403),
        ("/baseline", 403),
        ("/report/day-90", 403),
        ("/incidents", 200),
        ("/outbox", 200),
    ] {
        assert_eq!(kim.get(path).status, status, "{path}");
    }
    assert!(!kim.get("/outbox").text.contains("href=\"/week\""), "a place that leads nowhere is in no menu");
    let acts: [(&str, &[(&str, &str)]); 6] = [
        ("/rollout/stop", &[]),
        ("/rollout/hold", &[("level", "pause"), ("reason", "r")]),
        ("/rollout/resume", &[("hold", "1"), ("reason", "r")]),
        ("/rollout/sign", &[("version", "1"), ("sha256", "00"), ("typed_name", "x"), ("role", "y")]),
        ("/rollout/gate", &[("to", "assist"), ("evidence", "{}")]),
        ("/incidents/x", &[("state", "confirmed"), ("reason", "r")]),
    ];
    for (path, form) in acts {
        for (who, one) in [("jo", &jo), ("kim", &kim)] {
            let found = one.post(path, form);
            assert_eq!(found.status, 403, "{who} {path}: {}", found.text);
        }
    }
    let status = service.get("/v1/rollout", &service.key("admin", &[])).ok();
    assert_eq!(status["holds"], json!([]));
    for button in ["action=\"/rollout/", "action=\"/incidents/"] {
        assert!(
            !jo.get("/rollout").text.contains(button) && !jo.get("/incidents").text.contains("Decide"),
            "{button}"
        );
    }
}

#[test]
fn r74_a_stop_takes_one_press_and_says_what_it_held_and_how_to_go_on() {
    let service = Service::start(&["phase=assist", "review.undo_seconds=0"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 4).remove(0);
    let (jo, sam) =
        (browser(&service, "jo", "review,manage,approve_rollout"), browser(&service, "sam", "stop"));
    let (id, version) = (draft["decision_id"].as_str().unwrap(), draft["version"].to_string());
    let text = draft["draft"]["text"].as_str().unwrap();
    let form = [("version", version.as_str()), ("identity", "1"), ("action", "approve"), ("text", text)];
    assert_eq!(jo.post(&format!("/review/{id}"), &form).status, 303);
    assert!(jo.get("/outbox").text.contains(&format!("/review/{id}")));
    let stopped = sam.post("/rollout/stop", &[]);
    assert_eq!(stopped.status, 303, "{}", stopped.text);
    let page = sam.get(stopped.header("location"));
    assert_eq!(page.status, 200, "{}", page.text);
    let held = service.get("/v1/outbox?state=held", &key).ok()["actions"].as_array().unwrap().len();
    assert!(held > 0);
    assert!(
        page.text.contains(&format!("Held back in the outbox now: {held}."))
            && page.text.contains("How to resume"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("action=\"/rollout/resume\""), "who stops may not resume by that");
    let rollout = jo.get("/rollout").text;
    assert!(
        rollout.contains("stop: nothing is done, all is recorded")
            && !rollout.contains("action=\"/rollout/stop\"")
    );
    // It ends on evidence of later, as over the API; what was written is not lost.
    let number = stopped.header("location").rsplit('/').next().unwrap().to_owned();
    let early = jo.post("/rollout/resume", &[("hold", &number), ("reason", "the cause <b> was found")]);
    assert_eq!(early.status, 409, "{}", early.text);
    assert!(
        early.text.contains("the cause &lt;b&gt; was found")
            && early.text.contains("gate has not passed since")
    );
    let none = jo.get("/rollout/holds/99");
    assert_eq!(none.status, 404, "{}", none.text);
}

#[test]
fn a_hold_has_a_known_scope_and_a_reason_and_ends_with_a_cause() {
    let service = Service::start(&[]);
    let ada = browser(&service, "ada", "review,manage,approve_rollout");
    let hold = |level: &str, customer: &str, reason: &str| {
        ada.post(
            "/rollout/hold",
            &[("level", level), ("customer", customer), ("board", ""), ("type", ""), ("reason", reason)],
        )
    };
    assert_eq!(hold("pause", "", " ").status, 400);
    assert_eq!(hold("sleep", "", "why").status, 400);
    assert_eq!(hold("stop", "", "why").status, 403, "that takes the right to stop");
    let unknown = hold("pause", "Nobody Ltd", "it went wrong there");
    assert!(unknown.status == 404 && unknown.text.contains("it went wrong there"), "{}", unknown.text);
    let done = hold("pause", "", "it went wrong <i>");
    assert_eq!(done.status, 303, "{}", done.text);
    let page = ada.get(done.header("location")).text;
    assert!(page.contains("it went wrong &lt;i&gt;") && page.contains("It is on hold"), "{page}");
    let number = done.header("location").rsplit('/').next().unwrap().to_owned();
    assert_eq!(ada.post("/rollout/resume", &[("hold", &number), ("reason", "")]).status, 400);
    assert_eq!(ada.post("/rollout/resume", &[("hold", &number), ("reason", "mended")]).status, 303);
    assert_eq!(ada.post("/rollout/resume", &[("hold", &number), ("reason", "mended")]).status, 404, "once");
    let page = ada.get("/rollout").text;
    assert!(page.contains("Nothing is on hold.") && page.contains("resumed after: pause"), "{page}");
    service.dir.ok(&["store", "audit", "anchor"]);
    service.dir.ok(&["store", "audit", "verify"]);
}

#[test]
fn r11_criteria_are_signed_by_what_was_read_and_a_gate_is_asked_by_name() {
    let service = Service::start(&["phase=assist"]);
    let (ada, lea) = (
        browser(&service, "ada", "review,manage,approve_rollout"),
        browser(&service, "lea", "review,approve_rollout"),
    );
    let text = service.dir.ok(&["rollout", "criteria", "--example"]).stdout;
    let key = key_of(&service, "boss", "manage");
    let version = service.post("/v1/rollout/criteria", &key, &json!({ "text": text })).ok();
    let sha = version["sha256"].as_str().unwrap();
    let page = ada.get("/rollout").text;
    assert_eq!(
        between(between(&page, "action=\"/rollout/sign\"", "</form>"), "name=\"sha256\" value=\"", "\""),
        sha
    );
    let sign = |one: &Browser, sha: &str, name: &str| {
        one.post(
            "/rollout/sign",
            &[("version", "1"), ("sha256", sha), ("typed_name", name), ("role", "lead <b>")],
        )
    };
    assert_eq!(sign(&ada, &"0".repeat(64), "Ada").status, 409, "something else was read");
    assert_eq!(sign(&ada, sha, " ").status, 400);
    assert_eq!(sign(&ada, sha, "Ada").status, 303);
    assert_eq!(sign(&ada, sha, "Ada again").status, 409, "a person signs once");
    let page = ada.get("/rollout").text;
    assert!(
        page.contains("1 of 2 persons have signed.") && page.contains("You have signed this version."),
        "{page}"
    );
    assert!(page.contains("lead &lt;b&gt;") && !page.contains("action=\"/rollout/sign\""));
    assert_eq!(sign(&lea, sha, "Lea").status, 303);
    assert!(ada.get("/rollout").text.contains("in force since it was signed"));

    let (_, baseline) = papers(&service.dir);
    let start = json!({"pilots": ["Acme"], "reason": "Agreed", "baseline": std::fs::read_to_string(baseline).unwrap()});
    service.post("/v1/rollout/start", &key_of(&service, "eve", "approve_rollout"), &start).ok();
    let proof = evidence(&text).to_string();
    let shown = ada.post("/rollout/gate", &[("to", "assist"), ("evidence", &proof)]);
    assert_eq!(shown.status, 200, "{}", shown.text);
    let hash = sha256_hex(proof.as_bytes());
    assert!(shown.text.contains(&format!("<code class=\"hash\">{hash}</code>")), "{}", shown.text);
    let status = service.get("/v1/rollout", &service.key("admin", &[])).ok();
    assert_eq!(status["last_verdict"], Value::Null, "looking asks nothing");
    assert_eq!(ada.post("/rollout/gate", &[("to", "assist"), ("evidence", "{}")]).status, 400);
    let promote = |name: &str, hash: &str| {
        let form = [
            ("to", "assist"),
            ("evidence", &proof),
            ("sha256", hash),
            ("reason", "it is good"),
            ("typed_name", name),
        ];
        ada.post("/rollout/promote", &form)
    };
    let other = promote("Lea", &hash);
    assert!(other.status == 400 && other.text.contains("it is good"), "{}", other.text);
    assert_eq!(promote("ada", &"0".repeat(64)).status, 409);
    let asked = promote("ada", &hash);
    assert_eq!(asked.status, 409, "{}", asked.text);
    assert!(asked.text.contains("not passed") && asked.text.contains("not measured"), "{}", asked.text);
    let page = ada.get("/rollout").text;
    assert!(page.contains("gate to assist not passed") && page.contains(&hash), "{page}");
    assert_eq!(ada.post("/rollout/gate", &[("to", "shadow"), ("evidence", &proof)]).status, 400);
}

#[test]
fn r80_the_weeks_the_baseline_and_the_report_say_what_is_on_record() {
    let service = Service::start(&["phase=assist"]);
    started(&service, 30);
    triage(&service, &service.key("admin", &[]), &tickets(6));
    let jo = browser(&service, "jo", "review");
    let week = jo.get("/week").text;
    assert!(week.contains(", shadow, 1 customer, all their categories. No trigger open."), "{week}");
    for part in
        ["Do desk and Firstline agree on board and type?", "Target: at least 85.0\u{a0}%", "not known"]
    {
        assert!(week.contains(part), "{part}: {week}");
    }
    let baseline = jo.get("/baseline").text;
    assert!(
        baseline.contains("days of history") && baseline.contains("firstline audit-labels"),
        "{baseline}"
    );
    assert!(baseline.contains("The ten largest categories") && baseline.contains("<caption>"), "{baseline}");
    let report = jo.get("/report/day-90");
    assert_eq!(report.status, 200, "{}", report.text);
    let policy = report.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'") && !policy.contains("script"),
        "{policy}"
    );
    assert!(report.text.contains("Report of day 90"), "{}", report.text);
    let rollout = jo.get("/rollout").text;
    assert!(rollout.contains("(now)") && rollout.contains("Nobody has asked yet."), "{rollout}");
    let german = browser(&service, "uwe", "review");
    assert!(german.get("/week").text.contains("lang=\"en\""), "a browser that asks for nothing gets English");
}

#[test]
fn r43_an_incident_is_reported_once_and_decided_by_who_manages() {
    let service = Service::start(&["phase=assist"]);
    let key = service.key("admin", &[]);
    let mut sent = tickets(3);
    sent[0]["customer"] = json!("Evil <script>alert(1)</script> Ltd");
    triage(&service, &key, &sent);
    let (jo, ada) = (browser(&service, "jo", "review"), browser(&service, "ada", "review,manage"));
    let number = sent[0]["id"].as_str().unwrap();
    let day = jiff::Zoned::now().date() - 20.days();
    let at = format!("{day}T10:00");
    let form = |at: &str, ticket: &str| {
        let pairs = [
            ("key", "k1"),
            ("ticket", ticket),
            ("at", at),
            ("kind", "correction"),
            ("severity", "high"),
            ("note", "wrong name <b>"),
        ];
        jo.post("/incidents", &pairs)
    };
    let gone = form(&at, "no such ticket");
    assert!(gone.status == 404 && gone.text.contains("wrong name &lt;b&gt;"), "{}", gone.text);
    assert_eq!(form("yesterday", number).status, 400);
    assert_eq!(form(&at, number).status, 303);
    assert_eq!(form(&at, number).status, 303, "the same form again is the same incident");
    let all = service.get("/v1/incidents", &key).ok()["incidents"].as_array().unwrap().clone();
    assert_eq!((all.len(), &all[0]["state"]), (1, &json!("suspected")));
    let page = jo.get("/incidents?state=suspected").text;
    assert!(
        page.contains("wrong name &lt;b&gt;")
            && page.contains("&lt;script&gt;")
            && !page.contains("<script>alert")
    );
    assert!(page.contains("counts as an error"), "nobody has decided for three business days: {page}");
    assert!(jo.get("/week").text.contains("&lt;script&gt;"), "the week lists it");
    let id = all[0]["id"].as_str().unwrap();
    let decide = |one: &Browser, more: &[(&str, &str)]| {
        one.post(
            &format!("/incidents/{id}"),
            &[&[("state", "confirmed"), ("severity", "low")], more].concat(),
        )
    };
    assert_eq!(decide(&jo, &[("reason", "it was")]).status, 403);
    assert_eq!(decide(&ada, &[("reason", "")]).status, 400);
    assert_eq!(decide(&ada, &[("reason", "it was"), ("sla_credit", "yes"), ("amount", "12,50")]).status, 303);
    assert_eq!(ada.post("/incidents/none", &[("state", "confirmed"), ("reason", "r")]).status, 404);
    let one = service.get("/v1/incidents", &key).ok()["incidents"][0].clone();
    assert_eq!(
        (&one["state"], &one["sla_credit_amount"], &one["severity"], &one["by"]),
        (&json!("confirmed"), &json!(12.5), &json!("low"), &json!("ada"))
    );
    assert!(jo.get("/incidents").text.contains("SLA credit: 12.50"));
}

#[test]
fn r75_what_was_returned_is_put_back_by_who_manages() {
    let service = Service::start(&["phase=assist", "review.undo_seconds=0"]);
    let key = service.key("admin", &[]);
    let draft = drafted(&service, &key, 4).remove(0);
    let (jo, ada) = (browser(&service, "jo", "review"), browser(&service, "ada", "review,manage"));
    let (id, version) = (draft["decision_id"].as_str().unwrap(), draft["version"].to_string());
    let text = draft["draft"]["text"].as_str().unwrap();
    let form = [("version", version.as_str()), ("identity", "1"), ("action", "approve"), ("text", text)];
    assert_eq!(jo.post(&format!("/review/{id}"), &form).status, 303);
    let claimed =
        service.post("/v1/outbox/claim", &key, &json!({"owner": "glue"})).ok()["actions"][0].clone();
    assert!(jo.get("/outbox").text.contains("until "), "it is in flight");
    let path = format!("/v1/outbox/{}", claimed["id"]);
    service.post(&path, &key, &json!({"owner": "glue", "returned": "Kim <b> has answered"})).ok();
    let page = ada.get("/outbox").text;
    let retry = format!("/outbox/{}/retry", claimed["id"]);
    assert!(page.contains("Kim &lt;b&gt; has answered") && page.contains(&retry), "{page}");
    assert!(!page.contains(text.lines().next().unwrap()), "no word of a reply");
    assert!(!jo.get("/outbox").text.contains(&retry));
    assert_eq!(jo.post(&retry, &[]).status, 403);
    assert_eq!(ada.post(&retry, &[]).status, 303);
    assert_eq!(ada.post(&retry, &[]).status, 409, "once");
    assert_eq!(ada.post("/outbox/99999/retry", &[]).status, 404);
    assert_eq!(ada.post("/outbox/x/cancel", &[]).status, 404);
    let now = service.get(&path, &key).ok()["state"].clone();
    assert_eq!(now, "waiting");
}

#[test]
fn r51_what_nobody_approved_is_cancelled_before_it_is_done() {
    let service = Service::start(&[&SETTINGS[..], &["autonomous.hold_seconds=3600"]].concat());
    let key = service.key("triage,review,act,feedback", &[]);
    let (bundle, categories) = decided(&service, &key, &of_acme(30, "before-"));
    granted(&service, &categories, (&bundle, 0.5));
    service.post("/v1/triage", &key, &json!({"tickets": of_acme(30, ""), "drafts": true})).ok();
    service.wait_for(|| !actions(&service, &key, "waiting").is_empty());
    let action = actions(&service, &key, "waiting")[0].clone();
    let jo = browser(&service, "jo", "review");
    let cancel = format!("/outbox/{}/cancel", action["id"]);
    let page = jo.get("/outbox?state=waiting").text;
    assert!(page.contains(&cancel) && page.contains("nobody: a grant allows it"), "{page}");
    let grants = jo.get("/rollout").text;
    assert!(grants.contains("autonomous") && grants.contains("reply ≥ 0.500"), "{grants}");
    assert_eq!(jo.post(&cancel, &[]).status, 303);
    assert_eq!(jo.post(&cancel, &[]).status, 409, "once");
    assert_eq!(service.get(&format!("/v1/outbox/{}", action["id"]), &key).ok()["state"], "void");
}
